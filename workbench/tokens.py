"""Participant tokens of the WebRTC API, the UUI value that carries one over SIP, and endpoint tokens of its successor.

A participant token's form is that of one real token (observed); its lifetime is assumed. The forms of the UUI value are documented. An
endpoint token lives for 24 h (documented); its claims are not documented, so nobody but the platform may read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from workbench.errors import TokenError

INTERCONNECT = "sip:sipx.webrtc.bandwidth.com:5060"
"""Where Programmable Voice reaches the WebRTC side (documented)."""
UUI_LIMIT = 350
"""Characters of a whole UUI value (documented for create call; one page says 256 for `<SipUri>`, less than a token and a call id need)."""
ENCODINGS = ("jwt", "base64", "hex")
_LONGEST = 4096
_FAR = 1e12
_VALUE = {"jwt": r"[\w.-]+", "base64": r"[A-Za-z0-9+/_-]+=*", "hex": r"[0-9A-Fa-f]+"}
_VALUES = {encoding: re.compile(pattern, re.ASCII) for encoding, pattern in _VALUE.items()}
_ENTRY = re.compile(r"([^\s;,]+)((?:\s*;\s*[A-Za-z0-9-]+=[^\s;,]+)+)")
_LEGACY_ID = re.compile(r"c-([0-9A-Fa-f]{8})-([0-9A-Fa-f-]{36})")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `expires` is epoch seconds; `tid` is `+` and 15 digits."""

    account_id: str
    participant_id: str
    version: str
    expires: float
    tid: str


@dataclass(frozen=True, slots=True)
class EndpointClaims:
    """What an endpoint's token says, in our own words. `expires` is epoch seconds."""

    account_id: str
    endpoint_id: str
    expires: float


@dataclass(frozen=True, slots=True)
class UuiEntry:
    """One entry of a UUI value; `encoding` is jwt, base64 or hex."""

    value: str
    encoding: str


class _AnyKey(HMACAlgorithm):
    """HS256 with a secret of any length: it never leaves the local platform, and advice on key lengths would only litter the notebooks."""

    def check_key_length(self, key: object) -> None:
        return None


def _signer() -> jwt.PyJWS:
    signer = jwt.PyJWS()
    signer.unregister_algorithm("HS256")
    signer.register_algorithm("HS256", _AnyKey(HMACAlgorithm.SHA256))
    return signer


_JWS = _signer()


def issue(*, account_id: str, participant_id: str, secret: str, now: float, lifetime: float = 86400.0, tid: str) -> str:
    """A token that `check` accepts from `now` (epoch seconds) for `lifetime` seconds; 24 h by default (assumed)."""
    claims = {"a": account_id, "p": participant_id, "v": "V3", "exp": int(now + lifetime), "tid": tid}
    return _JWS.encode(json.dumps(claims, separators=(",", ":")).encode(), secret, "HS256")


def read(token: str) -> Claims:
    """The claims of a token whose signature and age nobody has checked. Raises TokenError."""
    return _read(token)[0]


def check(token: str, secret: str, now: float) -> Claims:
    """The claims of a participant token signed with `secret` and not expired at `now` (epoch seconds). Raises TokenError."""
    claims, raw = _read(token)
    _check_signature(token, secret, raw)
    _check_version(claims, raw)
    if now >= claims.expires:
        raise TokenError(f"the token expired {now - claims.expires:.0f} s ago", claims=raw)
    return claims


def issue_endpoint(*, account_id: str, endpoint_id: str, secret: str, now: float, lifetime: float = 86400.0) -> str:
    """A token that admits one device for an endpoint, from `now` (epoch seconds) for `lifetime` seconds."""
    claims = {"a": account_id, "e": endpoint_id, "exp": int(now + lifetime)}
    return _JWS.encode(json.dumps(claims, separators=(",", ":")).encode(), secret, "HS256")


def verified(token: str, secret: str) -> Claims | EndpointClaims:
    """The claims of a participant's or an endpoint's token signed with `secret`, whatever its age. Raises TokenError."""
    raw = _payload(token)
    _check_signature(token, secret, raw)
    if "e" not in raw:
        claims, _ = _read(token)
        _check_version(claims, raw)
        return claims
    _check_claims(raw, ("a", "e"))
    return EndpointClaims(raw["a"], raw["e"], raw["exp"])


