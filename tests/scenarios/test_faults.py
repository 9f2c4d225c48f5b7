"""What goes wrong on the way: answers that race, come twice, early or never, and requests that are nobody's (behaviour 3.1, webhooks 1)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from threading import Event as Signal
from typing import Any

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event
from workbench.simulator import world as platform
from workbench.simulator.webhooks import Outgoing

WEBRTC = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc", "-> createCall webrtc"]
NOW = "2026-03-02T10:00:00.000Z"


def another_platform(event_type: str, leg: Any, **fields: Any) -> tuple[str, dict[str, Any]]:
    """A webhook as another platform would send it: no sequence number, no rule."""
    flow = leg.flow
    path = f"/{flow.mode.name}/{event_type}?flow={flow.id}&leg={leg.name}".replace(" ", "+")
    body = {"eventType": event_type, "eventTime": NOW, "from": "+15550100001", "to": leg.number, "direction": "outbound"}
    return path, body | fields


# Races


class Door:
    """A flow's lock that tells when a second one stands before it."""

    def __init__(self, lock: Any) -> None:
        self.lock, self.tries, self.second = lock, count(1), Signal()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if next(self.tries) == 2:
            self.second.set()
        return bool(self.lock.acquire(blocking, timeout))

    def release(self) -> None:
        self.lock.release()


@pytest.mark.parametrize("first", ["webrtc", "phone"])
def test_two_answers_at_once_and_exactly_one_bridge(world: World, first: str) -> None:
    """The second answer comes while the first one is being decided about: it has to wait, else both would bridge, or neither."""
    flow = world.wb.bridge.dial(world.phone())
    door = flow.lock = Door(flow.lock)
    entered, inside, most = Signal(), [], []

    @world.wb.bridge.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        inside.append(event.leg)
        most.append(len(inside))
        if len(inside) > 1:
            door.second.set()
        partner = world.wb.bridge.partner(event, flow)
        entered.set()
        assert door.second.wait(10)
        inside.remove(event.leg)
        return world.wb.bridge.bridge(partner) if partner else world.wb.bridge.wait()

    def deliver(name: str) -> str:
        path, body = another_platform("answer", flow.leg(name), callId=flow.leg(name).id)
        return str(world.webhook(path, **body).text)

    second = {"webrtc": "phone", "phone": "webrtc"}[first]
    with ThreadPoolExecutor(2) as threads:
        earlier = threads.submit(deliver, first)
        assert entered.wait(10)
        later = threads.submit(deliver, second)
        assert "<Bridge" not in earlier.result(10) and "<Bridge" in later.result(10)
    assert most == [1, 1]
    assert world.rows() == [*WEBRTC, "-> createCall phone", f"<- answer {first}: Pause", f"<- answer {second}: Bridge"]


def test_both_legs_answer_at_the_same_moment(world: World) -> None:
    world.local.interconnect(answer_seconds=1.0)
    world.wb.bridge.dial(world.phone())
    world.idle()
    rows = world.rows()
    assert rows[:4] == [*WEBRTC, "-> createCall phone"]
    assert sorted(rows[4:]) in (
        ["<- answer phone: Bridge", "<- answer webrtc: Pause"],
        ["<- answer phone: Pause", "<- answer webrtc: Bridge"],
    )
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


def test_flows_do_not_wait_for_each_other(world: World) -> None:
    held, freed = Signal(), Signal()

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        if flow.id == "transfer-1":
            held.set()
            assert freed.wait(10)
        return bxml.Pause(60)

    slow, quick = world.wb.transfer.dial(world.phone(1)), world.wb.transfer.dial(world.phone(2))
    first = another_platform("answer", slow.leg("phone"), callId=slow.leg("phone").id)
    second = another_platform("answer", quick.leg("phone 2"), callId=quick.leg("phone 2").id)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(world.webhook, first[0], **first[1])
        assert held.wait(10)
        assert world.webhook(second[0], **second[1]).status_code == 200
        assert not waiting.done()
        freed.set()
        assert waiting.result(10).status_code == 200
    assert world.rows(slow) == ["-> createCall phone", "<- answer phone: Pause"]
    assert world.rows(quick) == ["-> createCall phone 2", "<- answer phone 2: Pause"]


