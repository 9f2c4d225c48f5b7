"""One WebSocket of a device: what is sent waits in a bounded queue, what comes is counted, and it always comes to an end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

MOST_MESSAGES = 500  # that wait for a device which does not read
MOST_FRAMES = 25  # of sound that wait: half a second, then the oldest are dropped
STALLED_SECONDS = 10.0  # real seconds in which a device must take a message
MOST_REASON = 123  # bytes of a close frame's reason
NORMAL, UNSUPPORTED, POLICY = 1000, 1003, 1008


class Allowance:
    """So many a second, and some at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = float(burst), 0.0

    def take(self, now: float) -> bool:
        """Whether one more is within it."""
        self._left = min(float(self._burst), self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Socket:
    """An accepted WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._loop = asyncio.get_running_loop()
        self._messages: deque[str] = deque()
        self._frames: deque[bytes] = deque(maxlen=MOST_FRAMES)
        self._closing: tuple[int, str] | None = None
        self._news = asyncio.Event()
        self._texts, self._sounds = Allowance(50, 200), Allowance(60, 200)

    @property
    def closing(self) -> bool:
        """Whether this side has ended it."""
        return self._closing is not None

    def send(self, message: str) -> None:
        """Have a message sent; a device that does not read them is let go."""
        if len(self._messages) >= MOST_MESSAGES:
            return self.close(POLICY, f"{MOST_MESSAGES} messages wait: the device does not read")
        self._messages.append(message)
        self._news.set()
        return None

    def send_frame(self, frame: bytes) -> None:
        """Have sound sent; late sound is dropped."""
        self._frames.append(frame)
        self._news.set()

    def close(self, code: int, reason: str) -> None:
        """End it, once what waits has been sent. The first reason counts."""
        if self._closing is None:
            self._closing = code, reason
            self._news.set()

    async def serve(self, take: Callable[[str | bytes], None], flooded: Callable[[], None]) -> tuple[int, str]:
        """Pass on what comes until the socket ends; its close code and reason. `flooded` is called when too much came."""
        sending = self._loop.create_task(self._send())
        reading = self._loop.create_task(self._read(take, flooded))
        try:
            done, _ = await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
            if sending in done and not sending.cancelled() and sending.exception() is None and sending.result() is None:
                await asyncio.wait((reading,))
        finally:
            sending.cancel()
            reading.cancel()
            ends = await asyncio.gather(sending, reading, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        ended = next((end for end in ends if isinstance(end, tuple)), (1006, ""))
        return self._closing or ended

    async def _read(self, take: Callable[[str | bytes], None], flooded: Callable[[], None]) -> tuple[int, str]:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005), str(message.get("reason") or "")
            text = message.get("text")
            allowance = self._sounds if text is None else self._texts
            if self.closing:
                continue
            if not allowance.take(self._loop.time()):
                flooded()
                self.close(POLICY, "too many messages in a second")
                continue
            take(text if text is not None else message["bytes"])

    async def _send(self) -> tuple[int, str] | None:
        """Send what waits until this side ends it, or the device stalls: how it ended then; None when the reader learns it."""
        try:
            while True:
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._send_waiting()
                    if self._closing is not None:
                        await closed(self._websocket, *self._closing)
                        return self._closing
                await self._news.wait()
                self._news.clear()
        except WebSocketDisconnect:
            return None
        except TimeoutError:
            return 1006, f"the device did not read for {STALLED_SECONDS:g} s"

    async def _send_waiting(self) -> None:
        while self._messages:
            await self._websocket.send_text(self._messages.popleft())
        while self._frames:
            await self._websocket.send_bytes(self._frames.popleft())


async def closed(websocket: WebSocket, code: int, reason: str) -> None:
    """Close an accepted WebSocket; browsers show the reason."""
    if websocket.application_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect):
            await websocket.close(code, reason.encode()[:MOST_REASON].decode(errors="ignore"))
