"""Recordings with sound, the clock in the test's hand: every sample is where it belongs, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.simulator import hearing
from workbench import bxml
from workbench.simulator import routes
from workbench.simulator.media import recorder as recording_shell
from workbench.simulator.media import tones
from workbench.simulator.media.plan import Sources, Take
from workbench.simulator.media.recorder import Recorder
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS

from .rig import PHONE, PHONE_2, Rig

PARK = bxml.Pause(3600)
RATE = 8000


class Desk:
    """An engine and what records in it; `sound` gives what the sources of a tap let be heard."""

    def __init__(self, *verbs: bxml.Verb) -> None:
        self.rig = Rig(answer=list(verbs))
        self.stands = False
        self.taps: list[tuple[Sources, Take]] = []
        self.faults: list[tuple[str, str]] = []
        self.hz: dict[str, float] = {}
        self.recorder = Recorder(
            lambda: self.rig.engine, lambda: self.rig.now, lambda: self.stands, self.tap, lambda *fault: self.faults.append(fault)
        )
        self._ticks = 0

    def tap(self, sources: Sources, take: Take):
        entry = (sources, take)
        self.taps.append(entry)
        return lambda: self.taps.remove(entry)

    def advance(self, seconds: float) -> None:
        """Let time pass without a beat."""
        self.rig.advance(seconds)
        self.recorder.changed()

    def run(self, seconds: float) -> None:
        """Let time pass, beat by beat."""
        for _ in range(round(seconds / FRAME_SECONDS)):
            self.recorder.changed()
            for sources, take in self.taps:
                frames = [tones.tone(self.hz[one], self._ticks * FRAME_SAMPLES, level=0.1) for one in sources() if one in self.hz]
                take(sum(frames[1:], frames[0]) if frames else None)
            self._ticks += 1
            self.rig.advance(FRAME_SECONDS)
        self.recorder.changed()

    def call(self, to: str = PHONE, name: str = "A") -> str:
        call = self.rig.call(to, name)
        self.advance(1.0)
        return call

    def channels(self, number: int = 0) -> list[np.ndarray]:
        """The samples of a recording's channels, as far as they were written."""
        recording = list(self.rig.engine.recordings.values())[number]
        stored = self.recorder.stored(recording)
        assert stored is not None
        return [np.zeros(0, "<i2") if path is None else np.fromfile(path, "<i2") for path in stored.paths]


@pytest.fixture
def desk_of() -> Iterator[Callable[..., Desk]]:
    """Makes desks whose phones are answered with these verbs."""
    made: list[Desk] = []

    def make(*verbs: bxml.Verb) -> Desk:
        made.append(Desk(*verbs))
        return made[-1]

    yield make
    for desk in made:
        desk.recorder.close()
        assert desk.faults == []


@pytest.fixture
def desk(desk_of: Callable[..., Desk]) -> Desk:
    return desk_of(bxml.StartRecording(), PARK)


def loud(samples: np.ndarray, begin: float, end: float) -> bool:
    """Whether a stretch sounds throughout, or not at all; asserts that it is one of both."""
    windows = samples[round(begin * RATE) : round(end * RATE)].astype(int)
    windows = np.append(windows, np.zeros(round((end - begin) * RATE) - len(windows), int)).reshape(-1, 40)
    sounds = np.abs(windows).max(1) > 300
    assert sounds.all() or not sounds.any(), f"{begin} to {end}: {np.flatnonzero(sounds)}"
    return bool(sounds.all())


def test_a_sound_is_where_it_was(desk: Desk) -> None:
    call = desk.call()
    desk.advance(4.0)
    desk.hz[PHONE] = 600.0
    desk.run(1.5)
    desk.hz.clear()
    desk.run(2.0)
    desk.hz[PHONE] = 900.0
    desk.run(0.5)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.2)
    (samples,) = desk.channels()
    assert len(samples) == 8.0 * RATE and desk.taps == []
    stretches = [loud(samples, begin, end) for begin, end in ((0, 4), (4.01, 5.5), (5.5, 7.5), (7.51, 8))]
    assert stretches == [False, True, False, True]
    assert hearing.heard(samples[4 * RATE : 5 * RATE], [600.0, 900.0], RATE) == [600.0]
    assert hearing.heard(samples[-4000:], [600.0, 900.0], RATE) == [900.0]
    # Without seams at the frames.
    assert np.abs(np.diff(samples[round(4.1 * RATE) : round(5.4 * RATE)].astype(int))).max() < 3277 * 2 * np.pi * 600 / RATE * 1.1


def test_silence_writes_nothing(desk: Desk) -> None:
    call = desk.call()
    desk.run(1.0)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.1)
    assert desk.recorder.stored(next(iter(desk.rig.engine.recordings.values()))) is None
    assert desk.recorder._folder is None and desk.taps == []


def test_a_pause_is_left_out(desk: Desk) -> None:
    call = desk.call()
    desk.hz[PHONE] = 600.0
    desk.run(1.0)
    desk.rig.engine.update_recording(desk.rig.now, call, {"state": "paused"})
    desk.hz[PHONE] = 900.0
    desk.run(2.0)
    desk.rig.engine.update_recording(desk.rig.now, call, {"state": "recording"})
    desk.hz[PHONE] = 1200.0
    desk.run(1.0)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.1)
    (samples,) = desk.channels()
    assert len(samples) == 2 * RATE
    assert hearing.heard(samples[:RATE], [600.0, 900.0, 1200.0], RATE) == [600.0]
    assert hearing.heard(samples[RATE:], [600.0, 900.0, 1200.0], RATE) == [1200.0]


