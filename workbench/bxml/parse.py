"""Documents read with the standard library's expat: positions for every error, and no DOCTYPE, so no entities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from workbench.bxml import base, fields, ssml
from workbench.bxml.base import Shape, Verb, shape
from workbench.bxml.document import ALLOWED, LIMIT, VERBS, Bxml, Response, Where, not_allowed, too_big
from workbench.errors import BxmlError

_ROOTS: dict[str, type[Response] | type[Bxml]] = {"Response": Response, "Bxml": Bxml}


def parse(document: str | bytes, where: Where = Where.CALL) -> Response | Bxml:
    """The document, checked for the place where it is to run. One bad verb refuses all of it.

    Unknown attributes are passed over with a warning (assumed). Either root is accepted in every place (assumed).
    Raises BxmlError with the line and column at which the offending element begins.
    """
    size = len(document)
    try:
        size = len(document.encode() if isinstance(document, str) else document)
        if size > LIMIT:
            raise BxmlError(too_big(size), line=1, column=1)
        return _Reader(where).read(document)
    except expat.ExpatError as error:
        rule = f"is not well-formed XML: {expat.ErrorString(error.code)}"
        raise BxmlError(rule, line=error.lineno, column=error.offset + 1) from error
    except (LookupError, ValueError) as error:
        raise BxmlError(f"is in an encoding that cannot be read: {error}", line=1, column=1) from error


@dataclass(slots=True)
class _Open:
    """An element whose end has not come yet. `verb` is None for the root."""

    name: str
    line: int
    column: int
    verb: type[Verb] | None = None
    table: Shape | None = None
    values: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    inner: list[Verb] = field(default_factory=list)
    markup: int = 0


class _Reader:
    """The state of one reading."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.open: list[_Open] = []
        self.warnings: list[str] = []
        self.parser = parser = expat.ParserCreate()
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.DefaultHandler = self.rest

    def read(self, document: str | bytes) -> Response | Bxml:
        self.parser.Parse(document, True)
        root = self.open[0]
        return _ROOTS[root.name](root.inner, self.warnings)

    def fail(self, rule: str, verb: str | None = None) -> NoReturn:
        raise BxmlError(rule, line=self.parser.CurrentLineNumber, column=self.parser.CurrentColumnNumber + 1, verb=verb)

    def rest(self, text: str) -> None:
        """Takes what has no handler of its own, a DOCTYPE among it (whose own handler would be called past its beginning)."""
        if text.startswith("<!DOCTYPE"):
            self.fail("a document may have no DOCTYPE, and so no entities of its own")

    def start(self, name: str, attributes: list[str]) -> None:
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        if not self.open:
            if name not in _ROOTS:
                self.fail("the root of a document is <Response> or <Bxml>", name)
            self.open.append(_Open(name, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1))
            self.warn(name, [key for key, _ in pairs])
            return
        parent = self.open[-1]
        if parent.table is not None and parent.table.text is not None and parent.table.text.markup and name in ssml.NAMES:
            parent.markup += 1
            parent.texts.append(ssml.start(name, tuple(pairs)) + ">")
            return
        self.begin(name, pairs, parent)

    def begin(self, name: str, pairs: list[tuple[str, str]], parent: _Open) -> None:
        verb = VERBS.get(name)
        allowed = ALLOWED[self.where] if parent.table is None else parent.table.nested.inside if parent.table.nested else ()
        if verb is None or verb not in allowed:
            rule = f"is not allowed inside <{parent.name}>" if parent.table is not None and verb else not_allowed(name, self.where)
            self.fail(rule, name)
        table = shape(verb)
        element = _Open(name, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1, verb, table)
        for key, value in pairs:
            row = table.attributes.get(key)
            if row is not None and (key == row.xml or row.name not in element.values):
                element.values[row.name] = value
        self.warn(name, [key for key, _ in pairs if key not in table.attributes])
        self.open.append(element)

    def warn(self, name: str, unknown: list[str]) -> None:
        for key in unknown:
            self.warnings.append(f"line {self.parser.CurrentLineNumber}: <{name}> has no attribute {key}; it is passed over")

    def characters(self, text: str) -> None:
        element = self.open[-1]
        if element.table is not None and element.table.text is not None:
            element.texts.append(escape(text) if element.table.text.markup else text)
        elif text.strip(fields.BLANKS):
            raise BxmlError("takes no text", line=element.line, column=element.column, verb=element.name)

    def end(self, name: str) -> None:
        element = self.open[-1]
        if element.markup:
            element.markup -= 1
            element.texts.append(f"</{name}>")
        elif element.verb is not None:
            del self.open[-1]
            self.open[-1].inner.append(self.built(element, element.verb))

    def built(self, element: _Open, verb: type[Verb]) -> Verb:
        table = shape(verb)
        values = element.values
        if table.text is not None:
            values[table.text.name] = "".join(element.texts)
        if table.nested is not None:
            values[table.nested.name] = element.inner
        result = verb(**values)
        base.first_problem(result, element.line, element.column)
        self.warnings.extend(f"line {element.line}: {doubt}" for doubt in base.doubts(result))
        return result
