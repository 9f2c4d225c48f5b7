"""A flow as a static sequence figure: one lane per party, one row per message, readable in JupyterLab's light and dark themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from workbench import messages
from workbench.errors import WorkbenchError
from workbench.messages import Lane, Message
from workbench.records import Event, Happened

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
    "device": "var(--jp-accent-color1, #6a1b9a)",
}


@dataclass(frozen=True)
class Figure:
    """Lanes and messages, drawn as SVG in HTML; `print` shows the same as text. Answers to requests are drawn only where they failed."""

    name: str
    columns: tuple[Lane, ...]
    rows: tuple[Message, ...]

    @classmethod
    def of(
        cls,
        name: str,
        legs: Mapping[str, str],
        events: Sequence[Event],
        happened: Iterable[Happened],
        mask: Callable[[str], str],
        people: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Figure:
        """The figure of a flow. `legs` gives each leg's number or address by name; texts are masked before they are drawn."""
        lanes, found = messages.of(name, legs, events, happened, mask, people, names)
        return cls.drawn(name, lanes, found)

    @classmethod
    def drawn(cls, name: str, lanes: Iterable[Lane], found: Iterable[Message]) -> Figure:
        """The figure of these messages."""
        return cls(name, tuple(lanes), tuple(row for row in found if row.kind != "answer"))

    @property
    def lanes(self) -> tuple[str, ...]:
        """Their names, from left to right."""
        return tuple(lane.name for lane in self.columns)

    def __repr__(self) -> str:
        lines = [f"{row.source} → {row.target}: {row.label}" for row in self.rows]
        return "\n".join([self.name, *lines])

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg()}</div>'

    def svg(self) -> str:
        """The drawing; every text in it is escaped."""
        width, height = _LEFT + _LANE * len(self.lanes), _TOP + _ROW * (len(self.rows) + 1)
        start = next((row.at for row in self.rows if row.at is not None), 0.0)
        parts = [*self._heads(height), *(part for at, row in enumerate(self.rows) for part in self._row(at, row, start))]
        label = escape(f"Sequence figure of {self.name}: {len(self.rows)} messages", quote=True)
        style = f"max-width:100%;background:{_PAPER};font:12px system-ui,sans-serif"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
            f'style="{style}"><title>{escape(repr(self))}</title>{"".join(parts)}</svg>'
        )

    def mermaid(self) -> str:
        """The same as a Mermaid sequence diagram."""
        names = {lane: f"L{at}" for at, lane in enumerate(self.lanes)}
        lines = ["sequenceDiagram", *(f"    participant {names[lane.name]} as {_plain(lane.name, lane.note)}" for lane in self.columns)]
        for row in self.rows:
            arrow = "-->>" if row.kind == "reply" else "--x" if row.kind == "error" else "->>"
            lines.append(f"    {names[row.source]}{arrow}{names[row.target]}: {_plain(row.label)}")
        return "\n".join(lines) + "\n"

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it as .svg or .mmd (Mermaid). Raises WorkbenchError for another ending, or a file that is there already."""
        target = Path(path)
        if target.suffix not in (".svg", ".mmd"):
            raise WorkbenchError(f"path: a figure is saved as .svg or .mmd, not as {target.name!r}")
        if target.exists() and not overwrite:
            raise WorkbenchError(f"path: {target} is there already; choose another name, or say overwrite=True")
        target.write_text(self.svg() if target.suffix == ".svg" else self.mermaid(), encoding="utf-8")
        return target

    def _heads(self, height: int) -> Iterator[str]:
        for lane in self.columns:
            x = self._x(lane.name)
            yield f'<line x1="{x}" y1="46" x2="{x}" y2="{height - 8}" style="stroke:{_FAINT};stroke-dasharray:3 3"/>'
            yield f'<rect x="{x - 80}" y="6" width="160" height="40" rx="7" style="fill:{_PAPER};stroke:{_SOFT}"/>'
            yield _text(x, 22 if lane.note else 31, lane.name, _INK, "font-weight:600")
            if lane.note:
                yield _text(x, 38, lane.note, _SOFT, "font-size:10px")

    def _row(self, at: int, row: Message, start: float) -> Iterator[str]:
        y, colour = _TOP + _ROW * (at + 1), _COLOURS[row.kind]
        if row.at is not None:
            yield _text(6, y, f"+{row.at - start:.3f}", _SOFT, "font:10px monospace;text-anchor:start")
        one, two = self._x(row.source), self._x(row.target)
        title = f"<title>{escape(row.note or row.label)}</title>"
        dash = ";stroke-dasharray:5 3" if row.kind == "reply" else ""
        if one == two:
            loop = f'<path d="M{one} {y - 9}h24v9h-20" style="fill:none;stroke:{colour};stroke-width:1.6"/>'
            yield f"<g>{title}{loop}{_head(one + 1, y, -1, colour)}"
            yield _text(one + 30, y - 1, row.label, _INK, "text-anchor:start") + "</g>"
            return
        way = 1 if two > one else -1
        line = f'<line x1="{one}" y1="{y}" x2="{two - 6 * way}" y2="{y}" style="stroke:{colour};stroke-width:1.6{dash}"/>'
        both = _head(one, y, -way, colour) if row.name in ("joined", "parted") else ""
        yield f"<g>{title}{line}{_head(two, y, way, colour)}{both}"
        yield _text((one + two) / 2, y - 5, row.label, _INK, f"paint-order:stroke;stroke:{_PAPER};stroke-width:4px") + "</g>"

    def _x(self, lane: str) -> int:
        return _LEFT + _LANE // 2 + _LANE * self.lanes.index(lane)


def _text(x: float, y: float, text: str, colour: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" style="text-anchor:middle;fill:{colour};{style}">{escape(text)}</text>'


def _head(x: float, y: float, way: int, colour: str) -> str:
    return f'<path d="M{x} {y}l{-7 * way} -4v8z" style="fill:{colour}"/>'


def _plain(text: str, note: str = "") -> str:
    """A text of a Mermaid diagram: what it would read as its own syntax is written as an entity."""
    whole = f"{text} ({note})" if note else text
    return "".join(f"#{ord(letter)};" if letter in "#;<>&\"'%{}" else " " if letter in "\r\n" else letter for letter in whole) or "-"
