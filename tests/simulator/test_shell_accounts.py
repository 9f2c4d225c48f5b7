"""Credentials, OAuth2 and the platform's settings."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from workbench.simulator.accounts import APPLICATION, TOKEN_SECONDS, Accounts, Setup, SetupError, Unauthorized, load

from .shell import VOICE, WEBRTC, Platform

TOKEN = "/api/v1/oauth2/token"
CLIENT = ("local-client", "local-secret")


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "description"),
    [
        (None, "Unauthorized"),
        ("", "Unauthorized"),
        ("Digest x", "Unauthorized"),
        (basic("local:wrong"), "The credentials provided were invalid"),
        (basic("nobody:local"), "The credentials provided were invalid"),
        ("Bearer nothing", "The credentials provided were invalid"),
        ("Bearer ", "The credentials provided were invalid"),
        (basic("local"), "Invalid basic authentication token"),
        ("Basic !!!", "Failed to decode basic authentication token"),
        ("Basic /w==", "Failed to decode basic authentication token"),
        ("Basic", "Invalid basic authentication token"),
    ],
)
async def test_who_is_not_known(platform: Platform, header: str | None, description: str) -> None:
    async with platform.client(headers={"Authorization": header} if header is not None else {}) as http:
        answer = await http.get(f"{VOICE}/calls")
    assert answer.status_code == 401
    assert answer.json() == {"type": "authentication-error", "description": description, "id": None}
    assert answer.headers["www-authenticate"] == 'Basic realm="Bandwidth"'


async def test_who_may_not(platform: Platform) -> None:
    for auth, account in ((("forbidden", "forbidden"), "9900000"), (("local", "local"), "9900001")):
        async with platform.client(auth=auth) as http:
            answer = await http.get(f"/api/v2/accounts/{account}/calls")
        assert answer.status_code == 403
        assert answer.json() == {"type": "authorization-error", "description": "Access is denied", "id": None}


async def test_oauth2_client_credentials(platform: Platform) -> None:
    async with platform.client() as http:
        answer = await http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=CLIENT)
        assert answer.status_code == 200
        body = answer.json()
        token = body.pop("access_token")
        assert body == {"token_type": "Bearer", "expires_in": 3600}
        headers = {"Authorization": f"Bearer {token}"}
        assert (await http.get(f"{VOICE}/calls", headers=headers)).status_code == 200
        assert (await http.post(f"{WEBRTC}/sessions", headers=headers)).status_code == 200


async def test_oauth2_refusals(platform: Platform) -> None:
    async with platform.client() as http:
        wrong = await http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=("local-client", "no"))
        assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
        assert "www-authenticate" in wrong.headers
        assert (await http.post(TOKEN, data={"grant_type": "client_credentials"})).status_code == 401
        other = await http.post(TOKEN, data={"grant_type": "password"}, auth=CLIENT)
        assert (other.status_code, other.json()) == (400, {"error": "unsupported_grant_type"})
        assert (await http.post(TOKEN, auth=CLIENT)).json() == {"error": "invalid_request"}
        assert (await http.post(TOKEN, content=b"\xff", auth=CLIENT)).json() == {"error": "invalid_request"}
        assert (await http.get(TOKEN)).status_code == 405


def test_tokens_expire_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    accounts = Accounts(Setup(), lambda: now)
    token = accounts.issue(basic("local-client:local-secret"))
    assert accounts.allowed(f"Bearer {token}")
    now = TOKEN_SECONDS - 1.0
    assert accounts.allowed(f"Bearer {token}")
    now = TOKEN_SECONDS
    with pytest.raises(Unauthorized):
        accounts.allowed(f"Bearer {token}")
    monkeypatch.setattr("workbench.simulator.accounts.MOST_TOKENS", 2)
    first, second, third = [accounts.issue(basic("local-client:local-secret")) for _ in range(3)]
    assert accounts.allowed(f"Bearer {second}")
    assert accounts.allowed(f"Bearer {third}")
    with pytest.raises(Unauthorized):
        accounts.allowed(f"Bearer {first}")


def test_built_in_settings() -> None:
    setup = load(None, {"PATH": "/bin", "BW_ACCOUNT_ID": "5"})
    config = setup.config("http://x/api/v2")
    assert config.account_id == "9900000"
    assert config.numbers == {"+19195550100": APPLICATION, "+19195550101": APPLICATION}
    assert [application.name for application in config.applications] == ["workbench"]
    assert setup.token_secret not in repr(setup)
    assert setup.token_secret != load(None, {}).token_secret


def test_settings_from_a_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "platform.json"
    fields = {"callInitiatedCallbackUrl": "http://app.test/in", "callbackTimeout": 5}
    file.write_text(json.dumps({"account_id": "1", "applications": {"a": fields}, "numbers": {"+19195550102": "a"}}))
    config = load(file, {}).config("")
    application = config.applications[0]
    assert application.initiate is not None
    assert (config.account_id, application.initiate.url, application.callback_timeout) == ("1", "http://app.test/in", 5)
    prefix = "WORKBENCH_SIMULATOR_"
    values = {"ACCOUNT_ID": "2", "USER": "u:p:q", "CLIENT": "c:s", "APPLICATION_ID": "b", "NUMBERS": "+19195550103, +19195550104"}
    setup = load(file, {prefix + name: value for name, value in values.items()})
    assert (setup.account_id, setup.users["u"], setup.clients) == ("2", "p:q", {"c": "s"})
    assert (list(setup.applications), setup.numbers) == (["b"], {"+19195550103": "b", "+19195550104": "b"})
    assert load(None, {prefix + "APPLICATION_ID": "b"}).numbers == {"+19195550100": "b", "+19195550101": "b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting"),
        ("[]", "must be a JSON object"),
        ('{"acount": 1}', "unknown setting acount: one of account_id"),
        ('{"account_id": 7}', "account_id"),
        ('{"users": {"u": 1}}', "users"),
        ('{"forbidden": "u"}', "forbidden"),
        ('{"applications": {}}', "applications"),
        ('{"numbers": {"+19195550102": "nobody"}}', "nobody, which is not among"),
        ('{"numbers": {"12": "nobody"}}', "12 is not an E.164"),
    ],
)
def test_bad_settings(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "platform.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=message):
        load(file, {})


def test_bad_variables_name_themselves() -> None:
    with pytest.raises(SetupError, match="WORKBENCH_SIMULATOR_USER"):
        load(None, {"WORKBENCH_SIMULATOR_USER": "me"})


def test_a_bad_application_is_named() -> None:
    with pytest.raises(SetupError, match=r"applications: a: .*colour"):
        Setup(applications={"a": {"colour": "red"}}).config("")
