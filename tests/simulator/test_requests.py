"""Requests that are refused: the documented error, and nothing changed (voice-api 3, 5 to 7)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import APPLICATION, NUMBER, PHONE, Rig
from workbench import bxml
from workbench.simulator.effects import Refusal
from workbench.simulator.phones import SPECIAL, phone
from workbench.simulator.rules import RULES

GOOD = {"from": NUMBER, "to": PHONE, "applicationId": APPLICATION, "answerUrl": "http://app.test/a"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"to": None}, "Missing at least one required field"),
        ({"to": "5550100"}, "Invalid to: must be an E164 telephone number"),
        ({"to": 7}, "Invalid to: must be an E164 telephone number"),
        ({"from": "nobody"}, "Invalid from: must be an E164 telephone number"),
        ({"answerUrl": "ftp://app.test"}, "Invalid answerUrl: only http and https are allowed"),
        ({"answerUrl": "/relative"}, "Invalid answerUrl: only http and https are allowed"),
        ({"answerUrl": "http://[broken"}, "Invalid answerUrl: not a URL"),
        ({"answerUrl": 7}, "Invalid answerUrl: must be a string"),
        ({"answerUrl": "http://app.test/" + "a" * 2048}, "Invalid answerUrl: must have at most 2048 characters"),
        ({"answerMethod": "PATCH"}, "Invalid answerUrl method. Supported methods: [POST, GET]"),
        ({"disconnectUrl": "x"}, "Invalid disconnectUrl: only http and https are allowed"),
        ({"answerFallbackUrl": "x"}, "Invalid answerFallbackUrl"),
        ({"username": "u", "password": "p"}, "Invalid answerUrl: https is required when credentials are given"),
        ({"callTimeout": 0}, "callTimeout must be within the range [1, 300], but was 0"),
        ({"callTimeout": 301}, "callTimeout must be within the range [1, 300], but was 301"),
        ({"callTimeout": "30"}, "Invalid callTimeout: must be a number"),
        ({"callbackTimeout": 26}, "callbackTimeout must be within the range [1, 25], but was 26"),
        ({"priority": 1.5}, "Invalid priority: must be a whole number, but was 1.5"),
        ({"priority": 6}, "priority must be within the range [1, 5], but was 6"),
        ({"tag": "x" * 4097}, "Could not create call: sendCallback tag must contain at most 4096 characters"),
        ({"tag": 7}, "Invalid tag: must be a string"),
        ({"displayName": "a\nb"}, "displayName must not contain control characters"),
        ({"displayName": "x" * 257}, "displayName must contain at most 256 characters"),
        ({"applicationId": "other"}, "Could not create call: Application id other not found"),
        ({"applicationId": 7}, "Invalid applicationId: must be a string"),
        ({"to": "+1٩٩٩٩٩٩٩"}, "Invalid to: must be an E164 telephone number"),
        ({"uui": "token"}, "Invalid uui"),
        ({"uui": 7}, "Invalid uui: must be a string"),
    ],
)
def test_calls_refused(change: dict[str, Any], text: str) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.create_call(rig.now, GOOD | change)
    assert refused.value.status == 400 and text in refused.value.description and refused.value.rule in RULES
    assert not rig.engine.calls and rig.engine.next_timer() is None and not rig.engine.take_effects()


def test_nulls_count_as_missing_and_loopback_needs_no_https() -> None:
    rig = Rig()
    fields = GOOD | {"answerUrl": "http://127.0.0.1:9/a", "username": "u", "password": "p", "tag": None, "callTimeout": None, "priority": 1}
    call = rig.engine.create_call(rig.now, fields | {"machineDetection": {"mode": "sync"}, "from": "Private"})
    assert call.tag is None and call.call_timeout == 30 and call.answer is not None and call.answer.username == "u"
    assert rig.settle().kinds() == ["queued"] and call.call_id in rig.engine.detections


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Required fields are [redirectUrl]"),
        ({"state": "parked"}, "Invalid state: must be one of ['active', 'completed'], but was parked"),
        ({"state": ["x"]}, "but was a list"),
        ({"state": {}}, "but was an object"),
        ({"redirectUrl": "x"}, "Invalid redirectUrl"),
        ({"redirectUrl": "http://app.test", "redirectMethod": "PUT"}, "Invalid redirectUrl method"),
    ],
)
def test_updates_refused(fields: dict[str, Any], text: str) -> None:
    rig = Rig(answer=[bxml.Conference("room")])
    call = rig.call(PHONE, "A")
    rig.idle()
    with pytest.raises(Refusal) as refused:
        rig.engine.update_call(rig.now, call, fields)
    assert text in refused.value.description
    (conference,) = rig.engine.conferences
    renamed = {("status" if name == "state" else name): value for name, value in fields.items()}
    with pytest.raises(Refusal):
        rig.engine.update_conference(rig.now, conference, renamed)
    assert rig.engine.call(call).answered


@pytest.mark.parametrize("fields", [{"mute": "yes"}, {"hold": 1}, {"callIdsToCoach": "c-1"}, {"callIdsToCoach": [1]}])
def test_member_changes_refused(fields: dict[str, Any]) -> None:
    rig = Rig(answer=[bxml.Conference("room")])
    call = rig.call(PHONE, "A")
    rig.idle()
    (conference,) = rig.engine.conferences
    with pytest.raises(Refusal):
        rig.engine.update_member(rig.now, conference, call, fields)
    with pytest.raises(Refusal) as refused:
        rig.engine.update_member(rig.now, conference, "c-other", {})
    assert refused.value.status == 404
    with pytest.raises(Refusal):
        rig.engine.conference("conf-other")


@pytest.mark.parametrize(
    "fields",
    [
        {"ring_seconds": "1"},
        {"ring_seconds": -1},
        {"busy": 1},
        {"says": 5},
        {"number": "+1"},
        {"hangup_after": 1e9},
        {"answer": None},
        {"ring_seconds": None},
    ],
)
def test_phone_scripts_refused(fields: dict[str, Any]) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.configure_phone(PHONE, fields)
    assert next(iter(fields)) in refused.value.description
    assert rig.engine.phones.get(PHONE, phone(PHONE)) == phone(PHONE)


def test_phones_that_are_none() -> None:
    rig = Rig()
    for number in ("12", NUMBER):
        with pytest.raises(Refusal):
            rig.engine.configure_phone(number, {"says": None, "hangup_after": None})
    with pytest.raises(Refusal) as refused:
        rig.engine.dial(rig.now, PHONE, "+19995550000")
    assert refused.value.status == 404
    assert {number: phone(number) for number in SPECIAL} == {number: phone(number) for number in SPECIAL}


def test_calls_are_listed_by_what_is_asked_and_kept_seven_days() -> None:
    rig = Rig(answer=bxml.Hangup())
    first = rig.call(PHONE, "A")
    rig.idle()
    rig.advance(60)
    second = rig.call("+19195550191", "B")
    rig.idle()

    def listed(**fields: str) -> list[str]:
        return [call.call_id for call in rig.engine.list_calls(fields)]

    assert listed() == [first, second] and listed(to=PHONE) == [first] and listed(disconnectCause="busy") == [second]
    assert listed(**{"from": NUMBER}) == [first, second]
    assert listed(minStartTime="2023-11-14T22:13:30.000Z") == [second] and listed(maxStartTime="2023-11-14T22:13:30.000Z") == [first]
    assert listed(minStartTime="2023-11-14T22:13:20Z", maxStartTime="2023-11-15T00:13:20+02:00") == [first]
    with pytest.raises(Refusal, match="Invalid minStartTime"):
        listed(minStartTime="yesterday")
    rig.advance(7 * 24 * 3600 - 30)
    assert listed() == [second]
    with pytest.raises(Refusal) as refused:
        rig.engine.call(first)
    assert refused.value.status == 404


def test_conferences_are_listed_by_what_is_asked() -> None:
    rig = Rig(answer=bxml.Conference("one"))
    rig.call(PHONE, "A")
    rig.idle()
    assert len(rig.engine.list_conferences({"name": "one"})) == 1 and not rig.engine.list_conferences({"name": "two"})
    assert not rig.engine.list_conferences({"minCreatedTime": "2030-01-01"}) and not rig.engine.list_conferences(
        {"maxCreatedTime": "2000-01-01"}
    )


def test_the_state_tells_no_secret() -> None:
    rig = Rig(answer=bxml.Conference("one"), initiate=bxml.Pause(60))
    rig.engine.configure_application(
        APPLICATION, {"callStatusCallbackUrl": "http://127.0.0.1/", "username": "u", "password": "hidden-word"}
    )
    rig.browser()
    rig.call(PHONE, "A")
    rig.dial("+19195550112")
    rig.idle()
    state = rig.engine.state()
    assert "hidden-word" not in str(state) and "eyJ" not in str(state)
    assert [call["direction"] for call in state["calls"]] == ["outbound", "inbound"] and len(state["conferences"]) == 1
