"""Bandwidth's official Node packages, in a folder of their own, and a platform whose controls are open."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from workbench.local import Local

WANTED = ROOT / "tests" / "node" / "package.json"
CACHE = ROOT / ".node"
INSTALL = ["npm", "install", "--prefix", str(CACHE), "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
PHONES = ("+15550100001", "+15550100002", "+15550100003")


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where the packages are."""
    return installed()


def installed() -> Path:
    """Where the packages are; they are installed when they are not there yet, and without Node the test is skipped."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    wanted, copy = WANTED.read_text(), CACHE / "package.json"
    found = CACHE / "node_modules" / "@bandwidth"
    if not (found.is_dir() and copy.exists() and copy.read_text() == wanted):
        CACHE.mkdir(exist_ok=True)
        copy.write_text(wanted)
        ran = subprocess.run(INSTALL, capture_output=True, text=True, timeout=300, check=False)
        if ran.returncode:
            shutil.rmtree(CACHE)
            pytest.skip(f"npm could not install the packages: {ran.stderr[-300:]}")
    return CACHE / "node_modules"


@pytest.fixture
def local(child_environment: Callable[..., dict[str, str]]) -> Iterator[Local]:
    command = [sys.executable, "-m", "workbench.simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment())
    assert process.stdout is not None
    handle = Local(process.stdout.readline().split()[-1])
    for number in PHONES:
        handle.phone(number).set(ring_seconds=0)
    yield handle
    handle.close()
    process.terminate()
    process.communicate()
