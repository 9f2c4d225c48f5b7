"""The front object: started, used and closed for real."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from workbench import Settings, Workbench, leftovers
from workbench import workbench as module
from workbench.__main__ import main
from workbench.errors import ApiError, CallbackError, SettingsError, WaitError, WorkbenchError
from workbench.handles import NoLocal
from workbench.local import Local
from workbench.process import LocalProcess
from workbench.waiting import until

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def wb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with Workbench(state_dir=tmp_path_factory.mktemp("state")) as workbench:
        yield workbench


def live(process: LocalProcess, tmp_path: Path, **more: object) -> Settings:
    """Live settings that lead to a local platform, as if it were Bandwidth's."""
    at = Settings().at(process.url)
    urls = {name: getattr(at, name) for name in ("voice_url", "webrtc_url", "token_url")}
    given = {"account_id": "9900000", "application_id": "a0000000-0000-4000-8000-000000000001", "number": "+19195550100"}
    credentials = {"client_id": "local-client", "client_secret": "local-secret", "username": "local", "password": "local"}
    values = {**urls, **given, **credentials, "base_callback_url": "http://127.0.0.1:9", "state_dir": tmp_path, **more}
    return Settings(platform="live", **values)


class TestStart:
    def test_it_says_what_it_is_connected_to(self, wb: Workbench) -> None:
        assert "local: nothing leaves this machine" in repr(wb)
        assert wb.url in wb._repr_html_()
        assert wb.settings.platform == "local"
        assert wb.number == "+19195550100"

    def test_every_part_answers_a_ping(self, wb: Workbench) -> None:
        assert list(wb.ping()) == ["Voice API", "WebRTC API", "callbacks"]

    def test_a_ping_finds_out_that_somebody_else_answers(self, wb: Workbench, tmp_path: Path) -> None:
        with Workbench(state_dir=tmp_path, base_callback_url=wb.url) as other, pytest.raises(CallbackError, match="not as this workbench"):
            other.ping()

    def test_a_running_platform_is_used_and_left_alone(self, tmp_path: Path) -> None:
        process = LocalProcess()
        with Workbench(local_url=process.url, local_token=process.token, state_dir=tmp_path) as workbench:
            workbench.connect(workbench.participant())
            assert workbench.settings.local_url == process.url
        assert workbench.leftovers() == []
        assert process.running
        local = Local(process.url, process.token)
        assert local.state()["applications"][0]["callInitiatedCallbackUrl"] is None
        local.close()
        process.close()

    def test_a_number_the_platform_has_not_is_refused_and_nothing_stays(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        with pytest.raises(SettingsError, match=r"has no \+15550100001"):
            Workbench(number="+15550100001", state_dir=tmp_path)
        assert [one for one in threading.enumerate() if one not in before] == []

    def test_live_settings_are_complete_or_refused(self) -> None:
        with pytest.raises(SettingsError, match="account_id"):
            Workbench(platform="live")

    def test_live_there_is_no_local_platform(self, tmp_path: Path) -> None:
        process = LocalProcess()
        with Workbench(live(process, tmp_path)) as workbench:
            assert isinstance(workbench.local, NoLocal)
            assert "99•••00" in repr(workbench)
            assert workbench.phone("+15550100001").number == "+15550100001"
            with pytest.raises(WorkbenchError, match="no simulated phones"):
                workbench.phone(2)
            with pytest.raises(SettingsError, match=r"user_number \(USER_NUMBER\)"):
                workbench.phone()
            with pytest.raises(WorkbenchError, match="only the local platform"):
                workbench.hears()
        assert workbench.leftovers() == []
        process.close()

    def test_live_the_first_phone_is_the_readers_own(self, tmp_path: Path) -> None:
        process = LocalProcess()
        with Workbench(live(process, tmp_path, user_number="+15550100077")) as workbench:
            phone = workbench.phone()
            assert (phone.number, phone.name, repr(phone)) == ("+15550100077", "phone", "<phone: +1•••77>")
            assert repr(workbench.allow(phone, calls=1)) == "1 of 1 calls left, to +1•••77, the WebRTC side."
            assert "calls: 1 of 1 calls left" in repr(workbench)
            calls = workbench.transfer.dial(phone).calls()
            assert list(calls["from"]) == [workbench.number]
            assert phone.number not in calls.to_string()
        process.close()

    def test_in_a_notebook_a_new_one_closes_the_one_before(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_in_notebook", lambda: True)
        first = Workbench(state_dir=tmp_path)
        second = Workbench(state_dir=tmp_path)
        assert first.closed
        assert first.leftovers() == []
        assert not second.closed
        second.close()
        monkeypatch.setattr(Workbench, "_current", None)

    def test_after_one_that_could_not_start_another_can(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_in_notebook", lambda: True)
        # the notebook keeps the error, and the error what it came from
        with pytest.raises(SettingsError) as kept:
            Workbench(platform="live")
        with Workbench(state_dir=tmp_path) as workbench:
            assert kept and not workbench.closed
        monkeypatch.setattr(Workbench, "_current", None)

    def test_outside_several_may_be_open(self, wb: Workbench, tmp_path: Path) -> None:
        with Workbench(state_dir=tmp_path):
            assert not wb.closed


class TestEnd:
    def test_closed_it_leaves_nothing_behind(self, tmp_path: Path) -> None:
        before = {one.pid for one in psutil.Process().children()}
        workbench = Workbench(state_dir=tmp_path)
        workbench.connect(workbench.participant())
        for mode in (workbench.transfer, workbench.bridge, workbench.conference):
            mode.begin(workbench.phone())
        workbench.local.clock.run_to_idle()
        assert {left.split()[0] for left in workbench.leftovers()} == {"call", "conference", "participant", "session"}
        workbench.close()
        workbench.close()
        assert workbench.leftovers() == []
        assert {one.pid for one in psutil.Process().children()} == before
        assert len(workbench.transfer.events) > 2
        assert repr(workbench).startswith("Workbench: closed")
        for late in (lambda: workbench.transfer.dial("+19195550111"), workbench.hears):
            with pytest.raises(ApiError, match="this workbench is closed; make a new one"):
                late()

    def test_it_ends_although_its_platform_is_gone(self, tmp_path: Path) -> None:
        workbench = Workbench(state_dir=tmp_path)
        psutil.Process(workbench._wiring.process.pid).kill()
        workbench.close()
        assert workbench.closed
        assert ["could not be asked" in left for left in workbench.leftovers()] == [True]

    def test_interrupted_at_its_end_it_is_closed_all_the_same(self, tmp_path: Path) -> None:
        workbench = Workbench(state_dir=tmp_path)

        def interrupt() -> None:
            raise KeyboardInterrupt

        workbench._wiring.end.callback(interrupt)
        with pytest.raises(KeyboardInterrupt):
            workbench.close()
        workbench.close()
        assert workbench.closed
        assert leftovers.in_process(workbench._wiring) == []

    def test_forgotten_it_is_closed(self, tmp_path: Path) -> None:
        workbench = Workbench(state_dir=tmp_path)
        process = psutil.Process(workbench._wiring.process.pid)
        del workbench
        gc.collect()
        psutil.wait_procs([process], timeout=10)
        assert not process.is_running()

    def test_a_script_that_does_not_close_it_ends_all_the_same(self, tmp_path: Path) -> None:
        code = "from workbench import Workbench; wb = Workbench(); wb.transfer.dial(wb.phone()); print(wb._wiring.process.pid)"
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
        assert not psutil.pid_exists(int(run.stdout))
        assert run.stderr == ""


class TestNumbers:
    def test_a_number_may_be_written_for_readers(self, wb: Workbench) -> None:
        assert wb.phone("+1 (919) 555-0142").number == "+19195550142"

    @pytest.mark.parametrize("text", ["abc", "", "5550142", "+0123"])
    def test_what_is_no_number_is_refused(self, wb: Workbench, text: str) -> None:
        with pytest.raises(WorkbenchError, match="no telephone"):
            wb.phone(text)


class TestParticipants:
    def test_a_name_gives_the_same_participant(self, wb: Workbench) -> None:
        browser = wb.participant("browser")
        assert wb.participant("browser") is browser
        assert (browser.claims.participant_id, browser.session_id) == (browser.id, wb.session)
        assert {one["id"] for one in wb.webrtc.session_participants(wb.session)} >= {browser.id}

    def test_a_deleted_one_is_made_anew(self, wb: Workbench) -> None:
        before = wb.participant("guest")
        wb.delete(before)
        wb.delete(before)
        assert wb.participant("guest").id != before.id
        wb.delete(wb.participant("guest"))

    def test_its_token_is_not_shown(self, wb: Workbench) -> None:
        browser = wb.participant("browser")
        assert browser.token not in repr(browser) + repr(wb.uui(browser)) + repr(browser.token)
        assert wb.uui(browser).endswith(";encoding=jwt")


class TestPhones:
    def test_the_same_count_gives_the_same_phone(self, wb: Workbench) -> None:
        assert [(phone.name, phone.number) for phone in wb.phones(2)] == [("phone", "+19195550111"), ("phone 2", "+19195550112")]
        assert wb.phone(2).number == wb.phone(2).number

    def test_one_may_be_named(self, wb: Workbench) -> None:
        assert wb.phone("+19195550177", "Ann").name == "Ann"
        assert wb.phone("+19195550177").name == "Ann"

    @pytest.mark.parametrize("count", [0, 79])
    def test_there_are_so_many(self, wb: Workbench, count: int) -> None:
        with pytest.raises(WorkbenchError, match="counted from 1 to 77"):
            wb.phone(count)


class TestWaiting:
    async def test_an_event_is_waited_for_before_and_after_it_came(self, wb: Workbench) -> None:
        wb.transfer.dial(wb.phone())
        asked = asyncio.create_task(wb.wait_for("answer"))
        wb.local.clock.run_to_idle()
        assert (await asked).leg == "phone"
        wb.phone().hangup()
        wb._wiring.settle()
        assert (await wb.wait_for("disconnect")).cause == "hangup"

    async def test_each_event_is_given_once(self, wb: Workbench) -> None:
        flow = wb.transfer.dial(wb.phone())
        wb.local.clock.run_to_idle()
        await wb.wait_for("answer", flow=flow)
        with pytest.raises(WaitError, match=r"1 of them had been waited for already. Seen there: answer \(phone\)"):
            await wb.wait_for("answer", flow=flow.id, timeout=0.01)
        flow.close()

    async def test_a_call_that_comes_in_is_the_newest_flow(self, wb: Workbench) -> None:
        old = wb.transfer.dial(wb.phone(2))
        wb.local.clock.run_to_idle()
        wb.transfer.take_inbound()
        wb.phone().dial(wb.number)
        event = await wb.wait_for("initiate")
        assert event.flow != old.id
        assert event.leg == "phone"
        wb.transfer.close()

    async def test_a_clock_that_stands_still_is_run(self, wb: Workbench) -> None:
        wb.local.clock.pause()
        wb.transfer.dial(wb.phone())
        began = time.monotonic()
        await wb.wait_for("answer")
        assert time.monotonic() - began < 1
        wb.local.clock.resume()
        wb.transfer.close()

    def test_a_script_waits_without_a_loop(self, wb: Workbench) -> None:
        wb.phone().set(ring_seconds=0.05)
        wb.transfer.dial(wb.phone())
        assert wb.wait("answer").leg == "phone"
        with pytest.raises(WaitError, match="no bridgeComplete in transfer-"):
            wb.wait("bridgeComplete", timeout=0.01)
        wb.phone().set(ring_seconds=1)
        wb.transfer.close()

    async def test_until_a_condition_holds(self) -> None:
        answers = iter([False, False, True])
        await until(lambda: next(answers), 5)
        with pytest.raises(WaitError, match="did not hold"):
            await until(lambda: False, 0.01)


class TestLooking:
    def test_handlers_of_all_modes_and_the_whole_log(self, wb: Workbench) -> None:
        flow = wb.transfer.dial(wb.phone())
        wb.local.clock.run_to_idle()
        assert set(wb.transfer.events["flow"]) <= set(wb.events["flow"])
        assert flow.id in set(wb.events["flow"])
        flow.close()

    def test_compare_plays_the_same_story_in_each_mode(self, wb: Workbench) -> None:
        inbound, current = wb._wiring.board.inbound, wb._wiring.board.current
        table = wb.compare("transfer", "bridge", "conference")
        assert list(table.index) == ["transfer", "bridge", "conference"]
        costs = (
            table.loc["bridge", ["calls", "requests", "webhooks", "handlers"]]
            > table.loc["transfer", ["calls", "requests", "webhooks", "handlers"]]
        )
        assert costs.all()
        assert table.loc["bridge", "set-up s"] < table.loc["transfer", "set-up s"]
        assert (wb._wiring.board.inbound, wb._wiring.board.current) == (inbound, current)
        assert wb.compare("transfer").table.equals(table.loc[["transfer"]])
        assert len(table) == 3 and {"webhooks", "cost class"} <= set(table.columns)

    def test_live_the_newest_flow_of_each_mode_is_counted(self, tmp_path: Path) -> None:
        process = LocalProcess()
        with Workbench(live(process, tmp_path)) as workbench:
            with pytest.raises(WorkbenchError, match="no call was made in transfer yet"):
                workbench.compare("transfer")
            workbench.allow("+15550100077")
            workbench.transfer.dial("+15550100077")
            found = workbench.compare("transfer", story="support call")
            assert (found.loc["transfer", "requests"], found.played) == (1, {})
            assert "the newest flow of each mode is counted" in repr(found)
            assert "not joined" in repr(found.timing)
        process.close()

    def test_an_unknown_mode_is_named(self, wb: Workbench) -> None:
        with pytest.raises(WorkbenchError, match="transfer, bridge, conference"):
            wb.compare("forward")

    def test_the_figure_tells_the_story(self, wb: Workbench) -> None:
        flow = wb.transfer.dial(wb.phone())
        wb.local.clock.run_to_idle()
        text = repr(wb.transfer.figure(flow))
        assert "this notebook → Programmable Voice: SpeakSentence, Transfer" in text
        assert text.index("createParticipant") < text.index("SpeakSentence, Transfer") < text.index("INVITE with token")
        assert repr(wb.figure()) == text
        flow.close()

    def test_panels_are_made_once(self, wb: Workbench) -> None:
        assert wb.transfer.table() is wb.table("transfer")
        assert wb.dialer() is wb.dialer("transfer")
        for panel in (wb.participants, wb.calls, wb.matrix, wb.table):
            assert panel() is panel()


class TestCommands:
    def test_ping(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["ping"]) == 0
        assert "callbacks answers in" in capsys.readouterr().out

    def test_compare(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "--story", "webrtc leaves"]) == 0
        assert "1. the WebRTC leg leaves\n  transfer: phone ends, webrtc ends" in capsys.readouterr().out
        assert main(["compare", "--story", "unheard of"]) == 1
        assert "story: there is none named 'unheard of'" in capsys.readouterr().err

    def test_what_is_missing_is_told(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("WORKBENCH_PLATFORM", "live")
        assert main(["ping"]) == 1
        assert "BW_ACCOUNT_ID" in capsys.readouterr().err


WRONG = {
    "a flow where a file is named": (lambda wb: wb.replay(object()), "cassette: the name of a file"),
    "a number as a folder": (lambda wb: wb.export_app(3), "folder: the name of a file or folder"),
    "a type where an event is wanted": (lambda wb: wb.resend("answer"), "its id in wb.events"),
    "a table where an event is wanted": (lambda wb: wb.resend(wb.events), "its id in wb.events"),
    "no event to look at": (lambda wb: wb.details("answer"), "its id in wb.events"),
    "an event misspelt": (lambda wb: wb.step("anser"), "did you mean 'answer'?"),
    "an event misspelt for a handler": (lambda wb: wb.transfer.on("Disconnect"), "did you mean 'disconnect'?"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_argument_is_named_with_what_it_should_be(wb: Workbench, what: str) -> None:
    ask, said = WRONG[what]
    with pytest.raises(WorkbenchError, match=re.escape(said)):
        ask(wb)


def test_a_closed_workbench_holds_nothing(tmp_path: Path) -> None:
    with Workbench(state_dir=tmp_path) as wb:
        panel = wb.stepper()
    with pytest.raises(WorkbenchError, match="is closed"):
        wb.step("answer")
    with pytest.raises(WorkbenchError, match="is closed"):
        panel.hold()
    wb.step(False)


def test_a_refused_request_changes_no_flow(wb: Workbench) -> None:
    with pytest.raises(ApiError):
        wb.transfer.dial("not a number")
    flow = wb.transfer.flow
    assert flow.over
    assert "createCall" in set(flow.events["event"])
