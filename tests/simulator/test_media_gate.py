"""Voices while a `<Record>` waits for silence: by the gate alone, and a person who speaks into a handset of a platform whose clock runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from unittest.mock import MagicMock

import numpy as np
import pytest

from tests.media.clients import Classic, Handset, Pcm, classic_url, handset_url
from tests.media.tones import tone
from workbench.simulator.media import gate as gates
from workbench.simulator.media.gate import Gate
from workbench.simulator.media.sound import FRAME_SAMPLES, Frame

from .device_client import Served, served
from .shell import NUMBER, PHONE, document, until

pytestmark = pytest.mark.sockets

SILENCE = 0.8  # seconds that end the recordings here
RECORD = document(f'<Record silenceTimeout="{SILENCE}" recordCompleteUrl="/recordComplete"/>')


def sound(level: float) -> Frame:
    """A frame of so many dB of full scale."""
    times = np.arange(FRAME_SAMPLES) / 48000
    return (32768 * 10 ** (level / 20) * np.sqrt(2) * np.sin(2 * np.pi * 500 * times)).astype(np.int16)


class Loop:
    """A loop whose time the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self._due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> MagicMock:
        self._due.append((self.now + seconds, call))
        return MagicMock(cancel=self._due.clear)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        for at, call in [one for one in self._due if one[0] <= self.now]:
            self._due.remove((at, call))
            call()


class Listening:
    """A gate, its time, and what it told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[bool, float]] = []
        self.stands = False
        self.loop = Loop()
        monkeypatch.setattr(gates, "asyncio", MagicMock(get_running_loop=lambda: self.loop))
        self.gate = Gate(lambda: self.stands, lambda speaks, ago: self.told.append((speaks, ago)))

    def hear(self, frame: Frame | None, times: int) -> list[bool]:
        for _ in range(times):
            self.gate.take(frame)
        return [speaks for speaks, _ in self.told]


def test_a_voice_opens_it_and_a_pause_between_words_does_not_close_it(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Listening(monkeypatch)
    assert one.hear(sound(-43), 50) == []  # the room
    assert one.hear(sound(-20), 4) == [] and one.hear(None, 1) == [] and one.hear(sound(-20), 4) == []  # a click, and another
    assert one.hear(sound(-20), 1) == [True]
    one.loop.pass_(gates.CLOSE_SECONDS * 0.8)
    assert one.hear(sound(-43), 1) == [True]  # the end of a word is softer than its beginning
    one.loop.pass_(gates.CLOSE_SECONDS * 0.8)
    assert one.hear(sound(-50), 1) == [True]
    one.loop.pass_(gates.CLOSE_SECONDS * 0.3)
    speaks, ago = one.told[-1]
    assert not speaks and ago >= gates.CLOSE_SECONDS
    assert one.hear(sound(-20), 5) == [True, False, True]
    one.gate.close()
    one.loop.pass_(gates.CLOSE_SECONDS * 2)
    assert len(one.told) == 3


def test_while_the_clock_stands_nobody_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Listening(monkeypatch)
    one.stands = True
    assert one.hear(sound(-10), 50) == []


@pytest.fixture
async def platform() -> AsyncIterator[Served]:
    async with served() as platform:
        platform.application.replies["answer"] = RECORD
        yield platform
        assert platform.happened("mediaFault") == []


async def handset(platform: Served, kind: type) -> Handset | Pcm:
    """A phone in somebody's hand that has answered a call, which is recorded."""
    ticket = (await platform.http.post(f"/_local/phones/{PHONE}/ticket")).json()["ticket"]
    phone = kind(handset_url(f"ws://127.0.0.1:{platform.port}", ticket, "u"))
    await phone.connect()
    await platform.call()
    await until(lambda: phone.phone["status"] == "ringing")
    return phone


def times(platform: Served, kind: str) -> list[float]:
    return [entry.time for entry in platform.world.stream.after(0) if entry.kind == kind]


async def ends_by_silence(platform: Served, hushed: float) -> None:
    """A recording goes on while there is a voice, and ends a while after it is over."""
    await until(lambda: bool(times(platform, "recordingEnded")))
    [ended] = platform.happened("recordingEnded")
    assert ended["rule"] == "record.silence"
    # The device's end is known by its test, and its last frames are on their way.
    assert hushed + SILENCE - 0.1 <= times(platform, "recordingEnded")[0] <= hushed + SILENCE + 5.0
    takers = platform.world.sound.takers
    assert takers is not None
    await until(lambda: takers.gates._open == {})


async def test_who_speaks_into_a_handset_is_not_cut_off(platform: Served) -> None:
    phone = await handset(platform, Pcm)
    assert isinstance(phone, Pcm)
    await phone.speak(440)
    await phone.do("answer")
    await until(lambda: bool(times(platform, "voiceHeard")))
    await asyncio.sleep(SILENCE * 1.5)
    assert not times(platform, "recordingEnded")
    await phone.hush()
    await ends_by_silence(platform, platform.world.clock.now())
    await phone.close()


async def test_who_goes_in_the_midst_of_a_word_is_silent(platform: Served) -> None:
    phone = await handset(platform, Handset)
    assert isinstance(phone, Handset)
    await phone.do("answer")
    line, _ = await phone.publish(tone(440))
    await until(lambda: bool(times(platform, "voiceHeard")))
    await asyncio.sleep(SILENCE * 1.5)
    await phone.unpublish(line)
    await ends_by_silence(platform, platform.world.clock.now())
    await phone.close()


async def test_a_browser_behind_a_leg_is_heard_and_other_recordings_listen_to_nobody(platform: Served) -> None:
    platform.application.replies["answer"] = document("<Record/>")
    await platform.call()
    await until(lambda: platform.world.sound.takers is not None)
    takers = platform.world.sound.takers
    assert takers is not None
    await until(lambda: len(platform.world.plane._taps) == 1)
    assert takers.gates._open == {}
    platform.application.replies["answer"] = RECORD
    session = await platform.session()
    _, token = await platform.participant(session)
    browser = Classic(classic_url(f"ws://127.0.0.1:{platform.port}", token, "u"))
    await browser.connect()
    line, _ = await browser.publish(tone(440))
    _, behind = await platform.participant(session)
    await platform.call("sip:sipx.webrtc.bandwidth.com:5060", uui=f"{behind};encoding=jwt", **{"from": NUMBER})
    await until(lambda: bool(times(platform, "voiceHeard")))
    await asyncio.sleep(SILENCE * 1.5)
    assert not times(platform, "recordingEnded")
    await browser.unpublish(line)
    await ends_by_silence(platform, platform.world.clock.now())
    await browser.close()
