"""What all verbs have in common: fields that carry their rules, and the checks that follow from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from workbench.bxml import fields, ssml
from workbench.bxml.fields import Choice, Kind, Label
from workbench.errors import BxmlError

Place = Literal["attribute", "text", "nested"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a verb, or its text or nested verbs: a row of the table that building, parsing, checking and documentation read.

    `default` is the documented value that holds when the attribute is unset. `since` is the year of the documentation that first lists it.
    """

    place: Place
    kind: Kind
    default: object = None
    required: bool = False
    label: Label = "documented"
    since: int = 2023
    name: str = ""
    xml: str = ""
    alias: str | None = None
    inside: tuple[type[Verb], ...] = ()
    least: int = 0
    most: int | None = None
    markup: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The table of one verb: its attributes by XML name (and by alias), its text and its nested verbs, in order of definition."""

    rows: tuple[Attribute, ...]
    attributes: Mapping[str, Attribute]
    text: Attribute | None
    nested: Attribute | None


@dataclass(frozen=True, slots=True, repr=False)
class Verb:
    """A BXML verb, or an element nested in one. The class is named as the element; unset attributes are None."""

    def __post_init__(self) -> None:
        """Brings values into the one form that a parsed document would have; what cannot be read stays for `check` to refuse."""
        for row in shape(type(self)).rows:
            value = getattr(self, row.name)
            if row.place == "nested":
                tidy: object = _nested(row, value)
            elif not isinstance(value, str):
                continue
            elif row.place == "text":
                tidy = ssml.canonical(value) if row.markup else value.strip(fields.BLANKS)
            else:
                tidy = row.kind.read(value)
            if tidy is not value:
                object.__setattr__(self, row.name, tidy)

    def __repr__(self) -> str:
        """The call that builds the verb, without what is unset and with secrets masked."""
        given = ((row, getattr(self, row.name)) for row in shape(type(self)).rows)
        parts = (f"{row.name}={'…' if row.secret else repr(value)}" for row, value in given if value not in (None, ()))
        return f"{type(self).__name__}({', '.join(parts)})"

    def effective(self, name: str) -> Any:
        """The value of an attribute, or its documented default while it is unset; `name` as in Python."""
        value = getattr(self, name)
        if value is not None:
            return value
        return next(row.default for row in shape(type(self)).rows if row.name == name)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        """Rules between several attributes that this verb breaks, as (XML name, rule)."""
        return iter(())

    def nested(self) -> tuple[Verb, ...]:
        """The verbs nested in this one."""
        row = shape(type(self)).nested
        if row is None:
            return ()
        value = getattr(self, row.name)
        return value if isinstance(value, tuple) else () if value is None else (value,)

    def to_bxml(self) -> str:
        """This verb as XML. Raises BxmlError where it breaks a rule."""
        from workbench.bxml import document

        document.check_verb(self)
        return document.written(self)


def _nested(row: Attribute, value: Any) -> object:
    """Nested verbs as a tuple; a verb that can hold only one other keeps it as it is."""
    many = isinstance(value, Iterable) and not isinstance(value, str)
    if row.most == 1:
        several = tuple(value) if many else (value,)
        return several[0] if len(several) == 1 else several or None
    return tuple(value) if many else () if value is None else (value,)


def attribute(
    kind: Kind,
    *,
    default: object = None,
    required: bool = False,
    label: Label | None = None,
    since: int = 2023,
    alias: str | None = None,
    secret: bool = False,
) -> Any:
    """A field that is an XML attribute. Unset is None; the class may be built without a required one, but then breaks its rule."""
    row = Attribute("attribute", kind, default, required, label or kind.label, since, alias=alias, secret=secret)
    return field(default=None, metadata={"row": row})


def content(kind: Kind, *, default: str | None = None, since: int = 2023, markup: bool = False) -> Any:
    """A field that is the text of the element; required unless it has a default."""
    row = Attribute("text", kind, default, default is None, kind.label, since, markup=markup)
    return field(metadata={"row": row}) if default is None else field(default=default, metadata={"row": row})


def holds(*inside: type[Verb], least: int = 0, most: int | None = None, label: Label = "documented", since: int = 2023) -> Any:
    """A field that holds nested verbs."""
    row = Attribute("nested", fields.ANY, None, least > 0, label, since, inside=inside, least=least, most=most)
    return field(default=None, metadata={"row": row}) if most == 1 else field(default=(), metadata={"row": row})


def shape(verb: type[Verb]) -> Shape:
    """The table of a verb's class."""
    key: Any = verb  # mypy takes the class of a dataclass with `__eq__` for unhashable
    return _shape(key)


