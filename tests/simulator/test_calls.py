"""A call's life, its documents, and the delivery of its webhooks (behaviour 1, webhooks 1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import APPLICATION, BASE, NUMBER, PHONE, PHONE_2, START, Rig
from workbench import bxml
from workbench.simulator.calls import State
from workbench.simulator.effects import CancelWebhook, Refusal
from workbench.simulator.rules import RULES


def test_a_call_is_queued_initiated_answered_and_disconnected() -> None:
    rig = Rig(answer=bxml.SpeakSentence("Hello."))
    call = rig.call(PHONE, "A")
    assert rig.engine.call(call).state is State.QUEUED
    rig.idle()
    assert rig.events() == ["answer A", "disconnect A hangup"]
    assert list(rig.kinds()) == ["queued", "invite", "ringing", "answered", "speak", "ended"]
    record = rig.engine.call(call)
    assert record.answer_time is not None and record.start_time is not None
    assert record.answer_time - record.start_time == 1


@pytest.mark.parametrize(
    ("script", "cause"),
    [({"busy": True}, "busy"), ({"reject": True}, "rejected"), ({"answer": False}, "timeout"), ({"rings": False}, "timeout")],
)
def test_not_answered_tells_only_the_end(script: dict[str, Any], cause: str) -> None:
    rig = Rig()
    rig.engine.configure_phone(PHONE, script)
    rig.call(PHONE, "A", callTimeout=5)
    rig.idle()
    assert rig.events() == [f"disconnect A {cause}"]
    assert rig.now - 1_700_000_000 == {"timeout": 5 if "answer" in script else 30}.get(cause, 0)


def test_a_sip_address_nobody_answers_for() -> None:
    rig = Rig()
    rig.call("sip:nobody@example.com", "A")
    assert rig.idle().events() == ["disconnect A rejected"]


def test_a_phone_in_a_call_is_busy() -> None:
    rig = Rig(answer=bxml.Pause(60))
    rig.call(PHONE, "A")
    rig.idle()
    rig.call(PHONE, "C")
    assert rig.idle().events() == ["answer A", "disconnect C busy"]
    with pytest.raises(Refusal):
        rig.dial(PHONE)


def test_a_phone_hangs_up_by_its_script() -> None:
    rig = Rig(answer=bxml.Pause(60))
    rig.engine.configure_phone(PHONE, {"hangup_after": 4, "says": "Hello?"})
    rig.call(PHONE, "A")
    assert rig.idle().events() == ["answer A", "disconnect A hangup"] and rig.now - 1_700_000_000 == 5
    assert [h.data["text"] for h in rig.happenings if h.kind == "phoneSays"] == ["Hello?"]


def test_a_phone_that_calls_in_hangs_up_by_its_script_too() -> None:
    rig = Rig(initiate=[bxml.Ring(1), bxml.Pause(60)])
    rig.engine.configure_phone(PHONE, {"hangup_after": 4})
    rig.dial(PHONE)
    assert rig.idle().events() == ["initiate A", "disconnect A hangup"]
    assert rig.now - 1_700_000_000 == 4


def test_a_phone_handled_by_hand() -> None:
    rig = Rig(answer=bxml.Pause(60))
    rig.engine.configure_phone(PHONE, {"by_hand": True})
    rig.call(PHONE, "A")
    assert rig.idle().events() == []
    rig.engine.phone_answer(rig.now, PHONE)
    assert rig.settle().events() == ["answer A"]
    with pytest.raises(Refusal):
        rig.engine.phone_answer(rig.now, PHONE)
    rig.call(PHONE_2, "C")
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    rig.idle()
    rig.engine.phone_reject(rig.now, PHONE_2)
    assert rig.settle().events()[-1] == "disconnect C rejected"


@pytest.mark.parametrize(
    ("document", "cause"), [("<Response/>", "rejected"), ("", "rejected"), ("<Response><Pause/></Response>", "hangup")]
)
def test_an_inbound_call_that_is_not_answered(document: str, cause: str) -> None:
    rig = Rig(initiate=document)
    call = rig.dial(PHONE)
    assert rig.advance(5).events() == ["initiate A", f"disconnect A {cause}"]
    assert rig.engine.call(call).answer_time is None


@pytest.mark.parametrize(
    ("verb", "answers"),
    [(bxml.SpeakSentence("Hi."), True), (bxml.Ring(2), True), (bxml.Ring(2, answer_call=False), False), (bxml.Pause(2), False)],
)
def test_which_verbs_answer(verb: bxml.Verb, answers: bool) -> None:
    rig = Rig(initiate=[verb, bxml.Pause(10)])
    call = rig.dial(PHONE)
    rig.idle()
    assert rig.engine.call(call).answered is answers and rig.events() == ["initiate A"]


def test_the_caller_hangs_up_before_the_answer() -> None:
    rig = Rig(initiate=bxml.Pause(60))
    rig.dial(PHONE)
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    assert rig.settle().events() == ["initiate A", "disconnect A cancel"]


@pytest.mark.parametrize("state", ["queued", "ringing", "answered", "inbound", "ended"])
def test_completed_by_request(state: str) -> None:
    rig = Rig(answer=bxml.Pause(60), initiate=bxml.Pause(60))
    rig.engine.configure_phone(PHONE, {"by_hand": state == "ringing"})
    call = rig.dial(PHONE) if state == "inbound" else rig.call(PHONE, "A")
    if state != "queued":
        rig.idle()
    if state == "ended":
        rig.engine.phone_hangup(rig.now, PHONE)
        with pytest.raises(Refusal) as refused:
            rig.engine.update_call(rig.now, call, {"state": "completed"})
        assert refused.value.status == 409
        return
    rig.engine.update_call(rig.now, call, {"state": "completed", "redirectUrl": "ignored"})
    cause = {"queued": "cancel", "ringing": "cancel", "answered": "hangup", "inbound": "rejected"}[state]
    assert rig.idle().events()[-1] == f"disconnect A {cause}"


def test_redirect_stops_what_runs() -> None:
    rig = Rig(answer=[bxml.SpeakSentence("A very long sentence that goes on."), bxml.SpeakSentence("Never.")], redirect=bxml.Hangup())
    call = rig.call(PHONE, "A")
    rig.advance(1.1)
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect", "tag": "new"})
    assert rig.idle().events() == ["answer A", "redirect A", "disconnect A hangup"]
    assert rig.webhooks[1].body["tag"] == "new"
    assert [h.data["text"] for h in rig.happenings if h.kind == "speak"] == ["A very long sentence that goes on."]


def test_a_ringing_call_cannot_be_redirected() -> None:
    rig = Rig()
    call = rig.call(PHONE, "A")
    rig.advance(0.5)
    for change in (
        lambda: rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/x"}),
        lambda: rig.engine.update_call_bxml(rig.now, call, b"<Bxml/>"),
    ):
        with pytest.raises(Refusal) as refused:
            change()
        assert refused.value.status == 409 and call in refused.value.description


def test_a_document_by_request_replaces_what_runs() -> None:
    rig = Rig(answer=bxml.Pause(60))
    call = rig.call(PHONE, "A")
    rig.idle()
    for bad in (b"<Bxml><Nonsense/></Bxml>", b"<Bxml><Redirect redirectUrl='/relative'/></Bxml>", b"not xml"):
        with pytest.raises(Refusal):
            rig.engine.update_call_bxml(rig.now, call, bad)
    assert rig.engine.call(call).answered
    rig.engine.update_call_bxml(rig.now, call, b"<Bxml><SpeakSentence>New.</SpeakSentence></Bxml>")
    assert rig.idle().events() == ["answer A", "disconnect A hangup"]


def test_redirect_verb_resolves_relative_urls() -> None:
    rig = Rig(answer=bxml.Redirect("next/step?x=1"), redirect=bxml.Hangup())
    rig.call(PHONE, "A", answerUrl=f"{BASE}/a/answer")
    rig.idle()
    assert rig.webhooks[1].url == f"{BASE}/a/next/step?x=1"


def test_tags_stay_until_replaced() -> None:
    rig = Rig(answer=[bxml.Tag(" second "), bxml.Redirect("/r", tag="third")], redirect=bxml.Tag(""))
    rig.call(PHONE, "A", tag="first")
    rig.idle()
    assert [webhook.body.get("tag") for webhook in rig.webhooks] == ["first", "third", None]


def test_thousands_of_verbs_that_take_no_time() -> None:
    rig = Rig(answer="<Response>" + "<Tag/>" * 9000 + "</Response>")
    rig.call(PHONE, "A")
    assert rig.idle().events() == ["answer A", "disconnect A hangup"]


# Audio and digits


def test_audio_takes_its_length() -> None:
    rig = Rig(answer=bxml.PlayAudio("song.wav"))
    rig.audio = {f"{BASE}/song.wav": 7.5}
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.now - 1_700_000_000 == 8.5
    rig.audio = {}
    rig.call(PHONE, "C")
    assert rig.idle().events()[-1] == "disconnect C application-error"


def gathered(rig: Rig) -> tuple[str, str] | None:
    bodies = [webhook.body for webhook in rig.webhooks if webhook.body["eventType"] == "gather"]
    return (bodies[0]["digits"], bodies[0]["terminatingDigit"]) if bodies else None


@pytest.mark.parametrize(
    ("attributes", "pressed", "result", "rule"),
    [
        ({"max_digits": 2}, "123", ("12", ""), "max-digits"),
        ({"terminating_digits": "#"}, "12#", ("12", "#"), "terminating"),
        ({}, "7", ("7", ""), "inter-digit"),
        ({}, "", ("", ""), "first-digit"),
        ({"input": "speech"}, "7", ("", ""), "speech-timeout"),
        ({"input": "dtmf_speech"}, "7", ("7", ""), "inter-digit"),
    ],
)
def test_gather_ends(attributes: dict[str, Any], pressed: str, result: tuple[str, str], rule: str) -> None:
    verb = bxml.Gather(audio_verbs=[bxml.SpeakSentence("Press a key, any key.")], gather_url="/keys", **attributes)
    rig = Rig(answer=[verb, bxml.SpeakSentence("Skipped.")], gather=bxml.Hangup())
    rig.call(PHONE, "A")
    rig.advance(1.2)
    if pressed:
        rig.engine.phone_keys(rig.now, PHONE, pressed)
    rig.idle()
    assert gathered(rig) == result and rig.events() == ["answer A", "gather A", "disconnect A hangup"]
    assert rig.webhooks[1].rule == f"gather.{rule}"
    assert rig.kinds().count("promptsStopped") == (result[0] != "")


@pytest.mark.parametrize(("words", "seconds"), [("dtmf", 2), ("speech", 3), ("dtmf_speech", 3)])
def test_gather_waits_for_keys_or_speech(words: str, seconds: int) -> None:
    verb = bxml.Gather(gather_url="/keys", input=words, first_digit_timeout=2, speech_timeout=3)
    rig = Rig(answer=verb)
    rig.call(PHONE, "A")
    rig.advance(1)
    assert rig.idle().now - START == 1 + seconds
    assert rig.kinds().count("speechNotRecognised") == (words != "dtmf")


def test_gather_repeats_its_prompts_and_without_url_goes_on() -> None:
    verb = bxml.Gather(audio_verbs=[bxml.SpeakSentence("Again?"), bxml.PlayAudio("beep.wav")], repeat_count=2, first_digit_timeout=1)
    rig = Rig(answer=[verb, bxml.SpeakSentence("Done.")])
    rig.audio = {f"{BASE}/beep.wav": 1.0}
    rig.call(PHONE, "A")
    rig.idle()
    assert [h.data.get("text", "beep") for h in rig.happenings if h.kind in ("speak", "play")] == [
        "Again?",
        "beep",
        "Again?",
        "beep",
        "Done.",
    ]


def test_gather_with_audio_that_cannot_be_played() -> None:
    rig = Rig(answer=bxml.Gather(audio_verbs=[bxml.PlayAudio("a.ogg")]))
    rig.call(PHONE, "A")
    assert rig.idle().events()[-1] == "disconnect A application-error"


def test_keys_outside_a_gather_are_only_noted() -> None:
    rig = Rig(answer=bxml.Pause(60))
    rig.call(PHONE, "A")
    rig.idle()
    rig.engine.phone_keys(rig.now, PHONE, "1")
    assert rig.settle().kinds()[-1] == "keys"
    for number, digits in ((PHONE, "x"), (PHONE, ""), (PHONE_2, "1")):
        with pytest.raises(Refusal):
            rig.engine.phone_keys(rig.now, number, digits)


# Webhooks


@pytest.mark.parametrize("answer", [500, 404, 302, -1])
def test_a_failed_answer_ends_the_call(answer: int) -> None:
    rig = Rig(answer=answer)
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", *(["answer A"] if answer < 0 else []), "disconnect A callback-error"]


@pytest.mark.parametrize(
    "document",
    [
        "OK",
        "<Response><Nonsense/></Response>",
        "<Response><Pause duration='0'/></Response>",
        "<Response><Redirect redirectUrl='http://[x/'/></Response>",
        "<Response>",
    ],
)
def test_a_bad_document_ends_the_call(document: str) -> None:
    rig = Rig(answer=document)
    rig.call(PHONE, "A")
    assert rig.idle().events() == ["answer A", "disconnect A invalid-bxml"]
    assert rig.webhooks[-1].body["errorMessage"]


def test_the_fallback_is_asked() -> None:
    rig = Rig(answer=500)
    rig.call(
        PHONE,
        "A",
        answerFallbackUrl="https://app.test/fallback",
        answerFallbackMethod="GET",
        fallbackUsername="u",
        fallbackPassword="p" * 3,
    )
    rig.idle()
    asked = [(webhook.method, webhook.url, webhook.username) for webhook in rig.webhooks[:2]]
    assert asked == [("POST", f"{BASE}/answer", None), ("GET", "https://app.test/fallback", "u")]
    assert rig.events()[-1] == "disconnect A callback-error"


def test_a_slow_answer_times_out() -> None:
    rig = Rig(answer=0)
    rig.call(PHONE, "A", callbackTimeout=5)
    rig.advance(1)
    assert rig.engine.busy_until() == rig.now + 5
    rig.engine.fire(rig.now + 5)
    assert any(isinstance(effect, CancelWebhook) for effect in rig.engine.effects)
    rig.engine.webhook_done(rig.now, rig.held[0], 200, b"<Response/>")
    assert rig.idle().events() == ["answer A", "disconnect A callback-error"]


def test_an_answer_that_comes_too_late_is_ignored() -> None:
    rig = Rig(answer=0)
    call = rig.call(PHONE, "A")
    rig.advance(1)
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.engine.webhook_done(rig.now, rig.held[0], 200, b"<Response><Pause/></Response>")
    assert rig.settle().kinds()[-1] == "answerIgnored" and rig.events()[-1] == "disconnect A hangup"


def test_an_asynchronous_webhook_is_retried_once_and_then_lost() -> None:
    rig = Rig(answer=bxml.Hangup(), disconnect=-1)
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "disconnect A hangup", "disconnect A hangup"] and rig.kinds()[-1] == "webhookLost"


def test_an_application_without_a_url_rejects() -> None:
    rig = Rig()
    rig.engine.configure_application(APPLICATION, {"callInitiatedCallbackUrl": None})
    rig.dial(PHONE)
    assert rig.idle().events() == ["disconnect A rejected"]


def test_a_call_to_an_owned_number_rings_the_application() -> None:
    rig = Rig(answer=bxml.Pause(60), initiate=[bxml.SpeakSentence("Hello."), bxml.Pause(60)])
    call = rig.call(NUMBER, "A")
    rig.idle()
    assert rig.events() == ["initiate", "answer A"]
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    assert rig.idle().events()[2:] == ["disconnect hangup", "disconnect A hangup"]


def test_everything_that_happens_names_a_rule() -> None:
    rig = Rig(answer=bxml.Hangup())
    rig.call(PHONE, "A")
    rig.idle()
    assert {effect.rule for effect in [*rig.webhooks, *rig.happenings]} <= set(RULES)
    assert [effect.seq for effect in sorted([*rig.webhooks, *rig.happenings], key=lambda e: e.seq)] == list(range(1, rig.engine.seq + 1))


def test_unknown_attributes_are_ignored_with_a_warning() -> None:
    rig = Rig(answer="<Response><Pause duration='1' nonsense='x'/></Response>")
    rig.call(PHONE, "A")
    assert "warning" in rig.advance(3).kinds() and rig.events() == ["answer A", "disconnect A hangup"]


@pytest.mark.parametrize("verb", [bxml.PlayAudio("a.wav"), bxml.Gather(audio_verbs=[bxml.PlayAudio("a.wav")])])
def test_audio_that_comes_after_the_call_moved_on(verb: bxml.Verb) -> None:
    rig = Rig(answer=verb)
    rig.audio = None
    call = rig.call(PHONE, "A")
    rig.advance(1)
    (fetch,) = rig.engine.fetches
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.engine.audio_fetched(rig.now, fetch, 3.0)
    rig.engine.audio_fetched(rig.now, fetch, 3.0)
    assert rig.settle().events() == ["answer A", "disconnect A hangup"]


def test_a_call_between_numbers_of_the_account_may_be_joined_with_itself() -> None:
    rig = Rig(initiate=[bxml.Ring(1), bxml.Pause(60)])
    rig.answers["answer"] = lambda body: bxml.Bridge(next(c.call_id for c in rig.engine.calls.values() if c.direction == "inbound"))
    rig.call(NUMBER, "A")
    assert rig.idle().hears() == {}
    rig.engine.update_call(rig.now, next(iter(rig.engine.calls)), {"state": "completed"})
    assert all(not call.active for call in rig.engine.calls.values())


def test_both_halves_of_a_call_in_one_room_that_ends() -> None:
    rig = Rig(answer=bxml.Conference("room"), initiate=bxml.Conference("room"))
    rig.call(NUMBER, "A")
    rig.call(PHONE, "B")
    assert rig.idle().hears() == {PHONE: []}
    rig.engine.update_conference(rig.now, next(iter(rig.engine.conferences)), {"status": "completed"})
    assert all(not call.active for call in rig.engine.calls.values())


def test_a_timer_does_not_fire_before_its_time() -> None:
    rig = Rig(answer=bxml.Hangup())
    rig.call(PHONE, "A")
    rig.advance(0.5)
    rig.engine.fire(rig.now)
    assert rig.settle().events() == []
