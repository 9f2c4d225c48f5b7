"""What a replay has shown: each webhook's answer beside the recorded one, and the requests that are missing or new."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import ndiff
from html import escape
from typing import TYPE_CHECKING

from workbench.cassette import Cassette, Request, Told
from workbench.masking import HIDDEN, Masker
from workbench.records import Reply
from workbench.tape import Made

if TYPE_CHECKING:
    from pandas import DataFrame

_CREDENTIALS = re.compile(r'\s\w*(?:[uU]sername|[pP]assword)="[^"]*"')
_KEY = re.compile(r"(?:\?|&amp;|&)key=[^&\"\s<]*")
_TOKEN = re.compile(rf"eyJ(?:{HIDDEN}(?:#[0-9a-f]{{6}})?|[\w-]+\.[\w-]+\.[\w-]*)|{HIDDEN}(?=;encoding=jwt)")
_MASKER = Masker(b"replay")


def bare(document: str) -> str:
    """A document without what differs from run to run: credentials, keys; tokens read TOKEN."""
    return _TOKEN.sub("TOKEN", _KEY.sub("", _CREDENTIALS.sub("", document)))


def _lines(document: str) -> list[str]:
    text = bare(document).replace(HIDDEN, "…")
    return re.sub(r">\s*<", ">\n<", text).splitlines()


@dataclass(frozen=True, slots=True)
class Step:
    """One webhook: `told` as recorded with its answer, `reply` as answered now. Of a request made again and failed: only the error."""

    number: int
    leg: str | None
    name: str
    told: Told | None = None
    reply: Reply | None = None
    error: str | None = None

    @property
    def same(self) -> bool:
        """Whether it was answered as recorded."""
        if self.told is None or self.reply is None:
            return self.error is None
        # A handler that failed then and now is the same; how is seen in `error`.
        if self.told.failed or self.error is not None:
            return self.told.failed and self.error is not None
        status = self.told.status is None or self.told.status == self.reply.status
        return status and _lines(self.told.reply) == _lines(self.reply.body)

    @property
    def difference(self) -> list[str]:
        """Lines of a diff, nothing when it is the same."""
        if self.same:
            return []
        head = " ".join(filter(None, [f"event {self.number}:", self.name, self.leg]))
        lines = [] if self.told is None or self.reply is None else self._compared(self.told, self.reply)
        told = [f"  ! {_MASKER.text(line)}" for line in (self.error or "").splitlines()]
        return [head, *(f"  {line}" for line in lines), *told]

    def _compared(self, told: Told, reply: Reply) -> Iterator[str]:
        if told.status != reply.status:
            yield from (f"- status {told.status}", f"+ status {reply.status}")
        yield from (line for line in ndiff(_lines(told.reply), _lines(_MASKER.text(reply.body))) if not line.startswith("?"))


@dataclass(frozen=True, slots=True, repr=False)
class Replay:
    """What came of a replay. `missing` and `additional` are requests; `same` says whether anything differs, `difference` what."""

    cassette: Cassette
    steps: tuple[Step, ...]
    made: tuple[Made, ...]
    left: Mapping[int, Request]

    @property
    def missing(self) -> tuple[Request, ...]:
        """Recorded requests that were not made."""
        return tuple(self.left.values())

    @property
    def additional(self) -> tuple[Made, ...]:
        """Requests that were made and are not in the cassette."""
        return tuple(one for one in self.made if one.recorded is None)

    @property
    def errors(self) -> tuple[str, ...]:
        """What handlers raised, with traceback."""
        return tuple(_MASKER.text(step.error) for step in self.steps if step.error is not None)

    @property
    def same(self) -> bool:
        """Whether every webhook was answered as recorded, and the same requests were made."""
        return not self.left and not self.additional and all(step.same for step in self.steps)

    @property
    def difference(self) -> str:
        """All that differs, as lines of a diff; "" when nothing does."""
        lines = [line for step in self.steps for line in step.difference]
        lines += [f"- request {number}: {one.operation} {one.leg or ''} ({one.method} {one.path})" for number, one in self.left.items()]
        for one in self.additional:
            during = "" if one.during is None else f" during event {one.during}"
            lines.append(f"+ request{during}: {one.method} {_MASKER.text(one.path)}, which the cassette does not know")
        return "\n".join(lines)

    def frame(self) -> DataFrame:
        """Each webhook with the verbs that were recorded and those of now."""
        from pandas import DataFrame

        rows = [
            (one.number, one.name, one.leg or "", " ".join(one.told.verbs), " ".join(one.reply.verbs), "" if one.same else "differs")
            for one in self.steps
            if one.told is not None and one.reply is not None
        ]
        return DataFrame(rows, columns=["n", "event", "leg", "recorded", "now", "same"])

    def __repr__(self) -> str:
        return f"<Replay of {self.cassette.title!r}: {'the same' if self.same else 'differs'}>" + ("\n" + self.difference).rstrip()

    def _repr_html_(self) -> str:
        """The difference with its lines in colour."""
        if self.same:
            return f"<p>{escape(self.cassette.title)}: {len(self.steps)} webhooks, answered as recorded.</p>"
        rows = "\n".join(f"<span{_colour(line)}>{escape(line)}</span>" for line in self.difference.splitlines())
        return f"<p>{escape(self.cassette.title)}: it differs.</p><pre>{rows}</pre>"


def _colour(line: str) -> str:
    sign = line.strip()[:1]
    names = {"-": "--jp-error-color1, #b3261e", "+": "--jp-success-color1, #1b6e3c", "!": "--jp-warn-color0, #8a4b00"}
    return f' style="color: var({names[sign]})"' if sign in names else ""
