"""What docs/pointing-clients-here.md shows, runs: its programs in Python and Node, and its commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.sdk.application import Application
from workbench.local import Local

pytestmark = pytest.mark.sockets

PAGE = (ROOT / "docs" / "pointing-clients-here.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
# What each says, in the order of the page.
SAID = [
    r"webhook: answer\nwebhook: disconnect\ncall: disconnected hangup\n",
    r"current_call_queue_size=0 max_call_queue_size=\d+ .*",
    r"\[\]\nhttp://127.0.0.1:\d+\n",
    r"\{'currentCallQueueSize': 0, 'maxCallQueueSize': \d+\}\n",
    r"\{'currentCallQueueSize': 0, 'maxCallQueueSize': \d+\}\n\[\]\n",
]


def here(text: str, local: Local) -> str:
    """The text with the test's platform in the place of the page's."""
    assert "http://127.0.0.1:8010" in text or "use_local(account_id" in text
    return text.replace("http://127.0.0.1:8010", local.url)


def test_all_programs_are_looked_at() -> None:
    assert len(PYTHON) == len(SAID)
    assert [language for language, _ in BLOCKS if language != "python"] == ["sh", "sh", "sh", "js", "sh"]


@pytest.mark.parametrize(("text", "said"), list(zip(PYTHON, SAID, strict=True)))
def test_python(text: str, said: str, local: Local, tmp_path: Path, child_environment: Callable[..., dict[str, str]]) -> None:
    program = tmp_path / "first.py"
    program.write_text(here(text, local))
    environment = child_environment()
    if "from workbench" not in text:
        # a program that knows nothing of this project
        del environment["PYTHONPATH"]
    ran = subprocess.run(
        [sys.executable, str(program)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(said, ran.stdout, re.DOTALL), ran.stdout


def test_the_platform_starts_as_the_page_says(child_environment: Callable[..., dict[str, str]]) -> None:
    command = next(text for language, text in BLOCKS if language == "sh").split()
    assert (command[0], command[-2:]) == (".venv/bin/python", ["--port", "8010"])
    ran = [sys.executable, *command[1:-1], "0"]
    with subprocess.Popen(ran, stdout=subprocess.PIPE, text=True, env=child_environment()) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline().split()[-1] for _ in range(5)]
        process.terminate()
    table = PAGE.partition("## A first program")[0].replace("http://127.0.0.1:8010", printed[0])
    addresses = [address.removesuffix("/accounts/9900000") for address in printed[1:]]
    assert [address for address in addresses if f"`{address}`" not in table] == []


def test_a_phone_is_told_by_curl(local: Local) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    (commands,) = [text for language, text in BLOCKS if language == "sh" and "/keys" in text]
    application = Application()
    gather = f'<Response><StartGather dtmfUrl="{application.at(path="/key")}"/><Pause duration="60"/></Response>'
    body = {"from": "+19195550100", "to": "+15550100001", "applicationId": "a0000000-0000-4000-8000-000000000001"}
    body |= {"answerUrl": application.at(gather), "disconnectUrl": application.at()}
    httpx.post(f"{local.url}/api/v2/accounts/9900000/calls", json=body, auth=("local", "local")).raise_for_status()
    application.wait("answer")
    local.clock.advance(0)
    keys, hangup = here(commands, local).splitlines()
    subprocess.run(["bash", "-c", keys], capture_output=True, timeout=30, check=True)
    assert [application.wait("dtmf", digit=digit)["digit"] for digit in "12#"] == ["1", "2", "#"]
    subprocess.run(["bash", "-c", hangup], capture_output=True, timeout=30, check=True)
    assert application.wait("disconnect")["cause"] == "hangup"
    application.close()


def test_curl(local: Local) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    (commands,) = [text for language, text in BLOCKS if language == "sh" and text.startswith("curl -u")]
    answers = [
        subprocess.run(["bash", "-c", line.replace("curl ", "curl -sS ")], capture_output=True, text=True, timeout=30, check=True).stdout
        for line in here(commands, local).splitlines()
    ]
    assert answers[0] == "[]"
    assert '"access_token"' in answers[1]


def test_node(packages: Path, local: Local, tmp_path: Path) -> None:
    (text,) = [text for language, text in BLOCKS if language == "js"]
    program = tmp_path / "program.js"
    program.write_text(here(text, local))
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(packages)}
    ran = subprocess.run(["node", str(program)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(r"[0-9a-f-]{36}\n<\?xml .*;encoding=jwt.*</Response>\n\[\]\n", ran.stdout, re.DOTALL), ran.stdout


def test_node_with_the_preload(packages: Path, local: Local, tmp_path: Path) -> None:
    (text,) = [text for language, text in BLOCKS if language == "sh" and "node" in text and "NODE_OPTIONS" in text]
    program = "fetch('https://voice.bandwidth.com/api/v2/accounts/9900000/calls').then((answer) => console.log(answer.status));"
    (tmp_path / "program.js").write_text(program)
    command = here(text, local).replace("program.js", str(tmp_path / "program.js"))
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "401\n", "")
