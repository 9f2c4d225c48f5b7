"""What a platform starts with: built in, changed by a JSON file, then by the environment."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from workbench.simulator import applications, limits, logins, requests
from workbench.simulator.core import Application, Config
from workbench.simulator.effects import Refusal
from workbench.simulator.limits import Limits

TOKEN_SECONDS = 3600
PREFIX = "WORKBENCH_SIMULATOR_"
APPLICATION = "a0000000-0000-4000-8000-000000000001"


class SetupError(Exception):
    """The platform's settings are wrong; the message names the field."""


@dataclass(frozen=True)
class Setup:
    """What a platform starts with, by the names a `--config` file uses.

    `users` and `clients` map names to passwords, or to what `PUT /_local/users/{name}` and `/_local/clients/{name}` take; users in
    `forbidden` have no rights. `applications` maps ids to what `PUT /_local/applications/{id}` takes, `numbers` maps owned numbers to
    applications. `limits` is true, false or what `PUT /_local/limits` takes. With `auth` false nobody is asked for credentials.
    """

    account_id: str = "9900000"
    users: Mapping[str, Any] = field(default_factory=lambda: {"local": "local", "forbidden": "forbidden"})
    forbidden: tuple[str, ...] = ("forbidden",)
    clients: Mapping[str, Any] = field(default_factory=lambda: {"local-client": "local-secret"})
    applications: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {APPLICATION: {"name": "workbench"}})
    numbers: Mapping[str, str] = field(default_factory=lambda: {"+19195550100": APPLICATION, "+19195550101": APPLICATION})
    token_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    limits: bool | Mapping[str, Any] = False
    auth: bool = True
    token_seconds: float = TOKEN_SECONDS

    def config(self, voice_url: str) -> Config:
        """The part the engine gets; `voice_url` is where the Voice API is reached. Raises SetupError."""
        applications = tuple(_application(application_id, values) for application_id, values in self.applications.items())
        return Config(self.account_id, applications, self.numbers, self.token_secret, voice_url, self._limits())

    def _limits(self) -> Limits:
        try:
            return limits.changed(Limits(), {"on": self.limits} if isinstance(self.limits, bool) else self.limits)
        except Refusal as refusal:
            raise SetupError(f"limits: {refusal.description}") from None


def _application(application_id: str, values: Mapping[str, Any]) -> Application:
    try:
        return applications.changed(Application(application_id, "workbench"), values)
    except Refusal as refusal:
        raise SetupError(f"applications: {application_id}: {refusal.description}") from None


def load(file: Path | None, environment: Mapping[str, str], limits: str | None = None) -> Setup:
    """The settings: the built-in ones, changed by a JSON file, by the environment (`WORKBENCH_SIMULATOR_…`), by `limits` in its form.

    Raises SetupError.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise SetupError(f"{file}: {error}") from None
    if not isinstance(values, dict):
        raise SetupError(f"{file}: must be a JSON object")
    values = values | _from_environment(environment)
    if limits is not None:
        values["limits"] = _limits(limits)
    names = {item.name: item for item in fields(Setup)}
    for name, value in values.items():
        if name not in names:
            raise SetupError(f"unknown setting {name}: one of {', '.join(names)}")
        if not _fits(name, value):
            raise SetupError(f"{name}: wrong form")
    setup = replace(Setup(), **values)
    _check_logins(setup)
    for number, application_id in setup.numbers.items():
        if not requests.is_e164(number):
            raise SetupError(f"numbers: {number} is not an E.164 telephone number")
        if application_id not in setup.applications:
            raise SetupError(f"numbers: {number} belongs to {application_id}, which is not among the applications")
    return setup


def _check_logins(setup: Setup) -> None:
    for what, check, values in (("users", logins.user, setup.users), ("clients", logins.client, setup.clients)):
        for name, value in values.items():
            try:
                check(value)
            except Refusal as refusal:
                raise SetupError(f"{what}: {name}: {refusal.description}") from None


def _fits(name: str, value: Any) -> bool:
    match name:
        case "account_id" | "token_secret":
            return isinstance(value, str) and value != ""
        case "forbidden":
            return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        case "applications":
            return isinstance(value, dict) and bool(value) and all(isinstance(item, dict) for item in value.values())
        case "limits":
            return isinstance(value, bool | dict)
        case "auth":
            return isinstance(value, bool)
        case "token_seconds":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 24 * TOKEN_SECONDS
        case "numbers":
            return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, dict) and all(isinstance(item, str | dict) for item in value.values())


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """`WORKBENCH_SIMULATOR_ACCOUNT_ID`, `_USER`, `_CLIENT`, `_APPLICATION_ID`, `_NUMBERS`, `_LIMITS`, `_AUTH` and `_TOKEN_SECONDS`.

    Users and clients are `name:password`; several of them, and numbers, are separated by commas.
    """
    found = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX) and value}
    values: dict[str, Any] = {}
    if account := found.get("ACCOUNT_ID"):
        values["account_id"] = account
    if user := found.get("USER"):
        values["users"] = {**_pairs("USER", user), "forbidden": "forbidden"}
    if client := found.get("CLIENT"):
        values["clients"] = _pairs("CLIENT", client)
    if limits := found.get("LIMITS"):
        values["limits"] = _limits(limits)
    if auth := found.get("AUTH"):
        values["auth"] = _switch("AUTH", auth)
    if seconds := found.get("TOKEN_SECONDS"):
        values["token_seconds"] = _number("TOKEN_SECONDS", seconds)
    application = found.get("APPLICATION_ID", APPLICATION)
    if application != APPLICATION:
        values["applications"] = {application: {"name": "workbench"}}
    if application != APPLICATION or "NUMBERS" in found:
        numbers = found["NUMBERS"].split(",") if "NUMBERS" in found else list(Setup().numbers)
        values["numbers"] = {number.strip(): application for number in numbers}
    return values


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs = [pair.strip().partition(":") for pair in text.split(",")]
    if not all(colon and user for user, colon, _ in pairs):
        raise SetupError(f"{PREFIX}{name}: must be name:password, or several of them separated by commas")
    return {user: password for user, _, password in pairs}


_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def _switch(name: str, text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise SetupError(f"{PREFIX}{name}: must be on or off")
    return _SWITCH[text.lower()]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SetupError(f"{PREFIX}{name}: must be a number") from None


def _limits(text: str) -> bool | dict[str, Any]:
    """`on`, `off`, or limits by name: `on,calls_at_once=10` or `calls_per_second=2`."""
    if text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals and name.lower() in _SWITCH:
            values["on"] = _SWITCH[name.lower()]
        elif value.isascii() and value.isdigit() and len(value) < 10:
            values[name] = int(value)
        else:
            raise SetupError(f"limits: {part.strip()!r} is not on, off or name=number; names are {', '.join(limits.NAMES)}")
    return values
