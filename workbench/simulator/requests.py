"""What requests may ask for: their fields checked, before anything is changed. Raises Refusal naming the field and the rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from workbench import tokens
from workbench.errors import TokenError
from workbench.simulator import bodies
from workbench.simulator.calls import Hook
from workbench.simulator.effects import Refusal

Fields = Mapping[str, Any]

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(r"sips?:[^\s@]+(@[^\s@]+)?", re.IGNORECASE)
_ANONYMOUS = ("Restricted", "Anonymous", "Private", "Unavailable")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CREDENTIALS = ("username", "password", "fallbackUsername", "fallbackPassword")


def _hook_fields(name: str) -> tuple[str, ...]:
    return (f"{name}Url", f"{name}Method", f"{name}FallbackUrl", f"{name}FallbackMethod", *_CREDENTIALS)


CREATE_CALL = frozenset(
    (
        *("to", "from", "applicationId", "disconnectUrl", "disconnectMethod", "callTimeout", "callbackTimeout", "uui"),
        *("displayName", "privacy", "priority", "tag", "machineDetection", *_hook_fields("answer")),
    )
)
UPDATE_CALL = frozenset(("state", "tag", *_hook_fields("redirect")))
UPDATE_CONFERENCE = frozenset(("status", *_hook_fields("redirect")))
UPDATE_MEMBER = frozenset(("mute", "hold", "callIdsToCoach"))
_REQUIRED = ("from", "to", "answerUrl", "applicationId")
_LENGTHS = {"tag": 4096, "displayName": 256, "username": 1024, "password": 1024, "fallbackUsername": 1024, "fallbackPassword": 1024}
_RANGES = {"callTimeout": (1, 300), "callbackTimeout": (1, 25), "priority": (1, 5)}
_LENGTH_RULES = dict.fromkeys(_LENGTHS, "request.credentials") | {"tag": "request.tag", "displayName": "request.display-name"}
_RANGE_RULES = {"callTimeout": "request.call-timeout", "callbackTimeout": "request.callback-timeout", "priority": "request.priority"}


def refuse(description: str, rule: str) -> Refusal:
    """A refusal with status 400."""
    return Refusal(400, description, rule)


def present(fields: Fields) -> dict[str, Any]:
    """The fields that are set: null counts as missing (documented)."""
    return {name: value for name, value in fields.items() if value is not None}


def unknown(fields: Fields, known: Collection[str]) -> list[str]:
    """The fields that an operation does not have: they are passed over (assumed)."""
    return [name[:100] for name in fields if name not in known][:20]


def shown(value: object) -> str:
    """A value for a message: short, whatever was sent."""
    if isinstance(value, str | int | float):
        return str(value)[:100]
    return "a list" if isinstance(value, list) else "an object"


def is_e164(value: object) -> bool:
    """Whether a value is a telephone number with a plus sign."""
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def is_sip(value: object) -> bool:
    """Whether a value is a SIP URI."""
    return isinstance(value, str) and _SIP.fullmatch(value) is not None


def create_call(fields: Fields) -> dict[str, Any]:
    """The checked fields of createCall."""
    checked = present(fields)
    if any(checked.get(name) in (None, "") for name in _REQUIRED):
        names = "from, to, answerUrl, applicationId"
        raise refuse(f"Missing at least one required field. Required fields are [{names}]", "request.required")
    if not (is_e164(checked["to"]) or is_sip(checked["to"])):
        raise refuse("Invalid to: must be an E164 telephone number", "request.to")
    if not (is_e164(checked["from"]) or checked["from"] in _ANONYMOUS):
        raise refuse("Invalid from: must be an E164 telephone number", "request.from")
    check_common(checked)
    if "uui" in checked:
        _check_uui(checked["uui"])
    for group in (("answer", "username", "password"), ("disconnect", "username", "password")):
        check_hook(checked, *group)
    return checked


def update_call(fields: Fields) -> dict[str, Any]:
    """The checked fields of updateCall."""
    return _update(fields, "state", ("active", "completed"))


def update_conference(fields: Fields) -> dict[str, Any]:
    """The checked fields of updateConference."""
    return _update(fields, "status", ("active", "completed"))


def _update(fields: Fields, name: str, words: tuple[str, ...]) -> dict[str, Any]:
    checked = present(fields)
    state = checked.setdefault(name, words[0])
    if state not in words:
        raise refuse(f"Invalid {name}: must be one of {list(words)}, but was {shown(state)}", "request.enum")
    # Published samples send redirect fields beside `completed`: they are ignored (assumed).
    if state == "completed":
        return checked
    if not checked.get("redirectUrl"):
        raise refuse("Missing at least one required field. Required fields are [redirectUrl]", "request.redirect-url")
    check_common(checked)
    check_hook(checked, "redirect", "username", "password")
    return checked


def update_member(fields: Fields) -> dict[str, Any]:
    """The checked fields of updateConferenceMember; a missing one changes nothing."""
    checked = {name: value for name, value in present(fields).items() if name in UPDATE_MEMBER}
    for name in ("mute", "hold"):
        if not isinstance(checked.get(name, False), bool):
            raise refuse(f"Invalid {name}: must be true or false", "request.field")
    coached = checked.get("callIdsToCoach", [])
    if not isinstance(coached, list) or not all(isinstance(item, str) for item in coached):
        raise refuse("Invalid callIdsToCoach: must be an array of call ids", "request.field")
    return checked


def hook(fields: Fields, name: str) -> Hook | None:
    """Where a request wants a webhook sent: `{name}Url`, its method, fallback and credentials."""
    if not fields.get(f"{name}Url"):
        return None
    return Hook(
        fields[f"{name}Url"],
        fields.get(f"{name}Method") or "POST",
        fields.get("username"),
        fields.get("password"),
        fields.get(f"{name}FallbackUrl"),
        fields.get(f"{name}FallbackMethod") or "POST",
        fields.get("fallbackUsername"),
        fields.get("fallbackPassword"),
    )


def check_hook(fields: Fields, name: str, *credentials: str) -> None:
    """The URL and method of a webhook, and of its fallback."""
    for prefix, secrets in ((name, credentials), (f"{name}Fallback", ("fallbackUsername", "fallbackPassword"))):
        if f"{prefix}Url" in fields:
            check_url(f"{prefix}Url", fields[f"{prefix}Url"], credentials=any(fields.get(secret) for secret in secrets))
        check_method(f"{prefix}Url method", fields.get(f"{prefix}Method", "POST"))


def check_method(what: str, method: object) -> None:
    if method not in ("POST", "GET"):
        raise refuse(f"Invalid {what}. Supported methods: [POST, GET]", "request.method")


def check_url(name: str, value: object, *, credentials: bool = False) -> None:
    """A webhook's URL: http or https, at most 2048 characters, https beside credentials unless the host is loopback."""
    if not isinstance(value, str):
        raise refuse(f"Invalid {name}: must be a string", "request.field")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        raise refuse(f"Invalid {name}: not a URL", "request.url") from None
    if parts.scheme not in ("http", "https") or not host:
        raise refuse(f"Invalid {name}: only http and https are allowed", "request.url")
    if len(value) > 2048:
        raise refuse(f"Invalid {name}: must have at most 2048 characters", "request.url-length")
    if credentials and parts.scheme != "https" and host not in _LOOPBACK:
        raise refuse(f"Invalid {name}: https is required when credentials are given", "request.https")