def _check_version(claims: Claims, raw: Mapping[str, Any]) -> None:
    if claims.version.lower() != "v3":
        raise TokenError(f"the token is of version {claims.version!r}, not V3", claims=raw)


def _check_signature(token: str, secret: str, raw: Mapping[str, Any]) -> None:
    try:
        _JWS.decode(token, secret, algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise TokenError("the token is forged: its signature does not fit", claims=raw) from error


def _read(token: str) -> tuple[Claims, Mapping[str, Any]]:
    raw = {"tid": "", **_payload(token)}
    _check_claims(raw, ("a", "p", "v", "tid"))
    return Claims(raw["a"], raw["p"], raw["v"], raw["exp"], raw["tid"]), raw


def _payload(token: str) -> Mapping[str, Any]:
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise TokenError(f"the token is malformed: it must be text of at most {_LONGEST} characters")
    try:
        raw = json.loads(_JWS.decode(token, options={"verify_signature": False}))
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError("the token is malformed: it is no JSON web token") from error
    if not isinstance(raw, dict):
        raise TokenError("the token is malformed: its claims are no JSON object")
    return raw


def _check_claims(raw: Mapping[str, Any], texts: Sequence[str]) -> None:
    expires = raw.get("exp")
    wrong = [name for name in texts if not isinstance(raw.get(name), str)]
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not 0 <= expires < _FAR:
        wrong.append("exp")
    if wrong:
        raise TokenError(f"the token is malformed: claims missing or of a wrong type: {', '.join(wrong)}", claims=raw)


def build_uui(*entries: UuiEntry) -> str:
    """The UUI value of these entries, in this order. Raises TokenError."""
    text = ",".join(f"{entry.value};encoding={entry.encoding}" for entry in entries)
    if parse_uui(text) != entries:
        raise TokenError("a UUI entry holds a separator")
    return text


def parse_uui(text: str) -> tuple[UuiEntry, ...]:
    """The entries of a UUI value; parameters other than `encoding` are passed over (assumed). Raises TokenError."""
    if len(text) > UUI_LIMIT:
        raise TokenError(f"a UUI value may have {UUI_LIMIT} characters at most, has {len(text)}")
    return tuple(_entry(part.strip()) for part in text.split(","))


def _entry(text: str) -> UuiEntry:
    match = _ENTRY.fullmatch(text)
    if match is None:
        raise TokenError("a UUI value must be a comma list of entries of the form value;encoding=jwt|base64|hex")
    encodings = [parameter.strip()[9:] for parameter in match[2].split(";") if parameter.strip().startswith("encoding=")]
    if len(encodings) != 1 or encodings[0] not in ENCODINGS:
        raise TokenError(f"a UUI entry needs one encoding out of {', '.join(ENCODINGS)}")
    if not _VALUES[encodings[0]].fullmatch(match[1]):
        raise TokenError(f"a UUI entry is not what its encoding={encodings[0]} says")
    return UuiEntry(match[1], encodings[0])


def token_in(uui: str) -> str:
    """The participant token in a UUI value: its first entry with encoding=jwt. Raises TokenError."""
    for entry in parse_uui(uui):
        if entry.encoding == "jwt":
            return entry.value
    raise TokenError("the UUI value carries no token: no entry has encoding=jwt")


def uui_for(token: str, call_id: str | None = None) -> str:
    """The UUI value Bandwidth's former SDKs made: the call id as 40 hex digits, labelled base64 as there (documented), and the token."""
    entry = UuiEntry(token, "jwt")
    if call_id is None:
        return build_uui(entry)
    match = _LEGACY_ID.fullmatch(call_id)
    digits = "" if match is None else (match[1] + match[2]).replace("-", "")
    if len(digits) != 40:
        raise TokenError("a call id must be c-, 8 hex digits and a UUID")
    return build_uui(UuiEntry(digits, "base64"), entry)
