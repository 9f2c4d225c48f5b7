"""Documents as a reader may see them: secrets as placeholders, which are put back when the document is sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench import bxml
from workbench.modes import Gate, Written

# Values of attributes, and texts of elements.
_VALUE = re.compile(r"(?<=\")[^\"<>]+(?=\")|(?<=>)[^<>]+(?=<)")


def shown(written: Written, gate: Gate, mask: Callable[[str], str]) -> tuple[dict[str, str], str]:
    """The secrets behind a document's placeholders, and the document for a reader.

    Our own credentials are left out: they come back by themselves.
    """
    if not written.verbs:
        text = "" if written.body in ("", bxml.Response().to_bxml()) else written.body
        return _hidden(text, mask)
    ours = {gate.username, gate.password, *gate.dashboard}
    return _hidden(bxml.Response(tuple(_stripped(verb, ours) for verb in written.verbs)).pretty(), mask)


def _stripped(verb: bxml.Verb, ours: set[str]) -> bxml.Verb:
    found: dict[str, Any] = {}
    for name in verb.__dataclass_fields__:
        value = getattr(verb, name)
        if isinstance(value, tuple):
            found[name] = tuple(_stripped(item, ours) if isinstance(item, bxml.Verb) else item for item in value)
        elif isinstance(value, str) and value in ours and name.endswith(("username", "password")):
            found[name] = None
    return replace(verb, **found)


def _hidden(text: str, mask: Callable[[str], str]) -> tuple[dict[str, str], str]:
    secrets: dict[str, str] = {}

    def hide(found: re.Match[str]) -> str:
        masked = mask(found[0])
        if masked != found[0]:
            secrets[masked] = found[0]
        return masked

    return secrets, mask(_VALUE.sub(hide, text))
