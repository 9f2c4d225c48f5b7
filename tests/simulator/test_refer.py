"""Refer: a call from a SIP URI sent elsewhere (bxml 8, 2026)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import PHONE, Rig
from workbench import bxml

ALICE = "sip:alice@example.com"
BOB = bxml.SipUri("sip:bob@example.com")
URL = {"refer_complete_url": "/refer"}
CODES = ("referCallStatus", "referSipResponseCode", "notifySipResponseCode")


def referred(script: dict[str, Any], caller: str = ALICE, **attributes: Any) -> Rig:
    """A call that is referred, played to its end."""
    rig = Rig(initiate=[bxml.Refer(BOB, **attributes), bxml.SpeakSentence("Still here.")], referComplete=bxml.SpeakSentence("Sorry."))
    if script:
        rig.engine.configure_phone(caller, script)
    rig.dial(caller)
    return rig.idle()


def codes(rig: Rig) -> tuple[Any, ...]:
    """What referComplete tells."""
    body = next(webhook.body for webhook in rig.webhooks if webhook.body["eventType"] == "referComplete")
    return tuple(body.get(name) for name in CODES)


def said(rig: Rig) -> list[str]:
    return [str(h.data["text"]) for h in rig.happenings if h.kind == "speak"]


def test_a_success_ends_the_call() -> None:
    rig = referred({}, **URL, tag="mine")
    assert rig.events() == ["initiate A", "referComplete A", "disconnect A hangup"]
    assert codes(rig) == ("success", 202, 200) and said(rig) == []
    assert rig.webhooks[1].body["tag"] == "mine" and "answerTime" in rig.webhooks[1].body
    quiet = referred({})
    assert quiet.events() == ["initiate A", "disconnect A hangup"] and said(quiet) == []


@pytest.mark.parametrize(
    ("script", "told", "seconds"),
    [
        ({"refer_answer": 405}, ("failure", 405, None), 0),
        ({"refer_outcome": 486}, ("failure", 202, 486), 1),
        ({"refer_outcome": None}, ("failure", 202, None), 30),
    ],
)
def test_a_failure_leaves_the_call(script: dict[str, Any], told: tuple[Any, ...], seconds: int) -> None:
    rig = referred(script, **URL)
    assert rig.events() == ["initiate A", "referComplete A", "disconnect A hangup"]
    assert codes(rig) == told and said(rig) == ["Sorry."]
    failed = next(h for h in rig.happenings if h.kind == "referFailed")
    assert failed.time - rig.happenings[0].time == seconds
    assert said(referred(script)) == ["Still here."]


def test_other_calls_cannot_be_referred() -> None:
    rig = referred({}, PHONE, **URL)
    assert codes(rig) == ("failure", None, None) and said(rig) == ["Sorry."]
    outbound = Rig(answer=bxml.Refer(BOB))
    outbound.call(PHONE, "A")
    assert outbound.idle().events() == ["answer A", "disconnect A hangup"]
