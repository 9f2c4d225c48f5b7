"""Step mode: an event is held, the platform waits, a reader decides, and what is sent is what counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.scenarios.joined import NOTHING, World
from tests.scenarios.test_feed import Reader
from workbench import bxml
from workbench.errors import WaitError, WorkbenchError
from workbench.stops import Stop

Next = Callable[[], Stop]
BOTH = {"browser": ["phone"], "phone": ["browser"]}


@pytest.fixture
def steps(world: World) -> Iterator[Next]:
    """Runs the platform on another thread, as it runs beside a notebook, and gives what is held next."""
    with ThreadPoolExecutor(8) as pool:
        running: list[Future[None]] = []

        def following() -> Stop:
            running.append(pool.submit(world.parts.run_on))
            return world.parts.stepper().take(10)

        yield following
        world.wb.step(False)
        for one in running:
            one.result(30)


def held(world: World, steps: Next) -> Stop:
    """The answer of a Transfer's phone leg, held."""
    world.wb.step("answer")
    world.wb.transfer.dial(world.phone())
    return steps()


def test_a_held_event_shows_what_would_be_sent(world: World, steps: Next) -> None:
    stop = held(world, steps)
    assert (stop.event.event_type, stop.event.leg, stop.asks, stop.held) == ("answer", "phone", True, True)
    assert "<SpeakSentence" in stop.document and "<Transfer" in stop.document
    assert "eyJ•••" in stop.document and "eyJ0" not in repr(stop), "the token is hidden"
    assert stop.check().verbs == ("SpeakSentence", "Transfer")
    assert world.local.send("POST", "/clock", {"halt": True})["halted"], "the platform's clock stands"
    stop.send()
    world.idle()
    assert "<- answer phone: SpeakSentence Transfer" in world.rows()
    assert world.hears() == BOTH, "the token was put back"
    assert stop.state == "sent" and world.wb.stops == []


def test_what_is_held_is_seen_before_it_is_answered(world: World, steps: Next) -> None:
    reader = Reader()
    world.parts.feed().subscribe(reader)
    stop = held(world, steps)
    asked, answered = ((stop.flow, f"{way}{stop.event.id}") for way in "ea")
    reader.until(lambda: asked in reader.messages)
    assert reader.messages[asked]["label"] == "answer phone" and answered not in reader.messages
    stop.send()
    world.idle()
    reader.until(lambda: answered in reader.messages)


def test_what_the_reader_sends_counts(world: World, steps: Next) -> None:
    world.wb.step("answer")
    world.wb.bridge.dial(world.phone())
    first = steps()
    first.send(first.document)
    second = steps()
    edited = second.document.replace("<Bridge", "<SpeakSentence>Hello</SpeakSentence><Bridge")
    assert second.check(edited).good
    second.send(edited)
    world.idle()
    assert [row for row in world.rows() if "answer" in row] == ["<- answer webrtc: Pause", "<- answer phone: SpeakSentence Bridge"]
    assert world.spoken() == ["Hello"]
    world.phone().hangup()
    world.idle()
    assert any("bridge" in row for row in world.rows()), "our credentials came back beside our URLs"


@pytest.mark.parametrize("mode", ["transfer", "bridge", "conference"])
def test_every_answer_of_every_mode_can_be_sent_as_it_is_shown(world: World, steps: Next, mode: str) -> None:
    flow = getattr(world.wb, mode).dial(world.phone(2))
    plain = [row.replace("phone 2", "phone") for row in world.idle().rows(flow)]
    flow.close()
    world.idle()
    world.wb.step()
    flow = getattr(world.wb, mode).dial(world.phone())
    asked = sum(row.startswith("<-") for row in plain)
    for _ in range(asked):
        stop = steps()
        stop.send(stop.document)
    world.wb.step(False)
    assert sorted(world.idle().rows(flow)) == sorted(plain)


