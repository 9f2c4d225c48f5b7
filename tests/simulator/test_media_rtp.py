"""RTP of one browser: its voice and keys, what evens out its arrival, and what is sent to it."""

from __future__ import annotations

import asyncio
from struct import pack

import numpy as np
import pytest

from tests.simulator.far import loudest, tone, until
from workbench.simulator.media import rtcp, rtp
from workbench.simulator.media.jitter import MOST, JitterBuffer
from workbench.simulator.media.opus import SILENCE, Decoder, Encoder
from workbench.simulator.media.rtp import HEADER, Keys, RtpOutlet, RtpVoice
from workbench.simulator.media.sound import FRAME_SAMPLES, OpusPacket


def packets(hertz: float, count: int) -> list[bytes]:
    encoder = Encoder()
    return [encoder.encode(tone(hertz, number)) for number in range(count)]


def packet(payload: bytes, sequence: int, timestamp: int, *, kind: int = 111, ssrc: int = 7) -> bytes:
    return HEADER.pack(0x80, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def pressed(key: int, *, end: bool = False, duration: int = 160) -> bytes:
    return pack("!BBH", key, (0x80 if end else 0) | 10, duration)


# Opus


def test_a_tone_survives_opus():
    decoder = Decoder()
    frames = [decoder.decode(payload) for payload in packets(440, 50)]
    assert {len(frame) for frame in frames} == {FRAME_SAMPLES}
    assert loudest(frames[10:]) == pytest.approx(440, abs=2)


def test_the_packet_of_silence_is_silent_and_garbage_is_nothing():
    decoder = Decoder()
    assert not decoder.decode(SILENCE).any()
    for garbage in (b"\xff\xff\xff", b"\x03", b"\xfb" + b"\x3f" * 1000):
        assert len(decoder.decode(garbage)) % 120 == 0


# keys


async def test_a_key_is_told_once_when_it_is_released():
    told: list[str] = []
    keys = Keys(told.append)
    for _ in range(5):
        keys.take(1000, pressed(4))
    assert told == []
    for _ in range(3):
        keys.take(1000, pressed(4, end=True))
    keys.take(1000, pressed(4))  # one that came late
    keys.take(9000, pressed(4, end=True))
    keys.take(17000, pressed(11, end=True))
    assert told == ["4", "4", "#"]


async def test_a_key_whose_end_was_lost_is_told_by_the_next_one_or_after_a_while(monkeypatch):
    monkeypatch.setattr(rtp, "KEY_SECONDS", 0.01)
    told: list[str] = []
    keys = Keys(told.append)
    keys.take(1000, pressed(1))
    keys.take(2000, pressed(2))
    assert told == ["1"]
    await until(lambda: told == ["1", "2"])
    keys.take(2000, pressed(2, end=True))
    keys.take(3000, pressed(200, end=True))  # no key
    keys.take(3000, b"\x01")
    assert told == ["1", "2"]


# the voice


def test_a_voice_hands_packets_on_as_they_come_and_keeps_none_that_nobody_asks_for():
    taken: list[OpusPacket] = []
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {110: 48000}, frozenset({7}))
    voice.takers = (taken.append,)
    for number, payload in enumerate(packets(440, 3)):
        voice.take(packet(payload, number, number * 960), 0.02 * number)
    voice.take(packet(b"x", 3, 2880, ssrc=8), 0.06)  # of somebody else
    voice.take(packet(b"x", 3, 2880, kind=96), 0.06)  # of no known type
    assert [one.timestamp for one in taken] == [0, 960, 1920]
    assert voice._jitter is None


async def test_keys_are_taken_off_before_anybody_hears_them():
    told: list[str] = []
    taken: list[OpusPacket] = []
    voice = RtpVoice(told.append)
    voice.listen(111, {110: 48000}, frozenset())
    voice.takers = (taken.append,)
    voice.take(packet(pressed(5), 1, 0, kind=110), 0)
    voice.take(packet(pressed(5, end=True), 2, 0, kind=110), 0)
    assert (told, taken) == (["5"], [])
    assert voice.reception is not None and voice.reception.report(0).packets_lost == 0


def test_a_voice_is_decoded_for_who_asks_for_frames(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(rtp.time, "monotonic", lambda: now[0])
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {}, frozenset())
    heard = [voice.frame()]
    for number, payload in enumerate(packets(440, 50)):
        voice.take(packet(payload, 65500 + number, (1 << 32) - 9600 + number * 960), now[0])
        now[0] += 0.02
        heard.append(voice.frame())
    assert heard[0] is None and all(frame is not None for frame in heard[1:])
    assert loudest(heard[10:]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(0x80, 111, 1, 1, 7),  # nothing inside
        HEADER.pack(0x8F, 111, 1, 1, 7) + b"\0" * 8,  # sources that are not there
        HEADER.pack(0x90, 111, 1, 1, 7) + b"\xbe\xde\xff\xff",  # an extension that is not there
        HEADER.pack(0x90, 111, 1, 1, 7) + b"\xbe",
        HEADER.pack(0xA0, 111, 1, 1, 7) + b"\xff\xff\xff",  # more padding than packet
        HEADER.pack(0xA0, 111, 1, 1, 7) + b"\x01\x01\x01\x04",
        HEADER.pack(0x80, 111, 1, 1, 7) + b"x" * 1400,
    ],
)
def test_malformed_packets_are_dropped(data):
    taken: list[OpusPacket] = []
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {}, frozenset())
    voice.takers = (taken.append,)
    voice.take(data, 0)
    assert taken == []


