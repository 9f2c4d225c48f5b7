"""What each verb and attribute of BXML means, in a sentence for somebody who has never seen one. Facts from Bandwidth's pages (bxml/…)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.bxml.base import Attribute, Verb, shape
from workbench.bxml.document import Root
from workbench.bxml.fields import Label

DOES = {
    "Bridge": "Joins this call with another call, named by its id; both hear each other until one leaves.",
    "Conference": "Takes this call into a conference, the room of this name; the first call makes the room.",
    "Connect": "Joins this call with a WebRTC endpoint, a browser or app of today's product.",
    "Endpoint": "The WebRTC endpoint that the call is connected with, named by its id.",
    "Forward": "Passes an unanswered call on to another number; the application has no more say in it.",
    "Hangup": "Ends this call; a call that was not answered yet is rejected.",
    "Pause": "Waits in silence.",
    "PhoneNumber": "A telephone number to ring.",
    "Redirect": "Asks the application for a new document, which takes this one's place.",
    "Refer": "Asks the far end, by SIP, to call somebody else itself.",
    "Ring": "Plays a ring tone, as if nobody had answered yet.",
    "SipUri": "A SIP address to ring; that of the WebRTC interconnect leads to a browser.",
    "Tag": "Gives this call a tag, which comes back with its later events.",
    "Transfer": "Rings others and joins this call with the first who answers; both end together, unless it says who is asked then.",
    "CustomParam": "A name and value that the transcription's socket is told at its start.",
    "Gather": "Collects keys that are pressed, while a prompt is played.",
    "PauseRecording": "Interrupts the recording of this call.",
    "PlayAudio": "Plays a sound file.",
    "Record": "Records what the far end says, until it is silent or presses a key.",
    "ResumeRecording": "Goes on with an interrupted recording.",
    "SendDtmf": "Presses keys toward the far end.",
    "SpeakSentence": "Speaks a sentence in a synthetic voice.",
    "StartGather": "From now on each key that is pressed is told to the application, whatever else runs.",
    "StartRecording": "Records the whole call from now on, beside what follows.",
    "StartStream": "Sends the call's sound to a WebSocket of yours, live.",
    "StartTranscription": "Sends what is said, as text, to a WebSocket of yours, live.",
    "StopGather": "Tells the application of no more keys.",
    "StopRecording": "Ends the recording of this call.",
    "StopStream": "Ends a live stream of sound.",
    "StopTranscription": "Ends a live transcription.",
    "StreamParam": "A name and value that the stream's socket is told at its start.",
}
_URLS = {
    "bridgeCompleteUrl": "is asked what this call does next, once the other call has left the bridge or the two could not be joined",
    "bridgeTargetCompleteUrl": "is asked what the other call does once this one has left the bridge; without it that call is hung up",
    "conferenceEventUrl": "is told what happens in the room; its answers are played to the room",
    "dtmfUrl": "is told each key",
    "eventCallbackUrl": "is told how the connection began and ended",
    "gatherUrl": "is told the keys, and asked what comes next",
    "partialResultCallback": "is told what is understood while somebody is still speaking",
    "recordCompleteUrl": "is told that the recording has ended, and asked what comes next",
    "recordingAvailableUrl": "is told that the recording can be downloaded",
    "redirectUrl": "is asked for the new document",
    "referCompleteUrl": "is told whether the far end has called, and asked what comes next when it has not",
    "streamEventUrl": "is told when the stream begins and ends",
    "transcriptionAvailableUrl": "is told that the transcript can be had",
    "transcriptionEventUrl": "is told when the transcription begins and ends",
    "transferAnswerUrl": "is asked what the one who answers hears before the two are joined",
    "transferCompleteUrl": "is asked what this call does once the other side is gone or never came; without it this call ends",
    "transferDisconnectUrl": "is told when the leg to this target ends",
}
_ATTRIBUTES = {
    "answerCall": "whether a call that is not answered yet is answered first",
    "callIdsToCoach": "only these calls hear this one, which hears all",
    "callTimeout": "so many seconds it may ring",
    "callbackTimeout": "so many seconds the application has to answer the conference's events",
    "callerDisplayName": "the name that the phone shows",
    "destination": "the WebSocket that it is sent to",
    "destinationPassword": "the password for the WebSocket",
    "destinationUsername": "the user for the WebSocket",
    "detectLanguage": "whether the language is found out by listening",
    "diversionReason": "why the call was diverted, for the SIP header that says so",
    "diversionTreatment": "what becomes of the SIP headers that tell of earlier diversions",
    "duration": "so many seconds",
    "fallbackPassword": "the password for the fallback URLs",
    "fallbackUsername": "the user for the fallback URLs",
    "fileFormat": "the format of the recording",
    "firstDigitTimeout": "so many seconds it waits for the first key",
    "from": "the number that the forwarded call comes from",
    "gender": "whose voice, where none is named",
    "hints": "words that are likely to be said",
    "hold": "on hold: neither hears nor is heard",
    "input": "keys, speech, or both",
    "interDigitTimeout": "so many seconds it waits for each further key",
    "language": "the language that is spoken",
    "locale": "language and country of the voice",
    "maxDigits": "so many keys are enough",
    "maxDuration": "so many seconds at most",
    "mode": "whether your socket may send sound back",
    "multiChannel": "whether each side has a channel of its own",
    "mute": "hears, but is not heard",
    "name": "what it is called, so that it can be named later",
    "password": "the password that opens your URLs, sent once your server asks for it",
    "preferredLanguages": "languages that are likely to be spoken",
    "privacy": "whether the caller's number is kept from the phone",
    "profanityFilter": "whether rude words are taken out",
    "recordingName": "the name of the recording",
    "repeatCount": "so many times the prompt is played",
    "silenceTimeout": "so many seconds of silence end it",
    "speechModel": "which recogniser listens",
    "speechTimeout": "so many seconds of silence end what is said",
    "stabilized": "whether only words are sent that will not change any more",
    "tag": "words of your own that come back with the events",
    "terminatingDigits": "any of these keys ends it",
    "to": "the number or SIP address that the call is passed on to",
    "toneDuration": "so many milliseconds a key sounds",
    "toneInterval": "so many milliseconds between two keys",
    "tracks": "whose sound: the far end's (inbound), what it hears (outbound), or both",
    "transcribe": "whether the recording is written down",
    "transferCallerDisplayName": "the name that the phones show",
    "transferCallerId": "the number that the phones show; without it that of the caller",
    "username": "the user that opens your URLs, sent once your server asks for it",
    "uui": "the User-to-User value that goes along in the INVITE; the interconnect finds the participant's token in it",
    "value": "the value",
    "voice": "whose voice",
    "wait": "whether it waits until what was sent has been played",
}
_TEXTS = {
    "Bridge": "the id of the other call",
    "Conference": "the name of the room",
    "Endpoint": "the id of the endpoint",
    "PhoneNumber": "the number",
    "PlayAudio": "where the file is",
    "SendDtmf": "the keys",
    "SipUri": "the address",
    "SpeakSentence": "the sentence",
    "Tag": "the tag",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One verb (`attribute` "") or one of its attributes: the value it has, what it means, its rule and how sure that is."""

    verb: str
    depth: int
    attribute: str
    value: str
    means: str
    rule: str
    label: Label