def test_where_the_clock_stood_or_was_moved_there_is_silence(desk: Desk) -> None:
    call = desk.call()
    desk.hz[PHONE] = 600.0
    desk.run(1.0)
    desk.advance(10.0)
    desk.run(1.0)
    desk.stands = True
    for _, take in desk.taps:
        take(tones.tone(900.0))
    desk.stands = False
    desk.run(1.0)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.1)
    (samples,) = desk.channels()
    assert len(samples) == 13 * RATE
    assert [loud(samples, begin, end) for begin, end in ((0.01, 1), (1, 11), (11.01, 13))] == [True, False, True]
    assert hearing.heard(samples[12 * RATE :], [600.0, 900.0], RATE) == [600.0]


def test_uneven_beats_are_not_heard(desk: Desk) -> None:
    call = desk.call()
    for number in range(50):
        desk.recorder.changed()
        (_, take), frame = desk.taps[0], tones.tone(600.0, number * FRAME_SAMPLES)
        take(frame)
        desk.rig.advance(0.005 if number % 2 else 0.035)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.recorder.changed()
    (samples,) = desk.channels()
    assert len(samples) == RATE
    assert np.abs(np.diff(samples[800:].astype(int))).max() < 6554 * 2 * np.pi * 600 / RATE * 1.1


def test_two_channels_keep_the_sides_apart_and_hear_the_platform(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(bxml.StartRecording(multi_channel=True), PARK)
    call = desk.call()
    desk.hz = {PHONE: 600.0, call: 900.0}
    desk.run(0.5)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.1)
    near, far = desk.channels()
    assert hearing.heard(near, [600.0, 900.0], RATE) == [600.0] and hearing.heard(far, [600.0, 900.0], RATE) == [900.0]


def test_who_is_recorded_with_whom(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(bxml.StartRecording(), bxml.Conference("room"))
    first, second = desk.call(PHONE, "A"), desk.call(PHONE_2, "B")
    engine = desk.rig.engine
    (room,) = engine.conferences
    mine, others = engine.recordings.values()
    assert set(routes.recorded(engine, mine)[0]) == {PHONE, PHONE_2, first}
    assert set(routes.recorded(engine, others)[0]) == {PHONE, PHONE_2, second}
    engine.update_conference_bxml(desk.rig.now, room, b"<Bxml><StartRecording/></Bxml>")
    *_, whole = engine.recordings.values()
    assert set(routes.recorded(engine, whole)[0]) == {PHONE, PHONE_2, room}
    engine.update_member(desk.rig.now, room, first, {"mute": True})
    assert set(routes.recorded(engine, whole)[0]) == {PHONE_2, room}


def test_record_takes_the_far_end_alone(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(bxml.Record(max_duration=1, silence_timeout=0), PARK)
    call = desk.call()
    desk.hz = {PHONE: 600.0, call: 900.0}
    desk.run(2.0)
    (samples,) = desk.channels()
    assert RATE <= len(samples) <= RATE + 160 and hearing.heard(samples, [600.0, 900.0], RATE) == [600.0]


@pytest.mark.parametrize("delete", ["recording", "media", "30 days", "reset", "close"])
def test_files_go_with_their_recording(desk: Desk, delete: str) -> None:
    call = desk.call()
    desk.hz[PHONE] = 600.0
    desk.run(0.5)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.advance(2.0)
    ((recording_id, recording),) = desk.rig.engine.recordings.items()
    stored = desk.recorder.stored(recording)
    assert stored is not None and stored.paths[0] is not None and stored.paths[0].exists()
    path: Path = stored.paths[0]
    where = {"callId": call}
    if delete == "recording":
        desk.rig.engine.delete_recording(desk.rig.now, where, recording_id)
    elif delete == "media":
        desk.rig.engine.delete_media(desk.rig.now, where, recording_id)
    elif delete == "30 days":
        desk.advance(31 * 24 * 3600.0)
    elif delete == "reset":
        desk.recorder.reset()
    else:
        desk.recorder.close()
        assert not path.parent.exists()
    desk.recorder.changed()
    assert not path.exists() and desk.recorder.stored(recording) is None and desk.recorder._bytes == 0


def test_an_engine_of_another_life_has_none_of_the_files(desk: Desk) -> None:
    call = desk.call()
    desk.hz[PHONE] = 600.0
    desk.run(0.5)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.advance(2.0)
    (former,) = desk.rig.engine.recordings.values()
    desk.rig = Rig(answer=[bxml.StartRecording(), PARK])
    desk.call()
    (recording,) = desk.rig.engine.recordings.values()
    assert recording.recording_id == former.recording_id
    assert desk.recorder.stored(recording) is None and desk.recorder.stored(former) is None


def test_what_is_stored_is_bounded_and_said_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_shell, "STORED_LIMIT", 20_000)
    call = desk.call()
    desk.hz[PHONE] = 600.0
    desk.run(6.0)
    desk.rig.engine.update_call(desk.rig.now, call, {"state": "completed"})
    desk.run(0.1)
    (samples,) = desk.channels()
    assert len(samples) == 2 * RATE
    assert desk.faults == [("recording recording-1", "20000 bytes of sound are stored already")]
    desk.faults.clear()
