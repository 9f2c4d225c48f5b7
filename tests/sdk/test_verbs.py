"""Every verb of Bandwidth's SDK, written by it, answered by an application and executed: the event stream tells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from bandwidth.models import bxml

from tests.sdk.application import kind_of
from tests.sdk.exercises import endpoint
from tests.sdk.program import ACCOUNT, APPLICATION, NUMBER, PHONES, Program

pytestmark = pytest.mark.sockets

# What only others are made of.
BASES = {"Verb", "NestableVerb", "Root", "Response", "Bxml"}
# A way to write an element of any name: whether it is a verb depends on the name.
NO_VERB = {"Tag"}
VERBS = {name for name, _ in inspect.getmembers(bxml, inspect.isclass)} - BASES - NO_VERB

Document = Callable[[Program], Iterable[bxml.Verb]]


def stream(program: Program) -> Iterable[bxml.Verb]:
    url = program.application.at().replace("http:", "ws:")
    start = bxml.StartStream(url, name="sound", stream_params=[bxml.StreamParam("desk", "7")], stream_event_url=program.application.at())
    return [start, bxml.Pause(1), bxml.StopStream("sound")]


def transcription(program: Program) -> Iterable[bxml.Verb]:
    url = program.application.at().replace("http:", "ws:")
    params = [bxml.CustomParam("desk", "7")]
    return [bxml.StartTranscription("text", destination=url, custom_params=params), bxml.Pause(1), bxml.StopTranscription("text")]


def connect(program: Program) -> Iterable[bxml.Verb]:
    created = program.endpoints.create_endpoint(ACCOUNT, endpoint(program)).data
    program.local.connect(created.token)
    return [bxml.Connect([bxml.Endpoint(created.endpoint_id)], event_callback_url=program.application.at())]


def transfer(program: Program) -> Iterable[bxml.Verb]:
    program.local.phone("sip:desk@127.0.0.1").set(busy=True)
    targets = [bxml.PhoneNumber(program.phone(), transfer_answer_url=program.application.at()), bxml.SipUri("sip:desk@127.0.0.1")]
    return [bxml.Transfer(targets)]


# A document each, and what the platform tells once it executes its verbs, in their order.
OUTBOUND: list[tuple[Document, list[str]]] = [
    (lambda program: [bxml.Ring(1), bxml.Pause(1), bxml.Hangup()], ["ring", "pause", "ended"]),
    (
        lambda program: [bxml.SpeakSentence("Hello"), bxml.PlayAudio(program.application.at()), bxml.SendDtmf("1")],
        ["speak", "play", "sendDtmf"],
    ),
    (lambda program: [bxml.Redirect(program.document(bxml.Hangup()))], ["redirect", "ended"]),
    (lambda program: [bxml.Gather([bxml.SpeakSentence("Press")], program.application.at(), first_digit_timeout=1)], ["speak", "gather"]),
    (lambda program: [bxml.StartGather(program.application.at()), bxml.StopGather()], ["gatherStarted", "gatherStopped"]),
    (lambda program: [bxml.Record(program.application.at(), max_duration=1)], ["recordingStarted", "recordComplete"]),
    (
        lambda program: [bxml.StartRecording(), bxml.PauseRecording(), bxml.ResumeRecording(), bxml.StopRecording()],
        ["recordingStarted", "recordingPaused", "recordingResumed", "recordingEnded"],
    ),
    (stream, ["mediaStreamStarted", "pause", "mediaStreamStopped"]),
    (transcription, ["transcriptionStarted", "pause", "transcriptionStopped"]),
    (transfer, ["transferAnswer", "joined"]),
    (lambda program: [bxml.Bridge(program.parked())], ["joined"]),
    (lambda program: [bxml.Conference("verbs")], ["memberJoined"]),
    (connect, ["connectStatus", "connected"]),
]
INBOUND: list[tuple[Document, list[str]]] = [
    (lambda program: [bxml.Forward(program.phone(), NUMBER)], ["joined"]),
    (lambda program: [bxml.Refer(bxml.SipUri("sip:bob@127.0.0.1"), program.application.at())], ["referSent", "referComplete"]),
]


def told(program: Program, after: int) -> list[str]:
    """The kinds of what the platform did, webhooks by their event. Nothing may have been wrong with a document."""
    happened = program.local.happenings(after=after)
    assert "invalid-bxml" not in [one.data.get("cause") for one in happened]
    return [kind_of(one.data["body"]) if one.kind == "webhook" else one.kind for one in happened]


def last(program: Program) -> int:
    return max([one.seq for one in program.local.happenings()], default=0)


def in_order(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(kind in rest for kind in wanted)


@pytest.fixture
def program(program: Program) -> Iterator[Program]:
    """Nothing is left of a test before, and nothing for one after."""
    program.local.reset()
    yield program
    program.local.reset()


@pytest.mark.parametrize(("document", "wanted"), OUTBOUND)
def test_outbound(document: Document, wanted: list[str], program: Program) -> None:
    verbs = document(program)
    after = last(program)
    program.call(*verbs)
    program.local.clock.advance(10)
    found = told(program, after)
    assert in_order(wanted, found), " ".join(found)


@pytest.mark.parametrize(("document", "wanted"), INBOUND)
def test_inbound(document: Document, wanted: list[str], program: Program) -> None:
    verbs = document(program)
    program.local.application(APPLICATION, callInitiatedCallbackUrl=program.document(*verbs))
    after = last(program)
    try:
        call_id = program.local.phone(f"sip:{next(PHONES)}@127.0.0.1").dial(NUMBER)
        program.application.wait("initiate", callId=call_id)
        program.local.clock.advance(10)
    finally:
        program.local.application(APPLICATION, callInitiatedCallbackUrl=None)
    found = told(program, after)
    assert in_order(wanted, found), " ".join(found)


def inside(verbs: Iterable[Any]) -> Iterator[str]:
    """The classes of verbs, and of those within them."""
    for verb in verbs:
        yield type(verb).__name__
        yield from inside(getattr(verb, "_nested_verbs", None) or [])


def test_no_verb_is_forgotten(program: Program) -> None:
    written = {name for document, _ in OUTBOUND + INBOUND for name in inside(document(program))}
    assert written == VERBS