def test_a_wrong_document_is_not_sent_unless_it_is_meant(world: World, steps: Next) -> None:
    stop = held(world, steps)
    wrong = '<Response>\n  <SpeakSentence voice="julie">Hi</SpeakSentence>\n  <Pause duration="soon"/>\n</Response>'
    verdict = stop.check(wrong)
    assert (verdict.good, verdict.line, verdict.verb, verdict.attribute, verdict.label) == (False, 3, "Pause", "duration", "documented")
    assert "bxml/pause" in repr(verdict) and "invalid-bxml" in repr(verdict)
    with pytest.raises(WorkbenchError, match="still held"):
        stop.send(wrong)
    assert stop.held
    stop.send(wrong, anyway=True)
    world.idle()
    assert world.rows()[-2:] == ["<- disconnect phone (invalid-bxml)", "-> deleteParticipant webrtc"]


def test_a_missing_end_is_named(world: World, steps: Next) -> None:
    stop = held(world, steps)
    verdict = stop.check(stop.document.replace("</SpeakSentence>", ""))
    assert verdict.line == 4 and verdict.warnings == ("<SpeakSentence> of line 3 is not closed: </SpeakSentence> is missing",)
    assert repr(verdict).splitlines()[1] == "Note: <SpeakSentence> of line 3 is not closed: </SpeakSentence> is missing"
    assert not stop.check("<Response><Pause><Hangup/></Pause></Response>").warnings


def test_a_verb_that_does_not_exist_is_judged_with_the_nearest_one(world: World, steps: Next) -> None:
    stop = held(world, steps)
    verdict = stop.check("<Response>\n<speaksentnce>Hi</speaksentnce></Response>")
    said = repr(verdict)
    assert "Refused (line 2, column 1): <speaksentnce> is not a verb of BXML." in said and "did you mean <SpeakSentence>?" in said
    assert verdict.source == "Bandwidth's page bxml/about", "there is no page about a verb that does not exist"
    assert not stop.check("<Response><Xyzzy/></Response>").warnings


def test_broken_at_every_position_it_is_judged_in_words(world: World, steps: Next) -> None:
    stop = held(world, steps)
    whole = stop.document
    for cut in range(1, len(whole)):
        for broken in (whole[:cut], whole[:cut] + whole[cut + 1 :], f"{whole[:cut]}<{whole[cut:]}"):
            verdict = stop.check(broken)
            assert verdict.good or (verdict.rule and verdict.source and verdict.then), broken
    assert stop.held


def test_a_secret_cannot_be_altered_unseen(world: World, steps: Next) -> None:
    stop = held(world, steps)
    verdict = stop.check(stop.document.replace("eyJ•••", "eyJ•••x"))
    assert not verdict.good and "altered" in verdict.rule and verdict.line is not None


