"""A finished flow as one HTML file that opens offline: ladder, narration, who hears whom, documents, sound. Pure.

Whatever is shown passes one mask that hides tokens, credentials and every phone number; a strict policy keeps the page from the network.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from html import escape
from typing import Any

from workbench import scripts
from workbench.details import explained, pretty
from workbench.masking import HIDDEN, Masker
from workbench.messages import Lane, Message
from workbench.narration import sentence
from workbench.records import Event
from workbench.sounds import Sound

# Ids that name an account; harmless in a log, but nobody else's business.
_ACCOUNT = frozenset({"accountId", "applicationId"})
_ACCOUNT_PATH = re.compile(r"(?<=accounts/)[\w-]+")
# What the mask leaves of a number to compare by; a file that is handed out needs no hash.
_HASH = re.compile(f"({HIDDEN}\\d{{0,2}})#[0-9a-f]{{6}}")
# Numbers as people write them: ten digits and more in a row, or in the groups of North America.
_WRITTEN = re.compile(r"(?<![\w.•#+-])\+?(?:1[ .-]?)?(?:\d{10,15}|\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4})(?![\w-])")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main></main>
<noscript>This page plays a phone call; its browser must allow scripts.</noscript>
<script type="application/json" id="capsule">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Capsule:
    """What a capsule shows. `pictures` tell who hears whom over time; `secret` values are hidden wherever they turn up."""

    title: str
    lanes: Sequence[Lane]
    messages: Sequence[Message]
    events: Sequence[Event] = ()
    pictures: Sequence[Mapping[str, Any]] = ()
    sounds: Sequence[Sound] = ()
    secret: Iterable[str] = ()

    def html(self) -> str:
        """The file."""
        script, style = scripts.module("capsule.js"), scripts.sheets("look.css", "ladder.css", "capsule.css")
        policy = (
            f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; "
            "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
        )
        data = self.data()
        parts = {"policy": policy, "title": escape(data["title"]), "style": style, "data": _embedded(data), "script": script}
        return re.sub(r"\{(\w+)\}", lambda part: parts[part[1]], _PAGE)

    def data(self) -> dict[str, Any]:
        """All that the page knows, masked."""
        clean = Cleaner(self.secret)
        found = {
            "title": self.title,
            "lanes": [asdict(lane) for lane in self.lanes],
            "messages": [{**asdict(message), "says": sentence(message)} for message in self.messages],
            "pictures": [dict(picture) for picture in self.pictures],
            "details": {str(event.id): detail(event) for event in self.events},
        }
        sounds = [{"name": clean.text(one.name), "at": one.at, "seconds": one.seconds, "src": one.source()} for one in self.sounds]
        return {**clean.value(found), "sounds": sounds}


class Cleaner:
    """Hides in everything that is handed out: tokens, credentials, accounts, and all phone numbers."""

    def __init__(self, secret: Iterable[str] = ()) -> None:
        self._masker = Masker(secrets.token_bytes(16), numbers=True, values=secret)

    def text(self, text: str) -> str:
        """A text without them."""
        text = _ACCOUNT_PATH.sub(HIDDEN, self._masker.text(text))
        return _HASH.sub(r"\1", _WRITTEN.sub(HIDDEN, text))

    def value(self, value: Any) -> Any:
        """A JSON value without them."""
        return self._cleaned(self._masker.value(value))

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: HIDDEN if name in _ACCOUNT else self._cleaned(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._cleaned(one) for one in value]
        return self.text(value) if isinstance(value, str) else value


def detail(event: Event) -> dict[str, Any]:
    """What a closer look at an event shows, part by part."""
    data = event.data
    if event.direction == "request":
        asked = f"{data.get('method', '')} {data.get('path', '')}".strip()
        parts = [_json(asked or "Request", data.get("request")), _json(f"Answer {event.status or 'none'}", data.get("response"))]
    else:
        said = [{**part, "rows": [list(map(Cleaner().text, row)) for row in part["rows"]]} for part in explained(event.reply)]
        parts = [_json("Webhook", _unsecret(data)), _document(f"Answer {event.status or 'none'}", event.reply), *said]
    if event.error:
        parts.append({"head": "What went wrong", "kind": "error", "text": event.error})
    title = " · ".join(filter(None, [event.event_type, event.leg, event.cause]))
    return {"id": event.id, "title": title, "parts": [part for part in parts if part]}


def _unsecret(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: HIDDEN if name in _ACCOUNT else value for name, value in data.items()}


def _json(head: str, value: Any) -> dict[str, Any] | None:
    if value in (None, {}, ""):
        return None
    # Masked as a value first: in a text nobody sees which digits are a number's.
    shown = value if isinstance(value, str) else json.dumps(Cleaner().value(value), indent=2, ensure_ascii=False)
    return {"head": head, "kind": "json", "text": shown}


def _document(head: str, body: str | None) -> dict[str, Any] | None:
    if not body:
        return None
    return {"head": head, "kind": "bxml" if body.lstrip().startswith("<") else "text", "text": pretty(body)}


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _embedded(data: Any) -> str:
    """JSON that no HTML parser takes for the script's end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
