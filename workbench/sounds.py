"""Recordings of a flow, fetched: what a capsule plays in time with its messages."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from workbench.errors import ApiError
from workbench.records import Event


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording: its file, and when it began on the platform's clock, in epoch seconds."""

    name: str
    at: float
    seconds: float
    data: bytes

    def source(self) -> str:
        """The file as an address that needs no network."""
        kind = "wav" if self.data[:4] == b"RIFF" else "mpeg"
        return f"data:audio/{kind};base64,{b64encode(self.data).decode()}"


class Recordings(Protocol):
    """The part of the Voice API that has recordings; see `workbench.recordings.Recordings`."""

    def download_recording(self, call_id: str, recording_id: str) -> bytes: ...

    def download_conference_recording(self, conference_id: str, recording_id: str) -> bytes: ...


def recorded(voice: Recordings, events: Sequence[Event]) -> list[Sound]:
    """The recordings that a flow's events tell of; one that is gone by now is left out."""
    found = []
    for event in events:
        if event.event_type in ("recordingAvailable", "conferenceRecordingAvailable") and event.duplicate_of is None:
            try:
                found.append(_fetched(voice, event.data, event.leg))
            except (ApiError, KeyError, ValueError):
                continue
    return found


def _fetched(voice: Recordings, data: Any, leg: str | None) -> Sound:
    began, ended = (datetime.fromisoformat(str(data[name])).timestamp() for name in ("startTime", "endTime"))
    if data.get("conferenceId"):
        sound = voice.download_conference_recording(str(data["conferenceId"]), str(data["recordingId"]))
        return Sound("Recording of the conference", began, ended - began, sound)
    sound = voice.download_recording(str(data["callId"]), str(data["recordingId"]))
    return Sound(f"Recording of {leg or 'the call'}", began, ended - began, sound)
