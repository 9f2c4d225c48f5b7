"""What only the local platform can do, on a real one in a child process; and the child itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from workbench.errors import ApiError, WorkbenchError
from workbench.handles import Device, NoLocal, Phone
from workbench.local import Happening, Local
from workbench.process import LocalProcess

pytestmark = pytest.mark.sockets
OWNED, PHONE = "+19195550100", "+19195550111"


@pytest.fixture(scope="module")
def process() -> Iterator[LocalProcess]:
    process = LocalProcess()
    yield process
    process.close()


@pytest.fixture
def local(process: LocalProcess) -> Iterator[Local]:
    local = Local(process.url, process.token)
    local.reset()
    yield local
    local.close()


def test_a_phone_dials_and_hangs_up(local: Local) -> None:
    phone = local.phone(PHONE)
    call = phone.dial(OWNED)
    assert [one["callId"] for one in local.state()["calls"]] in ([call], [])
    assert [one.kind for one in local.happenings("arrived")] == ["arrived"]


def test_who_hears_whom_is_measured(local: Local) -> None:
    assert local.measure() == {}
    local.phone(PHONE).dial(OWNED)
    assert local.measure(0.04) == local.hears()["hears"]
    with pytest.raises(ApiError, match="seconds: must be a number from"):
        local.measure(60)


def test_dialing_is_told_beforehand(process: LocalProcess) -> None:
    told: list[tuple[str, str]] = []
    local = Local(process.url, process.token, before_dial=lambda caller, to: told.append((caller, to)))
    local.phone(PHONE).dial(OWNED)
    assert told == [(PHONE, OWNED)]
    local.close()


def test_a_phone_is_scripted(local: Local) -> None:
    phone = local.phone(PHONE, "Ann").set(busy=True, ring_seconds=3)
    assert (phone.name, repr(phone)) == ("Ann", f"<Ann: {PHONE}>")
    script = next(one for one in local.state()["phones"] if one["number"] == PHONE)
    assert (script["busy"], script["ring_seconds"]) == (True, 3)


def test_what_a_phone_sounds_like_is_scripted(local: Local) -> None:
    local.phone(PHONE).set(tone=440, echoes=True, says="Hello.")
    script = next(one for one in local.state()["phones"] if one["number"] == PHONE)
    assert (script["tone"], script["echoes"], script["says"]) == (440, True, "Hello.")
    with pytest.raises(ApiError, match="tone must be a frequency from 20 to 20000"):
        local.phone(PHONE).set(tone=5)


def test_the_interconnect_is_scripted(local: Local) -> None:
    assert local.interconnect(answer=False)["answer"] is False
    assert local.interconnect(answer=True)["answer_seconds"] == 0.2


def test_the_clock_stands_still_moves_and_runs(local: Local) -> None:
    assert not local.clock.paused
    local.clock.pause()
    before = local.clock.now
    assert local.clock.now == before
    local.clock.advance(3600)
    assert local.clock.now[11:13] != before[11:13]
    assert local.clock.now[14:] == before[14:]
    local.clock.resume()
    assert not local.clock.paused


@pytest.mark.parametrize(
    ("press", "says"),
    [
        (lambda local: local.phone(PHONE).dial("+15550100009"), "is not a number of this account"),
        (lambda local: local.phone(PHONE).hangup(), PHONE),
        (lambda local: local.phone(PHONE).set(colour="red"), "unknown field colour"),
        (lambda local: local.interconnect(answer="no"), "true or false"),
        (lambda local: local.connect("no-such-token"), "the token is malformed"),
        (lambda local: local.phone(PHONE).say("Hello?"), "is in no call"),
        (lambda local: Device("no-such-device", local).press("1"), "is not connected"),
        (lambda local: local.clock.advance(-1), "advance"),
    ],
)
def test_what_is_wrong_is_told(local: Local, press, says: str) -> None:
    with pytest.raises(ApiError) as caught:
        press(local)
    assert says in str(caught.value)
    assert caught.value.status in (400, 403, 404, 409)
    assert str(caught.value).endswith(f"(rule {caught.value.rule}, {caught.value.label})")


def test_without_the_token_nothing_opens(process: LocalProcess) -> None:
    local = Local(process.url, "wrong")
    with pytest.raises(ApiError, match="401"):
        local.state()
    local.close()


def test_a_platform_that_is_not_there_is_named() -> None:
    local = Local("http://127.0.0.1:9")
    with pytest.raises(ApiError, match="does not answer"):
        local.state()
    local.close()


def test_happenings_as_a_table(local: Local) -> None:
    local.phone(PHONE).dial(OWNED)
    table = local.events
    assert list(table.columns[:5]) == ["time", "happening", "leg", "from", "to"]
    assert table["happening"][0] == "arrived"
    assert local.happenings(after=10_000) == []


def test_live_the_missing_platform_says_so() -> None:
    local = NoLocal()
    assert not local
    for act in (lambda: local.hears(), lambda: local.clock.pause(), lambda: Phone(PHONE, "Ann", local).answer()):
        with pytest.raises(WorkbenchError, match="only the local platform"):
            act()


class TestProcess:
    """The child that must not outlive its parent."""

    def test_it_ends_when_closed(self) -> None:
        process = LocalProcess()
        assert process.url.startswith("http://127.0.0.1:")
        process.close()
        process.close()
        assert not process.running

    def test_the_last_words_of_a_child_that_fails_are_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "python"
        program.write_text("#!/bin/sh\necho on purpose >&2\nexit 2\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        process = LocalProcess()
        with pytest.raises(WorkbenchError, match="did not start: on purpose"):
            _ = process.url
        process.close()

    def test_it_survives_the_interrupt_of_its_parents_group(self) -> None:
        process = LocalProcess()
        assert process.url
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
        os.kill(process.pid, signal.SIGINT)
        local = Local(process.url, process.token)
        assert local.state()["calls"] == []
        local.close()
        process.close()

    def test_it_ends_when_its_parent_is_killed(self) -> None:
        code = "from workbench.process import LocalProcess; p = LocalProcess(); p.url; print(p.pid, flush=True); input()"
        parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert parent.stdout is not None
        assert parent.stdin is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        parent.stdin.close()
        parent.stdout.close()
        began = time.monotonic()
        psutil.wait_procs([child], timeout=10)
        assert not child.is_running()
        assert time.monotonic() - began < 10


def test_times_are_local_as_in_the_tables_of_events(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-5:30")
    time.tzset()
    try:
        one = Happening(1, "2026-03-02T20:00:00.120Z", "ringing", "call.ring", "documented", {})
        assert local._row(one, "phone")[0] == "01:30:00.120"
    finally:
        monkeypatch.undo()
        time.tzset()
