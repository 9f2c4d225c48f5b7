"""A flow as a static sequence figure: one lane per party, one row per message, readable in JupyterLab's light and dark themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape

from workbench.records import Event, Happened

VOICE, NOTEBOOK, WEBRTC = "Programmable Voice", "this notebook", "WebRTC"
# Operations of the WebRTC API; every other request goes to the Voice API.
_WEBRTC_WORDS = ("Participant", "Session", "Subscriptions")
_LEFT, _LANE, _ROW, _TOP = 76, 176, 28, 58
# JupyterLab's own variables, with a fallback for pages that have none.
_INK = "var(--jp-ui-font-color1, #212121)"
_SOFT = "var(--jp-ui-font-color2, #616161)"
_FAINT = "var(--jp-border-color2, #bdbdbd)"
_PAPER = "var(--jp-layout-color1, #ffffff)"
_COLOURS = {
    "request": "var(--jp-ui-font-color2, #616161)",
    "webhook": "var(--jp-info-color1, #0277bd)",
    "reply": "var(--jp-success-color1, #2e7d32)",
    "error": "var(--jp-error-color1, #c62828)",
    "sip": "var(--jp-warn-color1, #c75000)",
    "media": "var(--jp-brand-color1, #1976d2)",
}


@dataclass(frozen=True)
class Row:
    """One message: from a lane to a lane. `seq` is its place, `time` the platform's clock in ISO 8601 where it is known."""

    seq: float
    source: str
    target: str
    label: str
    kind: str
    time: str = ""
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """Lanes and rows, drawn as SVG in HTML; `print` shows the same as text."""

    name: str
    lanes: tuple[str, ...]
    rows: tuple[Row, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, legs: Mapping[str, str], events: Sequence[Event], happened: Iterable[Happened], mask: Callable[[str], str]
    ) -> Figure:
        """The figure of a flow. `legs` gives each leg's number or address by name; texts are masked before they are drawn."""
        phones = tuple(leg for leg, number in legs.items() if not number.startswith("sip:"))
        rows = sorted([*_from_events(events), *_from_happenings(events, legs, happened)], key=lambda row: row.seq)
        shown = tuple(replace(row, label=mask(row.label), title=mask(row.title)) for row in rows)
        return cls(name, (*phones, VOICE, NOTEBOOK, WEBRTC), shown, {leg: mask(legs[leg]) for leg in phones})

    def __repr__(self) -> str:
        lines = [f"{row.source} → {row.target}: {row.label}" for row in self.rows]
        return "\n".join([self.name, *lines])

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg()}</div>'

    def svg(self) -> str:
        """The drawing; every text in it is escaped."""
        width, height = _LEFT + _LANE * len(self.lanes), _TOP + _ROW * (len(self.rows) + 1)
        start = next((row.time for row in self.rows if row.time), "")
        parts = [*self._heads(height), *(part for at, row in enumerate(self.rows) for part in self._row(at, row, start))]
        label = escape(f"Sequence figure of {self.name}: {len(self.rows)} messages", quote=True)
        style = f"max-width:100%;background:{_PAPER};font:12px system-ui,sans-serif"
        return (
            f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
            f'style="{style}"><title>{escape(repr(self))}</title>{"".join(parts)}</svg>'
        )

    def _heads(self, height: int) -> Iterator[str]:
        for lane in self.lanes:
            x = self._x(lane)
            yield f'<line x1="{x}" y1="46" x2="{x}" y2="{height - 8}" style="stroke:{_FAINT};stroke-dasharray:3 3"/>'
            yield f'<rect x="{x - 80}" y="6" width="160" height="40" rx="7" style="fill:{_PAPER};stroke:{_SOFT}"/>'
            yield _text(x, 22 if lane in self.numbers else 31, lane, _INK, "font-weight:600")
            if lane in self.numbers:
                yield _text(x, 38, self.numbers[lane], _SOFT, "font-size:10px")

    def _row(self, at: int, row: Row, start: str) -> Iterator[str]:
        y, colour = _TOP + _ROW * (at + 1), _COLOURS[row.kind]
        if row.time:
            yield _text(6, y, f"+{_seconds(start, row.time):.3f}", _SOFT, "font:10px monospace;text-anchor:start")
        one, two = self._x(row.source), self._x(row.target)
        title = f"<title>{escape(row.title or row.label)}</title>"
        dash = ";stroke-dasharray:5 3" if row.kind == "reply" else ""
        if one == two:
            loop = f'<path d="M{one} {y - 9}h24v9h-20" style="fill:none;stroke:{colour};stroke-width:1.6"/>'
            yield f"<g>{title}{loop}{_head(one + 1, y, -1, colour)}"
            yield _text(one + 30, y - 1, row.label, _INK, "text-anchor:start") + "</g>"
            return
        way = 1 if two > one else -1
        line = f'<line x1="{one}" y1="{y}" x2="{two - 6 * way}" y2="{y}" style="stroke:{colour};stroke-width:1.6{dash}"/>'
        both = _head(one, y, -way, colour) if row.kind == "media" else ""
        yield f"<g>{title}{line}{_head(two, y, way, colour)}{both}"
        yield _text((one + two) / 2, y - 5, row.label, _INK, f"paint-order:stroke;stroke:{_PAPER};stroke-width:4px") + "</g>"

    def _x(self, lane: str) -> int:
        return _LEFT + _LANE // 2 + _LANE * self.lanes.index(lane)


