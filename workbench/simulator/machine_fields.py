"""`machineDetection` of createCall, checked before anything is changed. Raises Refusal naming the field and the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.simulator import requests
from workbench.simulator.calls import Detection, Hook

NAME = "machineDetection"
MOST_SECONDS = 86400
# Seconds, with their documented defaults (voice-api 3.1).
SECONDS = {"detectionTimeout": 15.0, "silenceTimeout": 10.0, "speechThreshold": 10.0, "speechEndThreshold": 5.0}
_CREDENTIALS = ("username", "password", "fallbackUsername", "fallbackPassword")


def wanted(fields: Mapping[str, Any]) -> Detection | None:
    """What a createCall asks for; None when it asks for no detection."""
    if fields.get(NAME) is None:
        return None
    if not isinstance(fields[NAME], dict):
        raise requests.refuse(f"Invalid {NAME}: must be an object", "machine.field")
    given = requests.present(fields[NAME])
    mode = given.get("mode", "async")
    if mode not in ("sync", "async"):
        raise requests.refuse(f"Invalid {NAME}.mode: must be one of ['sync', 'async'], but was {mode!r}", "machine.mode")
    if not isinstance(given.get("delayResult", False), bool):
        raise requests.refuse(f"Invalid {NAME}.delayResult: must be true or false", "machine.field")
    seconds = {name: _seconds(name, given.get(name, default)) for name, default in SECONDS.items()}
    machine_end = _seconds("machineSpeechEndThreshold", given.get("machineSpeechEndThreshold", seconds["speechEndThreshold"]))
    _check_hook(given)
    if mode == "async" and not given.get("callbackUrl"):
        raise requests.refuse(f"Invalid {NAME}.callbackUrl: is required in async mode", "machine.callback")
    return Detection(
        sync=mode == "sync",
        detection_timeout=seconds["detectionTimeout"],
        silence_timeout=seconds["silenceTimeout"],
        speech_threshold=seconds["speechThreshold"],
        speech_end=seconds["speechEndThreshold"],
        machine_speech_end=machine_end,
        delay_result=given.get("delayResult", False),
        hook=_hook(given),
        decimals=tuple(name for name in (*SECONDS, "machineSpeechEndThreshold") if not float(given.get(name, 0)).is_integer()),
    )


def _seconds(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise requests.refuse(f"Invalid {NAME}.{name}: must be a number", "machine.field")
    if not 0 <= value <= MOST_SECONDS:
        raise requests.refuse(f"{NAME}.{name} must be within the range [0, {MOST_SECONDS}], but was {value}", "machine.range")
    return float(value)


def _check_hook(given: Mapping[str, Any]) -> None:
    for name in _CREDENTIALS:
        if not isinstance(given.get(name, ""), str):
            raise requests.refuse(f"Invalid {NAME}.{name}: must be a string", "machine.field")
        if len(given.get(name, "")) > 1024:
            raise requests.refuse(f"{NAME}.{name} must contain at most 1024 characters", "request.credentials")
    for prefix, secrets in (("callback", _CREDENTIALS[:2]), ("fallback", _CREDENTIALS[2:])):
        if given.get(f"{prefix}Url"):
            requests.check_url(f"{NAME}.{prefix}Url", given[f"{prefix}Url"], credentials=any(given.get(secret) for secret in secrets))
        if given.get(f"{prefix}Method", "POST") not in ("POST", "GET"):
            raise requests.refuse(f"Invalid {NAME}.{prefix}Url method. Supported methods: [POST, GET]", "request.method")


def _hook(given: Mapping[str, Any]) -> Hook | None:
    if not given.get("callbackUrl"):
        return None
    return Hook(
        given["callbackUrl"],
        given.get("callbackMethod", "POST"),
        given.get("username"),
        given.get("password"),
        given.get("fallbackUrl") or None,
        given.get("fallbackMethod", "POST"),
        given.get("fallbackUsername"),
        given.get("fallbackPassword"),
    )
