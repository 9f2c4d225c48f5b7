"""The doctor: what it finds on a machine, in settings, on the way and in an account, and what it says to do."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.test_undoing import environment, free_port, live
from workbench import Workbench, credentials
from workbench.doctor import _advice, examine
from workbench.findings import Findings, note, ok, wrong
from workbench.process import LocalProcess
from workbench.settings import Settings

pytestmark = pytest.mark.sockets
NAMES = {"account_id": "9900000", "application_id": "a-1", "number": "+19195550100", "base_callback_url": "https://lab.example.com"}


@pytest.fixture(scope="module")
def process() -> Iterator[LocalProcess]:
    """A platform in a process of its own."""
    process = LocalProcess()
    yield process
    process.close()


def lines(found: Findings, state: str) -> list[str]:
    """What is in this state."""
    return [one.about for one in found.lines if one.state == state]


def posing(process: LocalProcess, folder: Path, **given: Any) -> Settings:
    """Live settings that lead to a platform that poses as live."""
    port = free_port()
    urls = {"voice_url": f"{process.url}/api/v2", "webrtc_url": f"{process.url}/v1", "token_url": f"{process.url}/api/v1/oauth2/token"}
    login = {"client_id": "local-client", "client_secret": "local-secret", "username": "local", "password": "local"}
    rest = {"port": port, "base_callback_url": f"http://127.0.0.1:{port}", "tunnel": "url", "state_dir": folder}
    return Settings(platform="live", **(NAMES | urls | login | rest | {"application_id": "a0000000-0000-4000-8000-000000000001"} | given))


def test_a_report_says_what_to_do_and_how_much_there_is() -> None:
    found = Findings([ok("Python", "3.11"), wrong("port", "is <taken>", "take another"), note("calls", "none")])
    assert not found and [one.about for one in found.wrong] == ["port"]
    assert repr(found).splitlines() == [
        "✓ Python  3.11",
        "✗ port    is <taken>",
        "          → take another",
        "· calls   none",
        "1 thing is wrong; → says what to do.",
    ]
    assert "&lt;taken&gt;" in found._repr_html_()
    assert repr(Findings([ok("a", "b")])).endswith("Nothing is wrong.")


def test_locally_nothing_is_wrong() -> None:
    with Workbench() as wb:
        found = wb.doctor()
        calls = wb.local.state()["calls"]
    assert found, found
    assert {"Python", "packages", "state directory", "browser", "callbacks", "Voice API", "WebRTC API"} <= set(lines(found, "ok"))
    assert calls == []


def test_live_nothing_is_wrong_and_nothing_is_shown(process: LocalProcess, tmp_path: Path) -> None:
    with Workbench(posing(process, tmp_path)) as wb:
        found = wb.doctor()
        assert found, found
        assert {"clock", "callbacks", "Voice API", "WebRTC API"} <= set(lines(found, "ok"))
        assert "No call is allowed" in repr(found)
        assert "local-secret" not in repr(found)
        told = wb.dashboard()
        assert f"{wb.url}/inbound/initiate" in repr(told) and "workbench" in repr(told)
        password = told.password_file.read_text()
        assert stat.S_IMODE(told.password_file.stat().st_mode) == 0o600
        assert password not in repr(told) + told._repr_html_()
        # what is entered there lets in, as far as a call to the WebRTC side is allowed
        body = {"eventType": "initiate", "callId": "c-1"}
        answer = httpx.post(told.values["Call-initiated callback URL"], json=body, auth=(told.username, password), trust_env=False)
        (event,) = [one for one in wb._wiring.log.events() if one.event_type == "initiate"]
        assert (answer.status_code, event.status) == (500, 500)
        assert event.error is not None and "none is allowed yet" in event.error
        assert wb.voice.spending.allowance.left == 0


@pytest.mark.parametrize(
    ("given", "about", "advice"),
    [
        ({"client_secret": "wrong"}, "Voice API", "BW_ID_CLIENT_SECRET) is wrong"),
        ({"account_id": "9999999"}, "Voice API", "BW_ACCOUNT_ID"),
        ({"password": "wrong"}, "WebRTC API", "BW_USERNAME"),
        ({"username": "forbidden", "password": "forbidden"}, "WebRTC API", "closed to new customers since 2023"),
    ],
)
def test_what_an_account_refuses_is_explained(
    process: LocalProcess, tmp_path: Path, given: dict[str, str], about: str, advice: str
) -> None:
    with Workbench(posing(process, tmp_path, **given)) as wb:
        found = wb.doctor()
    (line,) = [one for one in found.wrong if one.about == about]
    assert advice in line.to_do, line


def test_the_product_in_use_is_asked(process: LocalProcess, tmp_path: Path) -> None:
    url = {"webrtc": "endpoints", "endpoints_url": f"{process.url}/v2"}
    with Workbench(posing(process, tmp_path, **url)) as wb:
        assert wb.doctor(), wb.doctor()
        assert f"WebRTC API: {process.url}/v2" in repr(wb) and "OAuth2 for WebRTC" in repr(wb)
    with Workbench(posing(process, tmp_path, **url, account_id="9999999")) as wb:
        (line,) = [one for one in wb.doctor().wrong if one.about == "WebRTC API"]
        assert "BRTC role" in line.to_do


@pytest.mark.parametrize(("status", "advice"), [(None, "HTTPS_PROXY"), (401, "not valid"), (403, "no role for Voice"), (500, "support")])
def test_advice(status: int | None, advice: str) -> None:
    assert advice in _advice("Voice API", status, "GET …/calls")


def test_a_clock_that_is_wrong(process: LocalProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workbench(posing(process, tmp_path)) as wb:
        import time

        now = time.time
        monkeypatch.setattr("workbench.doctor.time.time", lambda: now() - 120)
        found = wb.doctor()
        monkeypatch.undo()
    (line,) = [one for one in found.wrong if one.about == "clock"]
    # the answer's date has whole seconds, and may be a second old
    assert re.fullmatch(r"is 1(1[6-9]|2[0-2]) s behind", line.said)


def test_a_callback_url_that_leads_elsewhere(process: LocalProcess, tmp_path: Path) -> None:
    with Workbench(posing(process, tmp_path, base_callback_url=f"http://127.0.0.1:{free_port()}")) as wb:
        found = wb.doctor()
    (line,) = found.wrong
    assert line.about == "callbacks" and "does not answer" in line.said and "WORKBENCH_HOSTS" in line.to_do


def test_what_settings_lack_is_found_without_starting(tmp_path: Path) -> None:
    found = examine(Settings(platform="live", state_dir=tmp_path, account_id="9900000"))
    assert lines(found, "wrong").count("settings") >= 3
    assert "BW_ID_CLIENT_ID" in repr(found) and "docs/live.md" in repr(found)


def test_a_user_alone_is_no_credential_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"username": "someone", "password": "a-password", "base_callback_url": "https://lab.example.com", "state_dir": tmp_path}
    settings = Settings(platform="live", account_id="9911111", application_id="app", number="+15550100001", **known)
    for ends, state in ((date(2999, 1, 1), "note"), (date(2026, 1, 1), "wrong")):
        monkeypatch.setattr(credentials, "BASIC_ENDS", ends)
        assert "credentials" in lines(examine(settings), state)


def test_what_a_machine_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr("workbench.doctor.metadata.requires", lambda _: ["flask>=99", "no-such-package", "numpy>=99; extra == 'x'"])
    monkeypatch.setattr("workbench.doctor.sys.version_info", (3, 10, 1))
    found = examine(Settings(state_dir=folder, local_url="http://lab.example.com:8010", tunnel="ngrok", ngrok_path=str(tmp_path / "none")))
    said = {one.about: f"{one.said} {one.to_do}" for one in found.wrong}
    assert set(said) == {"Python", "packages", "state directory", "browser", "tunnel"}
    assert "flask is 3" in said["packages"] and "no-such-package is missing" in said["packages"] and "numpy" not in said["packages"]
    assert "chmod 700" in said["state directory"]
    assert "--certificate" in said["browser"]


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m workbench doctor`."""
    return subprocess.run(
        [sys.executable, "-m", "workbench", "doctor", *words], capture_output=True, text=True, env=environment, check=False
    )


def test_from_the_command_line(process: LocalProcess, tmp_path: Path, child_environment: Callable[..., dict[str, str]]) -> None:
    given = environment(live, process, tmp_path) | {"PYTHONPATH": str(ROOT)}
    well = run(given)
    assert (well.returncode, well.stderr) == (0, ""), well.stdout
    assert "· platform" in well.stdout and "Nothing is wrong." in well.stdout
    ill = run(child_environment(PYTHONPATH=str(ROOT)), "--live")
    assert ill.returncode == 1
    assert "✗ settings" in ill.stdout and "BW_ACCOUNT_ID" in ill.stdout
    unreadable = run(given | {"BW_NUMBER": "0155"})
    assert unreadable.returncode == 1 and "number" in unreadable.stdout