def _from_events(events: Sequence[Event]) -> Iterator[Row]:
    seq = 0.0
    for event in events:
        # What has no place of its own stays behind what came before it.
        seq = float(event.seq) if event.seq is not None else seq + 0.001
        if event.direction == "request":
            api = WEBRTC if any(word in event.event_type for word in _WEBRTC_WORDS) else VOICE
            failed = event.status is None or event.status >= 400
            label = f"{event.event_type} {event.leg or ''}".strip() + (f" · {event.status or 'no answer'}" if failed else "")
            yield Row(seq, NOTEBOOK, api, label, "error" if failed else "request", title=f"{event.event_type}: {event.status}")
            continue
        cause = f" · {event.cause}" if event.cause else ""
        time = str(event.data.get("eventTime") or "")
        yield Row(seq, VOICE, NOTEBOOK, f"{event.event_type} {event.leg or ''}".strip() + cause, "webhook", time)
        if event.verbs or event.error or (event.status or 0) >= 400:
            yield Row(_answered(event, events) + 0.0001, NOTEBOOK, VOICE, *_reply(event), title=event.error or event.reply or "")


def _answered(event: Event, events: Sequence[Event]) -> float:
    """The place of the answer: behind the requests that the handler made."""
    until = event.time + (event.handler_ms or 0) / 1000 + 0.001
    made = [one.seq or 0 for one in events if one.direction == "request" and event.time <= one.time <= until]
    return float(max(event.seq or 0, *made)) if made else float(event.seq or 0)


def _reply(event: Event) -> tuple[str, str]:
    if event.error or (event.status or 0) >= 400:
        return f"{event.status} · {(event.error or '').strip().splitlines()[-1][:48] if event.error else 'refused'}", "error"
    return ", ".join(event.verbs), "reply"


def _from_happenings(events: Sequence[Event], legs: Mapping[str, str], happened: Iterable[Happened]) -> Iterator[Row]:
    """What no webhook tells. The B leg of a Transfer is known by the number it goes to and by being joined with a call of ours."""
    all_of_them = list(happened)
    lane_of: dict[str | None, str] = {event.call_id: _lane(event.leg, legs) for event in events if event.call_id and event.leg in legs}
    lane_of.update(_b_legs(all_of_them, set(lane_of), legs))
    for one in all_of_them:
        lanes = [lane_of[call] for call in one.call_ids if call in lane_of]
        if lanes:
            yield from _happening(one, lanes)


def _b_legs(happened: Sequence[Happened], ours: set[str | None], legs: Mapping[str, str]) -> dict[str | None, str]:
    partners = {call for one in happened if one.kind == "joined" and ours.intersection(one.call_ids) for call in one.call_ids} - ours
    names = {number: name for name, number in legs.items()}
    went = {call: str(one.data["to"]) for one in happened for call in one.call_ids if call in partners and one.data.get("to")}
    return {call: _lane(names[to], legs) for call, to in went.items() if to in names}


def _lane(leg: str | None, legs: Mapping[str, str]) -> str:
    return WEBRTC if leg is None or legs[leg].startswith("sip:") else leg


def _happening(one: Happened, lanes: list[str]) -> Iterator[Row]:
    lane, data, seconds = lanes[0], one.data, one.data.get("seconds")
    with_token = " with token" if data.get("uui") else ""
    drawn = {
        "arrived": (lane, VOICE, "calls", "sip"),
        "invite": (VOICE, lane, f"INVITE{with_token}", "sip"),
        "answered": (lane, VOICE, "answers", "sip"),
        "speak": (VOICE, VOICE, f"speaks {seconds} s: {data.get('text', '')}"[:40], "media"),
        "ended": (VOICE, lane, f"ends · {data.get('cause')}", "sip"),
        "joined": (lane, lanes[-1], "joined", "media"),
        "memberJoined": (lane, VOICE, "in the conference", "media"),
    }
    if one.kind in drawn:
        source, target, label, kind = drawn[one.kind]
        yield Row(float(one.seq), source, target, label, kind, one.time, str(data.get("text") or data.get("uui") or ""))


def _text(x: float, y: float, text: str, colour: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" style="text-anchor:middle;fill:{colour};{style}">{escape(text)}</text>'


def _head(x: float, y: float, way: int, colour: str) -> str:
    return f'<path d="M{x} {y}l{-7 * way} -4v8z" style="fill:{colour}"/>'


def _seconds(start: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(start)).total_seconds()
