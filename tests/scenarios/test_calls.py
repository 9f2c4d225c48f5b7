"""One call, seen by the application: the general order (behaviour 1)."""

from __future__ import annotations

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event


def test_an_outbound_call_from_queued_to_disconnected(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Pause(60))
    flow = world.wb.transfer.dial(world.phone(), tag="mine")
    made = world.parts.log.events(flow=flow.id)[0].data["response"]
    assert made["enqueuedTime"] and made["tag"] == "mine" and "startTime" not in made
    world.advance(0.5)
    ringing = flow.leg("phone").state()
    assert ringing["state"] == "initiated" and ringing["startTime"] and not ringing.get("answerTime")
    world.idle()
    assert flow.leg("phone").state()["state"] == "answered"
    # The Pause parks it for its duration only; then no verb is left.
    world.advance(61)
    ended = flow.leg("phone").state()
    assert (ended["state"], ended["disconnectCause"]) == ("disconnected", "hangup") and ended["endTime"]
    assert [line for line in world.rows() if "getCall" not in line] == [
        "-> createCall phone",
        "<- answer phone: Pause",
        "<- disconnect phone (hangup)",
    ]
    assert {event.data.get("tag") for event in world.parts.log.events(flow=flow.id) if event.direction == "webhook"} == {"mine"}
    assert world.left() == NOTHING


def test_an_inbound_call_is_asked_about_before_it_is_answered(world: World) -> None:
    states: list[str] = []

    @world.wb.transfer.on("initiate")
    def park(event: Event, flow: Flow) -> list[bxml.Verb]:
        states.append(flow.leg("phone").state()["state"])
        return [bxml.Pause(5), bxml.SpeakSentence("Hello."), bxml.Pause(60)]

    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.advance(2)
    flow = world.wb.transfer.flow
    states.append(flow.leg("phone").state()["state"])
    world.idle()
    states.append(flow.leg("phone").state()["state"])
    # The first answering verb answers it, and no event tells.
    assert states == ["initiated", "initiated", "answered"]
    assert [line for line in world.rows() if "getCall" not in line] == ["<- initiate phone: Pause SpeakSentence Pause"]
    world.phone().hangup()
    world.idle()
    assert world.rows()[-1] == "<- disconnect phone (hangup)" and world.left() == NOTHING


@pytest.mark.parametrize("refusal", [bxml.Hangup(), "<Response/>", None], ids=["Hangup", "empty document", "no document"])
def test_an_inbound_call_is_rejected(world: World, refusal: bxml.Verb | str | None) -> None:
    world.wb.transfer.on("initiate")(lambda event, flow: refusal)
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    verbs = ": Hangup" if isinstance(refusal, bxml.Hangup) else ""
    assert world.rows() == [f"<- initiate phone{verbs}", "<- disconnect phone (rejected)"]
    assert world.left() == NOTHING


def test_a_caller_gives_up_before_it_is_answered(world: World) -> None:
    world.wb.transfer.on("initiate")(lambda event, flow: bxml.Pause(60))
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    world.phone().hangup()
    world.idle()
    assert world.rows() == ["<- initiate phone: Pause", "<- disconnect phone (cancel)"]
    assert world.left() == NOTHING


def test_parking_without_end_by_a_redirect_to_itself(world: World) -> None:
    def park(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [bxml.Pause(3600), bxml.Redirect(flow.url("redirect"))]

    world.wb.transfer.on("answer")(park)
    world.wb.transfer.on("redirect")(park)
    world.wb.transfer.dial(world.phone())
    world.idle()
    world.advance(3 * 3600)
    again = "<- redirect phone: Pause Redirect"
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause Redirect", again, again, again]
    assert world.left()["calls"] == ["phone answered"]


def test_a_document_put_in_place_without_a_webhook(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Pause(3600))
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    world.wb.voice.update_call_bxml(
        flow.leg("phone").id, bxml.Response([bxml.SpeakSentence("Goodbye.")]).to_bxml(), about=flow.leg("phone").about
    )
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause", "-> updateCallBxml phone", "<- disconnect phone (hangup)"]
    assert world.spoken() == ["Goodbye."]
    assert world.left() == NOTHING


def test_keys_are_gathered(world: World) -> None:
    @world.wb.transfer.on("answer")
    def ask(event: Event, flow: Flow) -> bxml.Verb:
        return bxml.Gather([bxml.SpeakSentence("Your choice?")], gather_url=flow.url("gather"), max_digits=2, first_digit_timeout=10)

    @world.wb.transfer.on("gather")
    def chosen(event: Event, flow: Flow) -> bxml.Verb:
        return bxml.SpeakSentence(f"You chose {event.data['digits']}.")

    world.wb.transfer.dial(world.phone())
    world.advance(4)
    world.phone().press("42")
    world.idle()
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: Gather",
        "<- gather phone: SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert world.spoken()[-1] == "You chose 42."