@cache
def _shape(verb: Any) -> Shape:
    rows = tuple(_row(item) for item in dataclasses.fields(verb))
    attributes = {row.xml: row for row in rows if row.place == "attribute"}
    attributes |= {row.alias: row for row in rows if row.alias}
    text = next((row for row in rows if row.place == "text"), None)
    return Shape(rows, attributes, text, next((row for row in rows if row.place == "nested"), None))


def _row(item: dataclasses.Field[Any]) -> Attribute:
    row: Attribute = item.metadata["row"]
    return dataclasses.replace(row, name=item.name, xml=xml_name(item.name))


def xml_name(name: str) -> str:
    """The XML name of a parameter: `call_timeout` is `callTimeout`."""
    head, *tail = name.strip("_").split("_")
    return head + "".join(word.capitalize() for word in tail)


def problems(verb: Verb) -> Iterator[tuple[str | None, str]]:
    """Every rule that a verb itself breaks, as (XML name of the attribute or None, rule); nested verbs are not looked into."""
    table = shape(type(verb))
    for row in table.rows:
        value = getattr(verb, row.name)
        what = row.xml if row.place == "attribute" else None
        if row.place == "nested":
            yield from _nesting(row, verb.nested())
        elif value is None or (row.required and value == "" and row.place == "text"):
            if row.required:
                yield what, "is required" if what else f"needs a text: its {row.name.replace('_', ' ')}"
        elif (rule := row.kind.broken(value)) is not None:
            yield what, rule if what else f"text {rule}"
        elif row.markup and (rule := ssml.broken(value)) is not None:
            yield what, f"text {rule}"
    yield from verb.conflicts()


def _nesting(row: Attribute, nested: tuple[Verb, ...]) -> Iterator[tuple[str | None, str]]:
    for item in nested:
        if not isinstance(item, row.inside):
            yield None, f"may hold {_names(row)} only, not {type(item).__name__}"
    if len(nested) < row.least or (row.most is not None and len(nested) > row.most):
        yield None, f"must hold {allowed(row)}, holds {len(nested)}"


def allowed(row: Attribute) -> str:
    """How many of which nested verbs a row allows, in words."""
    if row.most is None:
        return f"at least {row.least} {_names(row)}"
    return f"exactly {row.most} {_names(row)}" if row.least == row.most else f"{row.least} to {row.most} {_names(row)}"


def _names(row: Attribute) -> str:
    return " or ".join(f"<{verb.__name__}>" for verb in row.inside)


def doubts(verb: Verb) -> Iterator[str]:
    """Warnings about a verb that breaks no rule."""
    for row in shape(type(verb)).rows:
        value = getattr(verb, row.name)
        if value is not None and isinstance(row.kind, Choice) and row.kind.doubtful(value):
            yield f"<{type(verb).__name__}> {row.xml}: {value!r} is not a word we know"


def first_problem(verb: Verb, line: int | None = None, column: int | None = None) -> None:
    """Raises BxmlError for the first rule that `verb` breaks."""
    for name, rule in problems(verb):
        raise BxmlError(rule, line=line, column=column, verb=type(verb).__name__, attribute=name)