def test_an_extension_and_padding_are_not_sound():
    taken: list[OpusPacket] = []
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {}, frozenset())
    voice.takers = (taken.append,)
    voice.take(HEADER.pack(0xB1, 111 | 0x80, 1, 5, 7) + b"csrc" + b"\xbe\xde\x00\x01abcd" + b"sound" + b"\0\0\x03", 0)
    assert taken == [OpusPacket(b"sound", 5, True)]


# what evens out arrival


class Listening:
    """A jitter buffer on a clock of its own: packets arrive when told, a frame is asked for every 20 ms."""

    def __init__(self, count: int = 400) -> None:
        self.buffer, self.sound = JitterBuffer(), packets(440, count)
        self.heard: list[bool] = []
        self.frames: list = []

    def play(self, arrivals: list[tuple[float, int]], seconds: float, *, times: dict[int, int] | None = None) -> None:
        waiting = sorted(arrivals)
        for tick in range(int(seconds * 50)):
            now = tick * 0.02
            while waiting and waiting[0][0] <= now:
                at, number = waiting.pop(0)
                self.buffer.add(number, (times or {}).get(number, number) * 960, self.sound[number], at)
            frame = self.buffer.frame(now)
            self.heard.append(frame is not None and bool(np.abs(frame).max() > 1000))
            self.frames.append(frame)


def test_even_arrival_is_heard_without_a_gap_and_waits_for_less_than_25_ms():
    listening = Listening()
    listening.play([(0.012 + number * 0.02, number) for number in range(300)], 6)
    assert listening.heard.index(True) <= 2
    assert all(listening.heard[2:])


def test_uneven_arrival_makes_it_wait_longer_until_there_is_no_gap():
    listening = Listening()
    late = dict.fromkeys(range(0, 400, 20), 0.055)
    listening.play([(0.005 + number * 0.02 + late.get(number, 0), number) for number in range(400)], 8)
    assert all(listening.heard[200:])


def test_waiting_that_is_no_longer_needed_is_given_back():
    listening = Listening(900)
    slow = [(0.105 + number * 0.02, number) if number in range(20, 25) else (0.005 + number * 0.02, number) for number in range(900)]
    listening.play(slow, 17.8)
    assert len(listening.buffer._waiting) <= 1
    assert all(listening.heard[60:])


def test_overtaking_is_put_right_and_what_is_lost_is_covered():
    listening = Listening()
    order = [(0.005 + number * 0.02 + (0.021 if number == 50 else 0), number) for number in range(100) if number != 75]
    listening.play(order, 2)
    assert all(listening.heard[2:90])
    assert loudest(listening.frames[60:90]) == pytest.approx(440, abs=20)


def test_silence_of_the_far_end_is_silence():
    """With DTX the sender skips timestamps but no sequence numbers."""
    listening = Listening()
    times = {number: number if number < 50 else number + 100 for number in range(150)}
    listening.play([(0.005 + times[number] * 0.02, number) for number in range(150)], 5, times=times)
    assert not any(listening.heard[56:149]) and all(listening.heard[153:249])


def test_what_waits_is_bounded():
    buffer, sound = JitterBuffer(), packets(440, 1)[0]
    for number in range(500):
        buffer.add(number, number * 960, sound, 0.0)
        assert len(buffer._waiting) <= MOST
    buffer.add(3, 3 * 960 + (1 << 31), sound, 0.0)
    assert len(buffer._waiting) == 1


