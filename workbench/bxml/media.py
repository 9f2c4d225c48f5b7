"""Verbs that speak, play, listen, record and stream (documented in Bandwidth's `bxml/` pages, 2023; what is newer says so)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.bxml import fields as kinds
from workbench.bxml.base import Verb, attribute, content, holds, xml_name
from workbench.bxml.fields import Choice, Kind, Number, Pattern

VOICES = {
    "en_US": ("julie", "kate", "susan", "dave", "paul", "ruth", "stephen"),
    "en_UK": ("bridget", "simon"),
    "de": ("katrin", "stefan"),
    "es": ("esperanza", "violeta", "jorge"),
    "es_MX": ("rosa",),
    "es_US": ("lupe", "pedro"),
    "fr": ("jolie", "bernard"),
    "fr_CA": ("gabrielle", "liam"),
    "it": ("paola", "luca"),
    "ja": ("masako", "kenji"),
    "ru": ("nadiya", "anatoli"),
    "arb": ("zeina",),
    "cmn-CN": ("zhiyu",),
}
"""Voices by locale, as of 2023. Bandwidth adds some now and then, so another name is a warning only (assumed)."""
TRACKS = Choice(words=("inbound", "outbound", "both"))
FORMAT = Choice(words=("wav", "mp3"))
TONE_MILLISECONDS = Number(low=50, high=5000)
TRANSCRIPTION_NAME = Pattern(limit=255, minimum=1, pattern=re.compile(r"[A-Za-z0-9_-]+"), form="letters, digits, _ and -")
PARAMETER_NAME = Kind(limit=256, minimum=1)
PARAMETER_VALUE = Kind(limit=2048)


@dataclass(frozen=True, slots=True, repr=False)
class SpeakSentence(Verb):
    """Says a text. `text` is plain text with SSML tags in it, kept in one spelling (see `ssml`); `voice` wins over gender and locale."""

    text: str = content(kinds.FILLED, markup=True)
    voice: str | None = attribute(Choice(words=tuple(name for names in VOICES.values() for name in names), open=True))
    gender: str | None = attribute(Choice(words=("female", "male")), default="female")
    locale: str | None = attribute(Choice(words=tuple(VOICES), open=True), default="en_US")


@dataclass(frozen=True, slots=True, repr=False)
class PlayAudio(Verb):
    """Plays a .wav or .mp3 file."""

    audio_uri: str = content(kinds.URL)
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)


@dataclass(frozen=True, slots=True, repr=False)
class Gather(Verb):
    """Collects keys, and speech since 2026, while nested verbs play. Those times `repeatCount` make 20 at most."""

    audio_verbs: Sequence[PlayAudio | SpeakSentence] = holds(PlayAudio, SpeakSentence, most=20)
    gather_url: str | None = attribute(kinds.URL)
    gather_method: str | None = attribute(kinds.METHOD, default="POST")
    gather_fallback_url: str | None = attribute(kinds.URL)
    gather_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    terminating_digits: str | None = attribute(kinds.KEYS, default="")
    max_digits: int | None = attribute(Number(low=1, high=50, whole=True), default=50)
    inter_digit_timeout: float | None = attribute(Number(low=1, high=60), default=5)
    first_digit_timeout: float | None = attribute(Number(low=0, high=60), default=5)
    repeat_count: int | None = attribute(Number(low=1, whole=True), default=1)
    input: str | None = attribute(Choice(words=("dtmf", "speech", "dtmf_speech")), default="dtmf", since=2026)
    hints: str | None = attribute(kinds.ANY, since=2026)
    language: str | None = attribute(kinds.ANY, since=2026)
    partial_result_callback: str | None = attribute(kinds.URL, since=2026)
    partial_result_callback_method: str | None = attribute(kinds.METHOD, default="POST", since=2026)
    profanity_filter: bool | None = attribute(kinds.BOOLEAN, default=True, since=2026)
    speech_model: str | None = attribute(kinds.ANY, since=2026)
    speech_timeout: float | None = attribute(Number(), default=5, label="assumed", since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        times = self.effective("repeat_count")
        if isinstance(times, (int, float)) and len(self.nested()) * times > 20:
            yield "repeatCount", f"times nested verbs may be 20 at most, is {times} × {len(self.nested())}"


@dataclass(frozen=True, slots=True, repr=False)
class StartGather(Verb):
    """Reports every key while other verbs run."""

    dtmf_url: str | None = attribute(kinds.URL, required=True, label="assumed")
    dtmf_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)


@dataclass(frozen=True, slots=True, repr=False)
class StopGather(Verb):
    """Ends `<StartGather>`."""


@dataclass(frozen=True, slots=True, repr=False)
class SendDtmf(Verb):
    """Plays keys into the call; durations in milliseconds, `,` and `w` wait 0.5 s, `W` 1 s."""

    digits: str = content(kinds.TONES)
    tone_duration: float | None = attribute(TONE_MILLISECONDS, default=200)
    tone_interval: float | None = attribute(TONE_MILLISECONDS, default=400)


@dataclass(frozen=True, slots=True, repr=False)
class Record(Verb):
    """Records the caller until a key, silence or `maxDuration` seconds.

    Its URLs must be https beside credentials; loopback hosts are exempt (ours).
    """

    record_complete_url: str | None = attribute(kinds.URL)
    record_complete_method: str | None = attribute(kinds.METHOD, default="POST")
    record_complete_fallback_url: str | None = attribute(kinds.URL)
    record_complete_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    recording_available_url: str | None = attribute(kinds.URL)
    recording_available_method: str | None = attribute(kinds.METHOD, default="POST")
    transcribe: bool | None = attribute(kinds.BOOLEAN, default=False)
    transcription_available_url: str | None = attribute(kinds.URL)
    transcription_available_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    terminating_digits: str | None = attribute(kinds.KEYS, default="#")
    max_duration: float | None = attribute(Number(low=1, high=10800), default=60)
    silence_timeout: float | None = attribute(Number(low=0, high=10800), default=0)
    file_format: str | None = attribute(FORMAT, default="wav")
    detect_language: bool | None = attribute(kinds.BOOLEAN, default=False)
    recording_name: str | None = attribute(kinds.ANY, since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        yield from _insecure(self, "username", "record_complete_url", "recording_available_url", "transcription_available_url")
        yield from _insecure(self, "fallback_username", "record_complete_fallback_url")


@dataclass(frozen=True, slots=True, repr=False)
class StartRecording(Verb):
    """Records call or conference while other verbs run. Its URLs must be https beside credentials; loopback hosts are exempt (ours)."""

    recording_available_url: str | None = attribute(kinds.URL)
    recording_available_method: str | None = attribute(kinds.METHOD, default="POST")
    transcribe: bool | None = attribute(kinds.BOOLEAN, default=False)
    transcription_available_url: str | None = attribute(kinds.URL)
    transcription_available_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    file_format: str | None = attribute(FORMAT, default="wav")
    multi_channel: bool | None = attribute(kinds.BOOLEAN, default=False)
    detect_language: bool | None = attribute(kinds.BOOLEAN, default=False, since=2026)
    recording_name: str | None = attribute(kinds.ANY, since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        return _insecure(self, "username", "recording_available_url", "transcription_available_url")


@dataclass(frozen=True, slots=True, repr=False)
class PauseRecording(Verb):
    """Pauses the recording, if there is one."""


@dataclass(frozen=True, slots=True, repr=False)
class ResumeRecording(Verb):
    """Goes on with the paused recording, if there is one."""


@dataclass(frozen=True, slots=True, repr=False)
class StopRecording(Verb):
    """Ends the recording, if there is one."""


@dataclass(frozen=True, slots=True, repr=False)
class StreamParam(Verb):
    """A parameter that a `<StartStream>` passes on."""

    name: str | None = attribute(PARAMETER_NAME, required=True)
    value: str | None = attribute(PARAMETER_VALUE, required=True)


@dataclass(frozen=True, slots=True, repr=False)
class StartStream(Verb):
    """Sends the call's audio to a WebSocket. `streamEventUrl` must be https beside credentials; loopback hosts are exempt (ours)."""

    destination: str | None = attribute(kinds.WEBSOCKET, required=True)
    destination_username: str | None = attribute(kinds.ANY, since=2026)
    destination_password: str | None = attribute(kinds.ANY, since=2026, secret=True)
    stream_params: Sequence[StreamParam] = holds(StreamParam, most=12)
    name: str | None = attribute(kinds.ANY)
    mode: str | None = attribute(Choice(words=("unidirectional", "bidirectional")), default="unidirectional", since=2026)
    tracks: str | None = attribute(TRACKS, default="inbound")
    stream_event_url: str | None = attribute(kinds.URL)
    stream_event_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        return _insecure(self, "username", "stream_event_url")


