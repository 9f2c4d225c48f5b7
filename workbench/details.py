"""A closer look at one event: what was sent and answered, the document explained, tokens decoded, the handler, and the rule behind it.

What is shown is what the log holds: masked. Pages and cells show the same parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from typing import Any

from workbench import bxml
from workbench.bxml import meaning
from workbench.errors import BxmlError
from workbench.records import Event

_MASKED_TOKEN = re.compile(r"eyJ•••#[0-9a-f]{6}")
_MASKED = re.compile(r"(?:eyJ|\+1?)?•••(?:\d\d)?(?:#[0-9a-f]{6})?")
Part = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What there is beside the log: a rule's text, label and source; a handler's source; a masked token's claims; copies of an event."""

    rule: Callable[[str], Mapping[str, str] | None] = lambda rule: None
    source: Callable[[int], str | None] = lambda event: None
    claims: Callable[[str], Any] = lambda masked: None
    copies: Callable[[Event], Mapping[str, str]] = lambda event: {}


@dataclass(frozen=True)
class Details:
    """`id` of the event, a title, and parts.

    Each has a `head`, a `kind` (json, bxml, text, error, python, explained, claims), and a `text` or `rows` of two cells.
    """

    id: int
    title: str
    parts: tuple[Part, ...] = field(default=())

    def __repr__(self) -> str:
        return "\n\n".join([self.title, *(f"{part['head']}\n{_plain(part)}" for part in self.parts)])

    def _repr_html_(self) -> str:
        return f"<h4>{escape(self.title)}</h4>" + "".join(map(_html, self.parts))


def of(event: Event, known: Known | None = None) -> Details:
    """The details of an event of the log."""
    known = known or Known()
    found = [*_error(event), *(_request(event) if event.direction == "request" else _webhook(event, known))]
    found += [*_tokens(event, known), *_rule(event, known)]
    if event.duplicate_of is not None:
        found.append(_text("Sent again", "The same webhook came before; it got the same answer."))
    copies = [{"label": label, "text": text} for label, text in known.copies(event).items()]
    if copies and found:
        found[0] = {**found[0], "copies": copies}
    title = " · ".join(filter(None, [event.event_type, event.leg, event.cause, _clock(event.time)]))
    return Details(event.id, title, tuple(found))


def _error(event: Event) -> Iterator[Part]:
    if event.error:
        lines = [line for line in event.error.strip().splitlines() if line.strip(" ^~")]
        told = "\n".join([lines[-1], "", *lines]) if len(lines) > 1 else "\n".join(lines)
        yield {"head": "Error in the handler" if event.direction == "webhook" else "Error", "kind": "error", "text": told}


def _request(event: Event) -> Iterator[Part]:
    data = event.data
    yield _body(f"Request · {data.get('method', '')} {data.get('path', '')}", data.get("request"))
    yield _body(f"Answer · {event.status or 'none'}", data.get("response"))


def _webhook(event: Event, known: Known) -> Iterator[Part]:
    yield _body(f"Answer of this notebook · {event.status or 'pending'}", event.reply)
    yield from explained(event.reply)
    source = known.source(event.id)
    if source:
        took = f" · {event.handler_ms:.1f} ms" if event.handler_ms is not None else ""
        yield {"head": f"The handler that answered{took}", "kind": "python", "text": _marked(source, event.error)}
    yield _body("What the platform sent", dict(event.data))


def _marked(source: str, error: str | None) -> str:
    """A handler's source; the line in it that failed, or called what failed, has an arrow."""
    lines, told = source.splitlines(), [line.strip() for line in (error or "").splitlines()]
    for code in reversed(told):
        at = [number for number, line in enumerate(lines) if line.strip() == code]
        if code and len(at) == 1:
            return "\n".join(("→ " if number == at[0] else "  ") + line for number, line in enumerate(lines))
    return source


