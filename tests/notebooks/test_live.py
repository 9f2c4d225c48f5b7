"""The lessons with live settings: against a platform in a process of its own, by TLS, through a tunnel, with credentials of their own.

Nothing in a lesson asks whether it is live: steps that need the local platform's powers say so and are skipped, the others run and check.
What is left of such a run, and what was to be seen of it, holds no secret and no customer's number.
"""

from __future__ import annotations

import json
import re
import ssl
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

from tests.certificates import Certificate, issue
from tests.conftest import ROOT
from tests.notebooks.harness import LESSONS, Execution
from tests.notebooks.test_endpoints import SKIPPED as SKIPPED_WITH_ENDPOINTS

pytestmark = pytest.mark.sockets

ACCOUNT, NUMBER, MINE = "9911111", "+15550100001", "+15550107788"
USER, PASSWORD = "someone@example.com", "correct-horse-battery"
CLIENT, SECRET = "client-4711", "staple-of-the-client"
TOKEN = "token-of-the-tunnel-4711"
SECRETS = {
    "password": PASSWORD,
    "client secret": SECRET,
    "user": USER,
    "ngrok token": TOKEN,
    "customer's number": MINE[1:],
    "token": "eyJhbG",
}
APPLICATION = "11111111-2222-4333-8444-555555555555"
# What a reader must find skipped, by the headings of the steps; all else runs.
SKIPPED = {
    "01_transfer": ["step-02", "step-05", "step-07", "hear", "step-09", "step-10", "step-12"],
    "02_bridge": ["step-00", "step-01", "step-04", "step-05", "step-07", "hear", "step-09", "step-11"],
    "03_conference": ["step-00", "step-03", "step-04", "step-05", "hear", "step-06", "step-06", "step-07", "step-08", "step-12"],
}
# With endpoints the steps 9 and 10 say that first.
ENDPOINTS = ["step-02", "step-05", "step-07", "hear", "step-12"]
# What only the kernel can tell: how it was reached, and what others could see of it. All that can be taken away is taken away.
LOOK = """
import json, os, psutil, pathlib
from workbench import WorkbenchError
from workbench.wiring import Wiring
parts: Wiring = wb._wiring
wires = {"voice": parts.voice._wire, "webrtc": parts.webrtc._wire}
webhooks = [event for event in parts.log.events() if event.direction == "webhook" and not event.event_type.startswith("on")]
mode = next(mode for mode in parts.modes.values() if mode.flows)
wb.save("call.json", mode.flow)
wb.capsule("call.html", mode.flow)
for one in parts.modes.values():
    one.reset()
wb.export_app("out")
given = [parts.gate.password, parts.gate.secret, parts.gate.dashboard[1]]
given += [os.environ[name] for name in ("BW_PASSWORD", "BW_ID_CLIENT_SECRET", "NGROK_AUTHTOKEN")]
lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
print(json.dumps({name: "Basic" if wire._user else "OAuth2" for name, wire in wires.items()}))
print(json.dumps({"challenged": parts.log.refused.get("challenged"), "webhooks": len(webhooks), "late": sum(e.late for e in webhooks)}))
print(json.dumps({"on command lines": [n for n, one in enumerate(given) for line in lines if one in line], "url": wb.url[:8]}))
pathlib.Path("given").write_text(parts.gate.password + " " + parts.gate.secret)
print(wb)
"""


@dataclass(frozen=True)
class Platform:
    """A platform that knows nothing of the workbench that will use it."""

    url: str
    certificate: Certificate

    def state(self) -> dict[str, Any]:
        """Everything there is on it."""
        trusted = ssl.create_default_context(cafile=self.certificate.root)
        return dict(httpx.get(f"{self.url}/_local/state", trust_env=False, verify=trusted).raise_for_status().json())


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`python -m workbench.simulator` with an account and a certificate of its own."""
    certificate = issue(tmp_path_factory.mktemp("certificate"))
    account = {"ACCOUNT_ID": ACCOUNT, "USER": f"{USER}:{PASSWORD}", "CLIENT": f"{CLIENT}:{SECRET}"}
    account |= {"APPLICATION_ID": APPLICATION, "NUMBERS": NUMBER}
    environment = {f"WORKBENCH_SIMULATOR_{name}": value for name, value in account.items()} | {"PYTHONPATH": str(ROOT)}
    environment |= {"SSL_CERT_FILE": str(certificate.root)}
    command = [sys.executable, "-m", "workbench.simulator", "--port", "0", "--certificate", str(certificate.chain)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield Platform(said.split()[-1], certificate)
        process.terminate()


def settings(platform: Platform, agent: str) -> dict[str, str]:
    """The environment of a reader with an account at Bandwidth and one at ngrok."""
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
        "WORKBENCH_TUNNEL": "ngrok",
        "PYNGROK_NGROK_PATH": agent,
        "NGROK_AUTHTOKEN": TOKEN,
        "STANDIN_NGROK_CERTIFICATE": str(platform.certificate.chain),
        # a certificate that nobody else vouches for
        "SSL_CERT_FILE": str(platform.certificate.root),
    }


def look_before_the_end(notebook: NotebookNode) -> None:
    """Add a cell that tells what the callback server has seen, before the lesson tidies up."""
    end = next(index for index, cell in enumerate(notebook.cells) if cell.id == "tidy")
    notebook.cells.insert(end, nbformat.v4.new_code_cell(LOOK))


def connect_a_device(notebook: NotebookNode, platform: Platform) -> None:
    """Add a cell for what a reader's browser would do: come by the token of P1, and stay."""
    come = f"""
import httpx, ssl
trusted = ssl.create_default_context(cafile={str(platform.certificate.root)!r})
httpx.post("{platform.url}/_local/devices", json={{"token": str(p1.token)}}, verify=trusted, trust_env=False).raise_for_status()
await wb.until(lambda: wb.endpoints.get(p1.id)["status"] == "CONNECTED")
"""
    made = next(index for index, cell in enumerate(notebook.cells) if "p1 = wb.participant" in cell.source)
    notebook.cells.insert(made + 1, nbformat.v4.new_code_cell(come))


