"""Who may use the platform: API users (Basic) and OAuth2 clients (Bearer). Local credentials are no secret.

Tokens live in real time: moving the platform's clock must not log anybody out.
"""

from __future__ import annotations

import binascii
import secrets
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import Any

from workbench.simulator.effects import Refusal
from workbench.simulator.logins import Login, client, user
from workbench.simulator.setup import TOKEN_SECONDS, Setup

MOST_TOKENS = 10_000

INVALID = "The credentials provided were invalid"


class Unauthorized(Refusal):
    """A request carries no valid credentials; the message is one the Voice API documents."""

    def __init__(self, description: str, rule: str) -> None:
        super().__init__(401, description, rule, "authentication-error")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: whose it is, and when it expires (monotonic seconds)."""

    client: str
    expires: float


class Accounts:
    """The users and clients of one account, checked at each request; `follow` is told the rules by which they are let in."""

    def __init__(self, setup: Setup, now: Callable[[], float] = time.monotonic, follow: Callable[[str], None] = lambda rule: None) -> None:
        self._now, self._follow = now, follow
        self.account_id = setup.account_id
        self.required = setup.auth
        self.token_seconds = setup.token_seconds
        self.users = {name: user(value) for name, value in setup.users.items()}
        self.clients = {name: client(value) for name, value in setup.clients.items()}
        for name in setup.forbidden:
            self.users[name] = replace(self.users.get(name, Login(())), rights=frozenset())
        self._tokens: dict[str, Token] = {}

    def allowed(self, authorization: str | None, right: str = "voice") -> bool:
        """Whether the credentials have a right; False for a known user without it. Raises Unauthorized for all others."""
        if not self.required:
            self._follow("account.off")
            return True
        if not authorization:
            raise Unauthorized("Unauthorized", "account.missing")
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            self._follow("oauth.webrtc" if right == "webrtc" else "oauth.bearer")
            return right in self._bearer(value.strip()).rights
        name, password = basic(authorization)
        if not _match(self.users, name, password):
            raise Unauthorized(INVALID, "account.invalid")
        return right in self.users[name].rights

    def _bearer(self, value: str) -> Login:
        token = self._tokens.get(value)
        if token is None:
            raise Unauthorized(INVALID, "account.invalid")
        if token.expires <= self._now():
            raise Unauthorized(INVALID, "account.expired")
        return self.clients[token.client]

    def issue(self, authorization: str | None) -> str:
        """An access token for an OAuth2 client. Raises Unauthorized."""
        name, secret = basic(authorization or "")
        if not _match(self.clients, name, secret):
            raise Unauthorized(INVALID, "oauth.client")
        now = self._now()
        # One that has expired is remembered for a while, so that the refusal can say so.
        for old in [old for old, token in self._tokens.items() if token.expires + TOKEN_SECONDS <= now]:
            del self._tokens[old]
        if len(self._tokens) >= MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        value = secrets.token_urlsafe(32)
        self._tokens[value] = Token(name, now + self.token_seconds)
        return value

    def configure(self, fields: Mapping[str, Any]) -> None:
        """Set whether credentials are asked for, and how long tokens live. Raises Refusal."""
        for name, value in fields.items():
            if name == "required":
                fits, wanted = isinstance(value, bool), "true or false"
            elif name == "token_seconds":
                fits, wanted = _seconds(value), f"a number of seconds from 0 to {24 * TOKEN_SECONDS}"
            else:
                raise Refusal(400, f"unknown field {name}: one of required, token_seconds", "account.field")
            if not fits:
                raise Refusal(400, f"{name} must be {wanted}, but was {value!r}", "account.field")
        self.required = fields.get("required", self.required)
        self.token_seconds = float(fields.get("token_seconds", self.token_seconds))

    def put_user(self, name: str, fields: Mapping[str, Any]) -> Login:
        """Add an API user, or replace its password and rights. Raises Refusal."""
        self.users[name] = _named(name, user(fields))
        return self.users[name]

    def put_client(self, name: str, fields: Mapping[str, Any]) -> Login:
        """Add an OAuth2 client, or replace its secrets and rights. Raises Refusal."""
        self.clients[name] = _named(name, client(fields))
        return self.clients[name]

    def delete_user(self, name: str) -> None:
        """Forget an API user. Raises Refusal 404."""
        _delete(self.users, name, "user")

    def delete_client(self, name: str) -> None:
        """Forget an OAuth2 client, its tokens with it. Raises Refusal 404."""
        _delete(self.clients, name, "client")
        self._tokens = {value: token for value, token in self._tokens.items() if token.client != name}


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 24 * TOKEN_SECONDS


def _named(name: str, login: Login) -> Login:
    if not name or ":" in name:
        raise Refusal(400, "a name is a text without a colon", "account.field")
    return login


def _delete(known: dict[str, Login], name: str, what: str) -> None:
    if name not in known:
        raise Refusal(404, f"{what} {name} not found", "account.unknown")
    del known[name]


def basic(authorization: str) -> tuple[str, str]:
    """Name and password of a Basic header. Raises Unauthorized."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthorized("Unauthorized", "account.missing")
    try:
        text = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthorized("Failed to decode basic authentication token", "account.decode") from None
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("Invalid basic authentication token", "account.colon")
    return name, password


def _match(known: Mapping[str, Login], name: str, password: str) -> bool:
    return name in known and any(compare_digest(one.encode(errors="surrogatepass"), password.encode()) for one in known[name].secrets)
