"""The WebRTC API as a client sees it."""

from __future__ import annotations

import re

import pytest

from workbench import tokens

from .shell import WEBRTC, Platform

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def participant(platform: Platform, **fields: object) -> str:
    return str((await platform.http.post(f"{WEBRTC}/participants", json=fields)).json()["participant"]["id"])


async def test_all_eleven_operations_in_order(platform: Platform) -> None:
    http = platform.http
    fields = {"tag": "browser", "publishPermissions": ["AUDIO"], "deviceApiVersion": "V3"}
    created = await http.post(f"{WEBRTC}/participants", json=fields)
    assert (created.status_code, created.headers["content-type"]) == (200, "application/json")
    body = created.json()
    one = body["participant"]["id"]
    assert UUID.fullmatch(one)
    fresh = {"id": one, "callbackUrl": None, "publishPermissions": ["AUDIO"], "sessions": [], "subscriptions": {}}
    assert body["participant"] == fresh | {"deviceApiVersion": "V3", "tag": "browser"}
    claims = tokens.check(body["token"], platform.setup.token_secret, platform.clock.now())
    assert (claims.account_id, claims.participant_id, claims.version) == ("9900000", one, "V3")
    assert re.fullmatch(r"\+\d{15}", claims.tid)

    session = (await http.post(f"{WEBRTC}/sessions", json={"tag": "lesson"})).json()
    assert session == {"id": session["id"], "tag": "lesson"}
    path = f"{WEBRTC}/sessions/{session['id']}"
    assert (await http.get(f"{path}/participants")).status_code == 204
    added = await http.put(f"{path}/participants/{one}")
    assert (added.status_code, added.content) == (204, b"")
    assert (await http.get(path)).json() == session
    assert [item["id"] for item in (await http.get(f"{path}/participants")).json()] == [one]

    subscriptions = f"{path}/participants/{one}/subscriptions"
    assert (await http.get(subscriptions)).status_code == 204
    wanted = {"sessionId": session["id"], "participants": [{"participantId": one, "streamAliases": ["mic"]}]}
    assert (await http.put(subscriptions, json=wanted)).status_code == 204
    shown = await http.get(subscriptions)
    assert (shown.status_code, shown.json()) == (200, wanted)
    assert (await http.get(f"{WEBRTC}/participants/{one}")).json()["sessions"] == [session["id"]]
    assert (await http.get(f"{WEBRTC}/participants/{one}")).json()["subscriptions"] == wanted
    assert (await http.put(subscriptions, json={"sessionId": session["id"]})).status_code == 204
    assert (await http.get(subscriptions)).json() == {"sessionId": session["id"], "participants": []}
    assert (await http.put(subscriptions)).status_code == 204
    assert (await http.get(subscriptions)).status_code == 204

    assert (await http.delete(f"{path}/participants/{one}")).status_code == 204
    assert (await http.get(subscriptions)).status_code == 404
    assert (await http.delete(path)).status_code == 204
    assert (await http.get(path)).status_code == 404
    assert (await http.delete(f"{WEBRTC}/participants/{one}")).status_code == 204
    assert (await http.delete(f"{WEBRTC}/participants/{one}")).status_code == 404


async def test_creates_need_no_body(platform: Platform) -> None:
    session = await platform.http.post(f"{WEBRTC}/sessions")
    assert set(session.json()) == {"id"}
    created = await platform.http.post(f"{WEBRTC}/participants")
    assert created.json()["participant"]["publishPermissions"] == ["AUDIO", "VIDEO"]
    assert "tag" not in created.json()["participant"]


async def test_documented_errors(platform: Platform) -> None:
    http = platform.http
    for content in ("{", "[]", "null", '{"tag": 7}', '{"tag": "%s"}' % ("x" * 51)):
        answer = await http.post(f"{WEBRTC}/participants", content=content)
        assert answer.status_code == 400, content
        assert set(answer.json()) == {"error", "requestId"}
        assert UUID.fullmatch(answer.json()["requestId"])
    assert (await http.post(f"{WEBRTC}/sessions", content=b" " * 1_000_001)).status_code == 413
    unknown = await http.get(f"{WEBRTC}/participants/nobody")
    assert (unknown.status_code, set(unknown.json())) == (404, {"error", "requestId"})
    assert (await http.get(f"{WEBRTC}/nothing")).status_code == 404
    assert (await http.post(f"{WEBRTC}/sessions/x")).status_code == 405


async def test_a_participant_belongs_to_one_session_and_a_session_has_twenty(platform: Platform) -> None:
    http, one = platform.http, await participant(platform)
    first, second = [(await http.post(f"{WEBRTC}/sessions")).json()["id"] for _ in range(2)]
    assert (await http.put(f"{WEBRTC}/sessions/{first}/participants/{one}")).status_code == 204
    other = await http.put(f"{WEBRTC}/sessions/{second}/participants/{one}")
    assert (other.status_code, set(other.json())) == (409, {"error", "requestId"})
    for _ in range(19):
        assert (await http.put(f"{WEBRTC}/sessions/{first}/participants/{await participant(platform)}")).status_code == 204
    assert (await http.put(f"{WEBRTC}/sessions/{first}/participants/{await participant(platform)}")).status_code == 409


@pytest.mark.parametrize("auth", [None, ("local", "wrong"), ("nobody", "local")])
async def test_who_is_not_known(platform: Platform, auth: tuple[str, str] | None) -> None:
    async with platform.client(auth=auth) as http:
        answer = await http.get(f"{WEBRTC}/sessions/x")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_who_may_not(platform: Platform) -> None:
    for auth, account in ((("forbidden", "forbidden"), "9900000"), (("local", "local"), "9900001")):
        async with platform.client(auth=auth) as http:
            answer = await http.get(f"/v1/accounts/{account}/sessions/x")
        assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
