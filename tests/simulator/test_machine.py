"""Machine detection: the result, its moment and who is told (voice-api 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import BASE, NUMBER, PHONE, Rig
from workbench import bxml
from workbench.simulator.effects import Refusal
from workbench.simulator.rules import RULES

PARK = bxml.Pause(3600)
LONG = "Nine seconds. " * 10  # 15 characters a second


def detected(script: dict[str, Any], **fields: Any) -> tuple[str, str, str]:
    """Value, duration and rule of a sync detection."""
    rig = Rig(answer=PARK)
    rig.engine.configure_phone(PHONE, script)
    rig.call(PHONE, "A", machineDetection={"mode": "sync"} | fields)
    rig.idle()
    assert rig.events() == ["answer A"]
    result = rig.webhooks[0].body["machineDetectionResult"]
    found = next(h for h in rig.happenings if h.kind == "machineDetected")
    assert found.time == pytest.approx(rig.now)
    return result["value"], result["duration"], found.rule


@pytest.mark.parametrize(
    ("script", "fields", "result"),
    [
        ({}, {}, ("human", "PT6S", "machine.human")),
        ({"says": "Hello?"}, {"speechEndThreshold": 2}, ("human", "PT2.4S", "machine.human")),
        ({"says": LONG}, {"speechThreshold": 8}, ("answering-machine", "PT14.3S", "machine.threshold")),
        ({"says": LONG}, {"speechThreshold": 8, "detectionTimeout": 13}, ("timeout", "PT13S", "machine.timeout")),
        ({"answered_by": "answering-machine"}, {}, ("answering-machine", "PT4S", "machine.recognised")),
        ({"answered_by": "answering-machine", "says": "Beep."}, {}, ("answering-machine", "PT0.4S", "machine.recognised")),
        ({"answered_by": "answering-machine"}, {"delayResult": True}, ("answering-machine", "PT13S", "machine.delay")),
        (
            {"answered_by": "answering-machine"},
            {"delayResult": True, "machineSpeechEndThreshold": 2},
            ("answering-machine", "PT10S", "machine.delay"),
        ),
        (
            {"answered_by": "answering-machine"},
            {"delayResult": True, "detectionTimeout": 9},
            ("answering-machine", "PT9S", "machine.delay"),
        ),
        ({"answered_by": "tone-detected"}, {}, ("tone-detected", "PT8S", "machine.tone")),
        ({"answered_by": "silence"}, {}, ("silence", "PT10S", "machine.silence")),
        ({"answered_by": "silence"}, {"silenceTimeout": 3.5}, ("silence", "PT3.5S", "machine.silence")),
        ({"answered_by": "timeout"}, {"detectionTimeout": 20}, ("timeout", "PT20S", "machine.timeout")),
        ({"answered_by": "error"}, {}, ("error", "PT1S", "machine.error")),
    ],
)
def test_results(script: dict[str, Any], fields: dict[str, Any], result: tuple[str, str, str]) -> None:
    assert detected(script, **fields) == result


def test_async_tells_beside_what_the_call_does() -> None:
    rig = Rig(answer=PARK)
    asked = {"callbackUrl": f"{BASE}/found", "callbackMethod": "GET", "detectionTimeout": None, "fallbackUrl": f"{BASE}/fallback"}
    rig.answers["machineDetectionComplete"] = lambda body: 500 if len(rig.webhooks) == 2 else None
    call = rig.call("+19195550196", "A", tag="t", machineDetection=asked)
    rig.idle()
    assert rig.events() == ["answer A", "machineDetectionComplete A", "machineDetectionComplete A"]
    first, second = rig.webhooks[1:]
    assert (first.method, first.url, second.method, second.url) == ("GET", f"{BASE}/found", "POST", f"{BASE}/fallback")
    assert first.body["machineDetectionResult"] == {"value": "answering-machine", "duration": "PT4S"} and first.body["tag"] == "t"
    assert "machineDetectionResult" not in rig.webhooks[0].body
    assert rig.engine.calls[call].answered


def test_a_call_that_ends_first_has_no_result() -> None:
    for mode in ("sync", "async"):
        rig = Rig(answer=PARK)
        rig.call(PHONE, "A", machineDetection={"mode": mode, "callbackUrl": f"{BASE}/found"})
        rig.advance(2)
        rig.engine.phone_hangup(rig.now, PHONE)
        rig.idle()
        assert rig.events() == (["answer A"] if mode == "async" else []) + ["disconnect A hangup"]
        assert rig.kinds().count("machineDetectionEnded") == 1
        assert not rig.engine.detections and not rig.engine.detecting


def test_another_document_ends_a_sync_detection_and_no_async_one() -> None:
    for mode in ("sync", "async"):
        rig = Rig(answer=PARK, redirect=PARK)
        call = rig.call(PHONE, "A", machineDetection={"mode": mode, "callbackUrl": f"{BASE}/found"})
        rig.advance(2)
        rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
        rig.idle()
        last = ["redirect A"] if mode == "sync" else ["redirect A", "machineDetectionComplete A"]
        assert rig.events()[-len(last) :] == last
        rig.engine.phone_hangup(rig.now, PHONE)
        assert "machineDetectionEnded" not in rig.settle().kinds()


def test_another_number_counts_as_human_and_a_call_without_detection_as_nobody() -> None:
    rig = Rig(answer=PARK, initiate=bxml.Ring(3600))
    rig.call(NUMBER, "A", machineDetection={"mode": "sync"})
    rig.idle()
    assert rig.webhooks[-1].body["machineDetectionResult"] == {"value": "human", "duration": "PT6S"}


def test_decimals_work_with_a_warning() -> None:
    rig = Rig(answer=PARK)
    rig.call(PHONE, "A", machineDetection={"mode": "sync", "speechEndThreshold": 1.5})
    rig.idle()
    assert [h.data["text"] for h in rig.happenings if h.kind == "warning"] == ["decimals in speechEndThreshold"]


@pytest.mark.parametrize(
    ("asked", "word", "rule"),
    [
        ("sync", "machineDetection", "machine.field"),
        ({}, "callbackUrl", "machine.callback"),
        ({"mode": "both"}, "mode", "machine.mode"),
        ({"mode": ["sync"]}, "mode", "machine.mode"),
        ({"callbackUrl": "ftp://x"}, "machineDetection.callbackUrl", "request.url"),
        ({"callbackUrl": 5}, "machineDetection.callbackUrl", "request.field"),
        ({"callbackUrl": BASE, "username": "u"}, "machineDetection.callbackUrl", "request.https"),
        ({"callbackUrl": BASE, "fallbackUrl": BASE, "fallbackPassword": "p"}, "machineDetection.fallbackUrl", "request.https"),
        ({"callbackUrl": BASE, "callbackMethod": "PUT"}, "callbackUrl method", "request.method"),
        ({"callbackUrl": BASE, "username": 5}, "username", "machine.field"),
        ({"callbackUrl": BASE, "password": "x" * 1025}, "password", "request.credentials"),
        ({"mode": "sync", "delayResult": "yes"}, "delayResult", "machine.field"),
        ({"mode": "sync", "silenceTimeout": "5"}, "silenceTimeout", "machine.field"),
        ({"mode": "sync", "silenceTimeout": True}, "silenceTimeout", "machine.field"),
        ({"mode": "sync", "detectionTimeout": -1}, "detectionTimeout", "machine.range"),
        ({"mode": "sync", "machineSpeechEndThreshold": float("nan")}, "machineSpeechEndThreshold", "machine.range"),
    ],
)
def test_bad_requests_name_the_field(asked: Any, word: str, rule: str) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.call(PHONE, "A", machineDetection=asked)
    assert word in refused.value.description and refused.value.rule == rule and rule in RULES
    assert not rig.engine.calls and not rig.engine.detections
