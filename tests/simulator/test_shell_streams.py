"""The WebSockets of streams, against real servers on loopback. Frames need real time, so the clock runs; tests wait for events."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from itertools import count
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from workbench.simulator import media_streams
from workbench.simulator.clock import Clock
from workbench.simulator.effects import CloseStream, SendMessage
from workbench.simulator.media_streams import SILENCE

from .shell import PHONE, Platform, document, until

PARK = '<Pause duration="3600"/>'
WAIT = '<StopStream name="s" wait="true"/>'
EVENTS = 'streamEventUrl="/stream"'


def stream(url: str, attributes: str = "") -> str:
    return f'<StartStream name="s" destination="{url}" {EVENTS} {attributes}/>'


class Server:
    """An application's WebSocket server: it notes what comes, and `act` says what it does with a socket."""

    def __init__(self) -> None:
        self.headers: list[Any] = []
        self.messages: list[dict[str, Any]] = []
        self.codes: list[int | None] = []
        self.url = ""
        self.act: Callable[[web.WebSocketResponse], Awaitable[None]] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.act is not None:
            await self.act(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.messages.append(json.loads(message.data))
        self.codes.append(socket.close_code)
        return socket

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["eventType"] == kind]


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server, application = Server(), web.Application()
    application.router.add_get("/media", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/media"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
async def live() -> AsyncIterator[Platform]:
    """A platform whose clock runs, with a phone that answers at once."""
    platform = Platform(clock=Clock())
    await platform.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0})
    yield platform
    await platform.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for a server that does nothing, shortened."""
    monkeypatch.setattr(media_streams, "STALLED_SECONDS", 0.1)
    monkeypatch.setattr(media_streams, "CLOSE_SECONDS", 0.1)


def bodies(platform: Platform, event: str) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in platform.application.requests if platform.application.event(request) == event]


def happened(platform: Platform, kind: str) -> list[Any]:
    return [entry.data for entry in platform.world.stream.after(0) if entry.kind == kind]


async def begin(platform: Platform, *verbs: str) -> str:
    platform.application.replies["answer"] = document(*verbs)
    return await platform.call()


async def test_frames_come_in_real_time_between_start_and_stop(live: Platform, server: Server) -> None:
    call = await begin(live, stream(server.url, 'tracks="both"'), PARK)
    await until(lambda: len(server.of("media")) >= 10)
    await live.http.post(f"/api/v2/accounts/9900000/calls/{call}", json={"state": "completed"})
    await until(lambda: "disconnect" in live.application.events and bool(server.codes))
    assert live.application.events == ["answer", "mediaStreamStarted", "mediaStreamStopped", "disconnect"]
    kinds = [message["eventType"] for message in server.messages]
    assert (kinds[0], set(kinds[1:-1]), kinds[-1]) == ("start", {"media"}, "stop")
    assert server.messages[0]["metadata"]["callId"] == call
    media = server.of("media")
    assert [message["sequenceNumber"] for message in media] == [str(number) for number in range(1, len(media) + 1)]
    assert [message["track"] for message in media] == ["inbound", "outbound"] * (len(media) // 2)
    assert {b64decode(message["payload"]) for message in media} == {SILENCE}
    assert server.codes == [1000]


async def sounds(live: Platform, sound: Callable[[int, str], bytes]) -> None:
    """Once a stream runs, and has the sound of its call, let this take its place."""
    await until(lambda: bool(happened(live, "streamStarted")))
    live.world.media_streams.sound = sound


async def test_other_sound_can_take_the_place_of_silence(live: Platform, server: Server) -> None:
    numbers = count()
    await begin(live, stream(server.url, 'tracks="both"'), PARK)
    await sounds(live, lambda _connection, track: f"{track} {next(numbers)}".encode())
    await until(lambda: len(server.of("media")) >= 8)
    sound = [b64decode(message["payload"]) for message in server.of("media")]
    assert [frame for frame in sound if frame != SILENCE][:4] == [b"inbound 0", b"outbound 1", b"inbound 2", b"outbound 3"]


async def test_credentials_go_with_the_request(live: Platform, server: Server) -> None:
    await begin(live, stream(server.url, 'destinationUsername="u" destinationPassword="p"'), PARK)
    await until(lambda: bool(server.of("start")))
    assert server.headers[0]["Authorization"] == "Basic dTpw"


async def test_a_destination_that_refuses(live: Platform, server: Server) -> None:
    await begin(live, stream(server.url.replace("/media", "/nowhere")))
    await until(lambda: "disconnect" in live.application.events)
    assert live.application.events == ["answer", "mediaStreamRejected", "disconnect"]
    (rejected,) = bodies(live, "mediaStreamRejected")
    assert rejected["cause"] == "connection-error" and "404" in rejected["errorMessage"]


async def test_a_destination_nobody_listens_at_and_one_that_is_no_url(live: Platform) -> None:
    await begin(live, stream("ws://127.0.0.1:9"), stream("ws://[x"))
    await until(lambda: "disconnect" in live.application.events)
    assert [body["cause"] for body in bodies(live, "mediaStreamRejected")] == ["connection-error"] * 2


async def test_an_application_that_closes_its_socket(live: Platform, server: Server) -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close()

    server.act = close
    await begin(live, stream(server.url), WAIT)
    await until(lambda: "disconnect" in live.application.events)
    assert live.application.events == ["answer", "mediaStreamStarted", "mediaStreamStopped", "disconnect"]
    assert bodies(live, "mediaStreamStopped")[0]["cause"] == "closed"


async def test_an_application_that_closes_with_an_error(live: Platform, server: Server) -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1011)

    server.act = close
    await begin(live, stream(server.url), WAIT)
    await until(lambda: "disconnect" in live.application.events)
    (stopped,) = bodies(live, "mediaStreamStopped")
    assert (stopped["cause"], stopped["errorMessage"]) == ("connection-error", "the connection was closed with code 1011")


async def test_an_application_that_dies(live: Platform, server: Server) -> None:
    async def die(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        transport = socket._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    server.act = die
    await begin(live, stream(server.url), WAIT)
    await until(lambda: "disconnect" in live.application.events)
    (stopped,) = bodies(live, "mediaStreamStopped")
    assert stopped["cause"] == "connection-error"
    assert stopped["errorMessage"]


@asynccontextmanager
async def unwilling(answer: bool) -> AsyncIterator[str]:
    """A server that accepts connections and reads no more, after it agreed to a WebSocket or without a word; its URL."""
    over = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        proof = b64encode(sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        if answer:
            writer.write(f"{upgrade}Sec-WebSocket-Accept: {proof}\r\n\r\n".encode())
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()
        writer.transport.abort()

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        listener.close()
        await asyncio.sleep(0)
        await listener.wait_closed()


async def test_an_application_that_does_not_read_is_cut_off(live: Platform, quick: None) -> None:
    async with unwilling(answer=True) as url:
        await begin(live, stream(url), WAIT)
        await sounds(live, lambda *_: b"\xff" * 1_000_000)
        await until(lambda: "disconnect" in live.application.events, 20)
    (stopped,) = bodies(live, "mediaStreamStopped")
    assert (stopped["cause"], stopped["errorMessage"]) == ("connection-error", "the server did not read for 0.1 s")


async def test_a_slow_reader_holds_up_nobody(live: Platform, server: Server) -> None:
    go_on = asyncio.Event()

    async def dawdle(socket: web.WebSocketResponse) -> None:
        await go_on.wait()

    server.act = dawdle
    await begin(live, stream(server.url), WAIT)
    await until(lambda: bool(happened(live, "streamStarted")))
    async with serving() as other:
        await live.http.put("/_local/phones/+19195550112", json={"ring_seconds": 0})
        live.application.replies["answer"] = document(stream(other.url), PARK)
        await live.call("+19195550112")
        await until(lambda: len(other.of("media")) >= 5)
    assert server.messages == []
    go_on.set()
    await until(lambda: len(server.of("media")) >= 5)
    assert server.messages[0]["eventType"] == "start"


async def test_what_the_application_plays_arrives(live: Platform, server: Server) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"eventType":"playAudio","media":{"contentType":"audio/pcmu","payload":"////////"}}')
        await socket.send_bytes(b"sound")

    server.act = play
    await begin(live, stream(server.url, 'mode="bidirectional"'), WAIT)
    await until(lambda: bool(happened(live, "streamPlayed") and happened(live, "streamMessageIgnored")))
    assert happened(live, "streamPlayed")[0]["seconds"] == 0.001


async def test_a_message_that_is_too_long_ends_the_stream(live: Platform, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_streams, "MESSAGE_LIMIT", 1000)

    async def shout(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * 2000)

    server.act = shout
    await begin(live, stream(server.url, 'mode="bidirectional"'), WAIT)
    await until(lambda: "disconnect" in live.application.events)
    assert bodies(live, "mediaStreamStopped")[0]["cause"] == "connection-error"


async def test_no_frames_while_the_clock_stands(platform: Platform, server: Server) -> None:
    await begin(platform, stream(server.url), PARK)
    await platform.idle()
    await until(lambda: len(server.messages) == 1)
    await platform.clock_to(advance=60)
    assert platform.application.events == ["answer", "mediaStreamStarted"]
    assert [message["eventType"] for message in server.messages] == ["start"]
    await platform.clock_to(resume=True)
    await until(lambda: len(server.of("media")) >= 3)
    await platform.clock_to(pause=True)
    assert server.of("media")[0]["sequenceNumber"] == "1"


async def test_a_connection_that_is_not_accepted_meets_its_time_out(
    platform: Platform, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.simulator.world.GRACE_SECONDS", 0.05)
    async with unwilling(answer=False) as url:
        await begin(platform, stream(url))
        await platform.idle()
    assert platform.application.events == ["answer", "mediaStreamRejected", "disconnect"]
    assert platform.clock.now() - (platform.world.engine.calls.popitem()[1].answer_time or 0) == 10


async def test_reset_and_close_let_go_of_every_socket(live: Platform, server: Server) -> None:
    await begin(live, stream(server.url), WAIT)
    await until(lambda: bool(server.of("media")))
    live.world.reset()
    await until(lambda: bool(server.codes))
    assert server.codes == [1000]
    assert live.world.engine.state()["calls"] == []
    await live.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0})
    await begin(live, stream(server.url), WAIT)
    await until(lambda: len(server.of("start")) == 2)
    await live.world.close()
    await until(lambda: len(server.codes) == 2)


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(live: Platform, server: Server, quick: None) -> None:
    never = asyncio.Event()

    async def sleep(socket: web.WebSocketResponse) -> None:
        await never.wait()

    server.act = sleep
    await begin(live, stream(server.url), WAIT)
    await until(lambda: bool(happened(live, "media")))
    async with asyncio.timeout(5):
        await live.world.close()
    never.set()


# Live transcriptions


def transcription(url: str) -> str:
    return f'<StartTranscription name="s" tracks="outbound" destination="{url}" transcriptionEventUrl="/words"/>'


async def test_transcribed_words_travel_between_start_and_stop(platform: Platform, server: Server) -> None:
    call = await begin(platform, transcription(server.url), "<SpeakSentence>Hello there.</SpeakSentence>")
    await platform.idle()
    await until(lambda: bool(server.codes))
    assert [message["eventType"] for message in server.messages] == ["start", "transcription", "stop"]
    assert server.messages[1]["transcript"] == "Hello there."
    assert (server.codes, server.messages[0]["metadata"]["callId"]) == ([1000], call)


async def test_words_come_while_they_are_said(live: Platform, server: Server) -> None:
    await begin(live, transcription(server.url), "<SpeakSentence>Hi.</SpeakSentence>", PARK)
    await until(lambda: bool(server.of("transcription")))
    assert server.codes == []


async def test_words_for_a_server_that_is_gone_are_dropped(live: Platform, server: Server) -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close()

    server.act = close
    await begin(live, transcription(server.url), "<SpeakSentence>Hi.</SpeakSentence>")
    await until(lambda: "realTimeTranscriptionStopped" in live.application.events)
    live.world.media_streams.send(SendMessage(1, {"eventType": "transcription"}))
    await until(lambda: "disconnect" in live.application.events)


async def test_words_that_nobody_reads_do_not_pile_up(platform: Platform, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_streams, "WAITING_LIMIT", 3)
    monkeypatch.setattr(media_streams, "CLOSE_SECONDS", 0.1)
    async with unwilling(answer=True) as url:
        await begin(platform, transcription(url), PARK)
        await platform.idle()
        (number,) = platform.world.engine.connections
        for _ in range(5):
            platform.world.media_streams.send(SendMessage(number, {"eventType": "transcription"}))
        await until(lambda: "realTimeTranscriptionStopped" in platform.application.events)
    (stopped,) = bodies(platform, "realTimeTranscriptionStopped")
    assert (stopped["cause"], stopped["errorMessage"]) == ("connection-error", "3 messages wait for the server to read")


async def test_what_waits_is_sent_before_the_goodbye(platform: Platform, server: Server) -> None:
    await begin(platform, transcription(server.url), PARK)
    await platform.idle()
    (number,) = platform.world.engine.connections
    platform.world.media_streams.send(SendMessage(number, {"eventType": "transcription"}))
    platform.world.media_streams.close(CloseStream(number, {"eventType": "stop"}))
    await until(lambda: bool(server.codes))
    assert [message["eventType"] for message in server.messages] == ["start", "transcription", "stop"]
