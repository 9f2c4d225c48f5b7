"""What a run has given out and not undone, read from its log: calls, conferences, participants, the session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from workbench.records import Event

# In the order in which they are undone: a conference without calls has ended by itself, a session is best empty.
KINDS = ("call", "conference", "participant", "endpoint", "session")
# The only events that tell of a beginning or an end.
TYPES = frozenset(
    {
        *("createCall", "updateCall", "getCallState", "initiate", "answer", "disconnect", "transferAnswer", "transferDisconnect"),
        *("conferenceCreated", "conferenceMemberJoin", "conferenceCompleted", "updateConference", "getConference"),
        *("createParticipant", "deleteParticipant", "createSession", "deleteSession", "createEndpoint", "deleteEndpoint"),
    }
)
_HASH = re.compile(r"#[0-9a-f]{6}\b")


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is still there, as far as the log knows; `name` may be shown: the log is masked."""

    kind: str
    id: str
    name: str


def left(events: Iterable[Event]) -> tuple[Left, ...]:
    """What was made and neither ended nor deleted, in the order in which it is to be undone.

    Webhooks may come in any order and twice, so an end counts wherever it stands.
    """
    made: dict[tuple[str, str], Left] = {}
    ended: set[tuple[str, str]] = set()
    for event in events:
        for one in _made(event):
            made.setdefault((one.kind, one.id), one)
        ended.update(_ended(event))
    there = [one for key, one in made.items() if key not in ended]
    return tuple(sorted(there, key=lambda one: KINDS.index(one.kind)))


def _made(event: Event) -> Iterator[Left]:
    told, call = event.data, event.call_id
    if event.direction == "request":
        yield from _answered(event.event_type, told, event.to) if _succeeded(event) else ()
    elif event.conference_id and event.event_type in ("conferenceCreated", "conferenceMemberJoin"):
        yield Left("conference", event.conference_id, f"conference {told.get('name') or ''}".strip())
    elif call and event.event_type == "initiate":
        yield Left("call", call, f"call from {_bare(event.from_)}")
    elif call and event.event_type == "transferAnswer":
        yield Left("call", call, f"call to {_bare(told.get('transferTo') or event.to)}")
    elif call and event.event_type == "answer":
        # Of an outbound call whose createCall nobody has seen answered.
        yield Left("call", call, f"call to {_bare(event.to)}")


def _answered(operation: str, told: Any, to: str | None) -> Iterator[Left]:
    answer = told.get("response")
    answer = answer if isinstance(answer, dict) else {}
    if operation == "createCall" and answer.get("callId"):
        yield Left("call", str(answer["callId"]), f"call to {_bare(to)}")
    elif operation == "createSession" and answer.get("id"):
        yield Left("session", str(answer["id"]), "session")
    elif operation == "createEndpoint" and isinstance(made := answer.get("data"), dict) and made.get("endpointId"):
        yield Left("endpoint", str(made["endpointId"]), f"endpoint {made.get('tag') or made['endpointId']}")
    elif operation == "createParticipant" and isinstance(made := answer.get("participant"), dict) and made.get("id"):
        yield Left("participant", str(made["id"]), f"participant {made.get('tag') or made['id']}")


def _ended(event: Event) -> Iterator[tuple[str, str]]:
    told, kind = event.data, event.event_type
    if event.direction == "webhook":
        if event.call_id and kind in ("disconnect", "transferDisconnect"):
            yield "call", event.call_id
        elif event.conference_id and kind == "conferenceCompleted":
            yield "conference", event.conference_id
        return
    yield from _ended_by_request(event, unquote(str(told.get("path", "")).rsplit("/", 1)[-1]))


def _ended_by_request(event: Event, about: str) -> Iterator[tuple[str, str]]:
    """What a request has ended, or was told to have ended."""
    asked, answer = (one if isinstance(one, dict) else {} for one in (event.data.get("request"), event.data.get("response")))
    unknown = event.status == 404
    gone = _succeeded(event) or unknown
    match event.event_type:
        case "updateCall" if gone and asked.get("state") == "completed":
            yield "call", about
        case "getCallState" if unknown or answer.get("state") == "disconnected":
            yield "call", about
        case "updateConference" if gone and asked.get("status") == "completed":
            yield "conference", about
        case "getConference" if unknown or answer.get("completedTime"):
            yield "conference", about
        case "deleteParticipant" | "deleteSession" | "deleteEndpoint" if gone:
            yield event.event_type.removeprefix("delete").lower(), about


def _succeeded(event: Event) -> bool:
    return event.status is not None and 200 <= event.status < 300


def _bare(number: Any) -> str:
    """A number as it is shown: what makes two masked ones comparable is of no use to a reader."""
    return _HASH.sub("", str(number or "somebody"))
