"""The table of verbs, for documentation and for those who must look at a document's URLs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.bxml import fields
from workbench.bxml.base import Attribute, Verb, allowed, shape
from workbench.bxml.document import VERBS, Root
from workbench.bxml.fields import Label


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: an XML attribute, `(text)` or `(nested)`, with its parameter in Python."""

    attribute: str
    parameter: str
    type: str
    default: object
    required: bool
    rule: str
    label: Label
    since: int


def describe(verb: str | type[Verb]) -> tuple[Row, ...]:
    """The rows of a verb, by its name or class. Raises KeyError for an unknown name."""
    return tuple(map(_row, shape(VERBS[verb] if isinstance(verb, str) else verb).rows))


def _row(row: Attribute) -> Row:
    name = row.xml if row.place == "attribute" else f"({row.place})"
    kind, rule = ("verbs", allowed(row)) if row.place == "nested" else (row.kind.type, row.kind.rule)
    return Row(name, row.name, kind, row.default, row.required, rule, row.label, row.since)


def urls(root: Root) -> Iterator[tuple[Verb, str, str]]:
    """Every webhook and audio URL of a document, as (verb, parameter, URL)."""
    for verb in root.verbs:
        for part in (verb, *verb.nested()):
            for row in shape(type(part)).rows:
                value = getattr(part, row.name)
                if row.kind is fields.URL and value is not None:
                    yield part, row.name, value
