"""The Endpoints API as a client sees it, and devices as the controls show them."""

from __future__ import annotations

from typing import Any

import pytest

from .shell import BASE, PHONE, Platform, document

ENDPOINTS = "/v2/accounts/9900000/endpoints"
FIELDS = {"type": "WEBRTC", "direction": "BIDIRECTIONAL", "eventCallbackUrl": f"{BASE}/endpoint"}


async def made(platform: Platform, **fields: Any) -> tuple[str, str]:
    """An endpoint and its token."""
    answer = await platform.http.post(ENDPOINTS, json=FIELDS | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]["endpointId"], answer.json()["data"]["token"]


async def test_all_five_operations(platform: Platform) -> None:
    http = platform.http
    created = await http.post(ENDPOINTS, json=FIELDS | {"tag": "t"})
    assert (created.status_code, created.headers["content-type"]) == (201, "application/json")
    assert created.headers["x-workbench-seq"].isdigit()
    data = created.json()["data"]
    url = f"http://127.0.0.1:8010{ENDPOINTS}/{data['endpointId']}"
    assert created.json()["links"] == [{"href": url, "rel": "endpoint", "method": "GET"}]
    shown = (await http.get(url)).json()
    assert shown == {"links": [{"href": url, "rel": "self", "method": "GET"}], "data": shown["data"], "errors": []}
    assert data == shown["data"] | {"token": data["token"]}
    listed = (await http.get(ENDPOINTS)).json()
    assert listed["data"] == [{name: value for name, value in shown["data"].items() if name != "devices"}]
    assert listed["page"] == {"pageSize": 100, "totalElements": 1, "totalPages": 1, "pageNumber": 0}
    headers = {"Content-Type": "application/xml"}
    updated = await http.put(f"{url}/bxml", content="<Response><StartRecording/></Response>", headers=headers)
    assert (updated.status_code, updated.content) == (204, b"")
    deleted = await http.delete(url)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await http.delete(url)).status_code == 404


async def test_bearer_tokens_are_taken_too(platform: Platform) -> None:
    form = {"grant_type": "client_credentials"}
    token = await platform.http.post("/api/v1/oauth2/token", data=form, auth=("local-client", "local-secret"))
    async with platform.client(headers={"Authorization": f"Bearer {token.json()['access_token']}"}) as http:
        assert (await http.get(ENDPOINTS)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "name", "says"),
    [
        ({"type": None}, "type", "must be WEBRTC"),
        ({"direction": ["INBOUND"]}, "direction", "must be one of INBOUND, OUTBOUND, BIDIRECTIONAL"),
        ({"tag": "x" * 1025}, "tag", "at most 1024 characters"),
        ({"tag": None}, "tag", "must be a string"),
        ({"eventCallbackUrl": 7}, "eventCallbackUrl", "must be a string"),
        ({"eventFallbackUrl": "http://["}, "eventFallbackUrl", "not a URL"),
        ({"eventFallbackUrl": None}, "eventFallbackUrl", "must be a string"),
        ({"connectionMetadata": []}, "connectionMetadata", "must be an object"),
    ],
)
async def test_refused_fields_change_nothing(platform: Platform, fields: dict[str, Any], name: str, says: str) -> None:
    answer = await platform.http.post(ENDPOINTS, json=FIELDS | fields)
    (told,) = answer.json()["errors"]
    assert (answer.status_code, told["type"], told["code"], told["source"]) == (400, "invalid_parameter", "400", {"field": name})
    assert says in told["description"] and name in told["description"]
    assert answer.headers["x-workbench-rule"]
    assert not platform.world.engine.endpoints


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"NaN"])
async def test_unreadable_bodies(platform: Platform, content: bytes) -> None:
    answer = await platform.http.post(ENDPOINTS, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["source"]) == (400, {"field": "body"})


async def test_bodies_that_are_too_large(platform: Platform) -> None:
    answer = await platform.http.post(ENDPOINTS, content=b" " * 1_000_001, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (413, "invalid_parameter")


async def test_other_accounts_paths_and_methods(platform: Platform) -> None:
    elsewhere = await platform.http.get("/v2/accounts/1/endpoints")
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["type"]) == (403, "forbidden")
    nowhere = await platform.http.get("/v2/accounts/9900000/nothing")
    assert (nowhere.status_code, nowhere.json()["errors"][0]["type"]) == (404, "resource_not_found")
    method = await platform.http.patch(ENDPOINTS)
    assert (method.status_code, method.json()["errors"][0]["type"]) == (405, "method_not_allowed")
    assert set(method.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_too_many(platform: Platform) -> None:
    assert (await platform.http.put("/_local/limits", json={"endpoints": 1})).status_code == 200
    await made(platform)
    answer = await platform.http.post(ENDPOINTS, json=FIELDS)
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (429, "too_many_endpoints")
    assert answer.headers["retry-after"].isdigit()


async def test_what_fails_inside_is_told_in_the_envelope(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(platform.world.engine), "list_endpoints", None)
    answer = await platform.http.get(ENDPOINTS)
    assert (answer.status_code, answer.json()["data"], answer.json()["errors"][0]["type"]) == (500, None, "service_unavailable")


async def test_pages_follow_each_other(platform: Platform) -> None:
    ids = [(await made(platform))[0] for _ in range(5)]
    found, url, numbers = [], f"{ENDPOINTS}?limit=2", []
    while url:
        page = (await platform.http.get(url)).json()
        found += [one["endpointId"] for one in page["data"]]
        numbers.append(page["page"]["pageNumber"])
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert (found, numbers) == (ids, [0, 1, 2])
    for cursor in ("%C3%A9", "!!!", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"):
        assert (await platform.http.get(f"{ENDPOINTS}?afterCursor={cursor}")).status_code == 400, cursor


async def test_a_device_does_all_it_can(platform: Platform) -> None:
    endpoint, token = await made(platform)
    http = platform.http
    connected = await http.post("/_local/devices", json={"token": token, "autoAccept": False, "publish": False, "name": "desk"})
    device = f"/_local/devices/{connected.json()['deviceId']}"
    assert connected.json() == {"deviceId": connected.json()["deviceId"], "participantId": None, "endpointId": endpoint}
    assert (await http.post(f"{device}/publish")).status_code == 204
    asked = await http.post(f"{device}/outbound", json={"to": PHONE})
    assert (asked.status_code, asked.json()) == (200, {"accepted": True})
    platform.application.replies["answer"] = document(f"<Connect><Endpoint>{endpoint}</Endpoint></Connect>", '<Pause duration="1000"/>')
    for action, connections in (("decline", 0), ("accept", 1)):
        await platform.call()
        await platform.idle()
        assert (await http.post(f"{device}/{action}")).status_code == 204
        assert len(platform.world.engine.connects) == connections
        if not connections:
            await http.post(f"/_local/phones/{PHONE}/hangup")
    assert (await http.post(f"{device}/hangup")).status_code == 204
    assert (await http.post(f"{device}/lose")).status_code == 204
    assert (await http.post(f"{device}/lose")).status_code == 404
    assert (await http.delete(device)).status_code == 404


@pytest.mark.parametrize(
    "fields", [{}, {"token": 7}, {"token": "x", "publish": "yes"}, {"token": "x", "autoAccept": None}, {"token": "x", "name": 1}]
)
async def test_a_devices_fields(platform: Platform, fields: dict[str, Any]) -> None:
    answer = await platform.http.post("/_local/devices", json=fields)
    assert (answer.status_code, answer.json()["rule"]) == (400, "local.field")
