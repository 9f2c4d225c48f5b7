"""What earlier runs had left on the platform, and what became of it, as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from workbench.leavings import Left

DUE, ENDED, GONE = "to be ended", "ended", "had ended by itself"
OTHERS = "kept: calls of others are in it"
# So many things of a run are named in a line.
_SAID = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a run has left, and what became of it."""

    run: str
    began: float
    left: Left
    outcome: str = DUE

    @property
    def open(self) -> bool:
        """Whether it is still there, as far as we know."""
        return self.outcome not in (ENDED, GONE, OTHERS)


class LeftBehind:
    """What earlier runs had left on the platform when this one started. Shown as a table; empty is as it should be. Thread-safe."""

    def __init__(self) -> None:
        self._lines: tuple[Line, ...] = ()
        self._problem = ""
        # Whether nothing is being undone any more.
        self.done = True

    @property
    def lines(self) -> tuple[Line, ...]:
        """A line for each thing."""
        return self._lines

    def name(self, lines: Sequence[Line]) -> None:
        """Tell of things that were found."""
        self._lines = (*self._lines, *lines)

    def tell(self, line: Line, outcome: str) -> None:
        """Tell what became of one of them."""
        self._lines = tuple(replace(one, outcome=outcome) if one.left == line.left else one for one in self._lines)

    def fail(self, problem: str) -> None:
        """Tell why nothing could be looked for."""
        self._problem = problem

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def summary(self) -> str:
        """In one line: "left behind by the run of 14:03: call to +1•••11, session (all ended)"; empty when nothing was."""
        told = []
        for run in dict.fromkeys(one.run for one in self._lines):
            lines = [one for one in self._lines if one.run == run]
            names = [one.left.name for one in lines[:_SAID]] + ([f"{len(lines) - _SAID} more"] if len(lines) > _SAID else [])
            told.append(f"left behind by the run of {_clock(lines[0].began)}: {', '.join(names)} ({self._state(lines)})")
        return "; ".join([*told, *filter(None, [self._problem])])

    def _state(self, lines: Sequence[Line]) -> str:
        still = sum(one.open for one in lines)
        if not still:
            return "all ended"
        return f"{still} not ended, see wb.left_behind" if self.done else "being ended"

    def __repr__(self) -> str:
        rows = [f"{_clock(one.began)}  {one.left.name}: {one.outcome}" for one in self._lines]
        return "\n".join([*rows, *filter(None, [self._problem])]) or "Earlier runs have left nothing behind."

    def _repr_html_(self) -> str:
        if not self._lines:
            return f"<p>{escape(repr(self))}</p>"
        head = "".join(f'<th style="text-align:left">{name}</th>' for name in ("left by the run of", "what", "now"))
        cells = [(_clock(one.began), one.left.name, one.outcome) for one in self._lines]
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        problem = f"<p>{escape(self._problem)}</p>" if self._problem else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{problem}"


def _clock(began: float) -> str:
    """14:03; of another day 24 Nov 14:03."""
    then, now = time.localtime(began), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%d %b %H:%M", then)
