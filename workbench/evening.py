"""What a cassette keeps of a value: secrets hidden, customers' numbers made up, and nothing left that only one run could know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.masking import HIDDEN, Masker

# Stands where the callback server was.
BASE = "https://application.invalid"
_NUMBER = re.compile(rf"\+1?{HIDDEN}\d{{0,2}}#[0-9a-f]{{6}}")
_USER = re.compile(rf"(?<=sip:){HIDDEN}#[0-9a-f]{{6}}(?=@)")
_HASH = re.compile(rf"{HIDDEN}#[0-9a-f]{{6}}")
_ACCOUNT = re.compile(r"(?<=accounts/)[\w-]+")
_ACCOUNT_KEYS = frozenset({"accountId", "applicationId"})


class Evened:
    """Values of one flow as its cassette has them. `secret` values are hidden wherever they turn up."""

    def __init__(self, flow: Any, secret: Iterable[str]) -> None:
        self._masker = Masker(b"cassette", values=secret)
        self._flow = re.compile(rf"\b{re.escape(flow.id)}\b")
        self._name, self._base = f"{flow.mode.name}-1", flow.mode.desk.gate.base
        self._people: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        """A JSON value, phone numbers masked already where they are to be."""
        return self._value(self._masker.value(value))

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: HIDDEN if name in _ACCOUNT_KEYS and one else self._value(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = self._flow.sub(self._name, text.replace(self._base, BASE))
        text = _NUMBER.sub(lambda found: self._person(found[0], "+1555010{:04}"), text)
        text = _USER.sub(lambda found: self._person(found[0], "caller{}"), text)
        return _HASH.sub(HIDDEN, _ACCOUNT.sub(HIDDEN, text))

    def _person(self, masked: str, form: str) -> str:
        return self._people.setdefault(masked, form.format(len(self._people) + 1))
