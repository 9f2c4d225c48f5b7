"""Which credentials an API gets, what is to be said of them, and how missing ones are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

from pydantic import SecretStr

from workbench.settings import Settings

# documented: https://dev.bandwidth.com/docs/account/credentials/management (API users can be used no longer from this day)
BASIC_ENDS = date(2026, 12, 2)
_MAKE = "make OAuth2 credentials in the dashboard (Account, API Credentials) and set client_id (BW_ID_CLIENT_ID) and client_secret"
_PROMPTS = {
    "client_id": "OAuth2 client id (BW_ID_CLIENT_ID): ",
    "client_secret": "OAuth2 client secret (BW_ID_CLIENT_SECRET): ",
    "password": "password of the API user (BW_PASSWORD): ",
}


def chosen(settings: Settings, *, prefer_basic: bool) -> Literal["OAuth2", "Basic", ""]:
    """What an API is sent; classic WebRTC documents Basic only and prefers it, the others prefer OAuth2."""
    client, user = settings.has_client, settings.has_user
    if user and (prefer_basic or not client):
        return "Basic"
    return "OAuth2" if client else ""


def ended(settings: Settings, today: date | None = None) -> bool:
    """Whether Voice, or BRTC, would be sent a user's Basic credentials, which are taken no more (documented end)."""
    return chosen(settings, prefer_basic=False) == "Basic" and (today or date.today()) >= BASIC_ENDS


def said(settings: Settings, today: date | None = None) -> str:
    """One line about the credentials of a live workbench: what goes where, and what will not work for ever."""
    voice, webrtc = chosen(settings, prefer_basic=False), chosen(settings, prefer_basic=True)
    if settings.webrtc == "endpoints":
        webrtc = voice
    line = f"{voice} for Voice, {webrtc} for WebRTC"
    end = f"Basic {'ended' if (today or date.today()) >= BASIC_ENDS else 'ends'} on {BASIC_ENDS}"
    if voice == "Basic":
        return f"{line}; {end}: {_MAKE} (BW_ID_CLIENT_SECRET)"
    if settings.webrtc == "endpoints":
        return line
    if webrtc == "OAuth2":
        return f"{line}; classic WebRTC documents Basic only: if it refuses, set username (BW_USERNAME) and password (BW_PASSWORD)"
    return f"{line}; {end}, and classic WebRTC documents nothing else"


def asked(settings: Settings, ask: Callable[[str], str], before: Settings | None = None) -> Settings:
    """Live settings with the credentials that they lack: those typed `before` for the same account, else as `ask` tells them.

    They are kept in memory only. Where nobody can be asked (NotImplementedError, as of a kernel without input), or more is missing,
    nothing changes.
    """
    wanted = _wanted(settings)
    if not wanted:
        return settings
    if settings.model_copy(update={"client_id": "?", "client_secret": SecretStr("?")}).missing():
        # that is told first: nobody should type a password and then be refused
        return settings
    found: dict[str, str | SecretStr] = {}
    for name in wanted:
        known = _value(before, name) if before and _same(settings, before) else ""
        try:
            told = known or ask(_PROMPTS[name]).strip()
        except NotImplementedError:
            return settings
        if not told:
            return settings
        found[name] = told if name == "client_id" else SecretStr(told)
    return settings.model_copy(update=found)


def _wanted(settings: Settings) -> list[str]:
    """What is to be asked for: the other half of what is there; without anything, a client."""
    if not settings.live:
        return []
    halves = {"client_secret": (settings.client_id, settings.has_client), "password": (settings.username, settings.has_user)}
    wanted = [name for name, (half, whole) in halves.items() if half and not whole]
    return wanted if wanted or settings.has_client or settings.has_user else ["client_id", "client_secret"]


def _same(settings: Settings, before: Settings) -> bool:
    """Whether what was typed for one fits the other: the same account, and nothing given now that differs."""
    if not before.live or before.account_id != settings.account_id or before.token_url != settings.token_url:
        return False
    given = ((settings.client_id, before.client_id), (settings.username, before.username))
    return all(now in ("", then) for now, then in given)


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
