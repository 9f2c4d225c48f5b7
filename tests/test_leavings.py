"""What a run has left, read from the rows of its log."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.leavings import TYPES, Left, left
from workbench.records import Event


def request(operation: str, path: str, status: int | None = 200, *, asked: Any = None, answer: Any = None, to: str | None = None) -> Event:
    """A request that was made, as the log gives it."""
    data = {"method": "POST", "path": path, "request": asked, "response": answer}
    call = answer.get("callId") if isinstance(answer, dict) else None
    return Event(1, "run", 0.0, None, None, None, "request", operation, call, None, to, None, data, status=status)


def webhook(event_type: str, **data: Any) -> Event:
    """A webhook, as the log gives it."""
    return Event(1, "run", 0.0, None, None, None, "webhook", event_type, data.get("callId"), data.get("from"), data.get("to"), None, data)


CALL = request("createCall", "/calls", 201, answer={"callId": "c-1"}, to="+1•••11#3f9a2c")
PARTICIPANT = request("createParticipant", "/participants", answer={"participant": {"id": "p-1", "tag": "browser"}, "token": "•••"})
SESSION = request("createSession", "/sessions", answer={"id": "s-1"})
CONFERENCE = webhook("conferenceCreated", conferenceId="conf-1", name="room")
UP = {"call": CALL, "participant": PARTICIPANT, "session": SESSION, "conference": CONFERENCE}
COMPLETED = {"state": "completed"}
ENDS = [
    ("call", webhook("disconnect", callId="c-1")),
    ("call", webhook("transferDisconnect", callId="c-1", parentCallId="c-0")),
    ("call", request("updateCall", "/calls/c-1", asked=COMPLETED)),
    ("call", request("updateCall", "/calls/c-1", 404, asked=COMPLETED)),
    ("call", request("getCallState", "/calls/c-1", answer={"callId": "c-1", "state": "disconnected"})),
    ("call", request("getCallState", "/calls/c-1", 404)),
    ("participant", request("deleteParticipant", "/participants/p-1", 204)),
    ("participant", request("deleteParticipant", "/participants/p-1", 404)),
    ("session", request("deleteSession", "/sessions/s-1", 204)),
    ("conference", webhook("conferenceCompleted", conferenceId="conf-1")),
    ("conference", request("updateConference", "/conferences/conf-1", 204, asked={"status": "completed"})),
    ("conference", request("getConference", "/conferences/conf-1", answer={"id": "conf-1", "completedTime": "2026-01-01T00:00:00Z"})),
]
NO_ENDS = [
    ("call", request("updateCall", "/calls/c-1", asked={"redirectUrl": "https://example.com"})),
    ("call", request("updateCall", "/calls/c-1", 409, asked=COMPLETED)),
    ("call", request("updateCall", "/calls/c-1", None, asked=COMPLETED)),
    ("call", request("updateCall", "/calls/c-2", asked=COMPLETED)),
    ("call", request("getCallState", "/calls/c-1", answer={"callId": "c-1", "state": "answered"})),
    ("call", webhook("transferComplete", callId="c-1")),
    ("participant", request("deleteParticipant", "/participants/p-1", 403)),
    ("participant", request("deleteParticipant", "/participants/p-1", None)),
    ("session", request("deleteSession", "/sessions/s-1", 500)),
    ("conference", request("getConference", "/conferences/conf-1", answer={"id": "conf-1", "completedTime": None})),
    ("conference", request("updateConference", "/conferences/conf-1", 204, asked={"redirectUrl": "https://example.com"})),
]


def test_what_was_made_is_there_in_the_order_in_which_it_is_undone():
    assert left([SESSION, PARTICIPANT, CONFERENCE, CALL]) == (
        Left("call", "c-1", "call to +1•••11"),
        Left("conference", "conf-1", "conference room"),
        Left("participant", "p-1", "participant browser"),
        Left("session", "s-1", "session"),
    )


@pytest.mark.parametrize(("kind", "end"), ENDS, ids=lambda value: getattr(value, "event_type", value))
def test_what_has_ended_is_not_left_whatever_came_first(kind, end):
    assert left([UP[kind], end]) == ()
    assert left([end, UP[kind]]) == ()


@pytest.mark.parametrize(("kind", "event"), NO_ENDS, ids=lambda value: getattr(value, "event_type", value))
def test_what_only_looks_like_an_end_is_none(kind, event):
    assert [one.kind for one in left([UP[kind], event])] == [kind]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (webhook("initiate", callId="c-9", **{"from": "+1•••22#aaaaaa"}), "call from +1•••22"),
        (webhook("transferAnswer", callId="c-9", parentCallId="c-1", transferTo="+1•••33#aaaaaa", to="+1•••11"), "call to +1•••33"),
        (webhook("answer", callId="c-9", to="+1•••44#aaaaaa"), "call to +1•••44"),
    ],
)
def test_a_call_that_only_webhooks_tell_of_is_ours_too(event, name):
    assert left([event, event]) == (Left("call", "c-9", name),)


@pytest.mark.parametrize(
    "event",
    [
        request("createCall", "/calls", None, to="+15550100001"),
        request("createCall", "/calls", 400, answer={"description": "no"}),
        request("createParticipant", "/participants", 500, answer="an error"),
        request("createSession", "/sessions", 200, answer=None),
    ],
    ids=lambda event: f"{event.event_type} {event.status}",
)
def test_what_was_refused_was_never_made(event):
    assert left([event]) == ()


def test_only_events_of_the_types_that_are_read_matter():
    assert {event.event_type for _, event in ENDS} | {event.event_type for event in UP.values()} <= TYPES
