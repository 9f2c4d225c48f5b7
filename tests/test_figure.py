"""The sequence figure: lanes, order, escaping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from workbench.figure import Figure
from workbench.messages import NOTEBOOK, VOICE, WEBRTC
from workbench.records import Event

LEGS = {"phone": "+15550100001", "webrtc": "sip:there"}
BASE = {"run": "r", "mode": "transfer", "flow": "transfer-1", "from_": None, "to": None, "cause": None}


@dataclass(frozen=True)
class Happened:
    seq: int
    kind: str
    call_ids: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    time: str = "2026-01-01T00:00:01.500Z"


def event(seq: int, what: str, leg: str | None, call: str | None = None, **more: Any) -> Event:
    direction = "request" if what.startswith("create") else "webhook"
    given = {"id": seq, "time": float(seq), "leg": leg, "direction": direction, "event_type": what, "call_id": call, "data": {}, "seq": seq}
    return Event(**{**BASE, **given, "status": 200, **more})


EVENTS = [
    event(
        1,
        "initiate",
        "phone",
        "c-1",
        verbs=("Transfer",),
        handler_ms=2500.0,
        data={"eventTime": "2026-01-01T00:00:00.000Z"},
        reply="<Response/>",
    ),
    event(2, "createParticipant", "webrtc"),
    event(9, "disconnect", "phone", "c-1", cause="hangup"),
]
HAPPENED = [
    Happened(0, "arrived", ("c-1",), time="2026-01-01T00:00:00.000Z"),
    Happened(4, "invite", ("c-2",), {"to": "sip:there", "uui": "eyJ"}),
    Happened(5, "joined", ("c-1", "c-2")),
    Happened(6, "joined", ("c-7", "c-8")),
]


def draw(events: list[Event] = EVENTS, happened: list[Happened] = HAPPENED) -> Figure:
    return Figure.of("transfer-1", LEGS, events, happened, str)


def test_rows_stand_in_the_order_in_which_things_happened() -> None:
    assert [(row.source, row.target, row.label) for row in draw().rows] == [
        ("phone", VOICE, "calls"),
        (VOICE, NOTEBOOK, "initiate phone"),
        (NOTEBOOK, WEBRTC, "createParticipant webrtc"),
        (NOTEBOOK, VOICE, "Transfer"),
        (VOICE, WEBRTC, "INVITE with token"),
        ("phone", WEBRTC, "joined"),
        (VOICE, NOTEBOOK, "disconnect phone · hangup"),
    ]


def test_without_a_local_platform_there_are_requests_and_webhooks() -> None:
    assert [row.label for row in draw(happened=[]).rows] == [
        "initiate phone",
        "createParticipant webrtc",
        "Transfer",
        "disconnect phone · hangup",
    ]


def test_what_went_wrong_is_red() -> None:
    broken = [
        event(1, "answer", "phone", "c-1", status=500, error="Traceback\nRuntimeError: on purpose", handler_ms=0.0),
        event(2, "createCall", "phone", status=None),
    ]
    rows = draw(broken, []).rows
    assert [(row.label, row.kind) for row in rows[1:]] == [
        ("500 · RuntimeError: on purpose", "error"),
        ("createCall phone", "request"),
        ("no answer", "error"),
    ]


def test_every_text_is_escaped_and_masked() -> None:
    nasty = [event(1, "initiate", "phone", "c-1", verbs=("<script>alert(1)</script>",), reply='"><b>', handler_ms=0.0)]
    figure = Figure.of(
        'x"<i>',
        {
            "phone": "<img>",
        },
        nasty,
        [],
        lambda text: text.replace("alert", "•••"),
    )
    svg = figure.svg()
    tree = ElementTree.fromstring(svg)
    assert not any(element.tag in ("script", "b", "i", "img") for element in tree.iter())
    assert "alert" not in svg.replace(figure.name, "")


def test_it_can_be_read_aloud_and_follows_the_theme() -> None:
    svg = draw().svg()
    tree = ElementTree.fromstring(svg)
    assert tree.get("role") == "img"
    assert "7 messages" in str(tree.get("aria-label"))
    assert "var(--jp-ui-font-color1" in svg
    assert "+1.500" in svg
    assert draw()._repr_html_().startswith("<div")


def test_an_empty_flow_has_its_lanes() -> None:
    assert draw([], []).lanes == ("phone", VOICE, NOTEBOOK, WEBRTC)
    ElementTree.fromstring(draw([], []).svg())
