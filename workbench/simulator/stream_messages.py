"""The messages on a stream's WebSocket, one function each (documented, bxml/startStream and bxml/startTranscription)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench import bxml
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call
from workbench.simulator.tracks import LANGUAGE, Stream

PCMU_RATE = 8000  # bytes and samples a second
PCM_RATES = ("8000", "16000", "24000")  # of what an application may play beside PCMU
_PCM = {"channels": "1", "bit-depth": "16", "endian": "little", "encoding": "signed"}


def start(call: Call, stream: Stream) -> dict[str, Any]:
    """The first message: what is coming, and the parameters of the verb."""
    message: dict[str, Any] = {"eventType": "start", "metadata": _metadata(call, stream)}
    verb = stream.verb
    params = verb.custom_params if isinstance(verb, bxml.StartTranscription) else verb.stream_params
    if params:
        message["customParams" if stream.transcribes else "streamParams"] = {param.name: param.value for param in params}
    return message


def stop(call: Call, stream: Stream) -> dict[str, Any]:
    """The last message, when the platform ends the stream."""
    return {"eventType": "stop", "metadata": _metadata(call, stream)}


def _metadata(call: Call, stream: Stream) -> dict[str, Any]:
    about: dict[str, Any] = {"accountId": call.account_id, "callId": call.call_id}
    if isinstance(stream.verb, bxml.StartTranscription):
        tracks = [{"name": track} for track in stream.tracks]
        named = {"realtimeTranscriptionId": stream.stream_id, "transcriptionName": stream.name, "tracks": tracks}
        return about | named | {"stabilized": stream.verb.effective("stabilized")}
    pcmu = {"encoding": "audio/PCMU", "sampleRate": PCMU_RATE}
    tracks_sent = [{"name": track, "mediaFormat": pcmu} for track in stream.tracks]
    return about | {"streamId": stream.stream_id, "streamName": stream.name, "tracks": tracks_sent}


def segment(track: str, text: str, begin: float, end: float, *, partial: bool) -> dict[str, Any]:
    """A transcribed sentence, its words spread evenly over its time; those of a partial one are not stable yet."""
    return {
        "eventType": "transcription",
        "track": track,
        "startTime": iso(begin),
        "endTime": iso(end),
        "isPartial": partial,
        "language": LANGUAGE,
        "transcript": text,
        "items": list(_items(text, begin, end, stable=not partial)),
    }


def _items(text: str, begin: float, end: float, *, stable: bool) -> Iterator[dict[str, Any]]:
    second = (end - begin) / max(1, len(text))
    place = 0
    for word in text.split():
        place = text.index(word, place)
        spoken = word.rstrip(".,;:!?")
        for content, kind in ((spoken, "PRONUNCIATION"), (word[len(spoken) :], "PUNCTUATION")):
            if content:
                start_time, place = begin + place * second, place + len(content)
                times = {"startTime": iso(start_time), "endTime": iso(begin + place * second)}
                yield {"content": content, **times, "confidence": 1.0, "stable": stable, "type": kind}


@dataclass(frozen=True, slots=True)
class Audio:
    """What an application plays: bytes of PCMU, or samples of 16 bits, little endian, at `rate`."""

    data: bytes
    rate: int
    pcmu: bool

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.data) / (self.rate if self.pcmu else 2 * self.rate)


def audio(text: str) -> Audio | None:
    """The audio in an application's `playAudio`; None for `clear`. Raises ValueError for any other message."""
    try:
        message = json.loads(text)
    except RecursionError:
        raise ValueError("not JSON") from None
    kind = message.get("eventType") if isinstance(message, dict) else None
    if kind == "clear":
        return None
    if kind != "playAudio":
        raise ValueError("eventType must be playAudio or clear")
    media = message.get("media")
    if not isinstance(media, dict) or not isinstance(media.get("contentType"), str) or not isinstance(media.get("payload"), str):
        raise ValueError("playAudio needs media with contentType and payload")
    rate, pcmu = _format(media["contentType"])
    return Audio(b64decode(media["payload"], validate=True), rate, pcmu)


def _format(content_type: str) -> tuple[int, bool]:
    """Samples a second, and whether they are PCMU. Raises ValueError for what is not played."""
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    given = dict(parameter.partition("=")[::2] for parameter in parameters)
    if kind == "audio/pcmu":
        return PCMU_RATE, True
    rate = given.pop("rate", "8000")
    if kind != "audio/pcm" or rate not in PCM_RATES or given.items() - _PCM.items():
        raise ValueError("contentType must be audio/pcmu or audio/pcm at 8000, 16000 or 24000 Hz, mono, signed 16 bits, little endian")
    return int(rate), False
