"""`run.py` for real, on a tiny project of its own: environments are made, kept, mended; failures say what to do."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from threading import Timer

import flit_core
import httpx
import pytest

from tests.conftest import ROOT, clean_environment

WORDS = (
    "lab",
    "demo",
    "test",
    "check",
    "bench",
    "bench-media",
    "soak",
    "parity",
    "conformance",
    "fuzz",
    "notebooks",
    "clean",
    "format",
    "lock",
)

# The build backend comes along, so that nothing is fetched.
PROJECT = """
[build-system]
requires = []
build-backend = "flit_core.buildapi"
backend-path = ["backend"]
[project]
name = "workbench"
version = "0.1.0"
description = "tiny"
requires-python = ">=3.11"
dependencies = [{dependencies}]
optional-dependencies.test = []
"""

pytestmark = [pytest.mark.sockets, pytest.mark.skipif(os.name == "nt", reason="written for POSIX")]


class Tiny:
    """A project with run.py in it and nothing to download."""

    def __init__(self, root: Path, tools: Path) -> None:
        self.root = root
        self.tools = tools
        shutil.copytree(Path(flit_core.__file__).parent, root / "backend" / "flit_core", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "run.py", root)
        (root / "workbench").mkdir()
        (root / "workbench" / "__init__.py").touch()
        (root / "tests").mkdir()
        (root / "tests" / "__init__.py").touch()  # else a regular package of that name elsewhere wins
        (root / "tests" / "bench.py").write_text("import sys, workbench; print('ran', *sys.argv[1:], sys.prefix)")
        (root / "requirements.lock").touch()
        self.depend()

    def depend(self, *names: str) -> None:
        (self.root / "pyproject.toml").write_text(PROJECT.format(dependencies=", ".join(map(repr, names))))

    def run(self, *words: str, python: str = sys.executable, **variables: str) -> subprocess.CompletedProcess[str]:
        # no uv, unless a test puts one among the tools; /bin has what scripts need
        environment = clean_environment(self.root / "home") | {"PATH": f"{self.tools}:/usr/bin:/bin", "PIP_NO_INDEX": "1"} | variables
        del environment["PYTHONPATH"]
        command = [python, str(self.root / "run.py"), *words]
        return subprocess.run(command, env=environment, cwd=self.tools, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def tiny(tmp_path):
    for name in ("project", "tools"):
        (tmp_path / name).mkdir()
    return Tiny(tmp_path / "project", tmp_path / "tools")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_first_start_second_start_new_lock_and_mending(tiny, tool):
    if tool == "uv":
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if not uv:
            pytest.skip("no uv here")
        (tiny.tools / "uv").symlink_to(uv)
        # seeding pip would need the registry; this uv is told not to
        (tiny.root / "run.py").write_text((tiny.root / "run.py").read_text().replace('"--seed", ', ""))

    first = tiny.run("bench", "a", "b", UV_OFFLINE="1")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0].startswith("run.py: making .venv")
    assert first.stdout.splitlines()[-1] == f"ran a b {tiny.root / '.venv'}"

    second = tiny.run("bench")
    assert (second.returncode, second.stdout) == (0, f"ran {tiny.root / '.venv'}\n")

    (tiny.root / "requirements.lock").write_text("nothing==1.0\n")
    third = tiny.run("bench", UV_OFFLINE="1")
    assert [line[:18] for line in third.stdout.splitlines()] == ["run.py: installing", f"ran {tiny.root}"[:18]]

    (tiny.root / ".venv" / "bin" / "python").unlink()
    fourth = tiny.run("bench", UV_OFFLINE="1")
    assert fourth.returncode == 0
    assert "making .venv" in fourth.stdout


def test_without_a_network(tiny):
    tiny.depend("jupyterlab")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but not listening: a connection is refused
        index = f"http://127.0.0.1:{nobody.getsockname()[1]}/simple"
        own = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": index, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
        failed = tiny.run("bench", **own)
    assert failed.returncode == 1
    assert "connect and try again" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tiny.root / ".venv" / "workbench-installed").exists()

    tiny.depend()
    assert tiny.run("bench").returncode == 0  # it goes on where it stopped


def test_without_the_venv_module(tiny):
    bare = tiny.tools / "python3"
    bare.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    bare.chmod(0o755)
    code = (
        f"import runpy, sys; sys.executable = {str(bare)!r}; sys.argv = ['run.py', 'bench']; runpy.run_path('run.py', run_name='__main__')"
    )
    environment = clean_environment(tiny.root / "home") | {"PATH": "/usr/bin:/bin"}
    failed = subprocess.run([sys.executable, "-c", code], cwd=tiny.root, env=environment, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "apt install python3-venv" in failed.stderr


def test_with_a_python_that_is_too_old(tiny):
    launcher = tiny.root / "run.py"
    launcher.write_text(re.sub(r"^VERSIONS = .*$", "VERSIONS = ((3, 97), (3, 98))", launcher.read_text(), flags=re.MULTILINE))
    failed = tiny.run("bench")
    assert failed.returncode == 1
    assert "is needed and none was found" in failed.stderr

    shim = tiny.tools / "python3.98"  # there, but leading nowhere
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert tiny.run("bench").returncode == 1

    (tiny.tools / "python3.97").symlink_to(sys.executable)  # another one on PATH is taken
    assert "python3.97" in tiny.run("bench").stdout


def test_words():
    documented = re.findall(r"^    python3 run\.py ([\w-]+)", runpy.run_path(str(ROOT / "run.py"))["__doc__"], re.MULTILINE)
    assert tuple(documented) == WORDS
    for words, status in [([], 1), (["help"], 0), (["nonsense"], 1)]:
        told = subprocess.run([sys.executable, str(ROOT / "run.py"), *words], capture_output=True, text=True, check=False)
        assert (told.returncode, "python3 run.py lab" in told.stdout) == (status, True)


def test_an_environment_of_conda_is_used_as_it_is(tiny):
    ran = tiny.run("bench", CONDA_DEFAULT_ENV="workbench")
    assert (ran.returncode, ran.stdout) == (0, f"ran {sys.prefix}\n")
    assert not (tiny.root / ".venv").exists()


def test_the_launcher_is_small_and_needs_only_the_standard_library():
    source = (ROOT / "run.py").read_text()
    assert len(source.splitlines()) <= 170
    assert set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)) <= set(sys.stdlib_module_names)


def test_lab_with_the_port_taken_and_no_browser(tmp_path):
    """JupyterLab takes the next port, and the address to open is printed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = clean_environment(tmp_path) | {"PATH": str(tmp_path), "CONDA_DEFAULT_ENV": "workbench", "BROWSER": ""}
        environment.pop("DISPLAY", None)
        command = [sys.executable, str(ROOT / "run.py"), "lab", f"--port={port}", "--ip=127.0.0.1"]
        lab = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
        timer = Timer(60, lab.kill)
        timer.start()
        try:
            seen = []
            address = None
            for line in lab.stdout:
                seen.append(line)
                address = re.search(r"http://127\.0\.0\.1:\d+\S*token=\w+", line)
                if address:
                    break
            assert address, "".join(seen)
            assert "no browser here" in seen[0]
            assert f":{port}/" not in address[0]
            assert "/lab/tree/notebooks/01_transfer.ipynb" in address[0]
            url, token = re.search(r"(http://[^/]+/).*token=(\w+)", address[0]).groups()
            answer = httpx.get(
                f"{url}api/contents/run.py", params={"content": "0"}, headers={"Authorization": f"token {token}"}, timeout=10
            )
            assert answer.json()["path"] == "run.py"
        finally:
            timer.cancel()
            lab.terminate()
            lab.communicate(timeout=20)