@dataclass(frozen=True, slots=True, repr=False)
class StopStream(Verb):
    """Ends a stream by its name; with `wait` the next verb runs once the application has closed it."""

    name: str | None = attribute(kinds.FILLED, required=True)
    wait: bool | None = attribute(kinds.BOOLEAN, default=False, since=2026)


@dataclass(frozen=True, slots=True, repr=False)
class CustomParam(Verb):
    """A parameter that a `<StartTranscription>` passes on."""

    name: str | None = attribute(PARAMETER_NAME, required=True)
    value: str | None = attribute(PARAMETER_VALUE, required=True)


@dataclass(frozen=True, slots=True, repr=False)
class StartTranscription(Verb):
    """Transcribes the call while it lasts. `transcriptionEventUrl` must be https beside credentials; loopback hosts are exempt (ours)."""

    name: str | None = attribute(TRANSCRIPTION_NAME)
    tracks: str | None = attribute(TRACKS, default="inbound")
    transcription_event_url: str | None = attribute(kinds.URL)
    transcription_event_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    destination: str | None = attribute(kinds.WEBSOCKET)
    stabilized: bool | None = attribute(kinds.BOOLEAN, default=True)
    custom_params: Sequence[CustomParam] = holds(CustomParam, most=12)
    detect_language: bool | None = attribute(kinds.BOOLEAN, default=False, label="assumed", since=2026)
    preferred_languages: str | None = attribute(kinds.ANY, since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        return _insecure(self, "username", "transcription_event_url")


@dataclass(frozen=True, slots=True, repr=False)
class StopTranscription(Verb):
    """Ends a transcription by its name."""

    name: str | None = attribute(kinds.ANY)


def _insecure(verb: Verb, username: str, *urls: str) -> Iterator[tuple[str | None, str]]:
    """Documented for these verbs: credentials go over https only. `password` follows `username`."""
    if all(getattr(verb, name) is None for name in (username, username.replace("username", "password"))):
        return
    for name in urls:
        url = getattr(verb, name)
        if isinstance(url, str) and not kinds.secure(url):
            yield xml_name(name), "must be https beside credentials"
