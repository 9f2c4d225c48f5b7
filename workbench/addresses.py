"""Every address that a browser is given: where its lines connect and where its pages are."""

from __future__ import annotations

from urllib.parse import quote

from workbench import tokens
from workbench.errors import TokenError
from workbench.settings import Settings


def seen(url: str) -> str:
    """An address of the platform as a browser reaches it: the same, for the browser runs on this machine. The one place to rewrite it."""
    return url


class Addresses:
    """What a page connects with (dialect, url, token), and the addresses of pages of their own. Both hold a secret: show neither."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def softphone(self, token: str) -> dict[str, str]:
        """What a softphone connects with, for the token of a participant or of an endpoint."""
        try:
            tokens.read(token)
        except TokenError:
            # Nobody but the platform may read an endpoint's token.
            return {"dialect": "brtc", "url": seen(self._settings.gateway_url), "token": str(token)}
        return {"dialect": "v3", "url": seen(self._settings.device_url), "token": str(token)}

    def handset(self, ticket: str) -> dict[str, str]:
        """What the handset of a simulated phone connects with."""
        return {"dialect": "handset", "url": seen(self._settings.device_url), "token": ticket}

    def softphone_page(self, token: str) -> str:
        """The softphone's own page. A fragment goes to no server, and the page takes it off its address."""
        return f"{seen(self._settings.local_url)}/_local/softphone#token={quote(str(token), safe='')}"

    def handset_page(self, number: str, ticket: str) -> str:
        """A handset's own page."""
        return f"{seen(self._settings.local_url)}/_local/handset/{quote(number, safe='+')}#ticket={quote(ticket, safe='')}"
