"""Who may use the platform: API users (Basic) and OAuth2 clients (Bearer). Local credentials are fixed and no secret."""

from __future__ import annotations

import binascii
import json
import secrets
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from hmac import compare_digest
from pathlib import Path
from typing import Any

from workbench.simulator import requests
from workbench.simulator.core import Application, Config
from workbench.simulator.effects import Refusal

TOKEN_SECONDS = 3600
MOST_TOKENS = 10_000

PREFIX = "WORKBENCH_SIMULATOR_"
APPLICATION = "a0000000-0000-4000-8000-000000000001"


class Unauthorized(Exception):
    """A request carries no valid credentials; the message is one the Voice API documents."""

    rule = "account.credentials"


class SetupError(Exception):
    """The platform's settings are wrong; the message names the field."""


@dataclass(frozen=True)
class Setup:
    """What a platform starts with, by the names a `--config` file uses.

    `users` and `clients` map names to passwords; users in `forbidden` have no rights. `applications` maps ids to what
    `PUT /_local/applications/{id}` takes, `numbers` maps owned numbers to applications.
    """

    account_id: str = "9900000"
    users: Mapping[str, str] = field(default_factory=lambda: {"local": "local", "forbidden": "forbidden"})
    forbidden: tuple[str, ...] = ("forbidden",)
    clients: Mapping[str, str] = field(default_factory=lambda: {"local-client": "local-secret"})
    applications: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {APPLICATION: {"name": "workbench"}})
    numbers: Mapping[str, str] = field(default_factory=lambda: {"+19195550100": APPLICATION, "+19195550101": APPLICATION})
    token_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def config(self, voice_url: str) -> Config:
        """The part the engine gets; `voice_url` is where the Voice API is reached. Raises SetupError."""
        applications = tuple(_application(application_id, values) for application_id, values in self.applications.items())
        return Config(self.account_id, applications, self.numbers, self.token_secret, voice_url)


def _application(application_id: str, values: Mapping[str, Any]) -> Application:
    try:
        return requests.application(Application(application_id, "workbench"), values)
    except Refusal as refusal:
        raise SetupError(f"applications: {application_id}: {refusal.description}") from None


def load(file: Path | None, environment: Mapping[str, str]) -> Setup:
    """The settings: the built-in ones, changed by a JSON file, then by the environment (`WORKBENCH_SIMULATOR_…`). Raises SetupError."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise SetupError(f"{file}: {error}") from None
    if not isinstance(values, dict):
        raise SetupError(f"{file}: must be a JSON object")
    values = values | _from_environment(environment)
    names = {item.name: item for item in fields(Setup)}
    for name, value in values.items():
        if name not in names:
            raise SetupError(f"unknown setting {name}: one of {', '.join(names)}")
        if not _fits(name, value):
            raise SetupError(f"{name}: wrong form")
    setup = replace(Setup(), **values)
    for number, application_id in setup.numbers.items():
        if not requests.is_e164(number):
            raise SetupError(f"numbers: {number} is not an E.164 telephone number")
        if application_id not in setup.applications:
            raise SetupError(f"numbers: {number} belongs to {application_id}, which is not among the applications")
    return setup


def _fits(name: str, value: Any) -> bool:
    def texts(mapping: Any) -> bool:
        return isinstance(mapping, dict) and all(isinstance(item, str) for item in mapping.values())

    if name in ("account_id", "token_secret"):
        return isinstance(value, str) and value != ""
    if name == "forbidden":
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if name == "applications":
        return isinstance(value, dict) and bool(value) and all(isinstance(item, dict) for item in value.values())
    return texts(value)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`WORKBENCH_SIMULATOR_ACCOUNT_ID`, `_USER`, `_CLIENT` (both `name:password`), `_APPLICATION_ID` and `_NUMBERS` (by commas)."""
    found = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX) and value}
    values: dict[str, Any] = {}
    if account := found.get("ACCOUNT_ID"):
        values["account_id"] = account
    if user := found.get("USER"):
        values["users"] = {**_pair("USER", user), "forbidden": "forbidden"}
    if client := found.get("CLIENT"):
        values["clients"] = _pair("CLIENT", client)
    application = found.get("APPLICATION_ID", APPLICATION)
    if application != APPLICATION:
        values["applications"] = {application: {"name": "workbench"}}
    if application != APPLICATION or "NUMBERS" in found:
        numbers = found["NUMBERS"].split(",") if "NUMBERS" in found else list(Setup().numbers)
        values["numbers"] = {number.strip(): application for number in numbers}
    return values


def _pair(name: str, text: str) -> dict[str, str]:
    user, colon, password = text.partition(":")
    if not colon:
        raise SetupError(f"{PREFIX}{name}: must be name:password")
    return {user: password}


class Accounts:
    """Checks credentials and issues OAuth2 tokens. Tokens live in real time: moving the platform's clock must not log anybody out."""

    def __init__(self, setup: Setup, now: Callable[[], float] = time.monotonic) -> None:
        self._setup, self._now = setup, now
        self._tokens: dict[str, float] = {}

    @property
    def account_id(self) -> str:
        """The one account."""
        return self._setup.account_id

    def allowed(self, authorization: str | None) -> bool:
        """Whether the credentials have rights; False for a known user without any. Raises Unauthorized for all others."""
        if not authorization:
            raise Unauthorized("Unauthorized")
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            if self._tokens.get(value.strip(), 0.0) <= self._now():
                raise Unauthorized("The credentials provided were invalid")
            return True
        name, password = basic(authorization)
        if not _match(self._setup.users, name, password):
            raise Unauthorized("The credentials provided were invalid")
        return name not in self._setup.forbidden

    def issue(self, authorization: str | None) -> str:
        """An access token for an OAuth2 client. Raises Unauthorized."""
        if not _match(self._setup.clients, *basic(authorization or "")):
            raise Unauthorized("The credentials provided were invalid")
        now = self._now()
        for token in [token for token, expires in self._tokens.items() if expires <= now]:
            del self._tokens[token]
        if len(self._tokens) >= MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        token = secrets.token_urlsafe(32)
        self._tokens[token] = now + TOKEN_SECONDS
        return token


def basic(authorization: str) -> tuple[str, str]:
    """Name and password of a Basic header. Raises Unauthorized."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthorized("Unauthorized")
    try:
        text = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unauthorized("Failed to decode basic authentication token") from None
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("Invalid basic authentication token")
    return name, password


def _match(known: Mapping[str, str], name: str, password: str) -> bool:
    return name in known and compare_digest(known[name].encode(), password.encode())
