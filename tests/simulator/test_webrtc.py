"""Participants, sessions, subscriptions and devices (webrtc-api)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import PHONE, Rig
from workbench import bxml, tokens
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Subscription


def pair(rig: Rig) -> tuple[str, str, str]:
    """A session with two browsers that hear nobody yet."""
    engine = rig.engine
    session = engine.create_session(rig.now, {"tag": "room"})
    ids = []
    for tag in ("one", "two"):
        participant, token = engine.create_participant(rig.now, {"tag": tag, "callbackUrl": "http://app.test/participant"})
        engine.add_participant(rig.now, session.id, participant.id, None)
        engine.connect_device(rig.now, token)
        ids.append(participant.id)
    return session.id, ids[0], ids[1]


def test_the_documented_sequence() -> None:
    rig = Rig()
    engine = rig.engine
    participant, token = engine.create_participant(rig.now, {"publishPermissions": ["AUDIO"], "deviceApiVersion": "V3"})
    session = engine.create_session(rig.now, {})
    engine.add_participant(rig.now, session.id, participant.id, None)
    assert [member.id for member in engine.session_participants(session.id)] == [participant.id]
    wanted = {"sessionId": session.id, "participants": [{"participantId": participant.id, "streamAliases": ["mic"]}]}
    engine.set_subscriptions(rig.now, session.id, participant.id, wanted)
    assert engine.subscriptions(session.id, participant.id) == Subscription(session.id, ((participant.id, ("mic",)),))
    assert engine.participant(participant.id).session_id == session.id
    engine.remove_participant(rig.now, session.id, participant.id)
    engine.delete_session(rig.now, session.id)
    engine.delete_participant(rig.now, participant.id)
    assert tokens.check(token, engine.config.token_secret, rig.now).participant_id == participant.id
    for gone in (lambda: engine.participant(participant.id), lambda: engine.session(session.id)):
        with pytest.raises(Refusal) as refused:
            gone()
        assert refused.value.status == 404


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        (None, []),
        ({}, []),
        ({"participants": []}, []),
        ({"sessionId": "session-1"}, ["two"]),
        ({"sessionId": "session-1", "participants": []}, ["two"]),
        ({"participants": [{"participantId": "participant-2"}]}, ["two"]),
        ({"sessionId": "session-1", "participants": [{"participantId": "participant-1"}]}, []),
    ],
)
def test_three_levels_of_subscription(body: dict[str, Any] | None, heard: list[str]) -> None:
    rig = Rig()
    session, one, _ = pair(rig)
    rig.engine.set_subscriptions(rig.now, session, one, body)
    assert rig.hears() == {"one": heard, "two": []}


def test_a_session_level_subscription_hears_newcomers() -> None:
    rig = Rig()
    session, one, _ = pair(rig)
    rig.engine.set_subscriptions(rig.now, session, one, {"sessionId": session})
    three, token = rig.engine.create_participant(rig.now, {"tag": "three"})
    rig.engine.add_participant(rig.now, session, three.id, {"sessionId": session})
    rig.engine.connect_device(rig.now, token)
    silent, _ = rig.engine.create_participant(rig.now, {"tag": "without a device"})
    rig.engine.add_participant(rig.now, session, silent.id, None)
    assert rig.hears() == {"one": ["two", "three"], "two": [], "three": ["one", "two"]}


def test_who_may_not_publish_is_not_heard() -> None:
    rig = Rig()
    session, one, _ = pair(rig)
    quiet, token = rig.engine.create_participant(rig.now, {"tag": "quiet", "publishPermissions": []})
    rig.engine.add_participant(rig.now, session, quiet.id, {"sessionId": session})
    rig.engine.connect_device(rig.now, token)
    rig.engine.set_subscriptions(rig.now, session, one, {"sessionId": session})
    assert rig.hears()["one"] == ["two"] and rig.hears()["quiet"] == ["one", "two"]


@pytest.mark.parametrize(
    "fields",
    [
        {"publishPermissions": ["AUDIO", "AUDIO"]},
        {"publishPermissions": ["SMELL"]},
        {"publishPermissions": "AUDIO"},
        {"deviceApiVersion": "V2"},
        {"tag": "x" * 51},
        {"tag": 7},
        {"callbackUrl": "ftp://x"},
    ],
)
def test_malformed_participants(fields: dict[str, Any]) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.create_participant(rig.now, fields)
    assert refused.value.status == 400 and next(iter(fields)) in refused.value.description
    assert not rig.engine.participants


@pytest.mark.parametrize(
    "fields",
    [
        {"sessionId": "another"},
        {"participants": "all"},
        {"participants": [{}]},
        {"participants": [{"participantId": "participant-1", "streamAliases": "mic"}]},
        {"participants": [{"participantId": "outside"}]},
    ],
)
def test_malformed_subscriptions_change_nothing(fields: dict[str, Any]) -> None:
    rig = Rig()
    session, one, _ = pair(rig)
    with pytest.raises(Refusal):
        rig.engine.set_subscriptions(rig.now, session, one, fields)
    other, _ = rig.engine.create_participant(rig.now, {})
    with pytest.raises(Refusal):
        rig.engine.add_participant(rig.now, session, other.id, fields)
    assert rig.engine.subscriptions(session, one) is None and other.session_id is None


def test_one_session_at_most_and_twenty_participants() -> None:
    rig = Rig()
    session, one, _ = pair(rig)
    another = rig.engine.create_session(rig.now, {})
    with pytest.raises(Refusal) as refused:
        rig.engine.add_participant(rig.now, another.id, one, None)
    assert refused.value.status == 409
    rig.engine.add_participant(rig.now, session, one, {"sessionId": session})
    assert rig.engine.subscriptions(session, one) is not None
    ids = [rig.engine.create_participant(rig.now, {})[0].id for _ in range(19)]
    for participant in ids[:18]:
        rig.engine.add_participant(rig.now, session, participant, None)
    with pytest.raises(Refusal) as refused:
        rig.engine.add_participant(rig.now, session, ids[18], None)
    assert refused.value.status == 409 and refused.value.rule == "webrtc.full"
    with pytest.raises(Refusal) as refused:
        rig.engine.subscriptions(another.id, one)
    assert refused.value.status == 404


def test_device_webhooks() -> None:
    rig = Rig()
    _, one, two = pair(rig)
    device = rig.engine.participant(one).device_id
    rig.engine.leave_device(rig.now, device)
    rig.engine.delete_participant(rig.now, two)
    rig.settle()
    assert rig.events() == ["onConnect", "onConnect", "onLeave", "onLeave"]
    body = rig.webhooks[0].body
    assert body["participantId"] == one and body["timestamp"].isdigit() and body["tag"] == "one" and body["deviceId"]
    with pytest.raises(Refusal) as refused:
        rig.engine.leave_device(rig.now, device)
    assert (refused.value.status, refused.value.rule) == (404, "device.gone")
    assert rig.settle().events()[4:] == [] and not rig.engine.devices


def test_a_participant_webhook_is_sent_once() -> None:
    rig = Rig(onConnect=-1)
    pair(rig)
    rig.settle()
    assert rig.events() == ["onConnect", "onConnect"] and "webhookLost" in rig.kinds()


def test_the_sip_leg_is_the_participants_device() -> None:
    rig = Rig(answer=bxml.Pause(60))
    session, _ = rig.browser()
    uui = rig.uui(session)
    call = rig.call(tokens.INTERCONNECT, "L", uui=uui)
    rig.idle()
    phone_side = next(item for item in rig.engine.participants.values() if item.tag == "phone side")
    assert phone_side.call_id == call and "onConnect" in rig.kinds()
    with pytest.raises(Refusal):
        rig.engine.leave_device(rig.now, phone_side.device_id)
    rig.engine.remove_participant(rig.now, session, phone_side.id)
    assert rig.engine.call(call).answered
    rig.engine.delete_participant(rig.now, phone_side.id)
    rig.settle()
    assert rig.events() == ["answer L", "disconnect L hangup"] and rig.kinds()[-1] == "onLeave"


def test_a_session_deleted_hangs_up_its_legs() -> None:
    rig = Rig(answer=bxml.Pause(60))
    session, _ = rig.browser()
    rig.call(tokens.INTERCONNECT, "L", uui=rig.uui(session))
    rig.idle()
    rig.engine.delete_session(rig.now, session)
    assert rig.settle().events() == ["answer L", "disconnect L hangup"] and len(rig.engine.participants) == 2


def test_two_sip_legs_in_one_session_hear_each_other() -> None:
    rig = Rig(answer=lambda body: bxml.Transfer([bxml.SipUri(tokens.INTERCONNECT, uui=rig.uui(session))]))
    session = rig.engine.create_session(rig.now, {}).id
    for number in (PHONE, "+19195550112"):
        rig.call(number, "A")
        rig.idle()
    assert rig.hears() == {PHONE: ["+19195550112"], "+19195550112": [PHONE]}


def test_a_session_deleted_in_time_is_not_cleaned_up_again() -> None:
    rig = Rig()
    session = rig.engine.create_session(rig.now, {})
    rig.engine.delete_session(rig.now, session.id)
    rig.advance(9 * 3600 + 1)
    assert "sessionCleanedUp" not in rig.kinds()
