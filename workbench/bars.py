"""Set-up times drawn as bars on one scale: a bar per leg, a piece per phase, readable in JupyterLab's light and dark themes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from workbench.timing import PHASES, FlowTimes, LegTimes, Span

if TYPE_CHECKING:
    from pandas import DataFrame

_LEFT, _WIDTH, _RIGHT, _BAR, _TITLE = 92, 560, 72, 26, 30
# JupyterLab's own variables, with a fallback for pages that have none.
_INK = "var(--jp-ui-font-color1, #212121)"
_SOFT = "var(--jp-ui-font-color2, #616161)"
_FAINT = "var(--jp-border-color2, #bdbdbd)"
_PAPER = "var(--jp-layout-color1, #ffffff)"
_COLOURS = {
    "request": "var(--md-brown-500, #795548)",
    "ring": "var(--jp-warn-color1, #c75000)",
    "answer": "var(--jp-info-color1, #0277bd)",
    "handler": "var(--jp-success-color1, #2e7d32)",
    "speech": "var(--md-purple-500, #9c27b0)",
    "join": "var(--jp-ui-font-color2, #616161)",
    "not told": "var(--jp-ui-font-color3, #9e9e9e)",
}
# A clock that stands still makes webhooks and handlers take no time; longer labels than this need a wider piece.
_LETTER = 6.6


class Timing:
    """The set-up of one or several flows as bars; `frame()` gives the numbers, `print` the same as text."""

    def __init__(self, flows: Iterable[FlowTimes], *, live: bool = False) -> None:
        self.flows = tuple(flows)
        self.live = live

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that occur, in their order."""
        there = {span.phase for flow in self.flows for leg in flow.legs for span in leg.spans}
        return tuple(phase for phase in PHASES if phase in there)

    @property
    def note(self) -> str:
        """What cannot be told here."""
        untold = "how long webhooks and sentences take, and a Transfer's WebRTC leg, the platform does not tell"
        return f"Live, from the times in webhooks: {untold}." if self.live else ""

    def frame(self) -> DataFrame:
        """A row per leg, the seconds of each phase; `from s` is when its call began, counted from the phone's."""
        from pandas import DataFrame

        columns = [phase for phase in PHASES if phase != "not told" or self.live]
        rows = [
            {"flow": flow.flow, "plan": flow.plan, "leg": leg.leg, "from s": leg.spans[0].start}
            | {phase: leg.of(phase) for phase in columns}
            | {"set-up s": flow.set_up}
            for flow in self.flows
            for leg in flow.legs
        ]
        return DataFrame(rows, columns=["flow", "plan", "leg", "from s", *columns, "set-up s"])

    def __repr__(self) -> str:
        lines = [line for flow in self.flows for line in (flow.title, *(f"  {in_words(leg)}" for leg in flow.legs))]
        return "\n".join([*lines, *filter(None, [self.note])]) or "no flow to time"

    def _repr_html_(self) -> str:
        legend = "".join(
            f'<span style="display:inline-block;margin-right:1.2em;white-space:nowrap"><span aria-hidden="true" style="{_swatch(phase)}">'
            f"</span>{escape(phase)}: {escape(PHASES[phase])}</span>"
            for phase in self.phases
        )
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return (
            f'<div style="overflow-x:auto">{self.svg()}<div style="font-size:12px;color:{_INK};max-width:724px">{legend}{note}</div></div>'
        )

    def svg(self) -> str:
        """The drawing; every text in it is escaped."""
        rows = sum(_TITLE + _BAR * len(flow.legs) for flow in self.flows)
        width, height = _LEFT + _WIDTH + _RIGHT, rows + 34
        scale = Scale.of(self.flows)
        parts = [*_axis(scale, rows)]
        y = 0
        for flow in self.flows:
            parts += _flow(flow, y, scale)
            y += _TITLE + _BAR * len(flow.legs)
        label = escape("Set-up times. " + " ".join(f"{flow.title}." for flow in self.flows), quote=True)
        return (
            f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
            f'style="max-width:100%;background:{_PAPER};font:12px system-ui,sans-serif">{"".join(parts)}</svg>'
        )


