"""What an audience is told of each message: one sentence, in plain words, whatever the message."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from workbench import bxml, narration
from workbench.modes.handlers import EVENT_TYPES
from workbench.narration import sentence

VOICE, NOTEBOOK, WEBRTC = "Programmable Voice", "this notebook", "WebRTC"


@dataclass
class Message:
    kind: str
    name: str
    source: str = VOICE
    target: str = NOTEBOOK
    label: str = ""
    leg: str | None = "phone"
    cause: str | None = None
    event: int | None = 7
    note: str = ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Message("sip", "ringing", "phone", VOICE), "The phone is ringing."),
        (Message("webhook", "answer"), "Bandwidth asks our application what to do: the phone has answered."),
        (Message("webhook", "answer", leg="webrtc"), "Bandwidth asks our application what to do: the browser's side has answered."),
        (
            Message("webhook", "disconnect", cause="hangup"),
            "Bandwidth tells our application: the call with the phone is over, because somebody has hung up.",
        ),
        (
            Message("reply", "answer", label="SpeakSentence, Transfer"),
            "Our application answers: say a sentence, then call the other side and connect the two.",
        ),
        (Message("reply", "disconnect", label="no verb"), "Our application has nothing for Bandwidth to do."),
        (Message("request", "createCall", NOTEBOOK, VOICE, leg="phone 2"), "Our application asks Bandwidth to call phone 2."),
        (
            Message("answer", "createParticipant", WEBRTC, NOTEBOOK, "201 · part… with token"),
            "Bandwidth has done it, and gives our application the ticket.",
        ),
        (Message("media", "speak", VOICE, VOICE, "speaks 2 s: Plea", note="Please wait."), "A voice says: “Please wait.”"),
        (Message("media", "sendDtmf", VOICE, "phone", event=None), "Bandwidth sends key tones to the phone."),
        (Message("sip", "referSent", VOICE, "phone", event=None), "Bandwidth asks the phone to call somebody else itself."),
        (Message("media", "joined", "phone", WEBRTC), "The phone and the browser's side can now talk with each other."),
        (
            Message("sip", "ended", VOICE, "phone", cause="hangup", event=None),
            "The call with the phone ends, because somebody has hung up.",
        ),
        (
            Message("error", "answer", NOTEBOOK, VOICE, "500 · ValueError"),
            "Our application makes a mistake, so Bandwidth gets no instructions.",
        ),
        (Message("error", "answer", NOTEBOOK, VOICE, "too late"), "Our application answers too late."),
        (Message("error", "createCall", VOICE, NOTEBOOK, "429"), "Bandwidth refuses what our application asked for."),
        (Message("error", "conferenceFull", VOICE, VOICE, event=None), "The conference is full."),
        (
            Message("media", "memberChanged", VOICE, "phone", "muted", event=None),
            "In the conference, the phone is muted: it hears, and is not heard.",
        ),
        (
            Message("media", "memberChanged", VOICE, "phone 2", "unmuted, coaches", leg="phone 2", event=None),
            "In the conference, phone 2 can be heard again and now speaks to some of the others only.",
        ),
        (Message("media", "memberChanged", VOICE, "phone", "changed", event=None), "In the conference, the phone is changed."),
        (Message("device", "onConnect", "browser", WEBRTC, leg=None, event=None), "The browser opens its page and can be heard."),
    ],
)
def test_a_message_in_words(message, told):
    assert sentence(message) == told


def test_every_event_and_verb_has_words_of_its_own():
    assert narration._ASKS.keys() | narration._TELLS.keys() >= EVENT_TYPES
    inside = {"CustomParam", "Endpoint", "PhoneNumber", "SipUri", "StreamParam"}
    assert narration._VERBS.keys() == bxml.VERBS.keys() - inside


@pytest.mark.parametrize("kind", ["request", "answer", "webhook", "reply", "error", "sip", "media", "device", "something new"])
@pytest.mark.parametrize("name", ["initiate", "createCall", "joined", "never heard of"])
@pytest.mark.parametrize("leg", ["phone", "webrtc", None])
def test_whatever_comes_is_told_in_one_plain_sentence(kind, name, leg):
    told = sentence(Message(kind, name, leg=leg, event=None))
    assert re.fullmatch(r"[A-Z].*[.”]", told)
    # no names of the protocol, nothing left open
    assert not re.search(r"[a-z][A-Z]|[{}_<>]", told)


def test_no_sentence_speaks_the_protocols_language():
    tables = (narration._ASKS, narration._TELLS, narration._REQUESTS, narration._VERBS, narration._HAPPENED)
    for words in (text for table in tables for text in table.values()):
        assert not re.search(r"[a-z][A-Z]|BXML|webhook|SIP|UUI|INVITE|callback", words), words
