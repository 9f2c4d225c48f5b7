"""What the callback server has turned away, as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from workbench.records import TurnedAway

CHALLENGED = "challenged"
_HEADS = ("turned away because of", "how often", "last", "for example")


@dataclass(frozen=True)
class RefusedTable:
    """A row for each reason. Challenges are not among them: every webhook of a call begins with one."""

    rows: Sequence[TurnedAway]

    def __len__(self) -> int:
        return sum(one.count for one in self.rows)

    def summary(self) -> str:
        """In one line: "14 requests: wrong credentials 12, unknown path 2"; empty when there was nothing."""
        if not self.rows:
            return ""
        several = "1 request" if len(self) == 1 else f"{len(self):,} requests"
        return f"{several}: {', '.join(f'{one.reason} {one.count:,}' for one in self.rows)}"

    def __repr__(self) -> str:
        lines = [f"{one.reason}: {one.count:,}, last at {_clock(one.last.time)}, {_example(one)}" for one in self.rows]
        return "\n".join(lines) or "Nothing was turned away."

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape(repr(self))}</p>"
        head = "".join(f'<th style="text-align:left">{name}</th>' for name in _HEADS)
        cells = [(one.reason, f"{one.count:,}", _clock(one.last.time), _example(one)) for one in self.rows]
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def table(rows: Sequence[TurnedAway]) -> RefusedTable:
    """The most frequent reason first."""
    shown = [one for one in rows if one.reason != CHALLENGED]
    return RefusedTable(sorted(shown, key=lambda one: -one.count))


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def _example(one: TurnedAway) -> str:
    # whoever knocked has chosen it: nothing of it may move a terminal's cursor
    return repr(f"{one.last.method} {one.last.path}")[1:-1]
