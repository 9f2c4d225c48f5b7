"""The short lines that say what a workbench is connected to."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from workbench.settings import Settings


def lines(
    settings: Settings, callbacks: str, tunnel: str, *, closed: bool, left: str = "", calls: str = "", refused: str = ""
) -> dict[str, str]:
    """What there is to say, by heading. Live, the account is masked. `left`: by earlier runs; `calls`: what may be called.

    `refused`: what the callback server has turned away.
    """
    account = f"{settings.account_id[:2]}•••{settings.account_id[-2:]}" if settings.live else settings.account_id
    state = "closed" if closed else "live: calls go to Bandwidth" if settings.live else "local: nothing leaves this machine"
    return {
        "Workbench": state,
        "account": f"{account}, number {settings.number}",
        "callbacks": f"{callbacks} ({'no tunnel' if tunnel == 'none' else tunnel})",
        "Voice API": settings.voice_url,
        "WebRTC API": settings.webrtc_url,
    } | {name: what for name, what in (("calls", calls), ("turned away", refused), ("earlier", left)) if what}


def as_text(said: Mapping[str, str]) -> str:
    """One line per heading."""
    return "\n".join(f"{name}: {what}" for name, what in said.items())


def as_html(said: Mapping[str, str]) -> str:
    """One row per heading."""
    rows = "".join(f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(what)}</td></tr>' for name, what in said.items())
    return f"<table>{rows}</table>"
