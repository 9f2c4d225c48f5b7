"""Who is admitted on a device's socket and who is not, what a socket takes, and that everything comes to an end and is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from workbench import tokens
from workbench.simulator.media import speaking

from .device_client import Served, served
from .shell import PHONE, until

pytestmark = pytest.mark.sockets


@pytest.fixture
async def platform() -> AsyncIterator[Served]:
    async with served() as platform:
        yield platform


# Admission


async def test_a_classic_device_is_connected_as_long_as_its_socket_is_open(platform: Served) -> None:
    participant, token = await platform.participant()
    async with platform.classic(token) as device:
        assert await device.ask("ping") == {}
        [state] = (await platform.http.get("/_local/state")).json()["devices"]
        assert state == {
            "deviceId": state["deviceId"],
            "name": "browser 0.0.1",
            "participantId": participant,
            "endpointId": None,
            "publishes": False,
            "autoAccept": True,
        }
        await device.notify("leave")
        assert await device.end() == (1000, "the device has left")
    assert platform.kinds()[-2:] == ["onConnect", "onLeave"]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "the token is malformed"),
        ("x.y.z", "the token is malformed"),
        ("é" * 900, "the token is malformed"),
        ("forged", "the token is forged"),
        ("expired", "the token expired"),
        ("deleted", "whom the token was made for is not known"),
        ("endpoint", "this is the token of one endpoint"),
    ],
)
async def test_a_classic_socket_with_a_bad_token_is_opened_and_closed_for_good(platform: Served, token: str, reason: str) -> None:
    secret, now = platform.world.config.token_secret, platform.clock.now()
    participant, _ = await platform.participant()
    made = {
        "forged": lambda: tokens.issue(account_id="a", participant_id=participant, secret="other", now=now, tid="+1"),
        "expired": lambda: tokens.issue(account_id="a", participant_id=participant, secret=secret, now=now - 90000, tid="+1"),
        "deleted": lambda: tokens.issue(account_id="a", participant_id="nobody", secret=secret, now=now, tid="+1"),
    }
    used = made[token]() if token in made else (await platform.endpoint())[1] if token == "endpoint" else token
    async with platform.classic(used) as device:
        code, told = await device.end()
    assert code == 1000 and told.startswith(reason)
    [refused] = platform.happened("deviceRefused")
    assert refused["error"].startswith(reason)
    assert not platform.world.engine.devices


async def test_a_brtc_socket_with_a_bad_token_is_refused(platform: Served, caplog: pytest.LogCaptureFixture) -> None:
    endpoint, token = await platform.endpoint()
    assert (await platform.refused("/prod/gateway-service/api/v1/endpoints", uniqueId="u"))[0] == 403
    assert await platform.refused("/", endpointToken=token + "x") == (403, "the token is forged: its signature does not fit")
    _, participants = await platform.participant()
    status, text = await platform.refused("/", endpointToken=participants)
    assert status == 403 and "participant" in text
    async with platform.brtc(token, path="/prod/gateway-service/api/v1/endpoints") as device:
        assert await platform.refused("/", endpointToken=token, uniqueId="another") == (
            409,
            f"endpoint {endpoint} already has a device that is connected",
        )
        assert await device.ask("ping") == {}
        await device.notify("leave")
        await device.end()
    status, text = await platform.refused("/", endpointToken=token, uniqueId="another")
    assert status == 403 and "a new connection needs a new endpoint" in text
    assert caplog.records == []


async def test_the_old_device_api_and_other_paths_are_told_apart(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.device("/v2/", token=token, uniqueId="u") as device:
        assert (await device.end())[0] == 1000
    async with platform.device("//v3/", token=token, uniqueId="u") as device:
        assert await device.end() == (1000, "websocketUrl must not end in a slash")
    assert await platform.refused("/nowhere") == (404, "no device connects at /nowhere")
    async with platform.device("/device/v3/", token=token, uniqueId="u") as device:
        assert await device.ask("ping") == {}
    rules = [refused["rule"] for refused in platform.happened("deviceRefused")]
    assert rules == ["socket.v2", "socket.path", "socket.path"]


async def test_refusals_are_not_told_without_end(platform: Served) -> None:
    for _ in range(60):
        await platform.refused("/nowhere")
    assert 20 <= len(platform.happened("deviceRefused")) <= 25


async def test_no_token_is_ever_shown(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.raw(json.dumps({"jsonrpc": "2.0", "method": token, "id": 1}))
        await until(lambda: bool(platform.happened("socketFault")))
    lines = (await platform.http.get("/_local/events")).text
    assert "socketFault" in lines and token.rpartition(".")[2] not in lines


# A device and its sockets


async def test_a_device_finds_its_session_again(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.ask("ping")
        await device.connection.close(code=4000)
    [device_id] = platform.world.engine.devices
    async with platform.classic(token) as device:
        assert await device.ask("ping") == {}
        assert list(platform.world.engine.devices) == [device_id]
        # a socket of which this side knows nothing yet is taken over
        async with platform.classic(token) as newer:
            assert await newer.ask("ping") == {}
            assert await device.end() == (1000, "the device opened another socket")
            assert list(platform.world.engine.devices) == [device_id]
    kinds = platform.kinds()
    assert kinds.count("onConnect") == 1 and kinds.index("socketBroken") < kinds.index("socketReopened")


async def test_a_device_that_does_not_come_back_is_lost(platform: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.media.line.GRACE_SECONDS", 0.05)
    _, token = await platform.endpoint()
    async with platform.brtc(token) as device:
        await device.ask("ping")
        device.connection.transport.abort()
    await until(lambda: "endpointDisconnected" in platform.kinds())
    assert platform.kinds()[-3:] == ["socketBroken", "deviceLost", "endpointDisconnected"]
    assert [lost["rule"] for lost in platform.happened("endpointDisconnected")] == ["device.lost"]


async def test_a_device_that_says_goodbye_has_left(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.ask("ping")
    await until(lambda: not platform.world.engine.devices)
    assert platform.kinds()[-1] == "onLeave"


async def test_the_newest_device_of_a_participant_wins(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token, "first") as first, platform.classic(token, "second") as second:
        assert await first.end() == (1000, "another device connected in its place")
        assert await second.ask("ping") == {}
        assert len(platform.world.engine.devices) == 1
    assert len(platform.happened("deviceReplaced")) == 1


@pytest.mark.parametrize("product", ["classic", "brtc"])
async def test_a_device_ends_with_whom_it_stands_for(platform: Served, product: str) -> None:
    if product == "classic":
        one, token = await platform.participant()
        path = f"/v1/accounts/9900000/participants/{one}"
    else:
        one, token = await platform.endpoint()
        path = f"/v2/accounts/9900000/endpoints/{one}"
    async with getattr(platform, product)(token) as device:
        await device.ask("ping")
        assert (await platform.http.delete(path)).status_code == 204
        assert (await device.end())[0] == 1000
    assert not platform.world.engine.devices


async def test_a_reset_closes_every_socket(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.ask("ping")
        assert (await platform.http.post("/_local/reset")).status_code == 204
        assert await device.end() == (1000, "the platform starts over")
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        assert await device.ask("ping") == {}


async def test_the_platform_ends_with_sockets_open() -> None:
    async with served() as platform:
        _, token = await platform.participant()
        opened = platform.classic(token)
        device = await opened.__aenter__()
        await device.ask("ping")
    assert (await device.end())[0] in (1000, 1001, 1012)
    await opened.__aexit__(None, None, None)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []


# What a socket takes


@pytest.mark.parametrize(
    ("text", "code", "id"),
    [
        ("", -32700, None),
        ("{", -32700, None),
        ('{"jsonrpc": "2.0", "method": "ping", "id": NaN}', -32700, None),
        ("[" * 100_000, -32700, None),
        ("[]", -32600, None),
        ('[{"jsonrpc": "2.0", "method": "ping", "id": 1}]', -32600, None),
        ("7", -32600, None),
        ('{"method": "ping", "id": 1}', -32600, 1),
        ('{"jsonrpc": "2.0", "id": "a"}', -32600, "a"),
        ('{"jsonrpc": "2.0", "method": 7, "id": 1}', -32600, 1),
        ('{"jsonrpc": "2.0", "result": {}, "id": 1}', -32600, 1),
        ('{"jsonrpc": "2.0", "method": "ping", "id": {}}', -32600, None),
        ('{"jsonrpc": "2.0", "method": "ping", "id": true}', -32600, None),
        ('{"jsonrpc": "2.0", "method": "ping", "id": 1e999}', -32600, None),
        ('{"jsonrpc": "2.0", "method": "ping", "params": [1], "id": 1.5}', -32602, 1.5),
        ('{"jsonrpc": "2.0", "method": "fly", "id": 1}', -32601, 1),
        ('{"jsonrpc": "2.0", "method": "requestOutboundConnection", "id": 1}', -32601, 1),
        ('{"jsonrpc": "2.0", "method": "setMediaPreferences", "id": 1}', -32602, 1),
        ('{"jsonrpc": "2.0", "method": "setMediaPreferences", "params": {"protocol": []}, "id": "x"}', -32602, "x"),
        ('{"jsonrpc": "2.0", "method": "press", "params": {"digits": "1"}, "id": 2}', -32601, 2),
        (b"\0" * 640, -32600, None),
    ],
)
async def test_what_cannot_be_served_is_answered_by_an_error(
    platform: Served, text: str | bytes, code: int, id: int | str | float | None
) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.raw(text)
        await until(lambda: bool(device.told))
        [answer] = device.told
        assert answer["error"]["code"] == code and answer["id"] == id and type(answer["id"]) is type(id)
        assert "result" not in answer
        assert await device.ask("ping") == {}
    assert len(platform.happened("socketFault")) == 1


async def test_ids_come_back_with_their_type(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        for id in (7, "7", "é", 1.5):
            assert await device.whole("ping", id=id) == {"jsonrpc": "2.0", "result": {}, "id": id}


async def test_whoever_asks_anew_before_the_offers_are_there_gets_those_asked_for_last(platform: Served) -> None:
    _, token = await platform.endpoint()
    async with platform.brtc(token) as device:
        asked = (device.whole("setMediaPreferences", {"protocol": "WEBRTC"}) for _ in range(2))
        former, newest = await asyncio.gather(*asked)
        assert former["error"]["data"]["rule"] == "socket.media" and former["error"]["message"].startswith("no offer can be made")
        assert newest["result"].keys() >= {"publishSdpOffer", "subscribeSdpOffer"}


async def test_what_carries_sound_is_loaded_beside_the_loop(platform: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[str, bool]] = []

    def load(what: str) -> None:
        loaded.append((what, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr(speaking, "load_pcm", partial(load, "pcm"))
    monkeypatch.setattr(speaking, "load_webrtc", partial(load, "webrtc"))
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        for protocol in ("PCM", "WEBRTC", "PCM"):
            await device.ask("setMediaPreferences", protocol=protocol)
    assert loaded == [("pcm", False), ("webrtc", False)]


async def test_a_socket_that_ends_by_a_fault_of_the_platform_ends_like_any_other(platform: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.media.line.GRACE_SECONDS", 0.05)
    _, token = await platform.endpoint()
    async with platform.brtc(token) as device:
        await device.ask("setMediaPreferences", protocol="PCM")
        [session] = platform.world.lines._by_key.values()
        monkeypatch.setattr(type(session.media), "take", lambda *_: 1 / 0)
        await device.raw(bytes(640))
        assert (await device.end())[0] == 1006
        await until(lambda: not platform.world.engine.devices)
    assert platform.happened("deviceLost")


async def test_a_phone_in_the_hand_waits_for_it_whatever_its_new_script_says(platform: Served) -> None:
    path = f"/_local/phones/{PHONE}"

    async def scripted(**fields: object) -> bool:
        assert (await platform.http.put(path, json=fields)).status_code == 200
        return platform.world.engine.phones[PHONE].by_hand

    for said in (True, False):
        ticket = (await platform.http.post(f"{path}/ticket")).json()["ticket"]
        async with platform.device("/_local/handset", ticket=ticket, uniqueId="u") as device:
            await device.ask("ping")
            assert await scripted(by_hand=said) and await scripted(says="hello")
            await device.notify("leave")
            await device.end()
        assert platform.world.engine.phones[PHONE].by_hand is said


async def test_what_ending_sessions_sets_off_does_not_outlive_a_reset(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.ask("setMediaPreferences", protocol="PCM")
        await device.raw(bytes(640))
        await until(lambda: "published" in platform.kinds())
        await platform.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0.1})
        call_id, world = await platform.call(), platform.world
        engine = world.engine
        await until(lambda: engine.calls[call_id].ringing)
        time.sleep(0.15)  # the call is answered now, but the loop has not come to it
        world.reset()
        assert engine.calls[call_id].answer_time is not None and not world._tasks


async def test_a_message_that_is_too_large_ends_the_socket_only(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.raw("x" * 600_000)
        assert (await device.end())[0] == 1009
    async with platform.classic(token) as device:
        assert await device.ask("ping") == {}


async def test_a_flood_ends_the_socket_and_is_not_told_one_by_one(platform: Served) -> None:
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        for _ in range(400):
            await device.raw('{"jsonrpc": "2.0", "method": "ping", "id": 1}')
        assert await device.end() == (1008, "too many messages in a second")
    faults = platform.happened("socketFault")
    assert 1 <= len(faults) <= 10 and {fault["rule"] for fault in faults} == {"socket.flood"}
    assert platform.happened("socketBroken")[0]["code"] == 1008


async def test_a_device_that_does_not_read_is_let_go(platform: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.simulator.media import socket

    monkeypatch.setattr(socket, "STALLED_SECONDS", 0.3)
    monkeypatch.setattr("workbench.simulator.media.line.GRACE_SECONDS", 0.05)
    _, token = await platform.participant()
    async with platform.classic(token) as device:
        await device.ask("ping")
        device.connection.transport.pause_reading()
        [session] = platform.world.lines._by_key.values()
        for _ in range(200):
            session.tell("streams", {"padding": "x" * 100_000})
        await until(lambda: not platform.world.engine.devices)
    assert platform.happened("socketBroken")[0]["reason"] == "the device did not read for 0.3 s"


def test_sockets_and_sound_are_loaded_with_the_first_one_only(child_environment: Callable[..., dict[str, str]]) -> None:
    code = "import json, sys, workbench.simulator.app, workbench.simulator.serving; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout))
    assert loaded & {"websockets", "aiortc", "aioice", "av", "numpy", "workbench.simulator.media.lines"} == set()
