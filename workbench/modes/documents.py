"""From what a handler returns to the document the platform gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qsl, urlencode, urlsplit

from workbench import bxml
from workbench.errors import BxmlError, WorkbenchError
from workbench.keys import Keys, seal


@runtime_checkable
class HasBxml(Protocol):
    """What Bandwidth's own SDK builds, and what `bxml` builds."""

    def to_bxml(self) -> str: ...


# What a handler may return. None is a document without verbs: the platform hangs up; for a conference event, that there is nothing to say.
Document: TypeAlias = bxml.Verb | Sequence[bxml.Verb] | HasBxml | str | None


@dataclass(eq=False)
class Gate:
    """Our callback server's address, which a tunnel may move, and what opens it.

    User name and password are for the URLs that we hand out, `dashboard` is the pair for those that stand in the account's dashboard.
    Events of verbs without credentials are let in by a seal of their URL, made with `secret`; those of the WebRTC side by one of `keys`.
    """

    base: str
    username: str
    password: str = field(repr=False)
    secret: str = field(default="", repr=False)
    dashboard: tuple[str, str] = field(default=("", ""), repr=False)
    keys: Keys = field(default_factory=Keys, repr=False)
    _earlier: tuple[str, ...] = field(default=(), repr=False)

    def move(self, base: str) -> None:
        """From now on URLs are given out under another address; those given out before stay ours."""
        self._earlier, self.base = (*self._earlier, self.base), base

    def authorise(self, verb: bxml.Verb) -> bxml.Verb:
        """The verb with our credentials beside every URL that is ours; those a reader wrote stay. Nested verbs too."""
        found: dict[str, Any] = {}
        names = {item.name for item in fields(verb)}
        for name in names:
            value = getattr(verb, name)
            if isinstance(value, tuple):
                found[name] = tuple(self.authorise(item) if _is_verb(item) else item for item in value)
            elif name.endswith("_url") and self._ours(value):
                user, secret = ("fallback_username", "fallback_password") if name.endswith("_fallback_url") else ("username", "password")
                if user in names and getattr(verb, user) is None:
                    found |= {user: self.username, secret: self.password}
                elif self.secret and user not in names:
                    found[name] = self._keyed(value)
        return replace(verb, **found)

    def _keyed(self, url: str) -> str:
        key = seal(self.secret, parse_qsl(urlsplit(url).query, keep_blank_values=True))
        return f"{url}{'&' if '?' in url else '?'}{urlencode({'key': key})}"

    def _ours(self, url: object) -> bool:
        # A relative URL is resolved against the one we were asked at, so it is ours too, unless it names a host (//host/path).
        if not isinstance(url, str) or url.replace("\\", "/").startswith("//"):
            return False
        return bxml.relative(url) or any(url.startswith((f"{base}/", f"{base}?")) for base in (self.base, *self._earlier))


@dataclass(frozen=True)
class Written:
    """A document as text, and the names of its verbs."""

    body: str
    verbs: tuple[bxml.Verb, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The verbs' element names, in order."""
        return tuple(type(verb).__name__ for verb in self.verbs)


def write(document: Document, gate: Gate) -> Written:
    """The document as text. A text that breaks the rules goes out as it is: what the platform does about it is worth seeing."""
    try:
        verbs = verbs_of(document)
    except BxmlError:
        return Written(_text(document))
    granted = tuple(gate.authorise(verb) for verb in verbs)
    return Written(bxml.Response(granted).to_bxml(), granted)


def verbs_of(document: Document) -> tuple[bxml.Verb, ...]:
    """The verbs of whatever a handler may return."""
    if document is None:
        return ()
    if isinstance(document, (bxml.Response, bxml.Bxml)):
        return tuple(document.verbs)
    if isinstance(document, bxml.Verb):
        return (document,)
    if isinstance(document, (str, HasBxml)):
        return tuple(bxml.parse(_text(document)).verbs)
    if isinstance(document, Sequence) and all(isinstance(verb, (bxml.Verb, HasBxml)) for verb in document):
        return tuple(verb for part in document for verb in verbs_of(part))
    raise WorkbenchError(f"a handler returns a verb, a list of verbs, a Response, a text or None, but this one returned {document!r}")


def _text(document: Any) -> str:
    text = document if isinstance(document, str) else str(document.to_bxml())
    rooted = "<Response" in text or "<Bxml" in text
    # A single verb of the SDK comes without a root.
    return text if rooted or isinstance(document, str) else f"<Response>{text}</Response>"


def _is_verb(item: object) -> bool:
    return isinstance(item, bxml.Verb) and is_dataclass(item)


class Shown(str):
    """A document that a notebook shows with colours."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```xml\n{self}\n```"


def shown(document: Document, mask: Callable[[str], str]) -> Shown:
    """A document in indented lines with its secrets masked. Raises BxmlError where it breaks a rule."""
    return Shown(mask(bxml.Response(verbs_of(document)).pretty()))
