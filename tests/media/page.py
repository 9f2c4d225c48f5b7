"""A page in Chromium with the unmodified `@bandwidth/webrtc-browser`: what it is served, and what can be asked of it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.lab import chromium
from tests.media.waiting import until

MEDIA = [
    "--use-fake-device-for-media-stream",  # a microphone that beeps once a second
    "--use-fake-ui-for-media-stream",  # and nobody who must allow it
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",  # a machine may have no other network
]

PAGE = """<!doctype html><meta charset="utf-8"><title>SDK</title><script src="/sdk.js"></script><script>
const streams = new Map(), events = [], sockets = [];
// To see the sockets, and to drop one, the SDK is left as it is: the browser's own class notes what it makes.
const Native = WebSocket;
window.WebSocket = class extends Native { constructor(...all) { super(...all); sockets.push(this); } };
let rtc = null, context = null;

function listen(stream) {
    const audio = new Audio();  // without an element Chromium decodes nothing
    audio.srcObject = stream; audio.muted = true; audio.play();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192; analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    return { audio, analyser };
}
async function connect(token, url) {
    context ??= new AudioContext({ sampleRate: 48000 });
    const mine = rtc = new BandwidthRtc("error");
    // What the SDK was still working on when it was disconnected is no news of the next connection.
    rtc.onStreamAvailable(one => {
        if (rtc !== mine) return;
        events.push(["available", one.endpointId, one.participantId ?? null, one.alias ?? null, one.mediaTypes]);
        streams.set(one.endpointId, listen(one.mediaStream));
    });
    rtc.onStreamUnavailable(id => { if (rtc !== mine) return; events.push(["unavailable", id]); streams.delete(id); });
    await rtc.connect({ deviceToken: token }, { websocketUrl: url });
}
async function publish(alias) {
    const made = await rtc.publish({ audio: true, video: false }, undefined, alias);
    window.published = made;
    return { endpointId: made.endpointId, mediaTypes: made.mediaTypes, alias: made.alias };
}
// The loudest pitch in a stream, and how loud it is in dB.
function pitch(id) {
    const { analyser } = streams.get(id), bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const best = bins.indexOf(Math.max(...bins));
    return [best * context.sampleRate / analyser.fftSize, bins[best]];
}
function disconnect() { rtc.disconnect(); rtc = null; streams.clear(); events.length = 0; sockets.length = 0; }
</script>"""


@lru_cache
def bundle(packages: Path) -> str:
    """The SDK and what it needs in one file, as a page loads it; nothing of it is changed."""
    entry = packages / "@bandwidth" / "webrtc-browser" / "dist" / "webpackIndex.js"
    options = [
        "--bundle",
        "--format=iife",
        "--global-name=BandwidthRtc",
        "--platform=browser",
        "--define:global=window",
        "--log-level=error",
    ]
    made = subprocess.run([packages / ".bin" / "esbuild", entry, *options], capture_output=True, text=True, check=True)
    return made.stdout


@asynccontextmanager
async def serving(**files: str) -> AsyncIterator[str]:
    """Files on loopback; gives the address of the page."""
    kinds = {"js": "text/javascript", "html": "text/html"}
    application = web.Application()
    for name, text in files.items():
        stem, _, kind = name.rpartition("_")

        async def file(_: web.Request, text: str = text, kind: str = kinds[kind]) -> web.Response:
            return web.Response(text=text, content_type=kind)

        application.router.add_get(f"/{stem}.{kind}", file)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A Chromium whose microphone beeps."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *MEDIA])
        try:
            yield browser
        finally:
            await browser.close()


class SdkPage:
    """The page, with the SDK's calls."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    async def do(self, script: str, *arguments: Any) -> Any:
        """Evaluate a function of the arguments."""
        return await self.page.evaluate(f"async all => await ({script})(...all)", list(arguments))

    async def connect(self, token: str, url: str) -> None:
        await self.do("connect", token, url)

    async def publish(self, alias: str | None = None) -> dict[str, Any]:
        return dict(await self.do("publish", alias))

    async def events(self) -> list[list[Any]]:
        return list(await self.do("() => events"))

    async def hears(self, stream: str, hz: float, seconds: float = 10.0) -> None:
        """Wait until a tone is the loudest in a stream."""

        async def heard() -> bool:
            pitch, loud = await self.do("pitch", stream)
            return abs(pitch - hz) < 12 and loud > -60

        await until(heard, seconds, f"{hz} Hz in {stream}")
