"""Takes tokens, credentials and, live, customers' numbers out of whatever is stored or shown.

What is masked keeps a salted hash, so that two masked values can still be compared. Masking twice changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench import files
from workbench.errors import TokenError
from workbench.tokens import Claims, read

HIDDEN = "•••"
# So many tokens keep what they say.
CLAIMS = 1000
_SECRET_KEYS = frozenset(
    {
        "password",
        "fallbackPassword",
        "username",
        "fallbackUsername",
        "token",
        "ticket",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "authorization",
    }
)
_NUMBER_KEYS = frozenset({"from", "to", "transferTo", "transferCallerId", "callerId", "origTo", "displayName"})
_TOKEN = re.compile(r"eyJ[\w-]{4,}\.[\w-]+\.[\w-]*")
_JWT_ENTRY = re.compile(r"[^\s\"',;<>•]{8,}(?=;encoding=jwt)")
_ATTRIBUTE = re.compile(r"\b((?:\w*[pP]assword|\w*[uU]sername)\s*=\s*)(\"[^\"]*\"|'[^']*')")
_USERINFO = re.compile(r"(?<=://)[^/\s@\"'•]+(?=@)")
_QUERY = re.compile(r"(?<=[?&;])((?:access_)?token|endpointToken|ticket|key|password|client_secret)=[^&\s\"'#•]+")
_SECRET_PATH = re.compile(r"(?:(?<=/participant/)|(?<=/endpoint/))[\w-]{16,}")
# What has to be in a text before these are looked for.
_NAMED = ("assword", "sername", "oken=", "ticket=", "secret=", "key=")
_NUMBER = re.compile(r"(?:\+|%2B)\d{7,15}")
_BARE_NUMBER = re.compile(r"\d{7,15}")
_SIP_USER = re.compile(r"(?<=sip:)[^@\s\"<>;•]+(?=@)")


class Masker:
    """Masks text and JSON values.

    `numbers` tells whether phone numbers are hidden (live: they are customers'), `own` the numbers that stay readable, `values` further
    secrets that are hidden wherever they turn up; those shorter than 8 characters are left alone, as hiding them would spoil plain words.
    """

    def __init__(self, salt: bytes, *, numbers: bool = False, own: Iterable[str] = (), values: Iterable[str] = ()) -> None:
        self._salt = salt
        self._numbers = numbers
        self._own = frozenset(own)
        found = sorted({value for value in values if len(value) >= 8}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, found))) if found else None
        # What a token that was hidden says, by what is shown of it; nowhere else than here, and the token itself not at all.
        self._claims: dict[str, Claims] = {}

    def value(self, value: Any, key: str = "") -> Any:
        """The same JSON value with everything secret masked."""
        if isinstance(value, str):
            return self._string(value, key)
        if isinstance(value, Mapping):
            return {name: self.value(item, name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, key) for item in value]
        return HIDDEN if key in _SECRET_KEYS and value is not None else value

    def text(self, text: str) -> str:
        """The same text (a BXML document, a traceback, a URL) with everything secret masked."""
        if self._values is not None:
            text = self._values.sub(HIDDEN, text)
        if "eyJ" in text:
            text = _TOKEN.sub(lambda found: self._token(found[0]), text)
        if ";encoding=jwt" in text:
            text = _JWT_ENTRY.sub(lambda found: self._hidden(found[0]), text)
        if any(name in text for name in _NAMED):
            text = _ATTRIBUTE.sub(lambda found: f'{found[1]}"{HIDDEN}"', text)
            text = _QUERY.sub(lambda found: f"{found[1]}={HIDDEN}", text)
        if "://" in text:
            text = _USERINFO.sub(HIDDEN, text)
        if "/participant/" in text or "/endpoint/" in text:
            text = _SECRET_PATH.sub(HIDDEN, text)
        return self._people(text) if self._numbers else text

    def number(self, number: str) -> str:
        """One phone number, hidden but comparable: +1•••01#3f9a2c."""
        if not self._numbers or number in self._own or HIDDEN in number:
            return number
        head = "+1" if number.startswith("+1") else number[:1]
        return f"{head}{HIDDEN}{number[-2:]}{self._hash(number)}"

    def _string(self, value: str, key: str) -> str:
        if key in _SECRET_KEYS:
            # a participant's token stays comparable; a password's hash could be guessed
            return self.text(value) if _TOKEN.fullmatch(value) or value.startswith("eyJ" + HIDDEN) else HIDDEN if value else value
        if self._numbers and key in _NUMBER_KEYS and _BARE_NUMBER.fullmatch(value):
            return self.number(value)
        return self.text(value)

    def _people(self, text: str) -> str:
        text = _SIP_USER.sub(lambda found: found[0] if found[0] in self._own else self._hidden(found[0]), text)
        return _NUMBER.sub(lambda found: self.number(found[0].replace("%2B", "+")), text)

    def claims(self, shown: str) -> Claims | None:
        """What a hidden token says, by what is shown of it; None for one that was not seen lately, or is no participant's."""
        return self._claims.get(shown)

    def _token(self, token: str) -> str:
        shown = "eyJ" + self._hidden(token)
        if shown not in self._claims:
            with suppress(TokenError):
                claims = read(token)
                if len(self._claims) >= CLAIMS:
                    self._claims.pop(next(iter(self._claims)), None)
                self._claims[shown] = claims
        return shown

    def _hidden(self, value: str) -> str:
        return HIDDEN + self._hash(value)

    def _hash(self, value: str) -> str:
        return "#" + hashlib.blake2b(value.encode(), key=self._salt, digest_size=3).hexdigest()


def salt_in(folder: Path) -> bytes:
    """The salt of this state directory, made on first use; readable by its owner only."""
    return files.once(folder / "salt", secrets.token_bytes(32))
