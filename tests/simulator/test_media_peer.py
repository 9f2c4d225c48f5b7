"""Our end of a WebRTC connection against aiortc as it comes, over loopback."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import threading
from contextlib import suppress
from struct import pack

import psutil
import pytest
from aioice import stun
from aiortc.rtcsctptransport import InitChunk, crc32c, serialize_packet

from tests.simulator.far import Browser, Tone, loudest, tone, until
from workbench.simulator.media import transport as transport_module
from workbench.simulator.media.ice import MAX_REMOTE, Wire
from workbench.simulator.media.peer import Peer, PeerError
from workbench.simulator.media.places import REUSE_FROM
from workbench.simulator.media.sound import OpusPacket

pytestmark = pytest.mark.sockets


class Ends:
    """Our peer and a browser; `states` and `keys` are what was told."""

    def __init__(self, **options) -> None:
        self.states: list[str] = []
        self.keys: list[str] = []
        self.peer = Peer(on_state=self.states.append, on_key=self.keys.append, **options)
        self.browser = Browser()

    async def __aenter__(self) -> Ends:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.close()
        await self.peer.close()

    async def publish(self, hertz: float = 440) -> None:
        """The browser offers its microphone; both are connected after that."""
        self.browser.connection.addTrack(Tone(hertz))
        await self.browser.accept(await self.peer.answer(await self.browser.offer()))
        await self.connected()

    async def subscribe(self) -> None:
        """We offer what there is."""
        await self.peer.accept(await self.browser.answer(await self.peer.offer()))
        await self.connected()

    async def connected(self) -> None:
        await until(lambda: self.peer.state == "connected" and self.browser.connection.connectionState == "connected")

    async def speak(self, msid: str, hertz: float, frames: int) -> list:
        """Send a tone and take in what is said meanwhile."""
        heard = []
        for number in range(frames):
            self.peer.add_stream(msid).put(tone(hertz, number))
            frame = self.peer.voice.frame() if self.peer.voice else None
            heard += [] if frame is None else [frame]
            await asyncio.sleep(0.02)
        return heard


# sound


async def test_a_browser_that_offers_is_heard_and_hears():
    async with Ends() as ends:
        ends.peer.add_stream("here")
        await ends.publish()
        heard = await ends.speak("here", 1000, 50)
        assert loudest(heard[-25:]) == pytest.approx(440, abs=2)
        assert loudest(ends.browser.heard[-25:]) == pytest.approx(1000, abs=2)
        await ends.browser.close()
        await until(lambda: ends.peer.state == "closed")
        await ends.peer.close()
        assert ends.states == ["connecting", "connected", "closed"]


async def test_a_browser_that_is_offered_streams_hears_them_come_and_go():
    async with Ends() as ends:
        ends.peer.add_stream("first")
        await ends.subscribe()
        await ends.speak("first", 600, 40)
        assert loudest(ends.browser.heard[-20:]) == pytest.approx(600, abs=2)
        ends.peer.add_stream("second")
        await ends.subscribe()
        offered = ends.browser.connection.remoteDescription.sdp
        assert "a=msid:first " in offered and "a=msid:second " in offered
        ends.peer.remove_stream("first")
        offer = await ends.peer.offer()
        assert offer.count("a=inactive") == 1 and "msid:first" not in offer
        await ends.peer.accept(await ends.browser.answer(offer))
        assert ends.peer.voice is None


async def test_packets_pass_from_one_browser_to_another_unchanged():
    async with Ends() as speaks, Ends() as hears:
        await speaks.publish()
        outlet = hears.peer.add_stream("theirs")
        await hears.subscribe()
        taken: list[OpusPacket] = []
        speaks.peer.voice.takers = (outlet.forward, taken.append)
        await until(lambda: len(hears.browser.heard) > 60)
        assert loudest(hears.browser.heard[-25:]) == pytest.approx(440, abs=2)
        assert outlet.packets == len(taken)


async def test_the_browser_is_told_loss_and_round_trip():
    async with Ends() as ends:
        ends.peer.add_stream("here")
        await ends.publish()
        told: list = []
        for _ in range(30):
            await ends.speak("here", 500, 10)
            stats = (await ends.browser.connection.getStats()).values()
            told = [report for report in stats if report.type == "remote-inbound-rtp" and report.roundTripTime is not None]
            if told and ends.peer.round_trip is not None:
                break
        assert 0 <= told[0].roundTripTime < 0.5 and told[0].packetsLost == 0
        assert 0 <= ends.peer.round_trip < 0.5


async def test_keys_of_the_browser_are_told_and_not_heard():
    async with Ends() as ends:
        ends.browser.connection.addTransceiver("audio", "sendonly")  # no microphone: the keys have the sender to themselves
        offer = (await ends.browser.offer()).replace("a=rtpmap:96 ", "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:96 ")
        answer = await ends.peer.answer(offer)
        assert "a=rtpmap:101 telephone-event/8000\r\n" in answer
        await ends.browser.accept(answer)
        await ends.connected()
        ssrc = ends.browser.connection.getSenders()[0]._ssrc
        for number, key in enumerate((4, 2, 11)):
            for sequence in range(3):
                event = pack("!BBHII", 0x80, 101, 20 * number + sequence, 8000 * number, ssrc) + pack("!BBH", key, 0x80, 800)
                await ends.browser.dtls._send_rtp(event)
        await until(lambda: ends.keys == ["4", "2", "#"])


# exchanges of descriptions


async def test_a_further_offer_before_the_first_is_connected_loses_no_audio():
    """The classic SDK offers its data channels, and its microphone at once after the answer."""
    async with Ends(channels="negotiated") as ends:
        ends.browser.connection.createDataChannel("__heartbeat__", negotiated=True, id=0, protocol="udp")
        await ends.browser.accept(await ends.peer.answer(await ends.browser.offer()))
        assert ends.peer.state == "connecting" and ends.peer.voice is None
        ends.browser.connection.addTrack(Tone(440))
        answer = await ends.peer.answer(await ends.browser.offer())
        await until(lambda: ends.browser.connection.sctp.transport.state == "connected")  # else aiortc itself loses the race
        await ends.browser.accept(answer)
        await until(lambda: ends.peer.voice.reception and ends.peer.voice.reception.received > 10)


async def test_who_publishes_again_and_again_is_heard_each_time():
    async with Ends() as ends:
        await ends.publish()
        transport = ends.peer._transport
        await until(lambda: ends.peer.voice.reception)
        transport._senders = set(range(transport_module.MAX_SENDERS))  # those of former publications
        await asyncio.sleep(0.05)
        before = ends.peer.voice.reception.received
        await asyncio.sleep(0.1)
        assert ends.peer.voice.reception.received == before
        await ends.peer.answer(await ends.browser.offer())
        await until(lambda: ends.peer.voice.reception.received > before)


async def test_the_server_offers_first_and_the_browser_offers_its_microphone_later():
    async with Ends(channels="announced") as ends:
        await ends.subscribe()
        await ends.publish()
        await until(lambda: ends.peer.voice.reception and ends.peer.voice.reception.received > 10)
        assert ends.states == ["connecting", "connected"]


async def test_what_was_stopped_is_refused_outside_the_bundle_and_no_longer_heard():
    async with Ends(channels="negotiated") as ends:
        ends.browser.connection.createDataChannel("__heartbeat__", negotiated=True, id=0)
        await ends.publish()
        assert ends.peer.voice is not None
        offer = await ends.browser.offer()
        stopped = offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 1")
        head, _, rest = stopped.partition("m=audio ")
        answer = await ends.peer.answer(f"{head}m=audio 0 {rest.partition(' ')[2]}")
        assert "a=group:BUNDLE 1\r\n" in answer and "m=audio 0 " in answer
        assert ends.peer.voice is None


async def test_an_answer_to_an_earlier_offer_says_nothing_of_later_streams():
    async with Ends() as ends:
        ends.peer.add_stream("first")
        answer = await ends.browser.answer(await ends.peer.offer())
        second = ends.peer.add_stream("second")
        await ends.peer.offer()
        await ends.peer.accept(answer)
        assert ends.peer.add_stream("first").live and not second.live
        await ends.connected()
        await ends.subscribe()
        assert second.live


async def test_sections_are_used_again_when_there_are_many():
    async with Ends() as ends:
        for number in range(REUSE_FROM + 5):
            ends.peer.add_stream(f"s{number}")
            offer = await ends.peer.offer()
            await ends.peer.accept(await ends.browser.answer(offer))
            assert f"a=msid:s{number} " in offer
            ends.peer.remove_stream(f"s{number}")
        assert offer.count("m=audio") <= REUSE_FROM + 1


async def test_steps_out_of_turn_are_refused():
    async with Ends() as ends:
        with pytest.raises(PeerError, match="nothing to offer"):
            await ends.peer.offer()
        with pytest.raises(PeerError, match="no offer to answer"):
            await ends.peer.accept(_some_answer())
        with pytest.raises(PeerError, match="does not begin"):
            await ends.peer.answer("nonsense")
        ends.peer.add_stream("first")
        offer = await ends.peer.offer()
        with pytest.raises(PeerError, match="setup must be active or passive"):
            await ends.peer.accept(offer)
        with pytest.raises(PeerError, match="not those of the offer"):
            await ends.peer.accept(offer.replace("a=mid:0", "a=mid:9").replace("BUNDLE 0", "BUNDLE 9"))
        await ends.peer.accept(await ends.browser.answer(offer))
        await ends.connected()
        await ends.peer.close()
        with pytest.raises(PeerError, match="is closed"):
            await ends.peer.offer()
        with pytest.raises(PeerError, match="is closed"):
            await ends.peer.answer(offer)


def _some_answer() -> str:
    lines = ["v=0", "a=group:BUNDLE 0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:0", "a=ice-ufrag:abcd"]
    return "\r\n".join([*lines, f"a=ice-pwd:{'p' * 22}", f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}", "a=setup:active", ""])


# ways and far ends


async def test_a_far_end_that_restarts_ice_is_followed_and_its_sound_goes_on():
    """aiortc cannot restart; a peer of ours plays the browser, with a new wire under its transport."""
    threads = threading.active_count()
    ours, theirs = Peer(), Peer()
    outlet = theirs.add_stream("microphone")
    answer = await ours.answer(await theirs.offer())
    await theirs.accept(answer)
    await until(lambda: ours.state == theirs.state == "connected")
    former, transport = ours._transport.wire, theirs._transport
    wire = transport.newest = Wire(True, transport._arrived, transport._alive)
    await wire.gather_candidates()
    answer = await ours.answer(await theirs.offer())
    lines = dict(line[2:].split(":", 1) for line in answer.splitlines() if line.startswith("a=ice-"))
    await wire.expect(lines["ice-ufrag"], lines["ice-pwd"], False, ())
    await transport._move(wire)
    await until(lambda: ours._transport.wire is not former)
    for number in range(20):
        outlet.put(tone(440, number))
        await asyncio.sleep(0.005)
    await until(lambda: ours.voice.reception and ours.voice.reception.received >= 15)
    assert not former.connected and ours.state == "connected"
    assert threading.active_count() == threads, "sound needs no thread"
    await theirs.close()
    await ours.close()


async def test_a_far_end_with_another_fingerprint_is_answered_afresh():
    async with Ends() as ends:
        await ends.publish(440)
        await until(lambda: ends.peer.voice.reception)
        former, ends.browser = ends.browser, Browser()
        await ends.publish(900)
        heard = await ends.speak("unheard", 1, 50)
        assert loudest(heard[-20:]) == pytest.approx(900, abs=2)
        assert ends.states == ["connecting", "connected", "connecting", "connected"]
        await former.close()
        assert ends.peer.state == "connected"


async def test_a_far_end_that_vanishes_is_told_as_failed(monkeypatch):
    monkeypatch.setattr(transport_module, "VANISHED_SECONDS", 0.5)
    async with Ends() as ends:
        await ends.publish()
        await ends.browser.vanish()
        await until(lambda: ends.peer.state == "failed")
        assert ends.states == ["connecting", "connected", "failed"]


async def test_a_far_end_that_has_failed_can_be_offered_anew_and_one_that_has_closed_cannot():
    async with Ends() as ends:
        ends.peer.add_stream("first")
        await ends.subscribe()
        ends.peer._transport._end("failed")
        await ends.browser.close()
        ends.browser = Browser()
        await ends.subscribe()
        await ends.speak("first", 600, 30)
        assert loudest(ends.browser.heard[-15:]) == pytest.approx(600, abs=2)
        assert ends.states == ["connecting", "connected", "failed", "connecting", "connected"]
        await ends.browser.close()
        await until(lambda: ends.peer.state == "closed")
        with pytest.raises(PeerError, match="closed"):
            await ends.peer.offer()


async def test_a_far_end_is_not_given_up_because_we_were_held_up():
    async with Ends() as ends:
        await ends.publish()
        transport = ends.peer._transport
        transport._heard -= 100
        transport._watched -= 100
        transport.watch()
        assert ends.peer.state == "connected"
        transport._heard -= 100
        transport.watch()
        assert ends.peer.state == "failed"


async def test_a_further_offer_may_tell_more_addresses():
    async with Ends() as ends:
        ends.browser.connection.addTrack(Tone(440))
        offer = await ends.browser.offer()
        await ends.peer.answer("".join(line for line in offer.splitlines(keepends=True) if "candidate" not in line))
        assert ends.peer._transport.wire.remote_candidates == []
        await ends.peer.answer(offer)
        assert ends.peer._transport.wire.remote_candidates != []


async def test_a_far_end_that_never_comes_is_told_as_failed(monkeypatch):
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.3)
    async with Ends() as ends:
        ends.browser.connection.addTrack(Tone(440))
        await ends.peer.answer(await ends.browser.offer())
        await until(lambda: ends.peer.state == "failed")


async def test_a_far_end_whose_fingerprint_is_a_lie_is_refused():
    async with Ends() as ends:
        ends.browser.connection.addTrack(Tone(440))
        offer = await ends.browser.offer()
        print_ = next(line for line in offer.splitlines() if line.startswith("a=fingerprint:sha-256"))
        others = [line for line in offer.splitlines() if line.startswith("a=fingerprint:") and line != print_]
        for line in others:
            offer = offer.replace(line + "\r\n", "")
        await ends.browser.accept(await ends.peer.answer(offer.replace(print_, print_[:-5] + "00:00")))
        await until(lambda: ends.peer.state == "failed")


@pytest.mark.parametrize("channels", ["negotiated", "announced"])
async def test_heartbeats_are_asked_for_and_answered(channels, monkeypatch):
    monkeypatch.setattr("workbench.simulator.media.peer.PING_SECONDS", 1)
    async with Ends(channels=channels) as ends:
        heard: list[str] = []

        def answers(channel) -> None:
            channel.on("message", lambda message: (heard.append(message), message == "PING" and channel.send("PONG")))

        if channels == "negotiated":
            channel = ends.browser.connection.createDataChannel("__heartbeat__", negotiated=True, id=0, protocol="udp")
            answers(channel)
            await ends.browser.accept(await ends.peer.answer(await ends.browser.offer()))
        else:
            ends.browser.connection.on("datachannel", lambda channel: channel.label == "__heartbeat__" and answers(channel))
            await ends.subscribe()
        await until(lambda: ends.peer._transport.channels.round_trip is not None)
        assert "PING" in heard


async def test_timers_of_data_channels_that_outlive_the_connection_find_it_closed(faults):
    async with Ends(channels="announced") as ends:
        await ends.subscribe()
        channels = ends.peer._transport.channels
        await until(lambda: channels._heartbeat.readyState == "open")
        await ends.browser.vanish()
        channels.ping()
        await until(lambda: channels.sctp._sent_queue)
        await ends.peer.close()
        channels.sctp._t3_expired()
        await asyncio.sleep(0.01)
        assert channels.sctp._t3_handle is None
    assert faults == []


async def test_a_far_end_that_opens_channels_without_end_gets_no_more_of_them():
    async with Ends() as ends:
        for number in range(40):
            ends.browser.connection.createDataChannel(f"c{number}")
        await ends.browser.accept(await ends.peer.answer(await ends.browser.offer()))
        await until(lambda: ends.peer._transport.channels and ends.peer._transport.channels.sctp.state == "closed")
        assert ends.peer.state == "connected"


# garbage, and what is left behind


@pytest.fixture
async def faults():
    """What reached the loop's exception handler, or was logged as a warning by the loop."""
    found: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(str(context)))
    yield found
    gc.collect()
    await asyncio.sleep(0)
    assert found == []