@pytest.mark.parametrize(("kind", "cause"), [("timeout", "callback-error"), ("500", "callback-error"), ("bad XML", "invalid-bxml")])
def test_an_answer_can_go_wrong(world: World, steps: Next, kind: str, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.world.GRACE_SECONDS", 0.05)
    stop = held(world, steps)
    stop.fault(kind)
    world.idle()
    assert f"<- disconnect phone ({cause})" in world.rows()
    assert world.left() == NOTHING and stop.state == "failed on purpose"
    with pytest.raises(WorkbenchError, match="failed on purpose"):
        stop.send()


def test_one_can_go_on_event_by_event(world: World, steps: Next) -> None:
    world.wb.step("initiate")
    world.wb.bridge.take_inbound()
    world.phone().dial(world.wb.number)
    stop = steps()
    assert stop.event.event_type == "initiate"
    stop.step()
    stop = steps()
    assert (stop.event.event_type, stop.event.leg) == ("answer", "webrtc"), "the next one was held, although nobody had named it"


def test_two_events_of_one_flow_wait_one_behind_the_other(world: World, steps: Next) -> None:
    world.parts.app._patience = 0.2
    world.wb.step("answer")
    world.wb.bridge.dial(world.phone())
    first = steps()
    threading.Event().wait(0.5)  # longer than the patience, which does not count while the clock stands
    first.send()
    steps().send()
    world.idle()
    assert [row for row in world.rows() if "answer" in row] == ["<- answer webrtc: Pause", "<- answer phone: Bridge"]
    answered = [event for event in world.parts.log.events() if event.event_type == "answer"]
    assert not any(event.late for event in answered) and all(event.handler_ms < 400 for event in answered)


def test_when_it_is_over_what_is_held_is_answered_by_its_handler(world: World, steps: Next) -> None:
    stop = held(world, steps)
    assert "Held: answer phone" in repr(stop)
    world.wb.step(False)
    world.idle()
    assert stop.state == "let go" and world.hears() == BOTH


def test_closing_holds_nothing_back(world: World, steps: Next) -> None:
    held(world, steps)
    world.wb.close()
    assert world.wb.leftovers() == []


async def test_a_cell_waits_for_what_is_held(world: World) -> None:
    world.wb.step("answer")
    with pytest.raises(WaitError, match="answer is held"):
        await world.wb.stopped(timeout=0.05)
    world.wb.transfer.dial(world.phone())
    stop = await world.wb.stopped()
    assert stop is world.wb.stops[0]
    stop.send(bxml.Pause(60))
    await asyncio.to_thread(world.idle)
    assert "<- answer phone: Pause" in world.rows()
    world.wb.step(False)


def test_live_the_handlers_answer_goes_out_by_itself(world: World, steps: Next, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.stops.TIMEOUT_SECONDS", 0.4)
    world.parts.stepper().local = None
    stop = held(world, steps)
    world.idle()
    assert stop.state == "sent by itself"
    assert "<- answer phone: SpeakSentence Transfer" in world.rows()


def test_live_an_answer_can_be_too_late(world: World, steps: Next, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.stops.TIMEOUT_SECONDS", 3.0)
    stepper = world.parts.stepper()
    stepper.local = None
    stop = held(world, steps)
    stop.fault("timeout")
    assert stop.state == "failed on purpose"
    assert not [event for event in world.parts.log.events() if event.event_type == "answer" and event.status], "its thread still waits"
    world.wb.step(False)
    world.idle()
    assert "<- answer phone: SpeakSentence Transfer" in world.rows(), "nothing keeps a thread when step mode is off"


def test_a_call_says_how_long_its_platform_waits(world: World, steps: Next, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.world.GRACE_SECONDS", 0.05)
    world.wb.step("answer")
    world.wb.transfer.dial(world.phone(), callback_timeout=4)
    stop = steps()
    assert stop.patience == 4 and stop.until == stop.event.time + 2
    stop.fault("timeout")
    world.idle()
    assert "<- disconnect phone (callback-error)" in world.rows()
    assert world.local.clock.paused


def test_a_clock_that_is_to_run_past_one_event_would_run_past_all(world: World, steps: Next) -> None:
    first = held(world, steps)
    world.parts.stepper().once = True
    world.parts.stepper()._stop(first.event, world.wb.transfer.flow, first._written)
    with pytest.raises(WorkbenchError, match="also run past"):
        first.fault("timeout")
    assert first.held


def test_what_comes_while_the_clock_passes_a_timeout_is_held_with_the_clock_standing(
    world: World, steps: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.simulator.world.GRACE_SECONDS", 0.05)
    first = held(world, steps)
    world.wb.bridge.dial(world.phone(2))
    world.local.clock.go_on()
    moving = threading.Thread(target=world.local.clock.run_to_idle)
    moving.start()
    second = world.parts.stepper().take(10)
    first.send()
    assert second.held and world.local.send("POST", "/clock", {})["halted"]
    second.send()
    assert not world.local.send("POST", "/clock", {})["halted"]
    world.wb.step(False)
    moving.join()


@pytest.mark.parametrize("nonsense", [lambda event, flow: 1 / 0, lambda event, flow: 42, lambda event, flow: object()])
def test_a_handler_that_fails_holds_nothing(world: World, nonsense: Callable[..., object]) -> None:
    world.wb.step()
    world.wb.transfer.on("answer")(nonsense)
    world.wb.transfer.dial(world.phone())
    world.idle()
    failed = next(event for event in world.parts.log.events() if event.event_type == "answer")
    assert failed.status == 500 and failed.error, "there is no document to hold: the platform gets a 500, the table its reason"
    assert world.wb.stops == [] and world.left() == NOTHING


def test_a_handler_whose_document_is_wrong_can_be_mended(world: World, steps: Next) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: "<Response><Nonsense/></Response>")
    stop = held(world, steps)
    assert "Nonsense" in repr(stop.check()) and not stop.check().good
    stop.send("<Response><Pause duration='60'/></Response>")
    world.idle()
    assert "<- answer phone: Pause" in world.rows()


def test_while_a_handler_hangs_other_flows_are_held(world: World) -> None:
    hangs, free = threading.Event(), threading.Event()

    def hanging(event: object, flow: object) -> bxml.Pause:
        hangs.set()
        assert free.wait(20)
        return bxml.Pause(60)

    world.wb.transfer.on("answer")(hanging)
    world.wb.step("answer")
    world.local.clock.resume()
    world.phone().set(ring_seconds=0.05)
    world.phone(2).set(ring_seconds=0.05)
    world.wb.transfer.dial(world.phone())
    assert hangs.wait(10)
    world.wb.bridge.dial(world.phone(2))
    stop = world.parts.stepper().take(10)
    assert stop.flow.startswith("bridge")
    free.set()
    other = world.parts.stepper().take(10)
    assert other.flow.startswith("transfer")
    assert world.wb.stops == [stop, other]
    world.wb.step(False)
    world.local.clock.pause()
    world.idle()


def test_what_only_tells_is_shown_and_nothing_else(world: World, steps: Next) -> None:
    world.wb.transfer.dial(world.phone())
    world.idle()
    world.wb.step("disconnect")
    world.phone().hangup()
    stop = steps()
    assert (stop.asks, stop.document) == (False, "")
    with pytest.raises(WorkbenchError, match="ignores it"):
        stop.fault("500")
    stop.send()
    world.idle()
    assert world.left() == NOTHING


def test_a_secret_that_is_left_out_is_told(world: World, steps: Next) -> None:
    stop = held(world, steps)
    verdict = stop.check("<Response><Hangup/></Response>")
    assert verdict.good and "eyJ•••" in verdict.warnings[0] and "eyJ0" not in repr(verdict)
    assert not stop.check().warnings


def test_a_cell_that_is_run_again_begins_anew(world: World, steps: Next) -> None:
    former = held(world, steps)
    world.wb.step("answer")
    world.wb.transfer.dial(world.phone(2))
    again = steps()
    assert (former.state, again.state) == ("let go", "held") and again.flow != former.flow


async def test_who_waits_for_what_cannot_come_is_told_what_is_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.stepping.CALM_SECONDS", 0.1)
    world.wb.step("answer")
    world.wb.transfer.dial(world.phone())
    stop = await world.wb.stopped()
    with pytest.raises(WaitError, match=r"no answer .* yet.* Held: answer phone of transfer"):
        await world.wb.wait_for("answer", timeout=60)
    with pytest.raises(WaitError, match=r"nothing more comes. Held: answer phone"):
        await world.wb.stopped(timeout=60)
    with pytest.raises(WaitError, match="Held: answer phone"):
        await asyncio.to_thread(world.wb.wait, "answer", timeout=60)
    with pytest.raises(WaitError, match=r"within 0.1 s. Held: answer phone"):
        await world.wb.until(lambda: False, timeout=0.1)
    with pytest.raises(WorkbenchError, match=r"a story moves .* Held: answer phone"):
        await asyncio.to_thread(world.wb.compare, "transfer")
    # A panel is there: a reader may decide any moment.
    world.parts.stepper().told.append(lambda: None)
    with pytest.raises(WaitError, match=r"within 0.3 s.* Held: answer phone"):
        await world.wb.wait_for("answer", timeout=0.3)
    stop.send()


async def test_an_interrupted_wait_takes_nothing(world: World) -> None:
    world.wb.step("answer")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(world.wb.stopped(), 0.2)
    world.wb.transfer.dial(world.phone())
    stop = await world.wb.stopped()
    assert stop.event.event_type == "answer"
    world.parts.stepper().release()
    assert stop.state == "let go"


def test_an_event_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(WorkbenchError, match="'anser'"):
        world.wb.step("anser")
