"""Participant tokens and UUI values: what is made can be read, and everything else is refused with a reason."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import tokens
from workbench.errors import TokenError

NOW = 1_700_000_000.5
SECRET = "a secret of the local platform, long enough"
PARTICIPANT = "0b3ac9ad-3e05-4f38-9ef4-0a41e5f1ab3c"
TID = "+123456789012345"
CALL = "c-95ac8d6e-1a31c52e-b38f-4198-93c1-51633ec68f8d"


def issue(**changes: Any) -> str:
    return tokens.issue(**{"account_id": "9900000", "participant_id": PARTICIPANT, "secret": SECRET, "now": NOW, "tid": TID} | changes)


def made(claims: object, header: dict[str, Any] | None = None, payload: bytes | None = None) -> str:
    """A token with any content and no valid signature."""
    parts = (json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode(), payload or json.dumps(claims).encode(), b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


CLAIMS = {"a": "9900000", "p": PARTICIPANT, "v": "V3", "exp": 1_700_086_400, "tid": TID}


def test_a_token_looks_like_the_real_one() -> None:
    token = issue()
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert list(payload.items()) == [("a", "9900000"), ("p", PARTICIPANT), ("v", "V3"), ("exp", 1_700_086_400), ("tid", TID)]
    assert len(token) == 227
    assert len(tokens.uui_for(token)) == 240
    assert len(tokens.uui_for(token, CALL)) == 297
    assert issue() == token


def test_a_token_is_read_and_checked() -> None:
    expected = tokens.Claims("9900000", PARTICIPANT, "V3", 1_700_086_400, TID)
    assert tokens.read(issue()) == expected
    assert tokens.check(issue(), SECRET, NOW) == expected
    assert tokens.check(issue(), SECRET, 1_700_086_399.9) == expected
    assert tokens.check(issue(lifetime=60.0), SECRET, NOW).expires == 1_700_000_060
    assert tokens.read(made({name: CLAIMS[name] for name in "apv"} | {"exp": 1.5})).tid == ""


def test_a_short_secret_is_no_reason_to_complain() -> None:
    assert tokens.check(issue(secret="x"), "x", NOW).account_id == "9900000"


def test_expired() -> None:
    for now in (1_700_086_400, 1_700_086_400 + 3600.0):
        with pytest.raises(TokenError, match=r"expired \d+ s ago") as caught:
            tokens.check(issue(), SECRET, now)
        assert caught.value.claims == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        issue(secret="another secret"),
        issue()[:-4] + "AAAA",
        made(CLAIMS),
        made(CLAIMS, {"alg": "none", "typ": "JWT"}),
        made(CLAIMS, {"typ": "JWT"}),
        made(CLAIMS, {"alg": "HS512", "typ": "JWT"}),
    ],
)
def test_forged(token: str) -> None:
    with pytest.raises(TokenError, match="forged") as caught:
        tokens.check(token, SECRET, NOW)
    assert caught.value.claims == CLAIMS
    assert token not in str(caught.value)


def test_another_version() -> None:
    claims = json.dumps(CLAIMS | {"v": "V2"}).encode()
    token = jwt.PyJWS().encode(claims, SECRET, "HS256")
    with pytest.raises(TokenError, match="version 'V2'"):
        tokens.check(token, SECRET, NOW)
    assert tokens.check(jwt.PyJWS().encode(claims.replace(b"V2", b"v3"), SECRET, "HS256"), SECRET, NOW).version == "v3"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "é.é.é",
        "\ud800.a.b",
        "x" * 4097,
        None,
        7,
        issue() + ".x",
        made(None, payload=b"no json"),
        made(None, payload=b"\xff\xfe"),
        made(None, payload=b"[" * 3000),
        made([1]),
        made("text"),
    ],
)
def test_malformed(token: Any) -> None:
    for act in (lambda: tokens.read(token), lambda: tokens.check(token, SECRET, NOW)):
        with pytest.raises(TokenError):
            act()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"a": 9900000}, "a"),
        ({"p": None}, "p"),
        ({"v": 3}, "v"),
        ({"tid": 1}, "tid"),
        ({"exp": "1700000000"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"exp": -1}, "exp"),
        ({"a": 1, "exp": None}, "a, exp"),
    ],
)
def test_claims_of_a_wrong_type_are_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(TokenError, match=f"wrong type: {named}$") as caught:
        tokens.read(made(CLAIMS | change))
    assert caught.value.claims is not None


@given(st.text(max_size=80))
def test_any_text_is_a_token_or_a_token_error(text: str) -> None:
    with pytest.raises(TokenError):
        tokens.read(text)


# ---------------------------------------------------------------- UUI


@given(
    st.lists(
        st.tuples(st.text("0123456789abcdefABCDEF", min_size=1, max_size=30), st.sampled_from(tokens.ENCODINGS)), min_size=1, max_size=6
    )
)
def test_a_uui_value_is_built_and_parsed_to_the_same(pairs: list[tuple[str, str]]) -> None:
    entries = tuple(tokens.UuiEntry(value, encoding) for value, encoding in pairs)
    assert tokens.parse_uui(tokens.build_uui(*entries)) == entries


@given(st.text(max_size=60) | st.text("a;encoding=jwt,", max_size=60))
def test_any_text_is_a_uui_value_or_a_token_error(text: str) -> None:
    try:
        entries = tokens.parse_uui(text)
    except TokenError:
        return
    assert tokens.parse_uui(tokens.build_uui(*entries)) == entries


def test_uui_forms() -> None:
    assert tokens.parse_uui("aGk=;encoding=base64 , a.b.c; encoding=jwt,0aF;purpose=x;encoding=hex") == (
        tokens.UuiEntry("aGk=", "base64"),
        tokens.UuiEntry("a.b.c", "jwt"),
        tokens.UuiEntry("0aF", "hex"),
    )
    assert tokens.token_in("aGk=;encoding=base64,a.b.c;encoding=jwt,d.e.f;encoding=jwt") == "a.b.c"


def test_the_legacy_form() -> None:
    token = issue()
    assert tokens.uui_for(token) == f"{token};encoding=jwt"
    assert tokens.uui_for(token, CALL) == f"95ac8d6e1a31c52eb38f419893c151633ec68f8d;encoding=base64,{token};encoding=jwt"
    assert tokens.token_in(tokens.uui_for(token, CALL)) == token
    for bad in ("", "c-1", CALL[2:], CALL + "0", CALL[:-1] + "-", CALL[:-1] + "g"):
        with pytest.raises(TokenError, match="call id"):
            tokens.uui_for(token, bad)


def test_uui_limit() -> None:
    fits = "a" * (tokens.UUI_LIMIT - len(";encoding=hex"))
    assert len(tokens.build_uui(tokens.UuiEntry(fits, "hex"))) == 350
    with pytest.raises(TokenError, match="350 characters at most, has 351"):
        tokens.build_uui(tokens.UuiEntry(fits + "a", "hex"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "comma list"),
        (",", "comma list"),
        ("a;encoding=hex,", "comma list"),
        ("a b;encoding=jwt", "comma list"),
        ("abc", "comma list"),
        ("abc;encoding=", "comma list"),
        ("abc;purpose=x", "needs one encoding"),
        ("abc;encoding=utf8", "needs one encoding"),
        ("abc;encoding=JWT", "needs one encoding"),
        ("abc;encoding=hex;encoding=hex", "needs one encoding"),
        ("xyz;encoding=hex", "encoding=hex says"),
        ("a=b;encoding=base64", "encoding=base64 says"),
        ("a/b;encoding=jwt", "encoding=jwt says"),
    ],
)
def test_malformed_uui(text: str, rule: str) -> None:
    with pytest.raises(TokenError, match=rule):
        tokens.parse_uui(text)


def test_entries_that_cannot_be_built() -> None:
    with pytest.raises(TokenError):
        tokens.build_uui()
    with pytest.raises(TokenError, match="separator"):
        tokens.build_uui(tokens.UuiEntry("a;purpose=b", "hex"))
    with pytest.raises(TokenError, match="separator"):
        tokens.build_uui(tokens.UuiEntry("a;encoding=hex,b", "hex"))


def test_a_uui_value_without_a_token() -> None:
    with pytest.raises(TokenError, match="carries no token"):
        tokens.token_in("ab;encoding=hex")