def garbage(dice: random.Random) -> bytes:
    """Something that looks like STUN, DTLS, RTP, RTCP or nothing."""
    first = dice.choice([0, 1, 1, 22, 23, 128, 128, dice.randrange(256)])
    body = bytes([first]) + dice.randbytes(dice.choice([0, 1, 7, 11, 19, 40, 200, 1499, 4000]))
    if first == 1:  # a binding request whose length is right, with attributes of any kind
        attributes = pack("!HH", dice.choice([6, 8, 0x20, 0x24, 9, 0x8028, 1]), dice.choice([0, 1, 4, 8, 20])) + dice.randbytes(20)
        body = pack("!HHI", 1, len(attributes), 0x2112A442) + dice.randbytes(12) + attributes
    return body


async def test_garbage_from_strangers_changes_nothing(faults):
    dice = random.Random(5)
    async with Ends() as ends:
        ends.browser.connection.addTrack(Tone(440))
        answer = await ends.peer.answer(await ends.browser.offer())
        port = ends.peer._transport.wire.local_candidates[0].port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(300):  # before anything is connected
                stranger.sendto(garbage(dice), ("127.0.0.1", port))
            await ends.browser.accept(answer)
            await ends.connected()
            await until(lambda: ends.peer.voice.reception)
            for _ in range(10):
                for _ in range(100):
                    stranger.sendto(garbage(dice), ("127.0.0.1", port))
                await asyncio.sleep(0.005)
        before = ends.peer.voice.reception.received
        await until(lambda: ends.peer.voice.reception.received > before + 10)
        assert ends.peer._transport._below.waiting.qsize() == 0


