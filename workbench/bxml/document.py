"""Documents: the two roots, which verbs are allowed where, writing and checking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from xml.sax.saxutils import escape

from workbench.bxml import base, calling, media, ssml
from workbench.bxml.base import Verb, shape
from workbench.errors import BxmlError

LIMIT = 65536
"""Bytes a document may have (documented: 64 KB)."""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_NESTED = (calling.PhoneNumber, calling.SipUri, calling.Endpoint, media.StreamParam, media.CustomParam)
_TOP: tuple[type[Verb], ...] = (
    *(calling.Transfer, calling.Bridge, calling.Conference, calling.Ring, calling.Pause, calling.Hangup, calling.Redirect, calling.Tag),
    *(calling.Forward, calling.Refer, calling.Connect, media.SpeakSentence, media.PlayAudio),
    *(media.Gather, media.StartGather, media.StopGather, media.SendDtmf, media.Record),
    *(media.StartRecording, media.PauseRecording, media.ResumeRecording, media.StopRecording),
    *(media.StartStream, media.StopStream, media.StartTranscription, media.StopTranscription),
)
VERBS: dict[str, type[Verb]] = {verb.__name__: verb for verb in (*_TOP, *_NESTED)}
"""Every element by its name, nested ones last."""


class Where(Enum):
    """Where a document is run, and so which verbs it may hold (documented)."""

    CALL = "a call"
    TRANSFER_ANSWER = "the answer to transferAnswer"
    CONFERENCE = "a conference"


_CONFERENCE = (media.PlayAudio, media.SpeakSentence, media.StartRecording, media.StopRecording, media.PauseRecording, media.ResumeRecording)
ALLOWED: dict[Where, frozenset[type[Verb]]] = {
    Where.CALL: frozenset(_TOP),
    Where.CONFERENCE: frozenset(_CONFERENCE),
    Where.TRANSFER_ANSWER: frozenset(
        (
            *(*_CONFERENCE, calling.Hangup, calling.Pause, calling.Redirect, calling.Ring, calling.Tag),
            *(media.Gather, media.StartGather, media.StopGather, media.SendDtmf, media.Record),
        )
    ),
}


@dataclass(frozen=True, slots=True, init=False)
class Root:
    """A document. `warnings` tells what `parse` passed over; it does not count when documents are compared."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = field(compare=False)

    def __init__(self, verbs: Verb | Iterable[Verb] = (), warnings: Iterable[str] = ()) -> None:
        object.__setattr__(self, "verbs", (verbs,) if isinstance(verbs, Verb) else tuple(verbs))
        object.__setattr__(self, "warnings", tuple(warnings))

    def to_bxml(self, where: Where = Where.CALL) -> str:
        """The document as XML. Raises BxmlError where it breaks a rule."""
        return _checked(self, where)

    def pretty(self) -> str:
        """The document as XML in indented lines, for people. Raises BxmlError where it breaks a rule."""
        check(self)
        body = [line for verb in self.verbs for line in _lines(verb, "  ")]
        return "\n".join((_HEAD, f"<{type(self).__name__}>", *body, f"</{type(self).__name__}>"))


class Response(Root):
    """The document that answers a webhook."""

    __slots__ = ()


class Bxml(Root):
    """The document that a request to the Voice API carries."""

    __slots__ = ()


def check(root: Root, where: Where = Where.CALL) -> None:
    """Raises BxmlError, without line and column, for the first rule that a document built in Python breaks."""
    _checked(root, where)


def _checked(root: Root, where: Where) -> str:
    for verb in root.verbs:
        if not isinstance(verb, Verb):
            raise BxmlError("is not a verb of this package", verb=type(verb).__name__)
        if type(verb) not in ALLOWED[where]:
            raise BxmlError(not_allowed(type(verb).__name__, where), verb=type(verb).__name__)
        check_verb(verb)
    text = _compact(root)
    size = len(text.encode())
    if size > LIMIT:
        raise BxmlError(too_big(size))
    return text


def check_verb(verb: Verb) -> None:
    """Raises BxmlError for the first rule that a verb or one nested in it breaks."""
    base.first_problem(verb)
    for inner in verb.nested():
        base.first_problem(inner)


def not_allowed(name: str, where: Where) -> str:
    """Why an element may not stand directly in a document."""
    if name not in VERBS:
        return "is not a verb of BXML"
    if VERBS[name] in _NESTED:
        return "stands only inside " + " or ".join(f"<{verb.__name__}>" for verb in _TOP if _may_hold(verb, VERBS[name]))
    return f"is not allowed in {where.value}"


def too_big(size: int) -> str:
    """The rule on the size of documents."""
    return f"a document may have {LIMIT} bytes at most, has {size}"


def _may_hold(verb: type[Verb], inner: type[Verb]) -> bool:
    row = shape(verb).nested
    return row is not None and inner in row.inside


def _compact(root: Root) -> str:
    name = type(root).__name__
    return f"{_HEAD}\n<{name}>" + "".join(map(written, root.verbs)) + f"</{name}>"


def written(verb: Verb) -> str:
    """A verb as XML, unchecked."""
    start, text, name = _start(verb), _content(verb), type(verb).__name__
    inner = text + "".join(map(written, verb.nested()))
    return f"{start}>{inner}</{name}>" if inner else f"{start}/>"


def _lines(verb: Verb, indent: str) -> Iterator[str]:
    if not verb.nested():
        yield indent + written(verb)
        return
    yield f"{indent}{_start(verb)}>"
    for inner in verb.nested():
        yield from _lines(inner, indent + "  ")
    yield f"{indent}</{type(verb).__name__}>"


def _start(verb: Verb) -> str:
    values = ((row, getattr(verb, row.name)) for row in shape(type(verb)).rows if row.place == "attribute")
    given = tuple((row.xml, row.kind.write(value)) for row, value in values if value is not None)
    return ssml.start(type(verb).__name__, given)


def _content(verb: Verb) -> str:
    row = shape(type(verb)).text
    if row is None:
        return ""
    text: str = getattr(verb, row.name)
    return ssml.markup(text) if row.markup else escape(text, {"\r": "&#13;"})
