"""Step mode: an event is held, the platform waits, a reader decides, and what is sent is what counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.errors import WaitError, WorkbenchError
from workbench.stepping import Stop

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
    monkeypatch.setattr("workbench.stepping.LIVE_SECONDS", 0.2)
    world.parts.stepper().local = None
    stop = held(world, steps)
    world.idle()
    assert stop.state == "sent by itself"
    assert "<- answer phone: SpeakSentence Transfer" in world.rows()


def test_an_event_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(WorkbenchError, match="'anser'"):
        world.wb.step("anser")
