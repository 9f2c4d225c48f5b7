"""What to enter in the account's dashboard so that calls to our number come here, to copy."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True)
class Dashboard:
    """Values for a Voice application. The password is in a file that only its owner can read: a notebook would keep what it shows.

    `steady` says whether the URLs stay the same from run to run.
    """

    application_id: str
    number: str
    base: str
    username: str
    password_file: Path
    steady: bool = True

    @property
    def values(self) -> dict[str, str]:
        """What goes where, by the field's name (documented: Account, Applications; webhooks 1)."""
        return {
            "application": self.application_id,
            "Call-initiated callback URL": f"{self.base}/inbound/initiate",
            "Call-initiated method": "POST",
            "Call status callback URL": f"{self.base}/inbound/disconnect",
            "Call status method": "POST",
            "Callback user ID": self.username,
            "Callback password": f"the text in {self.password_file}",
            "number": f"{self.number} has to belong to this application's location",
        }

    def _note(self) -> str:
        return "" if self.steady else "These URLs change with the tunnel: ngrok_domain (NGROK_DOMAIN) keeps them."

    def __repr__(self) -> str:
        width = max(map(len, self.values))
        return "\n".join([*(f"{name:<{width}}  {value}" for name, value in self.values.items()), *filter(None, [self._note()])])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left"><code>{escape(value)}</code></td></tr>'
            for name, value in self.values.items()
        )
        return f"<table><tbody>{rows}</tbody></table><p>{escape(self._note())}</p>"
