"""Transfer, seen by the application: one call with two ends (behaviour 2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml, tokens
from workbench.modes import Flow
from workbench.records import Event

P2 = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc"]
INBOUND = ["<- initiate phone: Transfer", *P2]
OUTBOUND = ["-> createCall phone", "<- answer phone: SpeakSentence Transfer", *P2]
GONE = "-> deleteParticipant webrtc"
BUSY, NO_ANSWER, REJECTS, NO_RING = (f"+191955501{end}" for end in ("91", "92", "93", "97"))
CAUSES = {BUSY: "busy", NO_ANSWER: "timeout", REJECTS: "rejected", NO_RING: "timeout"}


def told(flow: Flow, **attributes: Any) -> bxml.Transfer:
    """A Transfer to a new participant that tells everything it can."""
    target = bxml.SipUri(tokens.INTERCONNECT, uui=flow.participant().uui, transfer_disconnect_url=flow.url("transferDisconnect", "webrtc"))
    return bxml.Transfer([target], transfer_complete_url=flow.url("transferComplete", "phone"), **attributes)


def to_phones(flow: Flow, *numbers: str, complete: bool = True, **attributes: Any) -> bxml.Transfer:
    """A Transfer to other phones that tells everything it can."""
    targets = [bxml.PhoneNumber(number, transfer_disconnect_url=flow.url("transferDisconnect", "")) for number in numbers]
    url = flow.url("transferComplete", "phone") if complete else None
    return bxml.Transfer(targets, transfer_complete_url=url, **attributes)


def caller(world: World) -> Flow:
    """A phone calls our number and gets as far as it gets."""
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    return world.wb.transfer.flow


# 2.1 Inbound


def test_inbound_call_reaches_the_browser_and_hangs_up(either_world: World) -> None:
    world = either_world
    flow = caller(world)
    assert world.rows() == INBOUND
    assert world.happened("arrived", "invite", "answered", "joined") == [
        "arrived phone",
        "invite webrtc",
        "answered webrtc",
        "answered phone",
        "joined phone+webrtc",
    ]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}
    calls = {call["to"]: call for call in world.wb.voice.list_calls()}
    assert calls[tokens.INTERCONNECT]["parentCallId"] == calls[world.wb.number]["callId"] == flow.leg("phone").id
    world.phone().hangup()
    world.idle()
    assert world.rows() == [*INBOUND, "<- disconnect phone (hangup)", GONE]
    assert world.left() == NOTHING and world.hears() == {"browser": []}


def test_a_sentence_for_the_webrtc_leg_alone_before_both_are_joined(world: World) -> None:
    @world.wb.transfer.on("initiate")
    def connect(event: Event, flow: Flow) -> bxml.Transfer:
        target = bxml.SipUri(tokens.INTERCONNECT, uui=flow.participant().uui, transfer_answer_url=flow.url("transferAnswer", "webrtc"))
        return bxml.Transfer([target])

    @world.wb.transfer.on("transferAnswer")
    def whisper(event: Event, flow: Flow) -> bxml.SpeakSentence:
        return bxml.SpeakSentence("A call for you.")

    flow = caller(world)
    assert world.rows() == [*INBOUND, "<- transferAnswer webrtc: SpeakSentence"]
    assert world.happened("speak", "answered", "joined") == ["answered webrtc", "speak webrtc", "answered phone", "joined phone+webrtc"]
    asked = next(event for event in world.parts.log.events(flow=flow.id) if event.event_type == "transferAnswer")
    a, b = flow.leg("phone").id, flow.leg("webrtc").id
    assert asked.call_id == b != a and asked.data["parentCallId"] == a
    assert (asked.data["direction"], asked.from_, asked.to) == ("outbound", world.phone().number, world.wb.number)


def test_phone_hangs_up_with_every_url_set(world: World) -> None:
    world.wb.transfer.on("initiate")(lambda event, flow: told(flow))
    caller(world)
    world.phone().hangup()
    world.idle()
    assert world.rows() == [*INBOUND, "<- transferDisconnect webrtc (hangup)", "<- disconnect phone (hangup)", GONE]
    assert world.left() == NOTHING


def test_webrtc_leg_ends_first_and_the_phone_is_asked(either_world: World) -> None:
    world = either_world
    world.wb.transfer.on("initiate")(lambda event, flow: told(flow))
    flow = caller(world)
    world.wb.webrtc.delete_participant(flow.leg("webrtc").participant.id)
    world.idle()
    ended = ["<- transferDisconnect webrtc (hangup)", "<- transferComplete phone (hangup): SpeakSentence"]
    # The participant is gone already, and that is no error.
    assert sorted(world.rows()) == sorted([*INBOUND, *ended, f"{GONE} !404", "<- disconnect phone (hangup)"])
    assert [line for line in world.rows() if line.startswith("<-")] == [INBOUND[0], *ended, "<- disconnect phone (hangup)"]
    assert world.spoken() == ["The other side is not there."]
    assert world.left() == NOTHING


@pytest.mark.parametrize("more", [True, False], ids=["more verbs", "none left"])
def test_webrtc_leg_ends_first_without_a_url(world: World, more: bool) -> None:
    @world.wb.transfer.on("initiate")
    def connect(event: Event, flow: Flow) -> list[bxml.Verb]:
        after: list[bxml.Verb] = [bxml.SpeakSentence("Goodbye.")] if more else []
        return [flow.connect_verb(flow.participant()), *after]

    flow = caller(world)
    flow.release("webrtc")
    world.idle()
    initiate = "<- initiate phone: Transfer" + " SpeakSentence" * more
    assert world.rows() == [initiate, *P2, GONE, "<- disconnect phone (hangup)"]
    assert world.spoken() == ["Goodbye."] * more
    assert world.left() == NOTHING


def test_the_browser_leaving_does_not_end_the_call(world: World) -> None:
    flow = caller(world)
    world.local.disconnect(world.browser)
    world.idle()
    assert world.rows() == INBOUND
    assert world.hears() == {"phone": []}
    assert world.left() == {"calls": ["phone answered", "webrtc answered"], "conferences": [], "participants": [f"{flow.id} webrtc"]}
    flow.leg("phone").hangup()
    world.idle()
    assert world.rows() == [*INBOUND, "-> updateCall phone", "<- disconnect phone (hangup)", GONE]
    assert world.left() == NOTHING


# 2.2 Outbound


def test_outbound_call_then_transfer(either_world: World) -> None:
    world = either_world
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    assert world.rows() == OUTBOUND
    assert world.happened("answered", "speak", "invite", "joined") == [
        "invite phone",
        "answered phone",
        "speak phone",
        "invite webrtc",
        "answered webrtc",
        "joined phone+webrtc",
    ]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}
    flow.leg("phone").hangup()
    world.idle()
    assert world.rows() == [*OUTBOUND, "-> updateCall phone", "<- disconnect phone (hangup)", GONE]
    assert world.left() == NOTHING


@pytest.mark.parametrize("number", CAUSES)
def test_phone_not_answered_tells_only_the_end(world: World, number: str) -> None:
    flow = world.wb.transfer.open()
    flow.participant()
    world.wb.transfer.call(flow, world.wb.phone(number, "phone"))
    world.idle()
    # A participant that was made before still has to go.
    assert world.rows() == [*P2, "-> createCall phone", f"<- disconnect phone ({CAUSES[number]})", GONE]
    assert world.left() == NOTHING


def test_phone_is_given_up_while_it_rings(world: World) -> None:
    flow = world.wb.transfer.dial(world.phone().set(by_hand=True))
    world.idle()
    flow.leg("phone").hangup()
    world.idle()
    assert world.rows() == ["-> createCall phone", "-> updateCall phone", "<- disconnect phone (cancel)"]
    assert world.left() == NOTHING


# 2.3 Target fails


@pytest.mark.parametrize("number", CAUSES)
@pytest.mark.parametrize("then", ["asked", "more verbs", "none left"])
def test_target_fails(world: World, number: str, then: str) -> None:
    @world.wb.transfer.on("initiate")
    def connect(event: Event, flow: Flow) -> list[bxml.Verb]:
        after: list[bxml.Verb] = [bxml.SpeakSentence("Next verb.")] if then != "none left" else []
        return [to_phones(flow, number, complete=then == "asked"), *after]

    world.wb.phone(number, "other")
    flow, cause = caller(world), CAUSES[number]
    verbs = "Transfer" if then == "none left" else "Transfer SpeakSentence"
    complete = [f"<- transferComplete phone ({cause}): SpeakSentence"] if then == "asked" else []
    assert world.rows() == [
        f"<- initiate phone: {verbs}",
        f"<- transferDisconnect other ({cause})",
        *complete,
        "<- disconnect phone (hangup)",
    ]
    assert world.spoken() == {"asked": ["The other side is not there."], "more verbs": ["Next verb."], "none left": []}[then]
    message = {"Callee is busy"} if cause == "busy" else {None}
    ended = [event for event in world.parts.log.events(flow=flow.id) if event.event_type.startswith("transfer")]
    assert {event.data.get("errorMessage") for event in ended} == message
    assert world.left() == NOTHING


@pytest.mark.parametrize("wrong", ["expired", "foreign", "deleted", "none"])
def test_a_bad_token_is_rejected(world: World, wrong: str) -> None:
    @world.wb.transfer.on("initiate")
    def connect(event: Event, flow: Flow) -> bxml.Transfer:
        token = world.browser.token
        if wrong == "foreign":
            claims = {"account_id": "9900000", "participant_id": world.browser.id, "tid": "+1", "now": 1_700_000_000.0}
            token = tokens.issue(secret="some other secret, long enough to sign with", **claims)  # type: ignore[arg-type]
        target = bxml.SipUri(
            tokens.INTERCONNECT,
            uui=None if wrong == "none" else tokens.uui_for(token),
            transfer_disconnect_url=flow.url("transferDisconnect", "webrtc"),
        )
        return bxml.Transfer([target], transfer_complete_url=flow.url("transferComplete"))

    if wrong == "expired":
        world.advance(24 * 3600.0)
    if wrong == "deleted":
        world.wb.delete(world.browser)
    caller(world)
    assert world.rows() == [
        "<- initiate phone: Transfer",
        "<- transferDisconnect webrtc (rejected)",
        "<- transferComplete phone (rejected): SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert world.happened("inviteRefused") == ["inviteRefused webrtc"]
    assert world.left() == NOTHING


def test_nobody_takes_the_webrtc_leg(world: World) -> None:
    world.local.interconnect(answer=False)
    world.wb.transfer.on("initiate")(lambda event, flow: told(flow, call_timeout=7.0))
    caller(world)
    webhooks = [line for line in world.rows() if line.startswith("<-")]
    assert webhooks == [
        INBOUND[0],
        "<- transferDisconnect webrtc (timeout)",
        "<- transferComplete phone (timeout): SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert sorted(world.rows()) == sorted([*webhooks, *P2, GONE])
    assert world.left() == NOTHING


def test_caller_hangs_up_while_the_target_rings(world: World) -> None:
    world.local.interconnect(answer=False)
    world.wb.transfer.on("initiate")(lambda event, flow: [bxml.SpeakSentence("One moment."), told(flow)])
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.advance(5)
    world.phone().hangup()
    world.idle()
    assert world.rows() == [
        "<- initiate phone: SpeakSentence Transfer",
        *P2,
        "<- transferDisconnect webrtc (cancel)",
        "<- disconnect phone (hangup)",
        GONE,
    ]
    assert world.left() == NOTHING


def test_several_targets_and_one_answers(world: World) -> None:
    first, second, third = (world.phone(which) for which in (2, 3, 4))
    first.set(answer=False)
    third.set(answer=False)
    world.wb.transfer.on("initiate")(lambda event, flow: to_phones(flow, first.number, second.number, third.number))
    caller(world)
    ringing = ["<- initiate phone: Transfer", "<- transferDisconnect phone 2 (cancel)", "<- transferDisconnect phone 4 (cancel)"]
    assert world.rows() == ringing
    assert world.hears() == {"phone": ["phone 3"], "phone 3": ["phone"], "browser": []}
    second.hangup()
    world.idle()
    assert world.rows() == [
        *ringing,
        "<- transferDisconnect phone 3 (hangup)",
        "<- transferComplete phone (hangup): SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert world.left() == NOTHING


def test_several_targets_and_none_answers(world: World) -> None:
    world.wb.phone(BUSY, "busy one")
    world.wb.phone(NO_ANSWER, "patient one")
    world.wb.phone(REJECTS, "rude one")
    world.wb.transfer.on("initiate")(lambda event, flow: to_phones(flow, BUSY, NO_ANSWER, REJECTS))
    caller(world)
    assert world.rows() == [
        "<- initiate phone: Transfer",
        "<- transferDisconnect busy one (busy)",
        "<- transferDisconnect rude one (rejected)",
        "<- transferDisconnect patient one (timeout)",
        "<- transferComplete phone (timeout): SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert world.left() == NOTHING


# 2.4 Redirect


def test_redirect_while_the_transfer_is_up(world: World) -> None:
    world.wb.transfer.on("initiate")(lambda event, flow: told(flow))
    flow = caller(world)
    flow.leg("phone").redirect([bxml.SpeakSentence("You are on your own."), bxml.Pause(60)])
    world.idle()
    moved = ["-> updateCall phone", "<- transferDisconnect webrtc (hangup)", "<- redirect phone: SpeakSentence Pause"]
    assert world.rows() == [*INBOUND, *moved, GONE]
    assert world.hears() == {"phone": [], "browser": []}
    assert world.left() == {"calls": ["phone answered"], "conferences": [], "participants": []}


def test_a_new_transfer_after_a_redirect_needs_a_new_token(either_world: World) -> None:
    world = either_world
    flow = caller(world)
    used = flow.leg("webrtc").participant
    flow.leg("phone").redirect()
    world.idle()
    assert world.rows() == [*INBOUND, "-> updateCall phone", "<- redirect phone: Transfer", GONE, *P2]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}
    assert flow.leg("webrtc").participant.id != used.id
    assert world.left()["participants"] == [f"{flow.id} webrtc"]


def test_transfer_complete_may_transfer_again_with_a_token_that_is_free(world: World) -> None:
    phone_side = world.wb.participant("phone side")

    def again(event: Event, flow: Flow) -> bxml.Verb:
        return flow.connect_verb(phone_side, transfer_complete_url=flow.url("transferComplete"))

    world.wb.transfer.on("initiate")(again)
    world.wb.transfer.on("transferComplete")(again)
    caller(world)
    leg = next(call for call in world.local.state()["calls"] if call["parentCallId"])
    world.wb.voice.update_call(leg["callId"], state="completed")
    world.idle()
    assert world.rows() == ["<- initiate phone: Transfer", "<- transferComplete phone (hangup): Transfer"]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


def test_redirecting_the_b_leg_ends_the_transfer_for_the_caller(world: World) -> None:
    @world.wb.transfer.on("initiate")
    def connect(event: Event, flow: Flow) -> bxml.Transfer:
        target = bxml.SipUri(
            tokens.INTERCONNECT,
            uui=flow.participant().uui,
            transfer_answer_url=flow.url("transferAnswer", "webrtc"),
            transfer_disconnect_url=flow.url("transferDisconnect", "webrtc"),
        )
        return bxml.Transfer([target], transfer_complete_url=flow.url("transferComplete", "phone"))

    world.wb.transfer.on("transferAnswer")(lambda event, flow: bxml.SpeakSentence("A call for you."))
    world.wb.transfer.on("transferComplete")(lambda event, flow: bxml.Pause(60))
    world.wb.transfer.on("redirect")(lambda event, flow: bxml.Pause(60))
    flow = caller(world)
    flow.leg("webrtc").redirect()
    world.idle()
    webhooks = [line for line in world.rows() if line.startswith("<-")]
    assert webhooks == [
        INBOUND[0],
        "<- transferAnswer webrtc: SpeakSentence",
        "<- transferComplete phone (hangup): Pause",
        "<- redirect webrtc: Pause",
    ]
    assert world.left()["calls"] == ["phone answered", "webrtc answered"]
    assert world.hears() == {"phone": [], "browser": []}
