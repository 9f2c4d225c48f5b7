"""Our end of a WebRTC connection against aiortc as it comes, over loopback."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.far import Browser, Tone, loudest, tone, until
from workbench.simulator.media.peer import Peer

pytestmark = pytest.mark.sockets


async def speak(peer: Peer, msid: str, hertz: float, frames: int) -> list:
    """Send a tone and take in what is said meanwhile."""
    heard = []
    for number in range(frames):
        peer.add_stream(msid).put(tone(hertz, number))
        frame = peer.voice.frame() if peer.voice else None
        heard += [] if frame is None else [frame]
        await asyncio.sleep(0.02)
    return heard


async def test_a_browser_that_offers_is_heard_and_hears():
    states: list[str] = []
    peer, browser = Peer(on_state=states.append), Browser()
    peer.add_stream("here")
    browser.connection.addTrack(Tone(440))
    await browser.accept(await peer.answer(await browser.offer()))
    await until(lambda: peer.state == "connected" and browser.connection.connectionState == "connected")
    heard = await speak(peer, "here", 1000, 60)
    assert loudest(heard[-25:]) == pytest.approx(440, abs=2)
    assert loudest(browser.heard[-25:]) == pytest.approx(1000, abs=2)
    await browser.close()
    await until(lambda: peer.state == "closed")
    await peer.close()
    assert states == ["connecting", "connected", "closed"]


async def test_a_browser_that_is_offered_streams_hears_them_come_and_go():
    peer, browser = Peer(channels="announced"), Browser()
    channels: list[str] = []
    browser.connection.on("datachannel", lambda channel: channels.append(channel.label))
    await peer.accept(await browser.answer(await peer.offer()))
    await until(lambda: sorted(channels) == ["__diagnostics__", "__heartbeat__"])
    peer.add_stream("first")
    offer = await peer.offer()
    assert "a=msid:first " in offer
    await peer.accept(await browser.answer(offer))
    await until(lambda: len(browser.connection.getTransceivers()) == 1)
    await speak(peer, "first", 600, 40)
    assert loudest(browser.heard[-20:]) == pytest.approx(600, abs=2)
    peer.remove_stream("first")
    offer = await peer.offer()
    assert "a=inactive" in offer and "msid:first" not in offer
    await peer.accept(await browser.answer(offer))
    assert peer.voice is None
    await browser.close()
    await peer.close()
