"""The lessons with live settings: against a platform in a process of its own, over sockets, with credentials that are no defaults.

Nothing in a lesson asks whether it is live: steps that need the local platform's powers say so and are skipped, the others run and check.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from nbformat import NotebookNode

from tests.conftest import ROOT
from tests.notebooks.harness import LESSONS, Execution

pytestmark = pytest.mark.sockets

ACCOUNT, NUMBER, MINE = "9911111", "+15550100001", "+15550107788"
USER, PASSWORD = "someone@example.com", "correct-horse-battery"
CLIENT, SECRET = "client-4711", "staple-of-the-client"
APPLICATION = "11111111-2222-4333-8444-555555555555"
# What a reader must find skipped, by the headings of the steps; all else runs.
SKIPPED = {
    "01_transfer": ["step-02", "step-05", "step-07", "hear", "step-09", "step-10", "step-12"],
    "02_bridge": ["step-00", "step-01", "step-04", "step-05", "step-07", "hear", "step-09", "step-11"],
    "03_conference": ["step-00", "step-03", "step-04", "step-05", "hear", "step-06", "step-06", "step-07", "step-08", "step-12"],
}
LOOK = """
import json
from workbench.wiring import Wiring
parts: Wiring = wb._wiring
wires = {"voice": parts.voice._wire, "webrtc": parts.webrtc._wire}
webhooks = [event for event in parts.log.events() if event.direction == "webhook" and not event.event_type.startswith("on")]
print(json.dumps({name: "Basic" if wire._user else "OAuth2" for name, wire in wires.items()}))
print(json.dumps({"challenged": parts.log.refused.get("challenged"), "webhooks": len(webhooks), "late": sum(e.late for e in webhooks)}))
"""


@dataclass(frozen=True)
class Platform:
    """A platform that knows nothing of the workbench that will use it."""

    url: str

    def state(self) -> dict[str, Any]:
        """Everything there is on it."""
        return dict(httpx.get(f"{self.url}/_local/state", trust_env=False).raise_for_status().json())


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """`python -m workbench.simulator` with an account of its own."""
    account = {"ACCOUNT_ID": ACCOUNT, "USER": f"{USER}:{PASSWORD}", "CLIENT": f"{CLIENT}:{SECRET}"}
    account |= {"APPLICATION_ID": APPLICATION, "NUMBERS": NUMBER}
    environment = {f"WORKBENCH_SIMULATOR_{name}": value for name, value in account.items()} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "workbench.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield Platform(said.split()[-1])
        process.terminate()


def settings(platform: Platform) -> dict[str, str]:
    """The environment of a reader with an account."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "WORKBENCH_PLATFORM": "live",
        "WORKBENCH_VOICE_URL": f"{platform.url}/api/v2",
        "WORKBENCH_WEBRTC_URL": f"{platform.url}/v1",
        "WORKBENCH_TOKEN_URL": f"{platform.url}/api/v1/oauth2/token",
        "BW_ACCOUNT_ID": ACCOUNT,
        "BW_ID_CLIENT_ID": CLIENT,
        "BW_ID_CLIENT_SECRET": SECRET,
        "BW_USERNAME": USER,
        "BW_PASSWORD": PASSWORD,
        "BW_VOICE_APPLICATION_ID": APPLICATION,
        "BW_NUMBER": NUMBER,
        "USER_NUMBER": MINE,
        "WORKBENCH_TUNNEL": "url",
        "BASE_CALLBACK_URL": f"http://127.0.0.1:{port}",
        "WORKBENCH_PORT": str(port),
    }


def look_before_the_end(notebook: NotebookNode) -> None:
    """Add a cell that tells what the callback server has seen, before the lesson tidies up."""
    end = next(index for index, cell in enumerate(notebook.cells) if cell.id == "tidy")
    notebook.cells.insert(end, nbformat.v4.new_code_cell(LOOK))


def skips(ran: Execution) -> list[str]:
    """The step of each cell that said it was skipped, and why."""
    found, step = [], ""
    for index, cell in enumerate(ran.notebook.cells):
        step = cell.id if cell.cell_type == "markdown" and cell.source.startswith("#") else step
        said = re.findall(r"^Skipped live\. This step needs .+\.$", ran.text(index), re.MULTILINE) if cell.cell_type == "code" else []
        found += [step] * len(said)
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_live(lesson: Path, platform: Platform, run_notebook: Callable[..., Execution]) -> None:
    ran = run_notebook(lesson, environment=settings(platform), edit=look_before_the_end)
    assert ran.errors == []
    assert ran.seconds < 60
    assert skips(ran) == SKIPPED[lesson.stem]
    credentials, seen = map(json.loads, ran.text(ran.find(LOOK)).splitlines())
    assert credentials == {"voice": "OAuth2", "webrtc": "Basic"}
    # Every webhook of a call came twice: without credentials, and after the challenge with them. Those of participants carry none.
    assert seen["challenged"] == seen["webhooks"] > 4
    assert seen["late"] == 0
    state = platform.state()
    assert {name: state[name] for name in ("calls", "conferences", "sessions", "participants")} == {
        "calls": [],
        "conferences": [],
        "sessions": [],
        "participants": [],
    }
    told = json.dumps([cell.get("outputs", []) for cell in ran.notebook.cells], ensure_ascii=False)
    assert [value for value in (PASSWORD, SECRET, USER, MINE[1:]) if value in told] == []
    assert re.findall(r"eyJ[\w-]{8,}", told) == []
