"""The plane alone, with voices and outlets in the test's hand; time is real, so tests wait for frames and never for seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from workbench.simulator.media import ticker
from workbench.simulator.media.measuring import MOST, STEP_HZ, tones
from workbench.simulator.media.plan import Facing
from workbench.simulator.media.plane import Plane
from workbench.simulator.media.sound import FRAME_SAMPLES, Frame, OpusPacket, Outlet, Taker, Voice, summed
from workbench.simulator.media.ticker import Ticker
from workbench.simulator.routes import Ear

from .shell import until

A, B, C, D = "+19195550111", "+19195550112", "participant-1", "endpoint-1"


def level(value: int) -> Frame:
    return np.full(FRAME_SAMPLES, value, np.int16)


class Steady:
    """A voice that is one level, and counts how often it was asked."""

    def __init__(self, value: int | None) -> None:
        self.value, self.asked = value, 0

    def frame(self) -> Frame | None:
        self.asked += 1
        return None if self.value is None else level(self.value)


class Packets(Steady):
    """A voice that arrives as packets."""

    takers: tuple[Taker, ...] = ()
    rests = 0

    def rest(self) -> None:
        self.rests += 1

    def send(self, number: int) -> None:
        for taker in self.takers:
            taker(OpusPacket(b"opus", number * FRAME_SAMPLES, False))


class Noted:
    """An outlet that notes what it got."""

    def __init__(self) -> None:
        self.frames: list[Frame | None] = []

    def put(self, frame: Frame | None) -> None:
        self.frames.append(frame)

    @property
    def levels(self) -> list[int | None]:
        return [None if frame is None else int(frame[0]) for frame in self.frames]


class Forwards(Noted):
    """An outlet that passes packets through."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[int] = []

    def forward(self, packet: OpusPacket) -> None:
        self.packets.append(packet.timestamp // FRAME_SAMPLES)


class Broken:
    """A voice and an outlet that fail."""

    def frame(self) -> Frame | None:
        raise OSError("no sound")

    def put(self, frame: Frame | None) -> None:
        raise OSError("full")

    def forward(self, packet: OpusPacket) -> None:
        raise OSError("gone")


class Platform:
    """What the plane asks of the platform, in the test's hand; it is also the scripts."""

    def __init__(self) -> None:
        self.hears: dict[Ear, tuple[str, ...]] = {}
        self.tracks: dict[tuple[str, str], tuple[str, ...]] = {}
        self.scripts: dict[str, tuple[Voice, ...]] = {}
        self.echo: dict[str, Outlet] = {}
        self.everybody = [A, B, C, D]
        self.calls: set[str] = set()
        self.faults: list[tuple[str, str]] = []
        self.dropped: list[Voice] = []
        self.plane = Plane(Facing(self.ears, self.track, self.parties, self.fault, self))

    def ears(self, party: str) -> dict[Ear, tuple[str, ...]]:
        return {ear: sources for ear, sources in self.hears.items() if ear.party == party}

    def echoing(self) -> list[str]:
        return list(self.echo)

    def fault(self, who: str, why: str) -> None:
        self.faults.append((who, why))
        self.plane.changed()

    def track(self, call_id: str, which: str) -> tuple[str, ...]:
        return self.tracks[call_id, which]

    def parties(self) -> list[str]:
        return self.everybody

    def voices(self, source: str) -> tuple[Voice, ...]:
        return self.scripts.get(source, ())

    def echoes(self, party: str) -> Outlet | None:
        return self.echo.get(party)

    def drop(self, voice: Voice) -> None:
        self.dropped.append(voice)
        self.scripts = {source: tuple(one for one in voices if one is not voice) for source, voices in self.scripts.items()}

    def tidy(self) -> None:
        self.calls.add("tidy")

    def warm(self) -> None:
        self.calls.add("warm")

    def reset(self) -> None:
        self.calls.add("reset")

    def close(self) -> None:
        self.calls.add("close")


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.plane.close()
    assert not platform.plane._ticker.running


@pytest.fixture
def plane(platform: Platform) -> Plane:
    return platform.plane


async def turn() -> None:
    """Let what is due soon happen."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def next_frames(outlet: Noted, count: int = 2) -> list[int | None]:
    """What an outlet gets from now on."""
    await turn()
    seen = len(outlet.frames)
    await until(lambda: len(outlet.frames) >= seen + count)
    return outlet.levels[seen : seen + count]


# Mixing


async def test_an_ear_hears_the_sum_of_its_sources(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B, C, D), Ear(B): (A,)}
    for party, value in ((A, 1), (B, 20), (C, 300), (D, None)):
        plane.set_voice(party, Steady(value))
    first, second = Noted(), Noted()
    plane.set_outlet(Ear(A), first)
    plane.set_outlet(Ear(B), second)
    assert await next_frames(first) == [320, 320]
    assert await next_frames(second) == [1, 1]
    assert first.frames[-1].dtype == np.int16


def test_a_sum_does_not_wrap() -> None:
    assert summed([level(30000), level(30000)])[0] == 32767
    assert summed([level(-30000), level(-30000), level(-30000)])[0] == -32768
    assert summed([level(30000), level(30000), level(-30000)])[0] == 30000
    assert summed([]) is None


async def test_each_voice_is_asked_once_a_tick_and_equal_mixes_are_shared(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (C, D), Ear(B): (D, C)}
    voices = Steady(1), Steady(2)
    plane.set_voice(C, voices[0])
    plane.set_voice(D, voices[1])
    first, second = Noted(), Noted()
    plane.set_outlet(Ear(A), first)
    plane.set_outlet(Ear(B), second)
    await next_frames(first)
    assert len(first.frames) == len(second.frames) == voices[0].asked == voices[1].asked
    assert all(one is other for one, other in zip(first.frames, second.frames, strict=True))


async def test_silence_is_none(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B,)}
    plane.set_voice(B, Steady(None))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    assert await next_frames(outlet) == [None, None]


async def test_a_device_and_its_script_are_heard_together(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B, "call-1")}
    platform.scripts = {B: (Steady(5),), "call-1": (Steady(100),)}
    plane.set_voice(B, Steady(2))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    assert await next_frames(outlet) == [107, 107]


async def test_an_ear_without_a_stream_hears_all_streams_once(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, "one"): (A, "call-1"), Ear(C, "two"): (B, "call-1"), Ear(D): (A,)}
    for source, value in ((A, 1), (B, 20), ("call-1", 300)):
        plane.set_voice(source, Steady(value))
    whole, part = Noted(), Noted()
    plane.set_outlet(Ear(C), whole)
    plane.set_outlet(Ear(C, "two"), part)
    assert await next_frames(whole) == [321, 321]
    assert await next_frames(part) == [320, 320]


async def test_it_beats_only_while_there_is_a_voice_and_somebody_hears_it(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B,)}
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    await turn()
    assert not plane._ticker.running
    plane.set_voice(B, Steady(1))
    await next_frames(outlet)
    platform.hears = {}
    plane.changed()
    await turn()
    assert not plane._ticker.running
    platform.hears = {Ear(A): (B,)}
    plane.changed()
    await next_frames(outlet)
    plane.set_outlet(Ear(A), None)
    await turn()
    assert not plane._ticker.running


# Passing through


async def test_one_browser_heard_by_another_passes_through(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, D): (D, "call-1")}
    voice, outlet = Packets(7), Forwards()
    plane.set_voice(D, voice)
    plane.set_outlet(Ear(C, D), outlet)
    await turn()
    voice.send(1)
    voice.send(2)
    assert (outlet.packets, outlet.frames, voice.asked, plane._ticker.running) == ([1, 2], [], 0, False)


async def test_passing_and_mixing_alternate_without_double_sound(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, D): (D, "call-1")}
    voice, outlet = Packets(7), Forwards()
    plane.set_voice(D, voice)
    plane.set_outlet(Ear(C, D), outlet)
    for round_ in range(3):
        await turn()
        voice.send(round_)
        assert outlet.packets == list(range(round_ + 1))
        platform.scripts = {"call-1": (Steady(100),)}
        plane.changed()
        assert await next_frames(outlet) == [107, 107]
        voice.send(99)
        platform.scripts = {}
        plane.changed()
        await turn()
        seen = len(outlet.frames)
    assert (outlet.packets, len(outlet.frames), len(voice.takers), voice.rests) == ([0, 1, 2], seen, 1, 3)
    plane.set_voice(D, None)
    await turn()
    assert voice.takers == ()


async def test_what_takes_its_place_is_passed_through_instead(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, D): (D,)}
    voices, outlets = (Packets(1), Packets(2)), (Forwards(), Forwards())
    plane.set_voice(D, voices[0])
    plane.set_outlet(Ear(C, D), outlets[0])
    await turn()
    plane.set_voice(D, voices[1])
    await turn()
    voices[0].send(1)
    voices[1].send(2)
    plane.set_outlet(Ear(C, D), outlets[1])
    await turn()
    voices[1].send(3)
    assert [outlet.packets for outlet in outlets] == [[2], [3]]


async def test_only_packets_into_an_outlet_for_packets_pass_through(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (C,), Ear(B): (D,), Ear(C, "both"): (C, D)}
    plane.set_voice(C, Packets(1))
    plane.set_voice(D, Steady(2))
    outlets = Noted(), Forwards(), Forwards()
    for ear, outlet in zip(platform.hears, outlets, strict=True):
        plane.set_outlet(ear, outlet)
    assert [await next_frames(outlet, 1) for outlet in outlets] == [[1], [2], [3]]


async def test_a_voice_passes_to_one_and_is_mixed_for_another(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, D): (D,), Ear(A): (D, B)}
    voice, passed, mixed = Packets(7), Forwards(), Noted()
    plane.set_voice(D, voice)
    plane.set_voice(B, Steady(10))
    plane.set_outlet(Ear(C, D), passed)
    plane.set_outlet(Ear(A), mixed)
    assert await next_frames(mixed) == [17, 17]
    voice.send(1)
    assert (passed.packets, passed.frames) == ([1], [])


# Taps


async def test_a_tap_takes_a_track_though_nobody_listens(platform: Platform, plane: Plane) -> None:
    platform.tracks = {("call-1", "inbound"): (A,), ("call-1", "outbound"): (B, "call-1")}
    plane.set_voice(A, Steady(3))
    plane.set_voice(B, Packets(40))
    inbound, outbound, chosen = Noted(), Noted(), Noted()
    untap = [plane.tap(("call-1", "inbound"), inbound.put), plane.tap(("call-1", "outbound"), outbound.put)]
    plane.tap(lambda: (A, B), chosen.put)
    assert [await next_frames(taken) for taken in (inbound, outbound, chosen)] == [[3, 3], [40, 40], [43, 43]]
    for end in (*untap, *untap):
        end()
    await next_frames(chosen)
    seen = len(inbound.frames)
    await next_frames(chosen)
    assert len(inbound.frames) == seen


# Echoes


async def test_an_echo_hears_all_but_other_echoes_and_keeps_no_beat_alone(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B, C), Ear(B): (A, C), Ear(C, "x"): (A, B)}
    first, second, listener = Noted(), Noted(), Noted()
    platform.echo = {A: first, B: second}
    platform.scripts = {A: (Steady(1),), B: (Steady(20),)}
    plane.set_voice(C, Steady(300))
    await turn()
    assert not plane._ticker.running
    plane.set_outlet(Ear(C, "x"), listener)
    assert [await next_frames(ear) for ear in (first, second, listener)] == [[300, 300], [300, 300], [21, 21]]


# Faults


async def test_a_voice_that_fails_is_dropped_and_told(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B, C)}
    plane.set_voice(B, Broken())
    plane.set_voice(C, Steady(1))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    assert await next_frames(outlet, 3) == [1, 1, 1]
    assert platform.faults == [(B, "OSError: no sound")]


async def test_a_voice_of_other_frames_is_dropped_and_told(platform: Platform, plane: Plane) -> None:
    class Short:
        def frame(self) -> Frame:
            return np.zeros(10, np.int16)

    platform.hears = {Ear(A): (B, C)}
    script = Short()
    platform.scripts = {B: (script,)}
    plane.set_voice(C, Steady(1))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    await next_frames(outlet, 3)
    assert platform.faults == [(B, "ValueError: a frame has 960 samples of 16 bits, not (10,) of int16")]
    assert platform.dropped == [script]


async def test_an_outlet_or_a_tap_that_fails_is_dropped_and_told(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (C,), Ear(B): (C,)}
    plane.set_voice(C, Steady(1))
    outlet = Noted()
    plane.set_outlet(Ear(A), Broken())
    plane.set_outlet(Ear(B), outlet)
    plane.tap(lambda: (C,), Broken().put)
    plane.tap(("call-9", "inbound"), outlet.put)
    assert await next_frames(outlet, 3) == [1, 1, 1]
    told = [("the inbound track of call-9", "KeyError: ('call-9', 'inbound')"), (A, "OSError: full"), ("a tap", "OSError: full")]
    assert platform.faults == told


async def test_an_outlet_that_fails_to_forward_is_dropped_and_told_once(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(C, D): (D,)}
    voice = Packets(1)
    plane.set_voice(D, voice)
    plane.set_outlet(Ear(C, D), Broken())
    await turn()
    voice.send(1)
    voice.send(2)
    assert platform.faults == [(C, "OSError: gone")]
    await turn()
    assert voice.takers == ()


async def test_a_plan_that_fails_is_told_once_and_the_sound_goes_on(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (C,)}
    plane.set_voice(C, Steady(1))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    await next_frames(outlet)
    platform.hears = None  # type: ignore[assignment]
    plane.changed()
    assert await next_frames(outlet, 3) == [1, 1, 1]
    assert [who for who, _ in platform.faults] == ["the plan"]


# The beat


async def test_the_beat_does_not_drift_and_skips_what_was_missed_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    offset, beats = 0.0, list[float]()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + offset)
    beat = Ticker(lambda: beats.append(loop.time()))
    beat.start()
    beat.start()
    await until(lambda: len(beats) == 10)
    assert beats[9] - beats[0] >= 9 * 0.02 - 0.001
    seen, offset = len(beats), 5.0
    await until(lambda: len(beats) > seen)
    assert beat.skipped >= (5.0 - ticker.LATE_SECONDS) / 0.02
    jumped = len(beats)
    await until(lambda: len(beats) >= jumped + 5)
    assert beats[jumped + 4] - beats[jumped - 1] >= 4 * 0.02
    beat.stop()
    beat.stop()
    assert not beat.running


async def test_a_short_delay_is_caught_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    offset, beats = 0.0, list[float]()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + offset)
    beat = Ticker(lambda: beats.append(loop.time()))
    beat.start()
    begun = loop.time()
    await until(lambda: len(beats) == 3)
    offset = 0.1
    await until(lambda: len(beats) == 12)
    assert (beat.skipped, beats[11] - begun >= 11 * 0.02 - 0.001) == (0, True)
    beat.stop()


# Measuring


def test_tones_are_apart_and_no_harmonics_of_each_other_while_there_are_few() -> None:
    for count in (1, 2, 5, 26, 31, 32, MOST):
        found = tones(count)
        assert len(set(found)) == count and found == sorted(found)
        assert all(hz % STEP_HZ == 0 and 300 <= hz <= 3400 for hz in found)
        assert count > 31 or found[-1] < 2 * found[0]
    assert MOST >= 60


async def test_what_arrives_is_measured_by_party_over_all_its_ears(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B, C, "call-1"), Ear(C, "one"): (A,), Ear(C, "two"): (D,)}
    platform.scripts = {"call-1": (Steady(30000),)}
    plane.set_voice(A, Steady(9))
    plane.set_voice(C, Packets(9))
    outlet = Noted()
    plane.set_outlet(Ear(A), outlet)
    await turn()
    assert await plane.measure(0.1) == {A: [B, C], B: [], C: [A, D], D: []}
    assert await next_frames(outlet) == [30009, 30009]
    plane.set_outlet(Ear(A), None)
    await turn()
    assert not plane._ticker.running


async def test_who_hears_in_part_only_is_no_listener(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B,)}
    measuring = asyncio.ensure_future(plane.measure(0.2))
    await until(lambda: plane._measurement is not None and plane._measurement._ticks == 2)
    platform.hears = {Ear(A): (C,)}
    plane.changed()
    assert (await measuring)[A] == [C]


async def test_measurements_take_turns_and_end_with_the_plane(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B,)}
    first, second, third = (asyncio.ensure_future(plane.measure(seconds)) for seconds in (0.04, 60.0, 60.0))
    assert (await first)[A] == [B]
    await until(lambda: plane._measurement is not None)
    assert not second.done() and not third.done()
    plane.close()
    assert (await second)[A] in ([], [B])
    assert (await third)[A] == []


async def test_who_gives_up_measuring_leaves_nothing_behind(platform: Platform, plane: Plane) -> None:
    platform.hears = {Ear(A): (B,)}
    measuring = asyncio.ensure_future(plane.measure(60.0))
    await until(lambda: plane._ticker.running)
    measuring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await measuring
    await turn()
    assert (plane._measurement, plane._ticker.running) == (None, False)


async def test_a_measurement_ends_when_no_plan_can_be_made(platform: Platform, plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "hears", None)
    async with asyncio.timeout(5):
        assert await plane.measure(60.0) == {A: [], B: [], C: [], D: []}
    assert [who for who, _ in platform.faults] == ["the plan"]


@pytest.mark.parametrize("count", [60, 61])
async def test_many_parties_are_measured_all_at_once_or_in_portions(platform: Platform, plane: Plane, count: int) -> None:
    parties = [f"p{number}" for number in range(count)]
    platform.everybody = parties
    platform.hears = {Ear(party): tuple(other for other in parties if other != party) for party in parties}
    platform.hears[Ear("p7")] = ("p59",)
    found = await plane.measure(0.04)
    expected = {ear.party: list(sources) for ear, sources in platform.hears.items()}
    assert found == expected