async def test_garbage_from_the_far_end_itself_changes_nothing(faults):
    """It has the keys: what it sends is decrypted, and means nothing."""
    dice = random.Random(6)
    async with Ends(channels="negotiated") as ends:
        ends.browser.connection.createDataChannel("__heartbeat__", negotiated=True, id=0)
        await ends.publish()
        taken: list[OpusPacket] = []
        await until(lambda: ends.peer.voice.reception)
        ends.peer.voice.takers = (taken.append,)
        await until(lambda: ends.peer._transport.channels.sctp.state == "connected")
        tag = pack("!HHI", 5000, 5000, ends.peer._transport.channels.sctp._local_verification_tag)
        for _ in range(300):
            ends.peer.voice.frame()
            for kind in (96, 96 | 0x80, 127, 200, 201, 203, 205, 206):
                body = bytes([0x80 | dice.randrange(64), kind]) + dice.randbytes(dice.choice([6, 10, 14, 30, 200]) * 2)
                with suppress(Exception):  # libsrtp refuses to protect the worst of it
                    await ends.browser.dtls._send_rtp(body)
            await ends.browser.dtls._send_data(tag + dice.randbytes(dice.choice([0, 4, 8, 16, 40])))
            await asyncio.sleep(0.001)  # what came too fast the kernel would drop
        forged = pack("!BBHII", 0x80, 96, 1, 1, ends.browser.connection.getSenders()[0]._ssrc)
        for _ in range(20):
            await ends.browser.dtls._send_data(_two_inits())
            await ends.browser.dtls.transport._send(forged + dice.randbytes(dice.choice([0, 2, 10, 60, 3000])))
            await asyncio.sleep(0.001)
        before = len(taken)
        await until(lambda: len(taken) > before + 10)
        assert ends.peer._transport.wire.faults == 0
        assert ends.peer.state == "connected"
        assert len(ends.peer._transport._senders) <= transport_module.MAX_SENDERS


