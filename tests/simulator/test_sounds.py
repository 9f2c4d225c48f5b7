"""What is heard that nobody says into a microphone: since when, until when, and that it ends with what it belongs to."""

from __future__ import annotations

import pytest

from tests.simulator.rig import BASE, NUMBER, PHONE, PHONE_2, START, Rig
from workbench import bxml, tokens
from workbench.simulator import speaking
from workbench.simulator.effects import DropAudio, Refusal
from workbench.simulator.sounds import Sound

PARK = bxml.Pause(3600)


def sound(rig: Rig, source: str) -> Sound:
    return rig.engine.sounds[source]


def connected(*verbs: bxml.Verb, **script: object) -> tuple[Rig, str]:
    """A phone in a call that runs these verbs; the call's id."""
    rig = Rig(answer=[*verbs, PARK])
    rig.audio = None
    rig.engine.configure_phone(PHONE, script)
    call = rig.call(PHONE, "A")
    rig.advance(1)
    return rig, call


def test_a_sentence_is_heard_for_its_time_in_the_voice_asked_for():
    rig, call = connected(bxml.SpeakSentence("Thirty characters of speech", locale="de", gender="male"))
    said = sound(rig, call)
    assert (said.kind, said.text, said.voice, said.locale) == ("speech", "Thirty characters of speech", "male", "de")
    assert (said.began, said.until) == (START + 1, START + 2.8)
    rig.advance(1.8)
    assert not rig.engine.sounds


def test_a_file_is_heard_under_the_number_it_was_fetched_with_and_let_go_of():
    rig, call = connected(bxml.PlayAudio(f"{BASE}/song.wav"))
    (number,) = rig.engine.fetches
    rig.engine.audio_fetched(rig.now, number, 2.0)
    assert (sound(rig, call).kind, sound(rig, call).fetch_id, sound(rig, call).until) == ("file", number, rig.now + 2)
    rig.advance(1)
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    assert not rig.engine.sounds
    assert DropAudio(number) in rig.engine.take_effects()


@pytest.mark.parametrize("end", ["redirect", "hang up"])
def test_what_is_fetched_for_a_call_that_went_on_is_let_go_of(end: str):
    rig, call = connected(bxml.Gather([bxml.PlayAudio(f"{BASE}/song.wav")]))
    (number,) = rig.engine.fetches
    if end == "redirect":
        rig.engine.update_call_bxml(rig.now, call, b"<Bxml><Pause duration='9'/></Bxml>")
    else:
        rig.engine.phone_hangup(rig.now, PHONE)
    rig.engine.take_effects()
    rig.engine.audio_fetched(rig.now, number, 2.0)
    assert rig.engine.take_effects() == [DropAudio(number)]
    rig.engine.audio_fetched(rig.now, number, 2.0)
    assert rig.engine.take_effects() == [DropAudio(number)], "nor is one needed that nobody fetched"
    assert not rig.engine.sounds


def test_the_prompts_of_a_gather_end_with_its_first_key_and_follow_each_other():
    rig, call = connected(bxml.Gather([bxml.SpeakSentence("First."), bxml.SpeakSentence("Second one.")], repeat_count=2))
    assert sound(rig, call).text == "First."
    rig.advance(0.5)
    assert sound(rig, call).text == "Second one."
    rig.advance(2)
    assert call not in rig.engine.sounds, "it waits in silence"
    rig.advance(3.8)
    assert sound(rig, call).text == "First."
    rig.engine.phone_keys(rig.now, PHONE, "1")
    assert list(rig.engine.sounds) == [PHONE]


def test_a_caller_of_a_transfer_hears_ring_back_until_a_target_answers():
    rig, call = connected(bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/whisper")]))
    rig.answers["transferAnswer"] = bxml.SpeakSentence("Somebody calls for you.")
    assert sound(rig, call).kind == "ring"
    assert sound(rig, call).until is None
    rig.advance(1)
    leg = rig.engine.on_phone[PHONE_2]
    assert {source: one.kind for source, one in rig.engine.sounds.items()} == {leg: "speech"}
    rig.advance(3)
    assert not rig.engine.sounds
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}


def test_ring_back_ends_when_no_target_answers():
    rig = Rig(answer=[bxml.Transfer([bxml.PhoneNumber(PHONE_2)]), PARK])
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    call = rig.call(PHONE, "A")
    rig.advance(1)
    assert sound(rig, call).kind == "ring"
    rig.engine.phone_reject(rig.now, PHONE_2)
    assert not rig.engine.sounds


def test_an_unanswered_caller_goes_on_to_hear_ring_back_until_it_hangs_up():
    rig = Rig(initiate=[bxml.Ring(2, answer_call=False), bxml.Transfer([bxml.PhoneNumber(PHONE_2)]), bxml.Ring(3)])
    rig.engine.configure_phone(PHONE_2, {"busy": True})
    call = rig.dial(PHONE)
    began = sound(rig, call)
    rig.advance(1.9)
    assert sound(rig, call) is began
    rig.advance(0.2)
    assert sound(rig, call).until == START + 5, "Ring answers, and rings for its own time"
    rig.engine.phone_hangup(rig.now, PHONE)
    assert not rig.engine.sounds


