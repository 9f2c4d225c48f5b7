"""What no browser sends, and browsers that misbehave: each is told, nobody else is disturbed, and nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tests.media.clients import Brtc, Classic, brtc_url, classic_url, unique
from tests.media.rpc import RpcError
from tests.media.stage import PARK, WEBRTC, Stage, document
from tests.media.tones import tone
from tests.media.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HAND = "+19195550151"
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"
KEYS = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'x' * 22}\r\na=setup:actpass\r\na=rtcp-mux\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loaded(platform: Stage) -> None:
    """Whatever a platform loads when it is first needed is there: media of both kinds, and the voice."""
    await listened(platform)
    hand = await platform.pcm_handset(HAND)
    await platform.call(
        HAND, document("<SpeakSentence>What is spoken first waits until the voice is loaded, and is long.</SpeakSentence>", PARK)
    )
    await platform.take(hand)
    await until(lambda: hand.ear.first() is not None, 20, "the voice")
    await platform.reset()


@pytest_asyncio.fixture(loop_scope="module")
async def tidy(loaded: None, stage: Stage) -> AsyncIterator[None]:
    """After the test the platform holds as many sockets and threads as before, no device, and hardly more memory."""
    process = psutil.Process(stage.child.pid)
    await until(lambda: not _udp(process), 10, "no socket for media")
    threads, memory = process.num_threads(), stage.memory()
    yield
    for client in stage.clients:
        await client.close()
    await stage.local("POST", "/reset")
    await until(lambda: not _udp(process), 20, "every socket for media is closed")
    assert process.num_threads() <= threads + 6  # the event loop's own pool fills up
    assert stage.memory() < memory + 25


def _udp(process: psutil.Process) -> list[Any]:
    return process.net_connections("udp")


async def _devices(stage: Stage, count: int) -> bool:
    return len((await stage.local("GET", "/state"))["devices"]) == count


async def device(stage: Stage) -> tuple[str, str, Classic]:
    """A participant's device that publishes: the participant, its token and the device."""
    party, token = await stage.participant(await stage.session())
    return party, token, await stage.classic(token)


async def listened(stage: Stage) -> tuple[Classic, Classic]:
    """One that speaks 600 Hz, and one that hears it."""
    session = await stage.session()
    speaker, listener = [await stage.classic((await stage.participant(session))[1]) for _ in range(2)]
    await speaker.publish(tone(600))
    await until(lambda: listener.hears([600]) == {600}, 10, "the tone")
    return speaker, listener


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '"ping"',
        "{}",
        '{"jsonrpc": "2.0", "id": 1}',
        '{"jsonrpc": "2.0", "method": 7, "id": 1}',
        '{"jsonrpc": "2.0", "method": "nothing", "id": 1}',
        '{"jsonrpc": "2.0", "method": "offerSdp", "id": 1}',
        '{"jsonrpc": "2.0", "method": "offerSdp", "params": [1], "id": {}}',
        '{"jsonrpc": "2.0", "method": "offerSdp", "params": {"sdpOffer": 5, "mediaMetadata": []}, "id": 2}',
        '{"jsonrpc": "2.0", "method": "answerSdp", "params": {"sdpAnswer": "v=0"}, "id": 3}',
        '{"jsonrpc": "2.0", "method": "setMediaPreferences", "params": {"protocol": "SMOKE"}, "id": 4}',
        '{"a":' * 2000,
        "\u0000" * 100,
        b"\x00" * 640,
        b"",
    ],
    ids=lambda text: repr(text[:60]),
)
async def test_what_is_no_request(stage: Stage, text: str | bytes) -> None:
    _, _, client = await device(stage)
    await client.socket.send(text)
    # it is told, and the device goes on
    await until(lambda: stage.happened("socketFault"), 5, "a fault that is told")
    assert await client.socket.call("ping") is not None
    await client.publish(tone(500))


@pytest.mark.usefixtures("tidy")
async def test_sdp_that_is_none(stage: Stage) -> None:
    speaker, listener = await listened(stage)
    bad: list[Any] = [None, 7, [], {}, "", "v=0", "hello", SDP, SDP + AUDIO, SDP + AUDIO + KEYS, "v=0\r\n" * 5000, SDP + AUDIO * 500]
    good = (await speaker.publisher.offer())[1] if speaker.publisher else ""
    random.seed(1)
    for _ in range(30):  # and what was a good one
        at = random.randrange(len(good))
        bad.append(good[:at] + random.choice(["", "\x00", "\r\n", "a=mid:9\r\n", "9" * 50]) + good[at + random.randrange(40) :])
    refused = 0
    for sdp in bad:
        _, _, client = await device(stage)
        message = await refusal(client, sdp)
        refused += message is not None
        assert message not in ("", "internal error"), sdp
        await client.leave()
        stage.clients.remove(client)
    assert refused >= 12
    assert listener.hears([600]) == {600}