def moment(fields: Mapping[str, str], name: str) -> str | None:
    """A time among the parameters of a list, in the form in which the platform shows times; None when it is missing."""
    if not fields.get(name):
        return None
    try:
        given = datetime.fromisoformat(fields[name])
        return bodies.iso((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise refuse(f"Invalid {name}: must be a time such as 2026-03-02T10:00:00.000Z", "list.time") from None


def check_common(fields: Fields) -> None:
    """Fields that several requests share: their types, lengths and ranges."""
    for name, value in fields.items():
        if name in _LENGTHS and not isinstance(value, str):
            raise refuse(f"Invalid {name}: must be a string", "request.field")
        if name in _LENGTHS and len(value) > _LENGTHS[name]:
            what = "Could not create call: sendCallback tag" if name == "tag" else name
            raise refuse(f"{what} must contain at most {_LENGTHS[name]} characters", _LENGTH_RULES[name])
        if name in _RANGES:
            _check_range(name, value)
    if not isinstance(fields.get("applicationId", ""), str):
        raise refuse("Invalid applicationId: must be a string", "request.field")
    if not isinstance(fields.get("privacy", False), bool):
        raise refuse("Invalid privacy: must be true or false", "request.field")
    if fields.get("privacy") and fields.get("displayName", "Private") not in _ANONYMOUS:
        raise refuse(f"displayName must be one of {', '.join(_ANONYMOUS)} when privacy is true", "caller.hidden-name")
    if any(ord(character) < 32 for character in fields.get("displayName", "")):
        raise refuse("displayName must not contain control characters", "request.display-name")


def _check_range(name: str, value: object) -> None:
    low, high = _RANGES[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise refuse(f"Invalid {name}: must be a number", "request.field")
    if not low <= value <= high:
        raise refuse(f"{name} must be within the range [{low}, {high}], but was {shown(value)}", _RANGE_RULES[name])
    if name == "priority" and value != int(value):
        raise refuse(f"Invalid priority: must be a whole number, but was {value}", "request.whole")


def _check_uui(value: object) -> None:
    if not isinstance(value, str):
        raise refuse("Invalid uui: must be a string", "request.field")
    if len(value) > tokens.UUI_LIMIT:
        raise refuse(f"uui must contain at most {tokens.UUI_LIMIT} characters", "request.uui-length")
    try:
        tokens.parse_uui(value)
    except TokenError as error:
        raise refuse(f"Invalid uui: {error}", "request.uui") from None


# WebRTC bodies


def participant(fields: Fields) -> tuple[tuple[str, ...], str | None, str | None]:
    """Publish permissions, callback URL and tag of a new participant."""
    permissions = fields.get("publishPermissions")
    permissions = ["AUDIO", "VIDEO"] if permissions is None else permissions
    known = isinstance(permissions, list) and all(item in ("AUDIO", "VIDEO") for item in permissions)
    if not known or len(set(permissions)) != len(permissions):
        raise refuse("publishPermissions: must be a list of AUDIO and VIDEO without repetition", "webrtc.permissions")
    if fields.get("deviceApiVersion", "V3") not in ("V3", None):
        raise refuse("deviceApiVersion: must be V3", "webrtc.version")
    callback_url = fields.get("callbackUrl")
    if callback_url is not None:
        check_url("callbackUrl", callback_url)
    return tuple(permissions), callback_url, webrtc_tag(fields)


def webrtc_tag(fields: Fields) -> str | None:
    """The tag of a participant or session: at most 50 characters."""
    tag = fields.get("tag")
    if tag is not None and (not isinstance(tag, str) or len(tag) > 50):
        raise refuse("tag: must be a string of at most 50 characters", "webrtc.tag")
    return tag


def subscriptions(session_id: str, fields: Fields | None) -> None:
    """A subscriptions body: of this session, its items well formed."""
    if fields is None:
        return
    if fields.get("sessionId") not in (None, "", session_id):
        raise refuse("sessionId: differs from the session of the path", "subscription.path")
    named = fields.get("participants")
    if named is None:
        return
    if not isinstance(named, list) or not all(_is_item(item) for item in named):
        raise refuse("participants: must be a list of objects with participantId and optional streamAliases", "subscription.form")


def _is_item(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("participantId"), str):
        return False
    aliases = item.get("streamAliases")
    return aliases is None or (isinstance(aliases, list) and all(isinstance(alias, str) for alias in aliases))
