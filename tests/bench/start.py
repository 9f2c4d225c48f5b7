"""How long it takes to begin: importing, a workbench that is ready, the platform alone. Each in fresh interpreters, medians."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench.children import SIMULATOR, child
from tests.bench.figures import Row
from tests.conftest import clean_environment

IMPORT_S, READY_S, PLATFORM_S = 0.4, 1.2, 0.7
CLOCK = "import time; began = time.perf_counter()"
TELL = "print(time.perf_counter() - began)"
# what a notebook's first line imports; the package alone is lazy and takes next to nothing
IMPORT = f"{CLOCK}; from workbench import Workbench; {TELL}"
FLASK = f"{CLOCK}; import flask; {TELL}"
READY = f"from workbench import Workbench; {CLOCK}; wb = Workbench(); {TELL}; wb.close()"


def measure(times: int = 5) -> list[Row]:
    """Each of them so many times, in turns, after a first time that fills the caches."""
    found: list[list[float]] = []
    for _ in range(times + 1):
        found.append([_told(IMPORT), _told(FLASK), _told(READY), _platform()])
    imported, flask, ready, platform = (median(column) for column in zip(*found[1:], strict=True))
    return [
        Row(
            "from workbench import Workbench",
            _s(imported),
            f"{_s(flask)}, import flask",
            imported / flask,
            f"≤ {IMPORT_S} s",
            imported <= IMPORT_S,
        ),
        Row("Workbench() ready", _s(ready), f"{_s(flask)}, import flask", ready / flask, f"≤ {READY_S} s", ready <= READY_S),
        Row(
            "simulator's process ready",
            _s(platform),
            f"{_s(flask)}, import flask",
            platform / flask,
            f"≤ {PLATFORM_S} s",
            platform <= PLATFORM_S,
        ),
    ]


def _told(code: str) -> float:
    """The seconds that a program prints."""
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment(Path(home))
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{code!r} failed:\n{done.stderr}")
    return float(done.stdout)


def _platform() -> float:
    """From starting the process to its line, which it tells once it listens."""
    began = time.perf_counter()
    with child(*SIMULATOR):
        return time.perf_counter() - began


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