def test_an_answer_before_the_request_for_its_call_has_returned(world: World) -> None:
    """Ours never does that; another platform may. The flow and leg in the URL tell whose it is."""
    bridge, early = world.wb.bridge, []
    place = world.wb.voice.create_call

    def answered_first(**fields: Any) -> Any:
        made = place(**fields)
        leg = bridge.flow.legs["webrtc" if fields["to"].startswith("sip:") else "phone"]
        assert leg.call_id is None
        path, body = another_platform("answer", leg, callId=made["callId"])
        early.append(world.webhook(path, **body).text)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.wb.voice, "create_call", answered_first)
        flow = bridge.dial(world.phone())
    assert ["<Bridge" in text for text in early] == [False, True]
    assert flow.leg("webrtc").id in early[1]
    assert {leg.call_id for leg in flow.legs.values()} == {call["callId"] for call in world.wb.voice.list_calls()}
    assert sorted(world.rows()) == sorted([*WEBRTC, "-> createCall phone", "<- answer webrtc: Pause", "<- answer phone: Bridge"])


# Twice


def test_a_webhook_that_comes_again_gets_the_stored_answer(world: World) -> None:
    calls: list[str | None] = []

    @world.wb.bridge.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        calls.append(event.leg)
        return bxml.Pause(60 + len(calls))

    flow = world.wb.bridge.dial(world.phone())
    path, body = another_platform("answer", flow.leg("phone"), callId=flow.leg("phone").id)
    first, again = world.webhook(path, **body), world.webhook(path, **body)
    assert first.text == again.text and "61" in first.text and calls == ["phone"]
    assert world.rows() == [*WEBRTC, "-> createCall phone", "<- answer phone: Pause", "<- answer phone again: Pause"]
    assert world.webhook(path, **body | {"eventTime": NOW.replace("00Z", "01Z")}).text != first.text


def test_two_equal_webhooks_at_once_are_handled_once(world: World) -> None:
    calls, both = [], Barrier(2)

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        calls.append(event.id)
        return bxml.Pause(60)

    flow = world.wb.transfer.dial(world.phone())
    path, body = another_platform("answer", flow.leg("phone"), callId=flow.leg("phone").id)

    def deliver(_: int) -> str:
        both.wait(10)
        return str(world.webhook(path, **body).text)

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(deliver, range(2))
    assert one == other and len(calls) == 1
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause", "<- answer phone again: Pause"]


def test_an_asynchronous_webhook_that_comes_again_is_handled_once(world: World) -> None:
    ended: list[str | None] = []
    world.wb.transfer.on("disconnect")(lambda event, flow: ended.append(event.leg))
    flow = world.wb.transfer.dial(world.phone().set(busy=True))
    world.idle()
    told = world.parts.log.events(flow=flow.id)[-1]
    for _ in range(2):
        assert world.webhook(flow.url("disconnect", "phone").removeprefix(world.wb.url), **told.data).status_code == 200
    assert world.parts.app.answering.drain(10)
    assert ended == ["phone"]
    again = "<- disconnect phone (busy) again"
    assert world.rows() == ["-> createCall phone", "<- disconnect phone (busy)", again, again]


# On the way


@pytest.fixture
def dead_line(world: World) -> Iterator[list[str]]:
    """The first delivery of each of these events breaks; which did is noted."""
    wanted, broken = ["answer", "disconnect"], []

    def fault(request: Outgoing) -> None:
        event = request.url.partition("?")[0].rpartition("/")[2]
        if event in wanted and request.headers["X-Workbench-Seq"] not in broken:
            wanted.remove(event)
            broken.append(request.headers["X-Workbench-Seq"])
            raise ConnectionResetError("the line is dead")

    assert world.joined is not None
    world.joined.fault = fault
    yield broken
    world.joined.fault = lambda request: None


def test_a_broken_connection_is_tried_once_more(world: World, dead_line: list[str]) -> None:
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    world.phone().hangup()
    world.idle()
    assert len(dead_line) == 2
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: SpeakSentence Transfer",
        *WEBRTC[:2],
        "<- disconnect phone (hangup)",
        "-> deleteParticipant webrtc",
    ]
    assert {event.rule for event in world.parts.log.events(flow=flow.id) if event.direction == "webhook"} == {
        "webhook.retry-sync",
        "webhook.retry",
    }


