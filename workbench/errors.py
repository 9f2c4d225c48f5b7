"""The errors a user of the workbench meets. All of them are a `WorkbenchError`.

WorkbenchError
├── SettingsError   a setting is missing or wrong
├── ApiError        a request to one of Bandwidth's APIs failed
├── BxmlError       a document breaks a rule of BXML
├── TokenError      a token or UUI value is malformed, forged or expired
├── CallbackError   the callback server or its tunnel cannot do its work
├── SpendingError   a call that costs money and that nobody has allowed
└── WaitError       an awaited event did not come in time
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WorkbenchError(Exception):
    """Base of every error the workbench raises on purpose."""


class SettingsError(WorkbenchError):
    """A setting is missing or wrong; the message names all of them."""


class ApiError(WorkbenchError):
    """A request to one of Bandwidth's APIs failed.

    `request` is like `POST https://…/calls`, `status` the HTTP status or None when no answer came, `body` the answer's text.
    The local platform also tells the `rule` by which it refused, and its `label`: documented, observed or assumed.
    """

    def __init__(
        self, message: str, *, request: str, status: int | None = None, body: str = "", rule: str | None = None, label: str | None = None
    ) -> None:
        super().__init__(f"{message} (rule {rule}, {label})" if rule else message)
        self.request = request
        self.status = status
        self.body = body
        self.rule = rule
        self.label = label


# What a request says that a panel or variable of a closed workbench still makes.
CLOSED = "this workbench is closed; make a new one (wb = Workbench()) and run the cells of its panels again"


class BxmlError(WorkbenchError):
    """A document breaks a rule of BXML; line and column count from 1."""

    def __init__(
        self,
        rule: str,
        *,
        line: int | None = None,
        column: int | None = None,
        verb: str | None = None,
        attribute: str | None = None,
    ) -> None:
        where = "" if line is None else f"line {line}, column {column}: "
        what = "" if verb is None else f"<{verb}>" + (f" {attribute}" if attribute else "") + ": "
        super().__init__(where + what + rule)
        self.rule = rule
        self.line = line
        self.column = column
        self.verb = verb
        self.attribute = attribute


class TokenError(WorkbenchError):
    """A token or UUI value is malformed, forged or expired; `claims` holds what could be read of it."""

    def __init__(self, message: str, *, claims: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.claims = claims


class CallbackError(WorkbenchError):
    """The callback server or its tunnel cannot do its work."""


class SpendingError(WorkbenchError):
    """A call that costs money and that nobody has allowed; nothing was sent."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: where in the workbench it was found is of no interest (IPython asks for this)."""
        return [f"{type(self).__name__}: {self}"]


class WaitError(WorkbenchError):
    """An awaited event did not come in time; the message lists what was seen."""
