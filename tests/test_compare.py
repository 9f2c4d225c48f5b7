"""Counting from the log."""

from __future__ import annotations

from typing import Any

from workbench import compare
from workbench.records import Event

BASE = {"run": "r", "time": 0.0, "mode": "m", "flow": "m-1", "from_": None, "cause": None}


def event(number: int, what: str, leg: str | None = None, *, to: str | None = None, call: str | None = None, **more: Any) -> Event:
    direction = "request" if what.startswith(("create", "delete")) else "webhook"
    return Event(
        **{**BASE, "id": number, "leg": leg, "direction": direction, "event_type": what, "call_id": call, "to": to, "data": {}, **more}
    )


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


def test_the_table_has_a_row_per_mode() -> None:
    table = compare.table([compare.count("one", FLOW), compare.count("two", [])])
    assert list(table.columns) == ["legs", "calls", "requests", "webhooks", "handlers", "set-up s"]
    assert list(table.index) == ["one", "two"]
