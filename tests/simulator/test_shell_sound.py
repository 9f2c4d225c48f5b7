"""Sound on a whole platform: what is played to calls is heard at ears, and who hears whom is measured over HTTP."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.clock import Clock
from workbench.simulator.media import tones
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame
from workbench.simulator.routes import Ear
from workbench.simulator.webhooks import Answer, Outgoing

from .shell import PHONE, PHONE_2, Application, Platform, document, until

PHONE_3 = "+19195550113"
PARK = '<Pause duration="3600"/>'
ROOM = "<Conference>room</Conference>"


class Heard:
    """An outlet that keeps what sounded."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put(self, frame: Frame | None) -> None:
        if frame is not None:
            self.frames.append(frame)

    @property
    def samples(self) -> Frame:
        return np.concatenate([np.zeros(0, np.int16), *self.frames])


class Broken:
    """A voice and an outlet that fail."""

    def frame(self) -> Frame | None:
        raise OSError("no sound")

    def put(self, frame: Frame | None) -> None:
        raise OSError("full")


class Player(Application):
    """An application that has a file."""

    def __init__(self, file: bytes) -> None:
        super().__init__()
        self.file = file

    async def __call__(self, request: Outgoing) -> Answer:
        if request.url.endswith(".wav"):
            return Answer(200, (("Content-Type", "audio/wav"),), self.file)
        return await super().__call__(request)


def sound_file(hz: float, seconds: float) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tones.tone(hz, 0, round(seconds * RATE)).tobytes())
    return data.getvalue()


@pytest.fixture
async def live() -> AsyncIterator[Platform]:
    """A platform whose clock runs, with phones that answer at once."""
    platform = Platform(clock=Clock(), application=Player(sound_file(700, 60)))
    for phone in (PHONE, PHONE_2):
        await platform.http.put(f"/_local/phones/{phone}", json={"ring_seconds": 0})
    yield platform
    await platform.close()
    assert platform.world.sound.files == {}


def happened(platform: Platform, kind: str) -> list[Any]:
    return [entry.data for entry in platform.world.stream.after(0) if entry.kind == kind]