def test_an_application_that_cannot_be_reached(world: World) -> None:
    def fault(request: Outgoing) -> None:
        if "/disconnect" not in request.url:
            raise ConnectionRefusedError("nobody there")

    assert world.joined is not None
    world.joined.fault = fault
    world.wb.bridge.dial(world.phone())
    world.idle()
    assert [line for line in world.rows() if not line.startswith("-> deleteParticipant")] == [
        *WEBRTC,
        "-> createCall phone",
        "<- disconnect webrtc (callback-error)",
        "<- disconnect phone (callback-error)",
    ]
    assert world.left() == NOTHING


def test_a_handler_that_takes_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "GRACE_SECONDS", 0.05)
    freed = Signal()

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        assert freed.wait(20)
        return bxml.Pause(60)

    world.wb.transfer.dial(world.phone(), callback_timeout=3.0)
    world.local.clock.run_to_idle()
    ended = world.local.happenings("ended")
    freed.set()
    world.idle()
    # Stored when it came, answered when it was too late: the platform had given up.
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause", "<- disconnect phone (callback-error)"]
    assert ended[0].data["cause"] == "callback-error"
    assert world.left() == NOTHING


def test_a_document_that_breaks_the_rules(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: "<Response><Pause duration='soon'/></Response>")
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone", "<- disconnect phone (invalid-bxml)"]
    ended = world.parts.log.events(flow=flow.id)[-1]
    assert "Pause" in ended.data["errorMessage"]
    assert world.left() == NOTHING


def test_an_audio_file_that_cannot_be_played(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.PlayAudio("hello.ogg"))
    world.wb.transfer.dial(world.phone())
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: PlayAudio", "<- disconnect phone (application-error)"]
    assert world.left() == NOTHING


def test_a_fallback_url_is_asked_when_the_first_fails(world: World) -> None:
    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        if event.rule != "webhook.fallback":
            raise RuntimeError("not me")
        return bxml.Pause(60)

    flow = world.wb.transfer.open()
    gate = world.parts.gate
    world.wb.transfer.call(
        flow,
        world.phone(),
        answer_fallback_url=flow.url("answer", "phone"),
        fallback_username=gate.username,
        fallback_password=gate.password,
    )
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone !500", "<- answer phone: Pause"]


# Not ours


STRANGERS = {
    "no credentials": ({"signed": False}, 401),
    "wrong credentials": ({"signed": False, "headers": {"Authorization": "Basic d29ya2JlbmNoOndyb25n"}}, 401),
    "not JSON": ({"raw": b"{"}, 400),
    "no object": ({"raw": b"[]"}, 400),
    "another content type": ({"headers": {"Content-Type": "text/plain"}}, 415),
    "too large": ({"raw": b'{"a": "' + b"x" * 70_000 + b'"}'}, 413),
}


def of_calls(world: World) -> list[Event]:
    """The webhooks logged so far, without those about the devices of participants."""
    return [event for event in world.parts.log.events() if event.direction == "webhook" and not event.event_type.startswith("on")]


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_turned_away_is_not_stored(world: World, kind: str) -> None:
    request, status = STRANGERS[kind]
    world.wb.transfer.take_inbound()
    called: list[Any] = []
    world.wb.transfer.on("initiate")(lambda event, flow: called.append(event))
    answer = world.webhook("/inbound/initiate", eventType="initiate", callId="c-1", **request)
    assert answer.status_code == status and called == []
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert of_calls(world) == []
    assert world.wb.transfer.flows == []
    assert sum(world.parts.log.refused.values()) == 1


def test_events_of_nobody(world: World) -> None:
    """Stored, as it came from the platform; answered that it leads nowhere."""
    assert world.webhook("/transfer/answer?flow=transfer-99&leg=phone", eventType="answer", callId="c-9").status_code == 500
    assert world.webhook("/waltz/answer", eventType="answer", callId="c-9").status_code == 404
    assert world.webhook("/transfer/dance", eventType="dance", callId="c-9").status_code == 404
    events = of_calls(world)
    assert [(event.event_type, event.status) for event in events] == [("answer", 500), ("answer", 404), ("dance", 404)]
    assert "transfer-99" in str(events[0].error)


def test_an_inbound_call_to_an_application_without_a_url(world: World) -> None:
    world.local.application(world.wb.settings.application_id, callInitiatedCallbackUrl=None)
    world.phone().dial(world.wb.number)
    world.idle()
    webhooks = of_calls(world)
    assert [(event.event_type, event.cause) for event in webhooks] == [("disconnect", "rejected")]
    assert world.left() == NOTHING
