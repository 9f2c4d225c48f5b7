"""Kinds of attribute: what a value may be, how it is read from a document and written into one.

A kind never raises for a bad value: `broken` gives the rule that the value breaks, and `read` leaves what it cannot read for `broken`
to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from workbench import tokens
from workbench.errors import TokenError

Label = Literal["documented", "observed", "assumed"]
_HUGE = 2**31 - 1
BLANKS = " \t\r\n"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URL = re.compile(rf"(?i:https?)://[^\s/?#\x00-\x1f]\S*|(?!{_SCHEME.pattern})\S+")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(r"""(?i:sips?):(?:[^\s@<>",]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s@<>",/?;:\[\]]+)(?::[0-9]{1,5})?(?:[;?][^\s<>",]*)?""")


@dataclass(frozen=True, slots=True)
class Kind:
    """Any text. `limit` counts characters; `label` says whether the rule is documented or assumed."""

    limit: int | None = None
    minimum: int = 0
    label: Label = "documented"

    def read(self, text: str) -> object:
        """The value that `text` stands for."""
        return text

    def write(self, value: object) -> str:
        """The text that stands for `value` in a document."""
        return str(value)

    def broken(self, value: object) -> str | None:
        """The rule that `value` breaks, or None."""
        if not isinstance(value, str):
            return f"must be text, not {type(value).__name__}"
        if _UNWRITABLE.search(value):
            return "holds a character that XML cannot carry"
        if len(value) < self.minimum:
            return "must not be empty"
        if self.limit is not None and len(value) > self.limit:
            return f"may have {self.limit} characters at most, has {len(value)}"
        return self._wrong(value)

    def _wrong(self, value: str) -> str | None:
        return None

    @property
    def type(self) -> str:
        """The Python type, for tables."""
        return "str"

    @property
    def rule(self) -> str:
        """The rule in a few words, for tables."""
        return "" if self.limit is None else f"≤ {self.limit} characters"


@dataclass(frozen=True, slots=True)
class Pattern(Kind):
    """Text of a fixed form; `form` names it."""

    pattern: re.Pattern[str] = _URL
    form: str = "a URL"

    def _wrong(self, value: str) -> str | None:
        return None if self.pattern.fullmatch(value) else f"must be {self.form}, not {_shown(value)}"

    @property
    def rule(self) -> str:
        return self.form


@dataclass(frozen=True, slots=True)
class Url(Pattern):
    """A URL that can also be taken apart: `http://[x` has the form of one."""

    def _wrong(self, value: str) -> str | None:
        try:
            urlsplit(value)
        except ValueError:
            return f"must be {self.form}, not {_shown(value)}"
        return Pattern._wrong(self, value)


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words, spelled exactly so. An open list grows without notice: an unknown word is a warning, not an error."""

    words: tuple[str, ...] = ()
    open: bool = False

    def _wrong(self, value: str) -> str | None:
        return None if self.open or value in self.words else f"must be one of {', '.join(self.words)}, not {_shown(value)}"

    def doubtful(self, value: object) -> bool:
        """Whether an open list lacks the word."""
        return self.open and value not in self.words

    @property
    def rule(self) -> str:
        return " | ".join(self.words)


@dataclass(frozen=True, slots=True)
class Boolean(Kind):
    """`true` or `false`, in lower case (assumed)."""

    def read(self, text: str) -> object:
        return {"true": True, "false": False}.get(text, text)

    def write(self, value: object) -> str:
        return "true" if value else "false"

    def broken(self, value: object) -> str | None:
        return None if isinstance(value, bool) else f"must be true or false, not {_shown(value)}"

    @property
    def type(self) -> str:
        return "bool"

    @property
    def rule(self) -> str:
        return "true | false"


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A decimal number within limits, both included. Durations are seconds, tone lengths milliseconds. Without an upper limit it must fit
    32 bits (assumed)."""

    low: float = 0
    high: float = _HUGE
    whole: bool = False

    def read(self, text: str) -> object:
        if not _NUMBER.fullmatch(text.strip(BLANKS)):
            return text
        value = float(text)
        return int(value) if value.is_integer() else value

    def write(self, value: object) -> str:
        assert isinstance(value, (int, float))
        return str(int(value)) if float(value).is_integer() else format(Decimal(repr(float(value))), "f")

    def broken(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"must be {self.rule}, not {_shown(value)}"
        fits = self.low <= value <= self.high and (not self.whole or float(value).is_integer())
        return None if fits else f"must be {self.rule}, not {_shown(value)}"

    @property
    def type(self) -> str:
        return "int" if self.whole else "float"

    @property
    def rule(self) -> str:
        what = "a whole number" if self.whole else "a number"
        return f"{what} ≥ {self.low:g}" if self.high == _HUGE else f"{what} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Checked(Kind):
    """Text that a function checks; `form` names the rule."""

    check: Callable[[str], str | None] = str
    form: str = ""

    def _wrong(self, value: str) -> str | None:
        return self.check(value)

    @property
    def rule(self) -> str:
        return self.form


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**60 else "a huge number"
    return text if len(text) <= 60 else text[:59] + "…"


def _plain(value: str) -> str | None:
    return "must not hold control characters" if _CONTROL.search(value) else None


def _uui(value: str) -> str | None:
    try:
        tokens.parse_uui(value)
    except TokenError as error:
        return str(error)
    return None


def relative(url: str) -> bool:
    """Whether a URL has no scheme of its own, so that it is resolved against another."""
    return _SCHEME.match(url) is None


def secure(url: str) -> bool:
    """Whether credentials may go to `url`: https (documented), a loopback host (exempted by us, for work without certificates), or relative
    to a URL not known here."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("https", "") or host in ("localhost", "::1") or re.fullmatch(r"127(?:\.[0-9]{1,3}){3}", host) is not None


ANY = Kind()
FILLED = Kind(minimum=1)
TAG = Kind(limit=256)
# 2048 is documented for the URLs of the Voice API, and assumed for those in documents.
URL = Url(limit=2048, minimum=1, label="assumed", form="an http(s) or relative URL of ≤ 2048 characters")
WEBSOCKET = Pattern(minimum=1, pattern=re.compile(r"(?i:wss?)://[^\s/?#]\S*"), form="a ws or wss URL")
METHOD = Choice(words=("POST", "GET"))
BOOLEAN = Boolean()
E164 = Pattern(pattern=_E164, form="a number in E.164 form such as +15550100001")
SIP_URI = Pattern(pattern=_SIP, form="a SIP URI such as sip:name@host")
E164_OR_SIP = Pattern(pattern=re.compile(f"{_E164.pattern}|{_SIP.pattern}"), form="a number in E.164 form or a SIP URI")
HIDDEN = ("Restricted", "Anonymous", "Private", "Unavailable")
CALLER_ID = Pattern(pattern=re.compile("|".join((_E164.pattern, *HIDDEN))), form="a number in E.164 form or " + ", ".join(HIDDEN))
DISPLAY_NAME = Checked(limit=256, check=_plain, form="≤ 256 characters, no control characters")
UUI = Checked(limit=tokens.UUI_LIMIT, check=_uui, form=f"value;encoding=jwt|base64|hex, comma list, ≤ {tokens.UUI_LIMIT} characters")
FORWARD_UUI = Checked(limit=256, check=_uui, form="value;encoding=jwt|base64|hex, comma list, ≤ 256 characters")
ID = Pattern(pattern=re.compile(r"[^\s,]+"), label="assumed", form="an id, without blanks")
CALL_IDS = Pattern(pattern=re.compile(r"[^\s,]+(?:\s*,\s*[^\s,]+)*"), form="call ids, separated by commas")
CONFERENCE_NAME = Pattern(pattern=re.compile(r"[A-Za-z0-9._-]{1,100}"), form="1 to 100 letters, digits, '-', '_' and '.'")
KEYS = Pattern(pattern=re.compile(r"[0-9*#a-dA-D]*"), label="assumed", form="any of 0-9 * # a-d A-D")
TONES = Pattern(pattern=re.compile(r"[0-9*#a-dA-D,wW]{1,50}"), form="1 to 50 of 0-9 * # a-d A-D , w W")
