"""Shared by all tests: nobody's own settings, state or Jupyter configuration reaches a test, and none of a test's stays behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
OWN_SETTINGS = ("BW_", "WORKBENCH_", "NGROK_", "PYNGROK_", "BASE_CALLBACK_URL", "USER_NUMBER", "JUPYTER", "IPYTHON", "CONDA_")


def clean_environment(home: Path) -> dict[str, str]:
    """Variables for a child process: no settings of the workbench, and Jupyter's and IPython's own folders below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "WORKBENCH_STATE_DIR": str(home / "state"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(home / "ipython"),
    }


@pytest.fixture(autouse=True)
def own_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests run with the defaults of a fresh machine; those marked `live` keep the credentials they are given."""
    if "live" not in request.keywords:
        for name in [name for name in os.environ if name.startswith(OWN_SETTINGS)]:
            monkeypatch.delenv(name)
    monkeypatch.setenv("WORKBENCH_STATE_DIR", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def child_environment(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """`child_environment(NAME="value")` gives the variables of a clean child process, with yours added."""

    def make(**variables: str) -> dict[str, str]:
        return clean_environment(tmp_path / "home") | variables

    return make


@pytest.fixture
def agent(tmp_path: Path) -> str:
    """A stand-in for ngrok's agent, as an executable that runs under this interpreter."""
    path = tmp_path / "ngrok"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "standin_ngrok.py"} "$@"\n')
    path.chmod(0o755)
    return str(path)
