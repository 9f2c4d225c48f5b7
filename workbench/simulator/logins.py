"""API users and OAuth2 clients as they are written down: passwords, secrets and rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.simulator.effects import Refusal

MOST_SECRETS = 2
# What a user or client may have the right to use: each API asks for its own role (documented, account/credentials).
RIGHTS = ("voice", "webrtc", "endpoints")


@dataclass(frozen=True, slots=True)
class Login:
    """An API user with its password, or an OAuth2 client with its secrets, and what it may use."""

    secrets: tuple[str, ...]
    rights: frozenset[str] = frozenset(RIGHTS)


def user(values: Any) -> Login:
    """An API user from its password, or from `password` and `rights`. Raises Refusal."""
    values = {"password": values} if isinstance(values, str) else values
    _known(values, "password")
    if not isinstance(values.get("password"), str):
        raise Refusal(400, "password: must be a text", "account.field")
    return Login((values["password"],), _rights(values))


def client(values: Any) -> Login:
    """An OAuth2 client from its secret, or from `secrets` (two at most) and `rights`. Raises Refusal."""
    values = {"secrets": [values]} if isinstance(values, str) else values
    _known(values, "secrets")
    found = values.get("secrets")
    if not isinstance(found, Sequence) or isinstance(found, str) or not found or not all(isinstance(one, str) for one in found):
        raise Refusal(400, "secrets: must be a list of one or two texts", "account.field")
    if len(found) > MOST_SECRETS:
        raise Refusal(400, f"secrets: a client has at most {MOST_SECRETS} active secrets", "oauth.secrets")
    return Login(tuple(found), _rights(values))


def _known(values: Any, secret: str) -> None:
    if not isinstance(values, Mapping):
        raise Refusal(400, f"must be a text, or an object with {secret} and rights", "account.field")
    for name in values:
        if name not in (secret, "rights"):
            raise Refusal(400, f"unknown field {name}: one of {secret}, rights", "account.field")


def _rights(values: Mapping[str, Any]) -> frozenset[str]:
    given = values.get("rights", True)
    if isinstance(given, bool):
        return frozenset(RIGHTS if given else ())
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(one in RIGHTS for one in given):
        raise Refusal(400, f"rights: must be true, false, or a list of {', '.join(RIGHTS)}", "account.field")
    return frozenset(given)