def explained(reply: str | None) -> Iterator[Part]:
    """The document line by line; nothing for what cannot be read."""
    found = read(reply or "")
    if found is None:
        return
    root, masked = found
    lines = [replace(line, value=restored(line.value, masked)) for line in meaning.explain(root, masked=True)]
    rows = [
        [f"{'  ' * line.depth}<{line.verb}>", line.means]
        if not line.attribute
        else [f"{'  ' * (line.depth + 1)}{line.attribute} = {line.value}", f"{line.means}{_ruled(line)}"]
        for line in lines
    ]
    if rows:
        yield {"head": "What the document does", "kind": "explained", "rows": rows}


def read(document: str) -> tuple[bxml.Response | bxml.Bxml, Mapping[str, str]] | None:
    """A document, and what stands for what in it: what was masked breaks rules, so each is read as a value of no meaning."""
    known: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        return known.setdefault(found[0], _legal(found[0], len(known)))

    try:
        root = bxml.parse(_MASKED.sub(stand_in, document))
    except BxmlError:
        return None
    return root, {name: masked for masked, name in known.items()}


def _legal(masked: str, number: int) -> str:
    """A value for what was a token, a phone number or a word."""
    if masked.startswith("eyJ"):
        return f"eyJhbGciOiJub25lIn0.{number:04}.x"
    return f"+1555019{number:04}" if masked.startswith("+") else f"hidden-{number:04}"


def restored(text: str, masked: Mapping[str, str]) -> str:
    """A text with what was masked in the place of what stands for it."""
    for stand_in, shown in masked.items():
        text = text.replace(stand_in, shown)
    return text


def _ruled(line: meaning.Line) -> str:
    return f" ({line.rule}; {line.label})" if line.rule else f" ({line.label})"


def _tokens(event: Event, known: Known) -> Iterator[Part]:
    """The claims of every token in the event, as far as they are still known."""
    text = json.dumps([event.data, event.reply], ensure_ascii=False, default=str)
    for masked in dict.fromkeys(_MASKED_TOKEN.findall(text)):
        claims = known.claims(masked)
        if claims is not None:
            until = datetime.fromtimestamp(claims.expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
            rows = [
                ["participant", f"{claims.participant_id}: whoever has the token is this participant"],
                ["until", f"{until}: then it admits nobody any more"],
                ["version", f"{claims.version}: of the token"],
            ]
            yield {"head": f"The token {masked}", "kind": "claims", "rows": rows}


def _rule(event: Event, known: Known) -> Iterator[Part]:
    if event.rule:
        told = known.rule(event.rule)
        plain = f"{event.rule} ({event.label or 'no label'})"
        words = f"{told['text']}.\n{event.rule}, {told['label']}, {told['source']}" if told else plain
        yield _text("Rule of the local platform", words)


def _body(head: str, value: Any) -> Part:
    if value in (None, "", {}):
        return _text(head, "(empty)")
    if isinstance(value, str):
        return {"head": head, "kind": "bxml" if value.lstrip().startswith("<") else "text", "text": pretty(value)}
    return {"head": head, "kind": "json", "text": json.dumps(value, indent=2, ensure_ascii=False, default=str)}


def pretty(document: str) -> str:
    """A document of the log, one verb a line; as it came when it is no BXML, for then that is what one wants to see."""
    found = read(document)
    if found is None:
        return document
    root, masked = found
    return restored(root.pretty(), masked)


def _text(head: str, words: str) -> Part:
    return {"head": head, "kind": "text", "text": words}


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%H:%M:%S.%f")[:-3]


def _plain(part: Part) -> str:
    return "\n".join(" — ".join(row) for row in part["rows"]) if "rows" in part else str(part["text"])


def _html(part: Part) -> str:
    head = f"<p style='margin:.6em 0 .2em;font-weight:600'>{escape(part['head'])}</p>"
    if "rows" not in part:
        return f"{head}<pre style='white-space:pre-wrap;margin:0'>{escape(part['text'])}</pre>"
    style = "text-align:left;white-space:pre-wrap"
    rows = ["".join(f"<td style='{style}'>{escape(cell)}</td>" for cell in row) for row in part["rows"]]
    return f"{head}<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