def does(verb: str) -> str:
    """What a verb does. Raises KeyError for an unknown name."""
    return DOES[verb]


def means(verb: str, attribute: str) -> str:
    """What an attribute, or "(text)", of a verb is for. Raises KeyError for what does not exist."""
    if attribute == "(text)":
        return _TEXTS[verb]
    if attribute in _URLS:
        return _URLS[attribute]
    if attribute.endswith("FallbackUrl"):
        return "is asked instead when the first URL fails"
    if attribute.endswith("Method"):
        return "whether the URL is asked by POST or by GET"
    return _ATTRIBUTES[attribute]


def explain(root: Root, *, masked: bool = False) -> tuple[Line, ...]:
    """A document line by line: each verb, what is nested in it, and what is given with it; secrets too where they are `masked` already."""
    return tuple(line for verb in root.verbs for line in _lines(verb, 0, masked))


def _lines(verb: Verb, depth: int, masked: bool) -> Iterator[Line]:
    name = type(verb).__name__
    yield Line(name, depth, "", "", does(name), "", "documented")
    for row in shape(type(verb)).rows:
        value = getattr(verb, row.name)
        if row.place != "nested" and value is not None:
            called = row.xml if row.place == "attribute" else "(text)"
            yield Line(name, depth, called, _shown(row, value, masked), means(name, called), row.kind.rule, row.label)
    for inner in verb.nested():
        yield from _lines(inner, depth + 1, masked)


def _shown(row: Attribute, value: object, masked: bool) -> str:
    if row.secret and not masked:
        return "•••"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