def test_a_connected_caller_hears_ring_back_until_the_endpoint_accepts():
    rig = Rig()
    endpoint, token = rig.endpoint(device=False)
    device = rig.engine.connect_device(rig.now, token, auto_accept=False)
    rig.answers["answer"] = bxml.Connect([bxml.Endpoint(endpoint)])
    call = rig.call(PHONE, "A")
    rig.advance(2)
    assert sound(rig, call).kind == "ring"
    rig.engine.accept_stream(rig.now, device.id)
    assert not rig.engine.sounds


def test_send_dtmf_is_heard_key_by_key():
    rig, call = connected(bxml.SendDtmf("1,2", tone_duration=200, tone_interval=300))
    assert (sound(rig, call).kind, sound(rig, call).digits, sound(rig, call).until) == ("keys", "1", START + 1.2)
    rig.advance(0.3)
    assert not rig.engine.sounds, "a pause"
    rig.advance(0.5)
    assert sound(rig, call).digits == "2"
    rig.advance(0.5)
    assert not rig.engine.sounds


def test_keys_of_a_phone_are_heard_of_it_and_interrupt_what_it_says():
    rig, _ = connected(says="A sentence that takes some time.")
    said = sound(rig, PHONE)
    rig.engine.phone_keys(rig.now, PHONE, "12")
    assert sound(rig, PHONE).digits == "1"
    rig.advance(0.08)
    assert sound(rig, PHONE) is said
    rig.advance(0.04)
    assert sound(rig, PHONE).digits == "2"
    rig.advance(0.1)
    assert sound(rig, PHONE) is said
    rig.advance(3)
    assert not rig.engine.sounds


SONG = "http://files.test/song.wav"


def playing(seconds: float | None, **script: object) -> tuple[Rig, int]:
    """A phone in a call whose file has been fetched, or cannot be; what it was fetched with."""
    rig, _ = connected(plays=SONG, **script)
    (number,) = rig.engine.fetches
    rig.engine.audio_fetched(rig.now, number, seconds, None if seconds else "not found")
    return rig.settle(), number


def test_a_phone_plays_the_file_of_its_script_and_lets_go_of_it():
    rig, number = playing(2.0)
    assert (sound(rig, PHONE).kind, sound(rig, PHONE).fetch_id, sound(rig, PHONE).until) == ("file", number, rig.now + 2)
    rig.advance(2)
    assert not rig.engine.sounds and not rig.engine.speech


def test_it_plays_after_what_it_says_and_what_it_is_told_to_say_comes_after_that():
    rig, _ = playing(2.0, says="Hello.")
    rig.engine.phone_say(rig.now, PHONE, "Goodbye.")
    heard = [sound(rig, PHONE).text]
    for seconds in (0.4, 2.0):
        rig.advance(seconds)
        heard.append(sound(rig, PHONE).text)
    assert heard == ["Hello.", None, "Goodbye."]


@pytest.mark.parametrize("says", [None, "A sentence that takes some time."], ids=["playing", "waiting"])
def test_what_a_phone_does_not_play_to_its_end_is_let_go_of(says: str | None):
    rig, number = playing(9.0, says=says)
    rig.engine.phone_hangup(rig.now, PHONE)
    assert DropAudio(number) in rig.engine.take_effects()


def test_a_file_that_comes_after_the_call_is_let_go_of_and_one_that_fails_is_told():
    rig, _ = connected(plays=SONG)
    (number,) = rig.engine.fetches
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.settle()
    rig.engine.audio_fetched(rig.now, number, 2.0)
    assert rig.engine.take_effects() == [DropAudio(number)]
    rig, _ = playing(None)
    assert [one.data["reason"] for one in rig.happenings if one.kind == "phonePlayFailed"] == ["not found"]
    assert not rig.engine.sounds


@pytest.mark.parametrize("end", ["", "hangs up meanwhile"])
def test_a_key_interrupts_a_file_that_goes_on_after_it(end: str):
    rig, number = playing(2.0)
    rig.engine.phone_keys(rig.now, PHONE, "1")
    assert sound(rig, PHONE).digits == "1" and DropAudio(number) not in rig.engine.take_effects()
    if end:
        rig.now += 0.03
        rig.engine.phone_hangup(rig.now, PHONE)
    else:
        rig.advance(0.07)
        assert sound(rig, PHONE).fetch_id == number
    effects = rig.engine.take_effects()
    rig.now += 2
    while (due := rig.engine.next_timer()) is not None and due <= rig.now:
        rig.engine.fire(rig.now)
    assert [*effects, *rig.engine.take_effects()].count(DropAudio(number)) == 1


