"""Every webhook of the corpus by the documents' callback schemas, and which events and fields occur at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.corpus.scenario import FOLDER, paths
from tests.corpus.test_corpus import outcome

from .specs import documents

DOCUMENTS = ("2026", "2023")

# Every event the pages name, by where it is described.
EVENTS = {
    "Voice": (
        *("initiate", "answer", "redirect", "gather", "recordComplete", "transferAnswer", "transferComplete", "bridgeComplete"),
        *("bridgeTargetComplete", "conferenceCreated", "conferenceMemberJoin", "conferenceMemberExit", "conferenceRedirect"),
        *("conferenceCompleted", "disconnect", "transferDisconnect", "dtmf", "machineDetectionComplete", "recordingAvailable"),
        *("conferenceRecordingAvailable", "transcriptionAvailable", "mediaStreamStarted", "mediaStreamRejected", "mediaStreamStopped"),
        *("realTimeTranscriptionStarted", "realTimeTranscriptionRejected", "realTimeTranscriptionStopped"),
        *("realTimeTranscriptionAvailable", "referComplete"),
    ),
    "WebRTC": ("onConnect", "onLeave", "onDisconnect"),
    "Endpoints": ("endpointConnected", "endpointDisconnected", "endpointEligible", "endpointIneligible", "outboundConnectionRequest"),
}
ALL_EVENTS = tuple(event for events in EVENTS.values() for event in events)
SCHEMAS = {"recordComplete": "recordingCompleteCallback"}

# Complaints we stand by: (event, complaint) -> why.
ACCEPTED: dict[tuple[str, str], str] = {
    (
        "transferAnswer",
        "Additional properties are not allowed ('parentCallId' was unexpected)",
    ): "page and example name the A-leg by `parentCallId`, the schema forgot it",
    ("recordComplete", "channels: 1 is not of type 'string'"): "a number in 2026 and in the pages' examples",
    ("recordingAvailable", "channels: 1 is not of type 'string'"): "a number in 2026 and in the pages' examples",
    ("recordingAvailable", "channels: 2 is not of type 'string'"): "a number in 2026 and in the pages' examples",
    ("conferenceRecordingAvailable", "channels: 1 is not of type 'string'"): "a number in 2026 and in the pages' examples",
    (
        "transcriptionAvailable",
        "transcription: Additional properties are not allowed ('completedTime', 'id', 'status', 'url' were unexpected)",
    ): "the schema has the text of a transcript there; page and example name id, status, url and completedTime",
}

# Documented fields that no webhook of the corpus carries: (event, field) -> why.
NOT_SENT: dict[tuple[str, str], str] = {
    ("transferAnswer", "enqueuedTime"): "a B-leg is not queued",
    ("transferDisconnect", "enqueuedTime"): "a B-leg is not queued",
    **dict.fromkeys(
        (("bridgeTargetComplete", "tag"), ("conferenceRedirect", "tag"), ("dtmf", "tag")), "sent when the call or conference has one"
    ),
    **dict.fromkeys(
        (("transcriptionAvailable", name) for name in ("parentCallId", "transferCallerId", "transferTo")), "sent when a B-leg is recorded"
    ),
}


@dataclass
class Seen:
    """What the corpus sent of one event."""

    count: int = 0
    scenarios: list[str] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    complaints: dict[str, set[str]] = field(default_factory=dict)  # by document


def name_of(body: Mapping[str, Any]) -> str:
    """Which event a webhook tells; a Connect's status has no name of its own."""
    return str(body.get("eventType") or body.get("event") or ("Connect status" if "status" in body else "?"))


def schema_of(event: str) -> str:
    """The name of an event's schema."""
    return SCHEMAS.get(event, f"{event}Callback")


@cache
def seen() -> dict[str, Seen]:
    """Every event the corpus sent. A webhook that differs from another in nothing but its time is looked at once."""
    found: dict[str, Seen] = {}
    known: set[str] = set()
    for path in paths():
        for body in outcome(path).bodies:
            one = found.setdefault(name_of(body), Seen())
            one.count += 1
            one.fields |= set(body)
            scenario = path.relative_to(FOLDER).with_suffix("").as_posix()
            one.scenarios += [] if scenario in one.scenarios else [scenario]
            if (key := json.dumps({**body, "eventTime": None})) not in known:
                known.add(key)
                for document in DOCUMENTS:
                    one.complaints.setdefault(document, set()).update(complaints(document, body))
    return found


def complaints(document: str, body: Mapping[str, Any]) -> Iterable[str]:
    """What a document has against a webhook, without what we stand by."""
    event = name_of(body)
    if schema_of(event) not in documents()[document].webhooks():
        return []
    found = [complaint for error in documents()[document].webhook_errors(schema_of(event), body) for complaint in error.split("; ")]
    return [
        complaint for complaint in found if (event, complaint) not in ACCEPTED and not (document == "2023" and _is_new(event, complaint))
    ]


def _is_new(event: str, complaint: str) -> bool:
    """Whether a complaint is about fields only that a later document has."""
    later = set(documents()["2026"].raw["components"]["schemas"][schema_of(event)].get("properties", {}))
    return complaint.startswith("Additional properties") and set(re.findall(r"'(\w+)'", complaint)) <= later


def unsent(found: Mapping[str, Seen]) -> set[tuple[str, str]]:
    """Documented fields that no webhook of the corpus carries."""
    missing = set()
    for event in ALL_EVENTS:
        for document in DOCUMENTS:
            schema = documents()[document].raw["components"]["schemas"].get(schema_of(event), {})
            fields = set(schema.get("properties", {})) if event in found else set()
            missing |= {(event, name) for name in fields - found[event].fields} if fields else set()
    return missing
