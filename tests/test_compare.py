"""Counting from the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from workbench import compare
from workbench.records import Event

BASE = {"run": "r", "time": 0.0, "mode": "m", "flow": "m-1", "from_": None, "cause": None}


def event(number: int, what: str, leg: str | None = None, *, to: str | None = None, call: str | None = None, **more: Any) -> Event:
    direction = "request" if what.startswith(("create", "delete")) else "webhook"
    return Event(
        **{**BASE, "id": number, "leg": leg, "direction": direction, "event_type": what, "call_id": call, "to": to, "data": {}, **more}
    )


@dataclass(frozen=True)
class Happened:
    time: str
    kind: str
    call_ids: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)


def at(second: float) -> str:
    return f"2026-01-01T00:00:{second:06.3f}Z"


PHONE = {"enqueuedTime": at(1), "eventTime": at(2)}
FLOW = [
    event(1, "createCall", "phone", call="c-1", to="+15550100001"),
    event(2, "answer", "phone", call="c-1", to="+15550100001", data=PHONE, verbs=("Pause",)),
    event(3, "createParticipant", "webrtc"),
    event(4, "answer", "webrtc", call="c-2", to="sip:there", data={"eventTime": at(3), "enqueuedTime": at(0)}, verbs=("Bridge",)),
    event(5, "answer", "webrtc", call="c-2", to="sip:there", duplicate_of=4, verbs=("Bridge",)),
    event(6, "disconnect", "phone", call="c-1", data={"eventTime": at(9)}),
]


def test_a_flow_in_numbers() -> None:
    assert compare.count("m", FLOW) == compare.Count("m", legs=2, calls=2, requests=2, webhooks=3, handlers=1, set_up=2.0)


def test_the_platform_tells_when_both_were_joined() -> None:
    joined = [Happened(at(4), "joined", ("c-1", "c-2")), Happened(at(1.5), "joined", ("c-8", "c-9"))]
    assert compare.set_up(FLOW, joined) == 3.0


def test_sentences_are_no_delay_and_one_that_is_cut_off_counts_as_far_as_it_was_heard() -> None:
    speech = [Happened(at(2), "speak", ("c-1",), {"seconds": 1}), Happened(at(3.5), "speak", ("c-1",), {"seconds": 60})]
    assert compare.set_up(FLOW, [*speech, Happened(at(4), "joined", ("c-1", "c-2"))]) == 1.5


def test_in_a_conference_the_second_member_counts() -> None:
    members = [Happened(at(2), "memberJoined", ("c-2",)), Happened(at(5), "memberJoined", ("c-1",))]
    assert compare.set_up(FLOW, members) == 4.0


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], None),
        (FLOW[:3], None),
        ([event(1, "conferenceMemberJoin", "phone", data={"eventTime": at(5), "startTime": at(1)})], None),
        ([event(i, "conferenceMemberJoin", "phone", data={"eventTime": at(i), "startTime": at(1)}) for i in (3, 5)], 4.0),
        ([event(1, "disconnect", "phone", data={"direction": "inbound", "startTime": at(1), "answerTime": at(4)})], 3.0),
        ([event(1, "disconnect", "phone", data={"direction": "outbound", "startTime": at(1), "answerTime": at(4)})], None),
    ],
    ids=["nothing", "not joined", "alone", "conference", "inbound transfer", "outbound transfer"],
)
def test_live_the_webhooks_tell_what_they_can(events: list[Event], seconds: float | None) -> None:
    assert compare.set_up(events) == seconds


def test_the_table_has_a_row_per_mode() -> None:
    table = compare.table([compare.count("one", FLOW), compare.count("two", [])])
    assert list(table.columns) == ["legs", "calls", "requests", "webhooks", "handlers", "set-up s"]
    assert list(table.index) == ["one", "two"]
