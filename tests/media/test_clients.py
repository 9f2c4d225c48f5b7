"""The far end proves itself first: what it says is what it hears, without any platform in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from tests.media import sections
from tests.media.ears import Ear
from tests.media.peers import Publisher, Subscriber, only_loopback
from tests.media.tones import as_int16, opus, sine, strength, tone
from tests.media.waiting import until


def test_strength_tells_a_tone_from_its_neighbours() -> None:
    sound = sine(440, 0.1) + sine(600, 0.1, loudness=0.05)
    assert strength(sound, 440) == pytest.approx(0.1, rel=0.05)
    assert strength(sound, 600) == pytest.approx(0.05, rel=0.05)
    assert strength(sound, 520) < 0.003
    assert strength([], 440) == 0.0


def test_an_ear_tells_tones_all_of_the_time_some_of_it_and_never() -> None:
    now = [0.0]
    ear = Ear(clock=lambda: now[0])
    assert ear.hears([440]) == frozenset()
    for payload in opus(sine(440, 0.4) + sine(600, 0.4)):
        now[0] += 0.02
        ear.take(payload)
    assert ear.hears([440, 520, 600]) == {440, 600}
    for payload in opus(sine(440, 0.16)):
        now[0] += 0.02
        ear.take(payload)
    assert ear.hears([440, 600]) is None, "600 Hz has just stopped"
    assert ear.first(hz=440) == pytest.approx(0.03, abs=0.02)
    now[0] += 1
    assert ear.hears([440]) == frozenset()
    assert max(ear.gaps()) == pytest.approx(0.02)


def test_an_ear_of_pcm() -> None:
    ear = Ear(16_000)
    for _ in range(15):
        ear.take(as_int16(sine(500, 0.02, 16_000)).tobytes())
    assert ear.hears([500, 700]) == {500}


def test_a_loop_of_opus_has_no_seam() -> None:
    now = [0.0]
    ear = Ear(clock=lambda: now[0])
    for payload in [*tone(500), *tone(500)]:
        now[0] += 0.02
        ear.take(payload)
        if ear.count > 15:
            assert ear.hears([450, 500, 550]) == {500}


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Publisher, Subscriber]]:
    only_loopback()
    speaker, listener = Publisher(), Subscriber()
    yield speaker, listener
    await speaker.close()
    await listener.close()


async def negotiate(speaker: Publisher, listener: Subscriber) -> str:
    offer, text = await speaker.offer()
    assert "a=candidate" not in await listener.answer(text)
    # like browsers' SDKs both tell no candidates; here one must, where otherwise the platform does
    await speaker.answered(offer, listener.pc.localDescription.sdp)
    return text


@pytest.mark.sockets
async def test_one_half_hears_the_other_byte_by_byte(pair: tuple[Publisher, Subscriber]) -> None:
    speaker, listener = pair
    line = speaker.add(tone(700))
    text = await negotiate(speaker, listener)
    assert "a=candidate" not in text
    assert "a=rtpmap:126 telephone-event/8000" in text
    await until(lambda: line.msid in listener.ears and listener.ears[line.msid].count >= 50, 10)
    ear = listener.ears[line.msid]
    assert ear.hears([500, 700, 900]) == {700}
    came, sent = [packet.payload for packet in ear.packets], list(line.sent)
    begin = sent.index(came[0])
    assert came == sent[begin : begin + len(came)]
    assert {(later.number - earlier.number) & 0xFFFF for earlier, later in pairwise(ear.packets)} == {1}
    assert {(later.timestamp - earlier.timestamp) & 0xFFFFFFFF for earlier, later in pairwise(ear.packets)} == {960}


def test_a_stopped_section_is_written_as_chromium_does() -> None:
    live = "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=msid:a b\r\na=ssrc:5 cname:x\r\n"
    sdp = f"v=0\r\na=group:BUNDLE 0 1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n{live}"
    assert sections.senders(sdp) == {5: "a"}
    told = sections.without(sdp, {"1"})
    assert "a=group:BUNDLE 0\r\n" in told
    assert told.endswith("m=audio 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n")
    assert sections.senders(told) == {}
    assert sections.revived(told, {"1": live}) == sdp


async def test_until_tells_what_did_not_come() -> None:
    with pytest.raises(TimeoutError, match="never: 0"):
        await until(lambda: 0, 0.01, "never")
    assert await until(lambda: asyncio.sleep(0, 7), 1) == 7
