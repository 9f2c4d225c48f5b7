#!/usr/bin/env python3
"""The chores of this project, one word each. Needs nothing but Python.

    python3 run.py lab         open the lessons in JupyterLab
    python3 run.py demo        show the lessons' stories to an audience, with sound and without code
    python3 run.py test        run the tests (further words go to pytest)
    python3 run.py check       ruff and mypy
    python3 run.py bench       measure, and print each figure beside its baseline
    python3 run.py bench-media measure sound: how soon, how late, at what cost, how even; beside a busy program
    python3 run.py soak        calls with sound for ten minutes (--minutes N): the slopes of memory and gaps
    python3 run.py parity      count rules and scenarios; with live credentials, compare a real account with the local platform
    python3 run.py conformance check the platform by Bandwidth's OpenAPI documents and write docs/conformance.md
    python3 run.py fuzz        lay siege to the platform with 20,000 requests of every kind
    python3 run.py notebooks   execute every lesson without a browser
    python3 run.py clean       take outputs and widget state out of the notebooks
    python3 run.py format      let ruff format the code
    python3 run.py lock        look for newer versions and write requirements.lock (needs uv)

The first start makes .venv with the versions of requirements.lock, by uv if it is there, else by venv and pip.
Inside a conda environment named "workbench" (see environment.yml) that environment is used as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "workbench-installed"
LOCK = "requirements.lock"
SEARCHED = ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH")
VERSIONS = ((3, 11), (3, 12), (3, 13))


def stop(message: str) -> NoReturn:
    sys.exit(f"\nrun.py: {message}")


def works(*command: str) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True, cwd=ROOT, check=False).returncode == 0


def must(*command: str, otherwise: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        stop(otherwise)


def interpreter() -> str:
    """This Python if it is one we support, else another on PATH."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in reversed(VERSIONS):
        found = shutil.which(f"python{major}.{minor}")
        if found and works(found, "-c", ""):  # a version manager's shim is there even when it leads nowhere
            return found
    stop(f"Python 3.11, 3.12 or 3.13 is needed and none was found (this is {sys.version.split()[0]}). Install one and try again.")


def create(uv: str | None) -> None:
    base = interpreter()
    print(f"run.py: making {VENV.name} with {base}", flush=True)
    if uv:
        must(uv, "venv", "--quiet", "--clear", "--seed", "--python", base, str(VENV), otherwise="uv could not make it; see above.")
    elif not works(base, "-c", "import ensurepip, venv"):
        stop(f"{base} has no venv module. On Debian and Ubuntu: apt install python3-venv. Or install uv and try again.")
    else:
        must(base, "-m", "venv", "--clear", str(VENV), otherwise="venv could not make it; see above.")


def install(extra: str, uv: str | None) -> None:
    print("run.py: installing the locked versions, which takes up to a minute", flush=True)
    tool = (uv, "pip", "install", "--quiet", "--python", str(PYTHON)) if uv else (str(PYTHON), "-m", "pip", "install", "-qq")
    must(
        *(*tool, "-c", LOCK, "-e", f".[{extra}]" if extra else "."),
        otherwise="installing failed; the reason is above. Without a network, or where the package registry cannot be reached, connect"
        " and try again; behind a proxy set HTTPS_PROXY; for a registry of your own set PIP_INDEX_URL (uv: UV_DEFAULT_INDEX).",
    )


def environment(extra: str = "") -> str:
    """The Python to run with, everything installed; does nothing when the stamp says that it has been done."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "workbench":
        return sys.executable
    inputs = [str(ROOT).encode(), (ROOT / LOCK).read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    digest = hashlib.sha256(b"\0".join(inputs)).hexdigest()
    if not works(str(PYTHON), "-c", ""):
        create(shutil.which("uv"))
    done = STAMP.read_text().split() if STAMP.exists() else []
    if digest not in done or (extra and extra not in done):
        STAMP.unlink(missing_ok=True)
        install(extra, shutil.which("uv"))
        kept = done[1:] if digest in done else []
        STAMP.write_text(" ".join([digest, *kept, *filter(None, [extra])]) + "\n")
    return str(PYTHON)


def become(*command: str, **variables: str) -> NoReturn:
    """Hand over to the tool, so that signals and the exit code are its own."""
    os.chdir(ROOT)
    os.environ.update(variables)
    if os.name != "nt":
        os.execv(command[0], command)
    sys.exit(subprocess.run(command, check=False).returncode)


def browsing() -> list[str]:
    """What a server is told when there is no browser that it could open."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        print("run.py: no browser here; open the address that is printed below", flush=True)
        return ["--no-browser"]
    return []


def lab(*words: str) -> NoReturn:
    python = environment("speech")
    options = ["--ServerApp.root_dir=.", "--LabApp.default_url=/lab/tree/notebooks/01_transfer.ipynb", *browsing()]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    shipped = {name: os.pathsep.join(filter(None, [str(ROOT / ".jupyter"), os.environ.get(name)])) for name in SEARCHED}
    become(python, "-m", "jupyterlab", *options, *words, **shipped)


def demo(*words: str) -> NoReturn:
    # A page that is closed asks for its kernel's end, which Voilà refuses (it sends no XSRF token): what nobody looks at ends by itself.
    ends = ("--MappingKernelManager.cull_idle_timeout=60", "--MappingKernelManager.cull_interval=10")
    become(environment("demo,speech"), "-m", "voila", "workbench/demo/demo.ipynb", "--theme=dark", *ends, *browsing(), *words)


def check(*_: str) -> NoReturn:
    python = environment("test")
    tools = [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)]
    sys.exit(bool(sum(abs(subprocess.run([python, "-m", *tool], cwd=ROOT, check=False).returncode) for tool in tools)))


def lock(*words: str) -> NoReturn:
    uv = shutil.which("uv") or stop("uv is needed to write the lock; install it first (pip install uv).")
    how = "-q --upgrade --universal --python-version 3.11 --fork-strategy fewest --all-extras --no-header --no-annotate"
    become(uv, "pip", "compile", *how.split(), "pyproject.toml", "-o", LOCK, *words)


def main(words: list[str]) -> NoReturn:
    word, rest = (words[0], words[1:]) if words else ("", [])
    modules = {"test": ["pytest"], "notebooks": ["pytest", "tests/notebooks"], "bench": ["tests.bench"], "format": ["ruff", "format", "."]}
    modules |= {"conformance": ["tests.conformance"], "parity": ["tests.corpus.parity"], "fuzz": ["tests.fuzz"]}
    modules |= {"bench-media": ["tests.bench", "media"], "soak": ["tests.bench.soak"]}
    modules |= {"clean": ["nbstripout", *map(str, sorted(ROOT.glob("notebooks/*.ipynb")))]}
    if word in modules:
        become(environment("test"), "-m", *modules[word], *rest)
    for chore in (lab, demo, check, lock):
        if chore.__name__ == word:
            chore(*rest)
    print(__doc__)
    sys.exit(0 if word in ("help", "-h", "--help") else f"run.py: {word!r} is none of these words" if word else "run.py: which one?")


if __name__ == "__main__":
    main(sys.argv[1:])