@pytest.mark.parametrize("url", ["song.wav", "ftp://a/b", "http://user:secret@a/b", "http://", "http://a b/", 5])
def test_a_phone_plays_from_an_address_of_the_web(url: object):
    rig = Rig()
    with pytest.raises(Refusal, match="plays must be an http or https URL without credentials, or null"):
        rig.engine.configure_phone(PHONE, {"plays": url})
    assert rig.engine.configure_phone(PHONE, {"plays": "https://a.test:8443/b%20c?d"}).plays
    assert rig.engine.configure_phone(PHONE, {"plays": None}).plays is None


def test_a_key_at_the_end_of_a_sentence_is_not_cut_off_by_it():
    rig, _ = connected(says="Hello.")
    rig.advance(0.38)
    rig.engine.phone_keys(rig.now, PHONE, "1")
    rig.advance(0.03)
    assert sound(rig, PHONE).digits == "1"
    rig.advance(0.05)
    assert not rig.engine.sounds


def test_a_machine_greets_and_beeps():
    rig, _ = connected(answered_by="answering-machine")
    assert (sound(rig, PHONE).text, sound(rig, PHONE).until) == (speaking.GREETING, START + 9)
    rig.engine.phone_say(rig.now, PHONE, "Somebody picks up after all.")
    rig.advance(8)
    assert sound(rig, PHONE).kind == "beep"
    rig.advance(0.5)
    assert sound(rig, PHONE).text == "Somebody picks up after all."
    rig.advance(3)
    assert not rig.engine.sounds
    assert [one.rule for one in rig.happenings if one.kind == "phoneSays"] == ["phone.greeting", "phone.say"]


def test_a_phone_keeps_no_more_than_twenty_sentences():
    rig, _ = connected()
    for _ in range(speaking.MOST_WAITING + 1):
        rig.engine.phone_say(rig.now, PHONE, "Hello.")
    with pytest.raises(Refusal, match="20 sentences wait"):
        rig.engine.phone_say(rig.now, PHONE, "Hello.")
    rig.engine.phone_hangup(rig.now, PHONE)
    assert not (rig.engine.sounds or rig.engine.speech)


def test_a_record_waits_for_silence_after_what_a_phone_is_told_to_say():
    rig, call = connected(bxml.Record(silence_timeout=3))
    rig.advance(2)
    rig.engine.phone_say(rig.now, PHONE, "This takes two seconds to say.")
    rig.advance(4.9)
    assert call in rig.engine.record_verbs
    rig.advance(0.2)
    assert call not in rig.engine.record_verbs


def test_what_is_said_to_a_conference_is_heard_by_its_members_unless_they_are_on_hold():
    rig = Rig(answer=bxml.Conference("room"))
    first, second = rig.call(PHONE, "A"), rig.call(PHONE_2, "B")
    rig.idle()
    room = rig.engine.in_conference[first].conference_id
    rig.engine.update_member(rig.now, room, first, {"mute": True})
    rig.engine.update_member(rig.now, room, second, {"hold": True})
    rig.engine.update_conference_bxml(rig.now, room, b"<Bxml><SpeakSentence>News for all.</SpeakSentence></Bxml>")
    assert sound(rig, room).text == "News for all."
    rig.engine.update_conference(rig.now, room, {"status": "completed"})
    assert not rig.engine.sounds


def test_keys_of_a_browser_come_in_by_the_legs_that_hear_it():
    rig = Rig(answer=bxml.Gather(gather_url="/gather", max_digits=1, repeat_count=1), gather=PARK)
    session, browser = rig.browser()
    (device,) = rig.engine.devices
    rig.call(tokens.INTERCONNECT, "leg", uui=rig.uui(session))
    rig.advance(1)
    rig.engine.publish_audio(rig.now, device, False)
    rig.engine.device_keys(rig.now, device, "1")
    rig.settle()
    assert rig.events() == ["answer leg"], "nobody hears a device that does not publish"
    rig.engine.publish_audio(rig.now, device, True)
    rig.engine.device_keys(rig.now, device, "12")
    rig.settle()
    assert rig.events() == ["answer leg", "gather leg"]
    assert sound(rig, browser).digits == "1"
    rig.engine.leave_device(rig.now, device)
    assert not (rig.engine.sounds or rig.engine.pressed)
    rig.advance(1)
    with pytest.raises(Refusal, match="not connected"):
        rig.engine.device_keys(rig.now, device, "1")


def test_keys_of_an_endpoint_go_through_a_call_between_two_numbers():
    rig = Rig(initiate=bxml.Gather(gather_url="/gather", max_digits=1), gather=PARK)
    endpoint, _ = rig.endpoint()
    rig.answers["answer"] = bxml.Connect([bxml.Endpoint(endpoint)])
    rig.call(NUMBER, "A")
    rig.advance(1)
    (device,) = rig.engine.devices
    rig.engine.device_keys(rig.now, device, "7")
    rig.settle()
    assert rig.webhooks[-1].body["digits"] == "7"
    rig.engine.leave_device(rig.now, device)
    assert not rig.engine.sounds