def skips(ran: Execution, why: str = "live") -> list[str]:
    """The step of each cell that said it was skipped, and why."""
    found, step = [], ""
    for index, cell in enumerate(ran.notebook.cells):
        step = cell.id if cell.cell_type == "markdown" and cell.source.startswith("#") else step
        said = re.findall(rf"^Skipped {why}\. This step needs .+\.$", ran.text(index), re.MULTILINE) if cell.cell_type == "code" else []
        found += [step] * len(said)
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_live(lesson: Path, platform: Platform, agent: str, run_notebook: Callable[..., Execution], tmp_path: Path) -> None:
    ran = run_notebook(lesson, environment=settings(platform, agent), edit=look_before_the_end, widgets=True)
    assert ran.errors == []
    assert ran.seconds < 60
    assert skips(ran) == SKIPPED[lesson.stem]
    credentials, seen, exposed, *said = ran.text(ran.find(LOOK)).splitlines()
    assert json.loads(credentials) == {"voice": "OAuth2", "webrtc": "Basic"}
    # Every webhook of a call came twice: without credentials, and after the challenge with them. Those of participants carry none.
    assert json.loads(seen)["challenged"] == json.loads(seen)["webhooks"] > 4
    assert json.loads(seen)["late"] == 0
    assert json.loads(exposed) == {"on command lines": [], "url": "https://"}
    assert said[0] == "Workbench: live: calls go to Bandwidth and cost money; account 99•••11, number +1•••01"
    state = platform.state()
    assert {name: state[name] for name in ("calls", "conferences", "sessions", "participants")} == {
        "calls": [],
        "conferences": [],
        "sessions": [],
        "participants": [],
    }
    nbformat.write(ran.notebook, tmp_path / "saved.ipynb")
    assert leaked(tmp_path) == []


def test_live_with_endpoints(platform: Platform, agent: str, run_notebook: Callable[..., Execution], tmp_path: Path) -> None:
    """Today's product: no user and no password, OAuth2 for both APIs, a call that meets the reader's browser by Connect."""
    given = {name: value for name, value in settings(platform, agent).items() if name not in ("BW_USERNAME", "BW_PASSWORD")}
    given |= {"WORKBENCH_WEBRTC": "endpoints", "WORKBENCH_ENDPOINTS_URL": f"{platform.url}/v2"}

    ran = run_notebook(LESSONS[0], environment=given, edit=lambda notebook: connect_a_device(notebook, platform))
    assert ran.errors == []
    assert (skips(ran), skips(ran, "with endpoints")) == (ENDPOINTS, SKIPPED_WITH_ENDPOINTS[LESSONS[0].stem])
    state = platform.state()
    assert (state["calls"], state["endpoints"]) == ([], [])
    nbformat.write(ran.notebook, tmp_path / "saved.ipynb")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files for name in ("token", "client secret") if SECRETS[name].encode() in path.read_bytes()] == []


def leaked(folder: Path) -> list[str]:
    """Which secret stands in which file of a run: the saved notebook with its widgets, the log, exports, whatever else is there."""
    (given,) = folder.rglob("given")
    (dashboard,) = folder.rglob("dashboard-*")
    secrets = SECRETS | dict(zip(("password of the run", "seal of the run"), given.read_text().split(), strict=True))
    secrets["password of the dashboard"] = dashboard.read_text()
    # one is how this test knows them, the other is where the password is kept
    files = [path for path in folder.rglob("*") if path.is_file() and path not in (given, dashboard)]
    assert {"saved.ipynb", "call.json", "call.html", "app.py"} <= {path.name for path in files}
    assert any(path.suffix in (".db", ".sqlite", ".sqlite3") for path in files)
    return [f"{name} in {path.name}" for path in files for name, secret in secrets.items() if secret.encode() in path.read_bytes()]