async def refusal(client: Classic, sdp: Any) -> str | None:
    """Why an offer was refused, if it was."""
    try:
        await client.socket.call("offerSdp", {"sdpOffer": sdp, "mediaMetadata": {"mediaStreams": {}, "dataChannels": {}}})
    except RpcError as error:
        return str(error.message)
    return None


@pytest.mark.usefixtures("tidy")
async def test_what_arrives_at_the_ports_of_media(stage: Stage) -> None:
    speaker, listener = await listened(stage)
    assert speaker.publisher is not None
    ports = {int(port) for port in re.findall(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+)", speaker.publisher.pc.remoteDescription.sdp)}
    assert ports
    random.seed(2)
    stun = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + os.urandom(12) + b"\x00\x06\x00\x04abcd"
    rtp = b"\x80\x6f\x00\x01" + bytes(8) + os.urandom(100)
    kinds = [
        b"",
        b"\x00",
        stun,
        stun[:11],
        stun[:20] + os.urandom(200),
        rtp,
        rtp[:9],
        b"\x16\xfe\xfd" + os.urandom(60),
        b"\x80\xc8\x00\x06" * 9,
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(600):
            datagram = kinds[number % len(kinds)] if number % 3 else os.urandom(random.randrange(1400))
            for port in ports:
                stranger.sendto(datagram, ("127.0.0.1", port))
            if number % 20 == 0:
                await asyncio.sleep(0.005)
    (ear,) = listener.ears.values()
    count = ear.count
    await until(lambda: ear.count > count + 25, 5, "packets of the speaker")
    assert listener.hears([600]) == {600}
    assert {packet.payload for packet in ear.packets} <= set(tone(600))


async def test_a_second_device_takes_the_place_of_the_first(stage: Stage) -> None:
    party, token, first = await device(stage)
    await first.publish(tone(500))
    second = await stage.classic(token)
    await asyncio.wait_for(first.socket.closed.wait(), 5)
    assert first.socket.code == 1000  # it must not come back
    assert [one["participantId"] for one in await stage.happened("deviceReplaced")] == [party]
    await second.publish(tone(600))


async def test_a_second_device_of_an_endpoint_is_turned_away(stage: Stage) -> None:
    _, token = await stage.endpoint()
    await stage.brtc(token)
    with pytest.raises(InvalidStatus) as refused:
        await Brtc(brtc_url(stage.ws, token, unique())).connect()
    assert refused.value.response.status_code == 409


@pytest.mark.usefixtures("tidy")
async def test_a_browser_that_vanishes(stage: Stage) -> None:
    party, _, client = await device(stage)
    await client.publish(tone(500))
    await client.vanish()
    await until(lambda: stage.happened("onDisconnect"), 20, "its loss is told")
    assert [one["participantId"] for one in await stage.happened("onDisconnect")] == [party]
    assert await _devices(stage, 0)
    assert client.publisher is not None
    await client.media_closed()


async def outdated(stage: Stage) -> str:
    """A token of yesterday."""
    _, token = await stage.participant(await stage.session())
    await stage.local("POST", "/clock", {"advance": 86_401})
    return token


async def deleted(stage: Stage) -> str:
    """A token of somebody who is no more."""
    party, token = await stage.participant(await stage.session())
    await stage.ask("DELETE", f"{WEBRTC}/participants/{party}")
    return token


async def test_tokens_that_admit_nobody(stage: Stage) -> None:
    old = await outdated(stage)
    _, token = await stage.participant(await stage.session())
    head, body, signature = token.split(".")
    bad = {
        "": None,
        "x": None,
        "a.b.c": None,
        f"{head}.{body}.": None,
        f"{head}.{body}.{signature[::-1]}": None,
        old: "expired",
        await deleted(stage): "not known",
    }
    for one, reason in bad.items():
        client = Classic(classic_url(stage.ws, one, unique()))
        await client.socket.open()
        await asyncio.wait_for(client.socket.closed.wait(), 5)
        # 1000 keeps the SDK from coming again every second
        assert client.socket.code == 1000, one
        assert client.socket.connection is not None
        told = client.socket.connection.close_reason or ""
        assert told and (reason is None or reason in told), told
        await client.close()
        with pytest.raises(InvalidStatus) as refused:
            await Brtc(brtc_url(stage.ws, one or "x", unique())).connect()
        assert refused.value.response.status_code == 403
    assert len(await stage.happened("deviceRefused")) >= len(bad)
    state = await stage.local("GET", "/state")
    assert state["devices"] == []
