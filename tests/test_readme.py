"""What the README shows, runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.sockets
def test_the_first_call_runs(child_environment):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(example.splitlines()) <= 12
    ran = subprocess.run([sys.executable, "-c", example], env=child_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [line.split()[2] for line in ran.stdout.splitlines() if " createCall " in line] == ["createCall", "createCall"]
    assert "disconnect" in ran.stdout.splitlines()[-1]


def test_every_word_and_file_it_names_exists():
    launcher = (ROOT / "run.py").read_text(encoding="utf-8")
    for word in re.findall(r"run\.py (\w+)", README):
        assert word == "help" or f"python3 run.py {word} " in launcher
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