async def measured(platform: Platform, **fields: Any) -> Any:
    answer = await platform.http.post("/_local/hears/measure", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_heard_and_its_bytes_are_let_go_of(live: Platform) -> None:
    heard = Heard()
    live.world.plane.set_outlet(Ear(PHONE), heard)
    live.application.replies["answer"] = document("<PlayAudio>/sound.wav</PlayAudio>")
    call = await live.call()
    await until(lambda: len(heard.frames) >= 20)
    assert hearing.heard(heard.samples, [500, 700, 900]) == [700]
    assert len(live.world.sound.files) == 1
    await live.http.post(f"/api/v2/accounts/9900000/calls/{call}", json={"state": "completed"})
    assert live.world.sound.files == {}


async def test_without_a_listener_nothing_beats_and_a_file_is_kept_while_it_plays(live: Platform) -> None:
    live.application.replies["answer"] = document("<PlayAudio>/sound.wav</PlayAudio>")
    await live.call()
    await until(lambda: bool(happened(live, "play")))
    assert (len(live.world.sound.files), live.world.sound.made, live.world.watchers) == (1, None, [])


async def test_ring_back_is_heard_until_the_answer(live: Platform) -> None:
    await live.http.put(f"/_local/phones/{PHONE_2}", json={"by_hand": True})
    live.application.replies["answer"] = document(f"<Transfer><PhoneNumber>{PHONE_2}</PhoneNumber></Transfer>")
    heard = Heard()
    live.world.plane.set_outlet(Ear(PHONE), heard)
    await live.call()
    await until(lambda: len(heard.frames) >= 20)
    assert hearing.heard(heard.samples, [350, 440, 480, 620]) == [440, 480]
    answered = await live.http.post(f"/_local/phones/{PHONE_2}/answer")
    assert answered.status_code == 204
    await until(lambda: not live.world.plane._ticker.running)


async def test_a_sentence_is_heard_until_it_is_cut_off(live: Platform) -> None:
    heard = Heard()
    live.world.plane.set_outlet(Ear(PHONE), heard)
    live.application.replies["answer"] = document(f"<SpeakSentence>{'This takes a while, be patient. ' * 20}</SpeakSentence>")
    live.application.replies["redirect"] = document(PARK)
    call = await live.call()
    await until(lambda: len(heard.frames) >= 25, 30)
    assert np.abs(heard.samples).max() > 1000
    redirected = await live.http.post(
        f"/api/v2/accounts/9900000/calls/{call}", json={"state": "active", "redirectUrl": "http://app.test/redirect"}
    )
    assert redirected.status_code == 200
    await until(lambda: not live.world.plane._ticker.running)
    assert happened(live, "mediaFault") == []


async def test_a_sound_is_heard_by_whom_it_is_played_to(live: Platform) -> None:
    live.application.replies["answer"] = document(ROOM)
    calls = [await live.call(PHONE), await live.call(PHONE_2)]
    heard = {phone: Heard() for phone in (PHONE, PHONE_2)}
    for phone, ear in heard.items():
        live.world.plane.set_outlet(Ear(phone), ear)
    await until(lambda: len(live.world.engine.in_conference) == 2)
    conference = live.world.engine.in_conference[calls[0]].conference_id
    played = await live.http.put(
        f"/api/v2/accounts/9900000/conferences/{conference}/bxml",
        content=document("<PlayAudio>http://app.test/sound.wav</PlayAudio>"),
        headers={"Content-Type": "application/xml"},
    )
    assert played.status_code < 300, played.text
    await until(lambda: all(len(ear.frames) >= 20 for ear in heard.values()))
    assert [hearing.heard(ear.samples, [500, 700, 900]) for ear in heard.values()] == [[700], [700]]


async def test_the_file_of_a_phones_script_is_heard_by_the_others_and_let_go_of(live: Platform) -> None:
    await live.http.put(f"/_local/phones/{PHONE}", json={"plays": "http://app.test/sound.wav"})
    live.application.replies["answer"] = document(ROOM)
    heard = Heard()
    live.world.plane.set_outlet(Ear(PHONE_2), heard)
    call = await live.call(PHONE)
    await live.call(PHONE_2)
    await until(lambda: len(heard.frames) >= 20)
    assert hearing.heard(heard.samples, [500, 700, 900]) == [700]
    await live.http.post(f"/_local/phones/{PHONE}/keys", json={"digits": "5"})
    await until(lambda: hearing.heard(heard.samples[-20 * FRAME_SAMPLES :], [500, 700, 900]) == [700])
    await live.http.post(f"/api/v2/accounts/9900000/calls/{call}", json={"state": "completed"})
    await until(lambda: live.world.sound.files == {})


async def test_scripted_phones_sound_and_echo(live: Platform) -> None:
    await live.http.put(f"/_local/phones/{PHONE}", json={"tone": 700})
    await live.http.put(f"/_local/phones/{PHONE_2}", json={"echoes": True})
    await live.http.put(f"/_local/phones/{PHONE_3}", json={"ring_seconds": 0})
    live.application.replies["answer"] = document(ROOM)
    heard, sent = Heard(), Pitch(1100)
    live.world.plane.set_outlet(Ear(PHONE_3), heard)
    live.world.plane.set_voice(PHONE_3, sent)
    for phone in (PHONE, PHONE_2, PHONE_3):
        await live.call(phone)
    # Its own voice comes back from the phone that echoes, which sends back the tone of the other one too.
    await until(lambda: hearing.heard(heard.samples[-20 * FRAME_SAMPLES :], [500, 700, 900, 1100, 1300]) == [700, 1100])


async def test_what_fails_is_told_and_the_others_hear_on(live: Platform) -> None:
    live.application.replies["answer"] = document(ROOM)
    await live.call(PHONE)
    await live.call(PHONE_2)
    heard, plane = Heard(), live.world.plane
    plane.set_outlet(Ear(PHONE), heard)
    plane.set_outlet(Ear(PHONE_2), Broken())
    plane.set_voice(PHONE, Broken())
    plane.set_voice(PHONE_2, tone := Steady())
    await until(lambda: len(heard.frames) >= 3 and len(happened(live, "mediaFault")) == 2)
    assert {(one["of"], one["reason"]) for one in happened(live, "mediaFault")} == {
        (PHONE, "OSError: no sound"),
        (PHONE_2, "OSError: full"),
    }
    assert tone.asked >= 3


class Pitch:
    """A voice that is a tone."""

    def __init__(self, hz: float) -> None:
        self.hz, self.place = hz, 0

    def frame(self) -> Frame:
        self.place += FRAME_SAMPLES
        return tones.tone(self.hz, self.place)


class Steady:
    """A voice that always sounds."""

    asked = 0

    def frame(self) -> Frame:
        self.asked += 1
        return np.full(FRAME_SAMPLES, 1000, np.int16)


async def test_it_is_measured_while_the_clock_stands_and_while_it_runs(platform: Platform) -> None:
    platform.application.replies["answer"] = document(ROOM)
    await platform.call(PHONE)
    await platform.call(PHONE_2)
    await platform.idle()
    both = {PHONE: [PHONE_2], PHONE_2: [PHONE]}
    found = await measured(platform, seconds=0.04)
    assert (found["hears"], found["computed"], found["seconds"]) == (both, both, 0.04)
    assert [party["id"] for party in found["parties"]] == [PHONE, PHONE_2]
    await platform.clock_to(resume=True)
    found = await asyncio.gather(*(measured(platform, seconds=0.04) for _ in range(3)))
    assert [one["hears"] for one in found] == [both] * 3


async def test_who_comes_while_it_is_measured_makes_for_another_try(platform: Platform) -> None:
    platform.application.replies["answer"] = document(ROOM)
    await platform.call(PHONE)
    await platform.idle()
    measuring = asyncio.ensure_future(measured(platform, seconds=0.2))
    await until(lambda: platform.world.sound.made is not None and platform.world.plane._ticker.running)
    await platform.call(PHONE_2)
    await platform.idle()
    assert (await measuring)["hears"] == {PHONE: [PHONE_2], PHONE_2: [PHONE]}


async def test_a_reset_ends_a_measurement_and_forgets_voices_and_ears(platform: Platform) -> None:
    platform.application.replies["answer"] = document(ROOM)
    for phone in (PHONE, PHONE_2):
        await platform.call(phone)
    await platform.idle()
    plane = platform.world.plane
    heard = Heard()
    plane.set_outlet(Ear(PHONE), heard)
    plane.set_voice(PHONE_2, Steady())
    measuring = asyncio.ensure_future(measured(platform, seconds=5))
    await until(lambda: plane._measurement is not None and plane._ticker.running)
    platform.world.reset()
    assert (await measuring)["hears"] == {}
    assert (platform.world.plane, plane._voices, plane._outlets, plane._ticker.running) == (plane, {}, {}, False)
    assert (await measured(platform, seconds=0.04))["hears"] == {}


@pytest.mark.parametrize(
    "fields", [{"seconds": 0}, {"seconds": -1}, {"seconds": 1e9}, {"seconds": "1"}, {"seconds": None}, {"seconds": True}, {"minutes": 1}]
)
async def test_a_time_it_cannot_measure_for_is_refused(platform: Platform, fields: dict[str, Any]) -> None:
    answer = await platform.http.post("/_local/hears/measure", json=fields)
    assert (answer.status_code, answer.headers["X-Workbench-Rule"]) == (400, "local.field")
    assert platform.world.sound.made is None


async def test_three_full_rooms_are_measured(platform: Platform) -> None:
    expected = {}
    for room in range(3):
        platform.application.replies["answer"] = document(f"<Conference>room{room}</Conference>")
        phones = [f"+1919555{number:04}" for number in range(3000 + 20 * room, 3020 + 20 * room)]
        for phone in phones:
            await platform.call(phone)
        await platform.idle()
        expected |= {phone: [other for other in phones if other != phone] for phone in phones}
    assert (await measured(platform, seconds=0.04))["hears"] == expected
