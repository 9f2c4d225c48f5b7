"""`/_local/` as a client sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from workbench.simulator.control_api import is_loopback
from workbench.simulator.setup import APPLICATION
from workbench.simulator.webhooks import Outgoing

from .shell import BASE, NUMBER, PHONE, WEBRTC, Platform, document, until

PARK = document('<Pause duration="3600"/>')
HOOKS = {"callInitiatedCallbackUrl": f"{BASE}/in", "callStatusCallbackUrl": f"{BASE}/status"}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def kinds(entries: Iterable[dict[str, Any]]) -> list[str]:
    return [entry["kind"] for entry in entries]


async def test_a_phone_calls_in_presses_keys_and_hangs_up(platform: Platform) -> None:
    http, phone = platform.http, f"/_local/phones/{PHONE}"
    changed = await http.put(f"/_local/applications/{APPLICATION}", json=HOOKS)
    assert changed.status_code == 200
    assert changed.json()["callInitiatedCallbackUrl"] == f"{BASE}/in"
    platform.application.replies["initiate"] = document(f'<Gather gatherUrl="{BASE}/keys" maxDigits="2"/>')
    platform.application.replies["gather"] = PARK
    call = (await http.post(f"{phone}/dial", json={"to": NUMBER})).json()
    assert (call["from"], call["to"]) == (PHONE, NUMBER)
    await until(lambda: platform.application.events == ["initiate"])
    await until(lambda: platform.world.engine.call(call["callId"]).answered)
    assert (await http.post(f"{phone}/say", json={"text": "Hello?"})).status_code == 204
    assert platform.world.engine.sounds[PHONE].text == "Hello?"
    assert (await http.post(f"{phone}/keys", json={"digits": "12"})).status_code == 204
    await platform.idle()
    await until(lambda: platform.application.events == ["initiate", "gather"])
    assert (await http.post(f"{phone}/hangup")).status_code == 204
    await platform.idle()
    assert platform.application.events == ["initiate", "gather", "disconnect"]


async def test_a_phone_by_hand(platform: Platform) -> None:
    http, phone = platform.http, f"/_local/phones/{PHONE}"
    script = (await http.put(phone, json={"by_hand": True, "says": "Hello"})).json()
    assert (script["number"], script["by_hand"], script["says"]) == (PHONE, True, "Hello")
    platform.application.replies["answer"] = PARK
    assert (await http.post(f"{phone}/answer")).status_code == 409
    first = await platform.call()
    await platform.idle()
    assert (await http.post(f"{phone}/reject")).status_code == 204
    assert platform.world.engine.call(first).cause == "rejected"
    second = await platform.call()
    await platform.idle()
    assert (await http.post(f"{phone}/answer")).status_code == 204
    assert platform.world.engine.call(second).answered


async def test_interconnect_browser_and_who_hears_whom(platform: Platform) -> None:
    http = platform.http
    assert (await http.put("/_local/interconnect", json={"answer_seconds": 1})).json() == {"answer": True, "answer_seconds": 1}
    made = (await http.post(f"{WEBRTC}/participants", json={"callbackUrl": f"{BASE}/p"})).json()
    created = made["participant"]
    session = (await http.post(f"{WEBRTC}/sessions")).json()["id"]
    await http.put(f"{WEBRTC}/sessions/{session}/participants/{created['id']}", json={"sessionId": session})
    connected = await http.post("/_local/devices", json={"token": made["token"]})
    assert (connected.status_code, connected.json()["participantId"]) == (201, created["id"])
    hears = (await http.get("/_local/hears")).json()
    assert [set(party) for party in hears["parties"]] == [{"id", "name", "kind"}]
    assert set(hears["hears"]) == {party["id"] for party in hears["parties"]}
    state = (await http.get("/_local/state")).json()
    assert {"account", "applications", "numbers", "phones", "calls", "conferences", "sessions", "participants"} <= set(state)
    assert state["participants"][0]["connected"]
    device = f"/_local/devices/{connected.json()['deviceId']}"
    assert (await http.delete(device)).status_code == 204
    assert (await http.delete(device)).status_code == 404
    await platform.idle()
    assert platform.application.events == ["onConnect", "onLeave"]


async def test_events_replay_in_order(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    call_id = await platform.call()
    await platform.idle()
    answer = await platform.http.get("/_local/events")
    assert answer.headers["content-type"] == "application/x-ndjson"
    entries = lines(answer.text)
    assert kinds(entries) == ["queued", "invite", "ringing", "answered", "webhook", "webhookAnswered", "pause"]
    assert [entry["seq"] for entry in entries] == sorted({entry["seq"] for entry in entries})
    assert all(set(entry) == {"seq", "time", "kind", "rule", "label", "data"} for entry in entries)
    sent, answered = entries[4:6]
    assert sent["data"]["body"]["callId"] == call_id
    assert (sent["data"]["url"], sent["label"]) == (f"{BASE}/answer", "documented")
    assert (answered["data"]["of"], answered["data"]["status"], answered["data"]["reply"]) == (sent["seq"], 200, PARK)
    after = lines((await platform.http.get(f"/_local/events?after={entries[2]['seq']}")).text)
    assert after == entries[3:]


async def test_events_followed_live_until_reset(platform: Platform) -> None:
    received: list[dict[str, Any]] = []

    async def follow() -> None:
        async for text in platform.world.stream.follow(0):
            received.extend(lines(text))

    following = asyncio.create_task(follow())
    await platform.call()
    await until(lambda: kinds(received) == ["queued", "invite", "ringing"])
    await platform.idle()
    await until(lambda: "ended" in kinds(received))
    # Given a turn, the follower waits for more.
    await asyncio.sleep(0)
    assert (await platform.http.post("/_local/reset")).status_code == 204
    await following
    assert kinds(received)[:4] == ["queued", "invite", "ringing", "answered"]


async def test_clock(platform: Platform) -> None:
    assert await platform.clock_to() == {"now": "2023-11-14T22:13:20.000Z", "paused": True, "halted": False}
    assert (await platform.clock_to(advance=1.5))["now"] == "2023-11-14T22:13:21.500Z"
    assert (await platform.clock_to(resume=True))["paused"] is False
    assert (await platform.clock_to(pause=True, advance=60, run_to="idle"))["paused"] is True


async def test_a_clock_that_is_halted_is_let_go_when_who_halted_it_is_gone(platform: Platform) -> None:
    async def halts_and_dies(request: Outgoing) -> str:
        assert (await platform.clock_to(halt=True))["halted"]
        raise ConnectionResetError("the kernel was killed")

    platform.application.replies["answer"] = halts_and_dies
    await platform.call()
    await platform.idle()
    await until(lambda: not platform.world.halted)
    await platform.idle()
    assert platform.application.events[0] == "answer" and platform.application.events[-1] == "disconnect"


async def test_reset_starts_over(platform: Platform) -> None:
    first = await platform.call()
    await platform.clock_to(advance=100)
    await platform.http.put(f"/_local/phones/{PHONE}", json={"busy": True})
    await platform.http.post("/_local/reset")
    assert await platform.clock_to() == {"now": "2023-11-14T22:13:20.000Z", "paused": True, "halted": False}
    assert (await platform.http.get("/_local/state")).json()["calls"] == []
    assert (await platform.http.get("/_local/events")).text == ""
    assert await platform.call() == first, "the same script gives the same ids"


async def test_reset_leaves_the_account_as_it_is(platform: Platform) -> None:
    application = (await platform.http.get("/_local/state")).json()["applications"][0]["applicationId"]
    await platform.http.put(f"/_local/applications/{application}", json={"callInitiatedCallbackUrl": "http://127.0.0.1:9/x"})
    await platform.http.post("/_local/reset")
    found = (await platform.http.get("/_local/state")).json()["applications"]
    assert [one["callInitiatedCallbackUrl"] for one in found] == ["http://127.0.0.1:9/x"]


@pytest.mark.parametrize(
    ("method", "path", "content", "named"),
    [
        ("PUT", f"/_local/phones/{PHONE}", '{"colour": 1}', "colour"),
        ("PUT", f"/_local/phones/{PHONE}", '{"busy": "yes"}', "busy"),
        ("PUT", f"/_local/phones/{PHONE}", "{", "JSON"),
        ("PUT", f"/_local/phones/{PHONE}", "[]", "object"),
        ("PUT", "/_local/phones/12", "{}", "12"),
        ("POST", f"/_local/phones/{PHONE}/dial", "{}", "to"),
        ("POST", f"/_local/phones/{PHONE}/keys", '{"digits": 5}', "digits"),
        ("POST", f"/_local/phones/{PHONE}/say", '{"text": 5}', "text"),
        ("PUT", f"/_local/phones/{PHONE}", '{"tone": 5}', "tone"),
        ("PUT", f"/_local/phones/{PHONE}", '{"echoes": 1}', "echoes"),
        ("PUT", "/_local/interconnect", '{"answer": 2}', "answer"),
        ("PUT", f"/_local/applications/{APPLICATION}", '{"callbackTimeout": 99}', "callbackTimeout"),
        ("POST", "/_local/clock", '{"advance": -1}', "advance"),
        ("POST", "/_local/clock", '{"advance": 1e99}', "advance"),
        ("POST", "/_local/clock", '{"advance": 1' + "0" * 400 + "}", "advance"),
        ("POST", "/_local/clock", '{"advance": true}', "advance"),
        ("POST", "/_local/clock", '{"advance": "1"}', "advance"),
        ("POST", "/_local/clock", '{"pause": 1}', "pause"),
        ("POST", "/_local/clock", '{"run_to": "end"}', "run_to"),
        ("POST", "/_local/clock", '{"jump": 1}', "jump"),
        ("GET", "/_local/events?after=-1", "", "after"),
    ],
)
async def test_bad_input_names_the_field_and_the_rule(platform: Platform, method: str, path: str, content: str, named: str) -> None:
    await platform.http.put(f"/_local/phones/{PHONE}", json={})
    before = (await platform.http.get("/_local/state")).json()
    answer = await platform.http.request(method, path, content=content)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert answer.json()["rule"]
    assert (await platform.http.get("/_local/state")).json() == before


async def test_a_wrong_base_url_is_told_where_the_apis_are(platform: Platform) -> None:
    answer = await platform.http.get("/accounts/9900000/calls")
    assert answer.status_code == 404
    assert all(place in answer.json()["error"] for place in ("/api/v2", "/v1", "/v2", "/api/v1/oauth2/token", "/_local/"))


async def test_a_field_that_is_not_there_is_called_missing(platform: Platform) -> None:
    answer = await platform.http.post(f"/_local/phones/{PHONE}/dial", json={"number": NUMBER})
    assert (answer.status_code, answer.json()["error"]) == (400, "to is missing")


async def test_the_token_of_a_start() -> None:
    platform = Platform(token="secret")
    async with platform.client() as http:
        refused = await http.get("/_local/state")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await http.get("/_local/state", headers={"X-Workbench-Token": "wrong"})).status_code == 401
        assert (await http.get("/_local/state", headers={"X-Workbench-Token": "secret"})).status_code == 200
        assert (await http.get("/_local/state", headers={"Authorization": "Bearer secret"})).status_code == 200
        assert (await http.get("/_local/nothing")).status_code == 404
    await platform.close()


async def test_only_this_machine(platform: Platform) -> None:
    for headers in ({"Host": "evil.test"}, {"Origin": "http://evil.test"}, {"Origin": "null"}, {"Origin": "http://["}):
        assert (await platform.http.get("/_local/state", headers=headers)).status_code == 403
    for headers in ({"Host": "localhost:1"}, {"Origin": "http://localhost:8888"}, {"Host": "[::1]:8010"}):
        assert (await platform.http.get("/_local/state", headers=headers)).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9:80", "localhost", "LOCALHOST:1", "a.localhost", "[::1]", "[::1]:80"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "example.com", "localhost.example.com", "[::", "127.0.0.1.example.com"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