def _two_inits() -> bytes:
    """An SCTP packet with a valid checksum, which aiortc asserts not to exist."""
    one = serialize_packet(5000, 5000, 0, InitChunk())
    body = one[:8] + b"\0\0\0\0" + one[12:] + one[12:]
    return body[:8] + pack("<L", crc32c(body)) + body[12:]


async def test_who_calls_from_everywhere_is_listened_to_up_to_a_number():
    wire = Wire(False, lambda data: None, lambda: None)
    await wire.gather_candidates()
    await wire.expect("abcd", "p" * 22, False, ())
    check = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    check.attributes["PRIORITY"] = 1
    for port in range(2 * MAX_REMOTE):
        wire.check_incoming(check, ("127.0.0.1", 20_000 + port), wire._protocols[0])
    assert len(wire._remote_candidates) == MAX_REMOTE
    await wire.close()


def held() -> tuple[int, int, int]:
    """Tasks, sockets and threads of this process."""
    gc.collect()
    process = psutil.Process(os.getpid())
    return len(asyncio.all_tasks()), len(process.net_connections("udp")), threading.active_count()


async def test_a_closed_peer_leaves_nothing_behind(monkeypatch):
    async with Ends() as warm:  # libraries keep what they load
        await warm.publish()
    await until(lambda: len(asyncio.all_tasks()) == 1)
    before = held()
    for how in ("restarting", "connected", "unanswered", "offered", "vanished", "cancelled", "twice"):
        ends = Ends(channels="announced")
        if how == "unanswered":
            ends.browser.connection.addTrack(Tone(440))
            await ends.peer.answer(await ends.browser.offer())
        elif how == "offered":
            await ends.peer.offer()
        elif how == "cancelled":
            ends.browser.connection.addTrack(Tone(440))
            task = asyncio.create_task(ends.peer.answer(await ends.browser.offer()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            await ends.publish()
            await until(lambda ends=ends: ends.peer.voice.reception)
        if how == "restarting":
            offer = await ends.browser.offer()
            ufrag = next(line for line in offer.splitlines() if line.startswith("a=ice-ufrag:"))
            await ends.peer.answer(offer.replace(ufrag, "a=ice-ufrag:another"))
            assert ends.peer._transport.newest is not ends.peer._transport.wire
        if how == "vanished":
            await ends.browser.vanish()
        if how == "twice":
            await asyncio.gather(ends.peer.close(), ends.peer.close())
        await ends.peer.close()
        await ends.browser.close()
    await until(lambda: held() == before, seconds=5)


async def test_descriptions_that_are_damaged_are_answered_or_refused_and_leave_nothing_behind(faults):
    dice = random.Random(7)
    browser = Browser()
    browser.connection.addTrack(Tone(440))
    browser.connection.createDataChannel("x")
    lines = (await browser.offer()).splitlines()
    answered = 0
    for _ in range(60):
        damaged = list(lines)
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(damaged))
            damaged[place] = dice.choice([dice.choice(lines), damaged[place][: dice.randrange(1 + len(damaged[place]))], "a=" + "9" * 30])
        peer = Peer(channels="negotiated")
        with suppress(PeerError):
            await peer.answer("\r\n".join(damaged))
            answered += 1
        await peer.close()
    assert 0 < answered < 60
    await browser.close()
    await until(lambda: len(asyncio.all_tasks()) == 1)