class Scale:
    """Where a second is drawn. A leg that was up long before the phone was called begins at the edge."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, last

    @classmethod
    def of(cls, flows: Iterable[FlowTimes]) -> Scale:
        """The scale for all flows together."""
        spans = [span for flow in flows for leg in flow.legs for span in leg.spans]
        last = max((span.end for span in spans), default=1.0) or 1.0
        return cls(max(min((span.start for span in spans), default=0.0), -last / 2), last)

    def x(self, seconds: float) -> float:
        """The place of a moment."""
        return _LEFT + _WIDTH * (max(seconds, self.first) - self.first) / (self.last - self.first)

    @property
    def ticks(self) -> list[float]:
        """Round moments, five to ten of them."""
        step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 3600, 86400) if self.last / step <= 8)
        return [round(step * at, 3) for at in range(int(self.first / step), int(self.last / step) + 1)]


def in_words(leg: LegTimes) -> str:
    """A leg's phases in a line."""
    return f"{leg.leg}: {', '.join(f'{span.phase} {length(span.seconds)}' for span in leg.spans)}"


def length(seconds: float) -> str:
    """A time as it is read: 1.2 s, 40 ms."""
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{seconds * 1000:.3g} ms"


def _axis(scale: Scale, rows: int) -> Iterator[str]:
    for tick in scale.ticks:
        x, zero = scale.x(tick), tick == 0
        dash = "" if zero else ";stroke-dasharray:2 4"
        yield f'<line x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{rows + 6}" style="stroke:{_SOFT if zero else _FAINT}{dash}"/>'
        yield _text(x, rows + 20, "phone called" if zero else f"{tick:+g} s", _SOFT, "font-size:10px")


def _flow(flow: FlowTimes, y: int, scale: Scale) -> Iterator[str]:
    yield _text(4, y + 20, flow.title, _INK, f"font-weight:600;text-anchor:start;paint-order:stroke;stroke:{_PAPER};stroke-width:4px")
    for row, leg in enumerate(flow.legs):
        top = y + _TITLE + _BAR * row
        yield _text(_LEFT - 8, top + 14, leg.leg, _SOFT, "text-anchor:end")
        yield f"<g><title>{escape(in_words(leg))}</title>"
        yield from (part for span in leg.spans for part in _piece(span, top, scale))
        yield "</g>"
    if flow.joined is not None:
        x, bottom = scale.x(flow.joined), y + _TITLE + _BAR * len(flow.legs) - 4
        yield f'<line x1="{x:.1f}" y1="{y + _TITLE - 4}" x2="{x:.1f}" y2="{bottom}" style="stroke:{_INK};stroke-width:2"/>'
        yield _text(x + 6, (y + _TITLE + bottom) / 2 + 3, f"{flow.set_up:g} s", _INK, "font-weight:600;text-anchor:start")


def _piece(span: Span, top: int, scale: Scale) -> Iterator[str]:
    one, two = scale.x(span.start), scale.x(span.end)
    if two <= one:
        return
    colour, label = _COLOURS[span.phase], f"{span.phase} {length(span.seconds)}"
    yield f"<g><title>{escape(label)}, from {span.start:g} s to {span.end:g} s: {escape(PHASES[span.phase])}</title>"
    dash = ";stroke-dasharray:3 3" if span.phase == "not told" else ""
    box = f'x="{one:.1f}" y="{top}" width="{max(two - one, 1):.1f}" height="{_BAR - 7}"'
    yield f'<rect {box} style="fill:{colour};fill-opacity:.28;stroke:{colour}{dash}"/>'
    fitting = next((text for text in (label, length(span.seconds)) if len(text) * _LETTER < two - one), "")
    if fitting:
        yield _text((one + two) / 2, top + 14, fitting, _INK, "font-size:11px")
    yield "</g>"


def _swatch(phase: str) -> str:
    colour = _COLOURS[phase]
    fill = f"color-mix(in srgb, {colour} 28%, transparent)"
    return f"display:inline-block;width:12px;height:10px;margin-right:5px;border:1px solid {colour};background:{fill}"


def _text(x: float, y: float, text: str, colour: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="text-anchor:middle;fill:{colour};{style}">{escape(text)}</text>'
