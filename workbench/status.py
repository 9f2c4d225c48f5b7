"""The short lines that say what a workbench is connected to."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from workbench.settings import Settings


def line(settings: Settings) -> str:
    """Where calls go, and whose; live, account and number are masked."""
    if not settings.live:
        return f"local: nothing leaves this machine; account {settings.account_id}, number {settings.number}"
    account, number = (f"{value[:2]}•••{value[-2:]}" for value in (settings.account_id, settings.number))
    return f"live: calls go to Bandwidth and cost money; account {account}, number {number}"


def lines(settings: Settings, callbacks: str, kind: str, *, closed: bool, **more: str) -> dict[str, str]:
    """What there is to say, by heading; of `more` what is not empty."""
    said = {
        "Workbench": "closed" if closed else line(settings),
        "callbacks": f"{callbacks} ({'no tunnel' if kind == 'none' else kind})",
        "Voice API": settings.voice_url,
        "WebRTC API": settings.endpoints_url if settings.webrtc == "endpoints" else settings.webrtc_url,
    }
    return said | {name.replace("_", " "): what for name, what in more.items() if what}


def as_text(said: Mapping[str, str]) -> str:
    """One line per heading."""
    return "\n".join(f"{name}: {what}" for name, what in said.items())


def as_html(said: Mapping[str, str]) -> str:
    """One row per heading."""
    rows = "".join(f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(what)}</td></tr>' for name, what in said.items())
    return f"<table>{rows}</table>"