@pytest.mark.parametrize("samples", [480, 1920, 2880])
def test_packets_of_any_length_make_frames(samples):
    buffer, sound = JitterBuffer(), Encoder()
    one = packets(440, 6)
    whole = {480: b"\xf0", 1920: b"\xf9", 2880: b"\xfb\x03"}[samples]  # code 0 of 10 ms; two and three frames of 20 ms in one
    payload = whole + b"".join(part[1:] for part in one[: samples // 960 or 1]) if samples > 480 else b"\xf0\xff\xfe"
    assert sound
    for number in range(8):
        buffer.add(number, number * samples, payload, 0.0)
    frames = [buffer.frame(1.0) for _ in range(2)]
    assert all(frame is not None and len(frame) == FRAME_SAMPLES for frame in frames)


# what is sent


class Sent:
    """An outlet on a clock of its own, and what left it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.packets: list[tuple[int, int, int, bytes]] = []  # marker, sequence, timestamp, payload
        self.outlet = RtpOutlet("stream", self._take, lambda: self.now)
        self.outlet.live, self.outlet.payload_type = True, 111

    def _take(self, data: bytes) -> None:
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        assert (first, second & 0x7F, ssrc) == (0x80, 111, self.outlet.ssrc)
        self.packets.append((second >> 7, sequence, timestamp, data[12:]))

    def forward(self, timestamp: int, after: float = 0.02) -> None:
        self.now += after
        self.outlet.forward(OpusPacket(b"theirs", timestamp & 0xFFFFFFFF, False))

    def put(self, frame, after: float = 0.02) -> None:
        self.now += after
        self.outlet.put(frame)

    @property
    def steps(self) -> list[int]:
        return [(after[2] - before[2]) & 0xFFFFFFFF for before, after in zip(self.packets, self.packets[1:], strict=False)]


def test_one_unbroken_stream_whoever_sends():
    sent = Sent()
    for number in range(3):
        sent.forward(5000 + number * 960)
    for number in range(3):
        sent.put(tone(440, number))
    sent.forward(99_000_000)
    sent.forward(99_000_960)
    sent.forward((1 << 32) - 960)  # another browser, whose time wraps
    sent.forward(0)
    assert sent.steps == [960] * 9
    assert [(after[1] - before[1]) & 0xFFFF for before, after in zip(sent.packets, sent.packets[1:], strict=False)] == [1] * 9
    assert [one[0] for one in sent.packets] == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]


def test_time_goes_on_while_nothing_is_sent():
    sent = Sent()
    sent.put(tone(440, 0))
    sent.put(tone(440, 1), after=2.0)
    sent.forward(7, after=1.0)
    sent.forward(7 + 48_000, after=1.0)  # a sender that was silent, by its own time
    assert sent.steps == [96_000, 48_000, 48_000]


def test_packets_that_were_overtaken_are_not_sent_backwards():
    sent = Sent()
    sent.forward(5000)
    sent.forward(6920, after=0.04)
    sent.forward(5960, after=0.001)
    sent.forward(7880)
    assert sent.steps == [1920, 960]


def test_silence_costs_no_encoding_after_the_encoder_has_run_empty():
    sent = Sent()
    sent.put(None)
    for number in range(3):
        sent.put(tone(440, number))
    for _ in range(6):
        sent.put(None)
    payloads = [one[3] for one in sent.packets]
    assert payloads[0] == SILENCE and payloads[-3:] == [SILENCE] * 3 and payloads[4] != SILENCE
    assert set(sent.steps) == {960}


def test_nothing_is_sent_to_who_does_not_hear():
    sent = Sent()
    sent.outlet.live = False
    sent.put(tone(440, 0))
    sent.forward(1)
    assert sent.packets == []


# reports


def test_reception_is_reported_as_rfc_3550_has_it():
    reception = rtcp.Reception(7)
    for number in (65534, 65535, 0, 2, 1, 5):  # wraps, one overtaken, two lost
        reception.add(number & 0xFFFF, number * 960, 10 + number * 0.02)
    reception.told(0x1234_5678_9ABC_DEF0, 20.0)
    report = reception.report(20.5)
    assert (report.packets_lost, report.highest_sequence, report.lsr, report.dlsr) == (2, 65536 + 5, 0x5678_9ABC, 32768)
    assert report.fraction_lost == (2 << 8) // 8
    assert reception.report(21).fraction_lost == 0


def test_a_round_trip_is_what_passed_less_what_the_far_end_waited():
    report = rtcp.Reception(7)
    report.add(1, 1, 0.0)
    report.told(rtcp.ntp(1_000_000.0), 5.0)
    assert rtcp.round_trip(report.report(5.5), 1_000_000.6) == pytest.approx(0.1, abs=0.001)
    assert rtcp.round_trip(rtcp.Reception(8).report(0), 1.0) is None


@pytest.mark.parametrize("senders", [0, 1, 20])
def test_reports_of_many_senders_fit_into_datagrams(senders):
    reception = rtcp.Reception(7)
    reception.add(1, 1, 0)
    infos = [(ssrc, Sent().outlet.report(1.0)) for ssrc in range(1, senders + 1)]
    made = rtcp.reports(infos, [reception.report(0)], 99, "us")
    assert all(len(one) < 1200 for one in made)
    parsed = [part for one in made for part in rtcp.parse(one)]
    assert sum(len(getattr(part, "reports", [])) for part in parsed) == 1
    assert [part.ssrc for part in parsed if hasattr(part, "sender_info")] == list(range(1, senders + 1))


def test_goodbye_can_be_read_and_garbage_is_nothing():
    assert rtcp.parse(rtcp.goodbye([1, 2]))[-1].sources == [1, 2]
    for garbage in (b"", b"\x80", b"\x81\xc8\x00\x01abcd", b"\x8f\xca\x00\x02" + b"\xff" * 8, b"\xff" * 100):
        assert rtcp.parse(garbage) == []


async def test_a_voice_without_takers_needs_no_loop_timer():
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {}, frozenset())
    voice.take(packet(b"x", 1, 1), 0)
    assert len(asyncio.all_tasks()) == 1
