"""Voice applications: their settings by the names of Bandwidth's Dashboard API, and the numbers that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.simulator import requests
from workbench.simulator.calls import Hook
from workbench.simulator.core import Application, Core
from workbench.simulator.effects import Refusal

HIDDEN = "*****"

# What an application can be told, and what a webhook's fields are called in a request.
FIELDS: Mapping[str, str] = {
    "name": "name",
    "callInitiatedCallbackUrl": "initiateUrl",
    "callInitiatedMethod": "initiateMethod",
    "callInitiatedFallbackUrl": "initiateFallbackUrl",
    "callInitiatedFallbackMethod": "initiateFallbackMethod",
    "callStatusCallbackUrl": "statusUrl",
    "callStatusMethod": "statusMethod",
    "username": "username",
    "password": "password",
    "fallbackUsername": "fallbackUsername",
    "fallbackPassword": "fallbackPassword",
    "callbackTimeout": "callbackTimeout",
}
# Credentials as the Dashboard API nests them.
_CREDENTIALS = {"callbackCreds": ("username", "password"), "callInitiatedFallbackCreds": ("fallbackUsername", "fallbackPassword")}


def changed(former: Application, values: Mapping[str, Any]) -> Application:
    """An application told otherwise: fields not sent stay, null clears one. Names may begin with a capital. Raises Refusal."""
    sent = _flat({name[:1].lower() + name[1:]: value for name, value in values.items()})
    for name in sent:
        if name not in FIELDS:
            raise Refusal(400, f"unknown field {name}: one of {', '.join((*FIELDS, *_CREDENTIALS))}", "application.field")
    fields = requests.present(settings(former) | sent)
    if not isinstance(fields.get("name", ""), str):
        raise Refusal(400, "Invalid name: must be a string", "application.field")
    requests.check_common(fields)
    for name, value in fields.items():
        if name.endswith("Url"):
            requests.check_url(name, value)
        if name.endswith("Method"):
            requests.check_method(name, value)
    renamed = {FIELDS[name]: value for name, value in fields.items()}
    return Application(
        former.application_id,
        fields.get("name", former.name),
        requests.hook(renamed, "initiate"),
        requests.hook(renamed, "status"),
        float(fields.get("callbackTimeout", 15)),
    )


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested credentials as fields of their own."""
    flat = {name: value for name, value in values.items() if name not in _CREDENTIALS}
    for name, (username, password) in _CREDENTIALS.items():
        given = values.get(name, {})
        if given is not None and not isinstance(given, Mapping):
            raise Refusal(400, f"{name}: must be an object with userId and password", "application.field")
        if name in values:
            flat |= {username: (given or {}).get("userId"), password: (given or {}).get("password")}
    return flat


def settings(application: Application) -> dict[str, Any]:
    """All settings of an application, those that are not set as null."""
    initiate, status = application.initiate or Hook(""), application.status or Hook("")
    first = initiate if initiate.url else status
    return {
        "name": application.name,
        "callInitiatedCallbackUrl": initiate.url or None,
        "callInitiatedMethod": initiate.method,
        "callInitiatedFallbackUrl": initiate.fallback_url,
        "callInitiatedFallbackMethod": initiate.fallback_method,
        "callStatusCallbackUrl": status.url or None,
        "callStatusMethod": status.method,
        "username": first.username,
        "password": first.password,
        "fallbackUsername": initiate.fallback_username,
        "fallbackPassword": initiate.fallback_password,
        "callbackTimeout": application.callback_timeout,
    }


def shown(application: Application) -> dict[str, Any]:
    """An application as `/_local/applications` shows it, passwords hidden."""
    found = settings(application)
    hidden = {name: HIDDEN for name in ("password", "fallbackPassword") if found[name] is not None}
    return {"applicationId": application.application_id} | found | hidden


def check_unused(core: Core, application_id: str) -> None:
    """Raises Refusal 409 while numbers belong to an application; calls of it go on without it."""
    owned = [number for number, owner in core.numbers.items() if owner == application_id]
    if owned:
        raise Refusal(409, f"application {application_id} has numbers: {', '.join(owned)}", "application.in-use")


def check_number(core: Core, number: str, application_id: object) -> str:
    """The application a number is to belong to. Raises Refusal."""
    if not requests.is_e164(number):
        raise Refusal(400, f"{number} is not an E.164 telephone number", "number.form")
    if not isinstance(application_id, str) or application_id not in core.applications:
        raise Refusal(400, f"applicationId: {application_id!r} is no application of this account", "application.unknown")
    if number in core.on_phone:
        raise Refusal(409, f"{number} is a phone in a call", "number.phone")
    return application_id
