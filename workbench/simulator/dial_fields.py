"""What a simulated phone may send with its INVITE, checked before anything is changed. Raises Refusal naming the field and the rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench import tokens
from workbench.errors import TokenError
from workbench.simulator import requests
from workbench.simulator.calls import Dialog

FIELDS = ("uui", "headers", "diversion", "stirShaken", "identity")
# 2023 and 2026 spell them differently (voice-api 8); both are taken.
VERSTAT = tuple(f"TN-{what}-{how}" for what in ("Validation", "Verification") for how in ("Passed", "Failed"))
_CUSTOM = re.compile(r"x-[a-z0-9!%*_+.-]{1,100}")
_MOST = 50


def invitation(fields: Mapping[str, Any], *, sip: bool) -> tuple[Dialog, str | None]:
    """What came with the INVITE of a call, and its UUI; `sip` tells whether it comes from a SIP URI."""
    for name in fields:
        if name not in FIELDS:
            raise requests.refuse(f"unknown field {name}: one of to, {', '.join(FIELDS)}", "phone.field")
    given = requests.present(fields)
    if "headers" in given and not sip:
        raise requests.refuse("headers: only a call from a SIP URI carries them", "sip.headers")
    dialog = Dialog(
        diversion=_texts("diversion", given.get("diversion")),
        stir_shaken=_stir_shaken(_texts("stirShaken", given.get("stirShaken"))),
        identity=_text("identity", given.get("identity")),
        headers=_headers(_texts("headers", given.get("headers"))),
    )
    if dialog.diversion is not None and "origTo" not in dialog.diversion:
        raise requests.refuse("diversion: needs origTo, the number the call was diverted from", "diversion.told")
    return dialog, _uui(_text("uui", given.get("uui")))


def _text(name: str, value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > 4096):
        raise requests.refuse(f"{name}: must be a text of at most 4096 characters", "phone.field")
    return value


def _texts(name: str, value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > _MOST or not all(isinstance(item, str) and len(item) <= 1024 for item in value.values()):
        raise requests.refuse(f"{name}: must be an object of at most {_MOST} short texts", "phone.field")
    return value


def _headers(headers: dict[str, str] | None) -> dict[str, str] | None:
    """Custom headers by their names in lower case; of one that is there twice the last one counts (documented)."""
    found = {name.lower(): value for name, value in (headers or {}).items()}
    for name in found:
        if not _CUSTOM.fullmatch(name):
            raise requests.refuse(f"headers: {name} is no X- header", "sip.headers")
    return found or None


def _stir_shaken(told: dict[str, str] | None) -> dict[str, str] | None:
    for name, words in (("verstat", VERSTAT), ("attestationIndicator", ("A", "B", "C"))):
        if told is not None and told.get(name, words[0]) not in words:
            raise requests.refuse(f"stirShaken.{name}: must be one of {', '.join(words)}", "sip.stir-shaken")
    return told


def _uui(uui: str | None) -> str | None:
    try:
        tokens.parse_uui(uui or "x;encoding=jwt")
    except TokenError as error:
        raise requests.refuse(f"uui: {error}", "request.uui") from None
    return uui
