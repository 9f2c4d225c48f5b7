"""What an examination has found: a line each, and what to do where something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

State = Literal["ok", "wrong", "note"]
_MARKS: dict[State, str] = {"ok": "✓", "wrong": "✗", "note": "·"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: about what, how it is, and what to do when it is wrong. A note is neither right nor wrong."""

    about: str
    state: State
    said: str
    to_do: str = ""


@dataclass(frozen=True)
class Findings:
    """All lines of an examination. True when nothing is wrong."""

    lines: Sequence[Finding]

    def __bool__(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> list[Finding]:
        """The lines that ask for something to be done."""
        return [one for one in self.lines if one.state == "wrong"]

    def __repr__(self) -> str:
        width = max((len(one.about) for one in self.lines), default=0)
        told = []
        for one in self.lines:
            told.append(f"{_MARKS[one.state]} {one.about:<{width}}  {one.said}")
            if one.to_do:
                told.append(f"{'':<{width + 4}}→ {one.to_do}")
        return "\n".join([*told, self._summary()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td>{_MARKS[one.state]}</td><th style="text-align:left">{escape(one.about)}</th>'
            f'<td style="text-align:left">{escape(one.said)}{f"<br><b>→ {escape(one.to_do)}</b>" if one.to_do else ""}</td></tr>'
            for one in self.lines
        )
        return f"<table><tbody>{rows}</tbody></table><p>{escape(self._summary())}</p>"

    def _summary(self) -> str:
        number = len(self.wrong)
        return "Nothing is wrong." if not number else f"{number} {'thing is' if number == 1 else 'things are'} wrong; → says what to do."


def ok(about: str, said: str) -> Finding:
    """A line with nothing to do."""
    return Finding(about, "ok", said)


def wrong(about: str, said: str, to_do: str) -> Finding:
    """A line with something to do."""
    return Finding(about, "wrong", said, to_do)


def note(about: str, said: str) -> Finding:
    """A line that only tells."""
    return Finding(about, "note", said)
