"""Credentials, OAuth2 and the platform's settings."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.effects import Refusal
from workbench.simulator.limits import DOCUMENTED, Limits
from workbench.simulator.setup import APPLICATION, TOKEN_SECONDS, Setup, SetupError, load

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
        twice = "grant_type=client_credentials&grant_type=client_credentials"
        assert (await http.post(TOKEN, content=twice, auth=CLIENT)).json() == {"error": "invalid_request"}
        assert (await http.post(TOKEN, content="&".join(["a=b"] * 1000), auth=CLIENT)).json() == {"error": "invalid_request"}
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
    with pytest.raises(Unauthorized) as refused:
        accounts.allowed("Bearer something else")
    assert refused.value.rule == "account.invalid"
    now = 2 * TOKEN_SECONDS
    accounts.issue(basic("local-client:local-secret"))
    with pytest.raises(Unauthorized) as forgotten:
        accounts.allowed(f"Bearer {token}")
    assert forgotten.value.rule == "account.invalid"
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
        ('{"numbers": ["+19195550102"]}', "numbers: wrong form"),
        ('{"users": {"u": {"password": "p", "colour": 1}}}', "users: u: unknown field colour: one of password, rights"),
        ('{"clients": {"c": {"secrets": ["1", "2", "3"]}}}', "clients: c: secrets: a client has at most 2 active secrets"),
        ('{"limits": 5}', "limits: wrong form"),
        ('{"auth": "off"}', "auth: wrong form"),
        ('{"token_seconds": -1}', "token_seconds: wrong form"),
    ],
)
def test_bad_settings(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "platform.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=message):
        load(file, {})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("USER", "me", "WORKBENCH_SIMULATOR_USER: must be name:password"),
        ("CLIENT", "c:s,", "WORKBENCH_SIMULATOR_CLIENT: must be name:password"),
        ("AUTH", "perhaps", "WORKBENCH_SIMULATOR_AUTH: must be on or off"),
        ("TOKEN_SECONDS", "soon", "WORKBENCH_SIMULATOR_TOKEN_SECONDS: must be a number"),
        ("TOKEN_SECONDS", "nan", "token_seconds: wrong form"),
        ("LIMITS", "calls_at_once=many", "limits: 'calls_at_once=many' is not on, off or name=number; names are calls_per_second, queue"),
    ],
)
def test_bad_variables_name_themselves(name: str, value: str, message: str) -> None:
    with pytest.raises(SetupError, match=message):
        load(None, {f"WORKBENCH_SIMULATOR_{name}": value})


def test_limits_from_file_environment_and_option(tmp_path: Path) -> None:
    assert load(None, {}).config("").limits == Limits()
    assert load(None, {}, "on").config("").limits == DOCUMENTED
    variable = {"WORKBENCH_SIMULATOR_LIMITS": "on, calls_at_once=7"}
    assert load(None, variable).config("").limits == Limits(calls_per_second=5, calls_at_once=7)
    assert load(None, variable, "off").config("").limits == Limits()
    file = tmp_path / "platform.json"
    file.write_text('{"limits": {"calls_per_second": 2}}')
    assert load(file, {}).config("").limits == Limits(calls_per_second=2)
    with pytest.raises(SetupError, match=r"limits: unknown field cps: one of on, calls_per_second"):
        load(None, {}, "cps=5").config("")


def test_credentials_from_the_environment() -> None:
    values = {"USER": "u:p:q, v:w", "CLIENT": "c:s,d:t", "AUTH": "Off", "TOKEN_SECONDS": "5"}
    setup = load(None, {f"WORKBENCH_SIMULATOR_{name}": value for name, value in values.items()})
    assert setup.users == {"u": "p:q", "v": "w", "forbidden": "forbidden"} and setup.clients == {"c": "s", "d": "t"}
    assert (setup.auth, setup.token_seconds) == (False, 5)


def test_rights_are_those_of_one_api() -> None:
    users = {"all": "p", "some": {"password": "p", "rights": ["webrtc"]}, "none": {"password": "p", "rights": False}}
    accounts = Accounts(Setup(users=users, clients={"c": {"secrets": ["1", "2"], "rights": ["endpoints"]}}, forbidden=("gone",)))

    def may(header: str) -> list[bool]:
        return [accounts.allowed(header, right) for right in ("voice", "webrtc", "endpoints")]

    assert [may(basic(f"{name}:p")) for name in users] == [[True] * 3, [False, True, False], [False] * 3]
    for secret in ("1", "2"):
        assert may(f"Bearer {accounts.issue(basic(f'c:{secret}'))}") == [False, False, True]
    with pytest.raises(Unauthorized):
        accounts.allowed(basic("gone:"))


def test_nobody_is_asked_when_credentials_are_off() -> None:
    followed: list[str] = []
    accounts = Accounts(Setup(auth=False), follow=followed.append)
    assert accounts.allowed(None) and accounts.allowed("nonsense", "webrtc") and followed == ["account.off"] * 2


@pytest.mark.parametrize(
    ("path", "fields", "text"),
    [
        ("users/u", {}, "password: must be a text"),
        ("users/u", {"password": "p", "rights": "voice"}, "rights: must be true, false, or a list of voice, webrtc, endpoints"),
        ("users/u", {"password": "p", "rights": ["sms"]}, "rights: must be"),
        ("users/a:b", {"password": "p"}, "a name is a text without a colon"),
        ("clients/c", {"secrets": "s"}, "secrets: must be a list of one or two texts"),
        ("clients/c", {"secrets": []}, "secrets: must be a list of one or two texts"),
        ("clients/c", {"secrets": [1]}, "secrets: must be a list of one or two texts"),
        ("clients/c", {"secrets": ["1", "2", "3"]}, "secrets: a client has at most 2 active secrets"),
        ("auth", {"required": "no"}, "required must be true or false"),
        ("auth", {"token_seconds": 1e9}, "token_seconds must be a number of seconds from 0 to 86400"),
        ("auth", {"colour": 1}, "unknown field colour: one of required, token_seconds"),
    ],
)
async def test_accounts_changes_refused(platform: Platform, path: str, fields: dict[str, object], text: str) -> None:
    before = [(await platform.http.get(f"/_local/{kind}")).json() for kind in ("users", "clients", "auth")]
    answer = await platform.http.put(f"/_local/{path}", json=fields)
    assert answer.status_code == 400 and text in answer.json()["error"], answer.text
    assert [(await platform.http.get(f"/_local/{kind}")).json() for kind in ("users", "clients", "auth")] == before


def test_a_login_is_a_text_or_an_object() -> None:
    with pytest.raises(Refusal, match="must be a text, or an object with password and rights"):
        Accounts(Setup(users={"u": 5}))


async def test_users_and_clients_come_and_go(platform: Platform) -> None:
    http = platform.http
    assert (await http.put("/_local/users/new", json={"password": "p"})).json() == {
        "name": "new",
        "rights": ["endpoints", "voice", "webrtc"],
        "secrets": 1,
    }
    assert [user["name"] for user in (await http.get("/_local/users")).json()] == ["local", "forbidden", "new"]
    async with platform.client(auth=("new", "p")) as user:
        assert (await user.get(f"{VOICE}/calls")).status_code == 200
        assert (await http.delete("/_local/users/new")).status_code == 204
        assert (await user.get(f"{VOICE}/calls")).status_code == 401
    assert (await http.delete("/_local/users/new")).status_code == 404
    await http.put("/_local/clients/new", json={"secrets": ["1", "2"]})
    assert [client["secrets"] for client in (await http.get("/_local/clients")).json()] == [1, 2]
    token = (await http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=("new", "2"))).json()["access_token"]
    kept = (await http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=CLIENT)).json()["access_token"]
    assert (await http.delete("/_local/clients/new")).status_code == 204
    assert (await http.delete("/_local/clients/new")).json()["rule"] == "account.unknown"
    async with platform.client() as client:
        statuses = [(await client.get(f"{VOICE}/calls", headers={"Authorization": f"Bearer {one}"})).status_code for one in (token, kept)]
    assert statuses == [401, 200]


async def test_the_account_outlives_a_reset(platform: Platform) -> None:
    http = platform.http
    await http.put("/_local/users/new", json={"password": "p"})
    await http.put("/_local/applications/other", json={"name": "other"})
    await http.put("/_local/numbers/+19195550177", json={"applicationId": "other"})
    await http.put("/_local/limits", json={"on": True})
    assert (await http.post("/_local/reset")).status_code == 204
    state = (await http.get("/_local/state")).json()
    assert [item["name"] for item in state["applications"]] == ["workbench", "other"]
    assert [item["applicationId"] for item in (await http.get("/_local/applications")).json()] == [APPLICATION, "other"]
    assert (await http.get("/_local/numbers")).json()[-1] == {"number": "+19195550177", "applicationId": "other"}
    assert (await http.get("/_local/limits")).json()["calls_per_second"] == 5
    assert len((await http.get("/_local/users")).json()) == 3
    assert (await http.delete("/_local/applications/other")).status_code == 409
    assert (await http.delete("/_local/numbers/+19195550177")).status_code == 204
    assert (await http.delete("/_local/applications/other")).status_code == 204


async def test_credentials_off_and_short_tokens(platform: Platform) -> None:
    http = platform.http
    assert (await http.put("/_local/auth", json={"token_seconds": 0})).json() == {"required": True, "token_seconds": 0.0}
    granted = await http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=CLIENT)
    assert granted.json()["expires_in"] == 0
    async with platform.client(headers={"Authorization": f"Bearer {granted.json()['access_token']}"}) as client:
        refused = await client.get(f"{VOICE}/calls")
        assert (refused.status_code, refused.headers["x-workbench-rule"]) == (401, "account.expired")
        await http.put("/_local/auth", json={"required": False})
        assert (await client.get(f"{VOICE}/calls")).status_code == 200
        assert (await client.get("/api/v2/accounts/1/calls")).status_code == 403


async def test_a_rate_of_requests(platform: Platform) -> None:
    await platform.http.put("/_local/limits", json={"requests_per_second": 1})
    assert (await platform.http.get(f"{VOICE}/calls")).status_code == 200
    refused = await platform.http.get(f"{VOICE}/statistics")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json() == {"type": "error", "description": "Account request rate limit exceeded", "id": ""}
    await platform.clock_to(advance=1)
    assert (await platform.http.get(f"{VOICE}/statistics")).status_code == 200


def test_a_bad_application_is_named() -> None:
    with pytest.raises(SetupError, match=r"applications: a: .*colour"):
        Setup(applications={"a": {"colour": "red"}}).config("")


async def test_a_password_that_is_no_unicode_text_lets_nobody_in(platform: Platform) -> None:
    answer = await platform.http.put("/_local/users/x", content=rb'{"password":"\ud800"}')
    assert answer.status_code == 200
    async with platform.client(auth=("x", "y")) as http:
        assert (await http.get(f"{VOICE}/calls")).status_code == 401
