"""Devices with sound: synthetic browsers on real sockets, by WebRTC and by PCM, and what becomes of media and socket without each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.media.clients import Brtc, Classic, Client, Handset, Pcm, brtc_url, classic_url, handset_url
from tests.media.peers import Subscriber
from tests.media.tones import tone
from tests.media.waiting import until
from workbench.simulator.media import transport, webrtc_media

from .device_client import Served, served
from .shell import APPLICATION, BASE, NUMBER, PHONE, WEBRTC, document

pytestmark = pytest.mark.sockets

TONES = (440, 600, 800)


class Far(AsyncExitStack):
    """A platform and its devices, which go with the block."""

    platform: Served

    @property
    def base(self) -> str:
        return f"ws://127.0.0.1:{self.platform.port}"

    async def add(self, client: Any) -> Any:
        self.push_async_callback(self.gone, client)
        return client

    @staticmethod
    async def gone(client: Client) -> None:
        await client.close()

    async def classic(self, session: str, unique: str = "u") -> tuple[str, Classic]:
        """A participant's device in a session."""
        participant, token = await self.platform.participant(session)
        client = await self.add(Classic(classic_url(self.base, token, unique)))
        await client.connect()
        return participant, client

    async def endpoint(self) -> tuple[str, str]:
        """An endpoint with which callers of the account's number are connected, and its token."""
        endpoint, token = await self.platform.endpoint()
        fields = {"callInitiatedCallbackUrl": f"{BASE}/initiate"}
        assert (await self.platform.http.put(f"/_local/applications/{APPLICATION}", json=fields)).status_code == 200
        self.platform.application.replies["initiate"] = document(f"<Connect><Endpoint>{endpoint}</Endpoint></Connect>")
        return endpoint, token

    async def ticket(self, number: str = PHONE) -> str:
        answer = await self.platform.http.post(f"/_local/phones/{number}/ticket")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["path"] == f"/_local/handset?ticket={told['ticket']}"
        return str(told["ticket"])

    async def handset(self, number: str = PHONE, kind: Any = Handset) -> Any:
        """A phone's handset."""
        client = await self.add(kind(handset_url(self.base, await self.ticket(number), "u")))
        await client.connect()
        return client


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    async with served() as platform, Far() as far:
        far.platform = platform
        yield far
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "pace" not in repr(task).lower()]
    assert left == [], left


async def test_two_browsers_hear_each_other_and_what_they_publish_comes_and_goes(far: Far) -> None:
    session = await far.platform.session()
    alice, a = await far.classic(session)
    _, b = await far.classic(session)
    line, told = await a.publish(tone(440), alias="alice")
    assert told["mediaTypes"] == ["AUDIO"] and told["participantId"] == alice and told["alias"] == "alice"
    await b.publish(tone(600))
    await until(lambda: b.hears(TONES) == {440} and a.hears(TONES) == {600})
    offers = b.told("sdpOffer")
    revisions = [offer["sdpRevision"] for offer in offers]
    assert revisions[0] == 1 and revisions == sorted(set(revisions))
    [[msid, about]] = offers[-1]["streamMetadata"].items()
    assert about == {"endpointId": offers[-1]["endpointId"], "mediaTypes": ["AUDIO"], "participantId": alice, "alias": "alice"}
    assert f"a=msid:{msid} " in offers[-1]["sdpOffer"]
    # unpublish: the stream is gone; publish: it comes again, by another msid
    await a.unpublish(line)
    await until(lambda: b.ended == [msid] and b.told("sdpOffer")[-1]["streamMetadata"] == {})
    await a.publish(tone(800))
    await until(lambda: b.hears(TONES) == {800})
    assert msid not in b.told("sdpOffer")[-1]["streamMetadata"]
    assert {(state["connection"], state["state"]) for state in far.platform.happened("mediaState")} == {
        ("publish", "connected"),
        ("subscribe", "connected"),
    }


async def test_a_stream_is_heard_while_it_is_published_by_the_alias_that_was_subscribed_to(far: Far) -> None:
    session = await far.platform.session()
    alice, a = await far.classic(session)
    bob, b = await far.classic(session)
    line, _ = await a.publish(tone(440), alias="mic")
    await until(lambda: b.hears(TONES) == {440})
    path = f"{WEBRTC}/sessions/{session}/participants/{bob}/subscriptions"
    wanted = {"participants": [{"participantId": alice, "streamAliases": ["music"]}]}
    assert (await far.platform.http.put(path, json=wanted)).status_code == 204
    await until(lambda: b.told("sdpOffer")[-1]["streamMetadata"] == {})
    music, _ = await a.publish(tone(600), alias="music")  # of both the newest is heard
    await until(lambda: b.hears(TONES) == {600})
    assert [one["alias"] for one in b.streams.values()] == ["music"]
    await a.unpublish(music)
    await until(lambda: b.told("sdpOffer")[-1]["streamMetadata"] == {})
    assert (await far.platform.http.put(path, json={"sessionId": session})).status_code == 204
    await until(lambda: b.hears(TONES) == {440})
    assert [one["alias"] for one in b.streams.values()] == ["mic"] and line.enabled


async def test_media_goes_on_without_a_socket_and_the_next_offer_has_the_next_revision(far: Far) -> None:
    session = await far.platform.session()
    _, a = await far.classic(session)
    await a.publish(tone(440))
    _, b = await far.classic(session)
    await until(lambda: b.hears(TONES) == {440})
    last = b.told("sdpOffer")[-1]["sdpRevision"]
    await b.socket.vanish()
    await until(lambda: len(far.platform.happened("socketBroken")) == 1)
    count = b.ears[next(iter(b.ears))].count
    _, c = await far.classic(session)
    await c.publish(tone(600))  # its stream cannot be offered yet
    await until(lambda: b.ears[next(iter(b.ears))].count > count + 25)
    await b.reopen()
    await until(lambda: b.hears(TONES) == {440, 600})
    assert b.told("sdpOffer")[-1]["sdpRevision"] > last
    assert far.platform.kinds().count("onConnect") == 3 and not far.platform.happened("deviceLost")


async def test_an_offer_that_is_not_answered_is_told_and_made_again_on_the_next_socket(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc_media, "ANSWER_SECONDS", 0.2)
    _, token = await far.platform.participant()
    async with far.platform.classic(token) as device:
        await device.ask("setMediaPreferences", protocol="WEBRTC")
        assert (await device.hear("sdpOffer"))["sdpRevision"] == 1
        await until(lambda: bool(far.platform.happened("socketFault")))
        await device.connection.close(code=4000)
    assert far.platform.happened("socketFault")[0]["error"] == "offer 1 was not answered in 0.2 s"
    async with far.platform.classic(token) as device:
        assert (await device.hear("sdpOffer"))["sdpRevision"] == 2


async def test_media_that_dies_beside_a_living_socket_ends_what_is_published(far: Far) -> None:
    session = await far.platform.session()
    participant, a = await far.classic(session)
    await a.publish(tone(440))
    await until(lambda: bool(far.platform.happened("published")))
    assert a.publisher is not None
    await a.publisher.close()
    await until(lambda: bool(far.platform.happened("unpublished")))
    ended = [state for state in far.platform.happened("mediaState") if state["state"] == "closed"]
    assert [(state["connection"], state["participantId"]) for state in ended] == [("publish", participant)]
    assert await a.socket.call("ping") == {}


async def test_a_connection_to_hear_by_that_dies_beside_a_living_socket_is_offered_anew(far: Far) -> None:
    session = await far.platform.session()
    _, a = await far.classic(session)
    await a.publish(tone(440))
    listener, b = await far.classic(session)
    await until(lambda: b.hears(TONES) == {440})
    last, former = b.told("sdpOffer")[-1], b.subscriber
    assert former is not None
    b.subscriber = None
    for protocol in former.pc.getTransceivers()[0].receiver.transport.transport._connection._protocols:
        protocol.transport.abort()
    [peer] = [one.media.hearing.peer for one in far.platform.world.lines._by_key.values() if one.party == listener]
    peer._transport._heard -= 100  # and it has been silent for long
    await until(lambda: b.hears(TONES) == {440})
    offer = b.told("sdpOffer")[-1]
    assert offer["sdpRevision"] == last["sdpRevision"] + 1 and offer["streamMetadata"] == last["streamMetadata"]
    states = [state["state"] for state in far.platform.happened("mediaState") if state["participantId"] == listener]
    assert states == ["connected", "failed", "connected"]
    assert not far.platform.happened("socketFault") and not far.platform.happened("deviceLost")
    await former.close()


async def test_a_connection_to_hear_by_that_fails_again_and_again_is_given_up(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.2)
    _, token = await far.platform.participant()
    async with far.platform.classic(token) as device:
        await device.ask("setMediaPreferences", protocol="WEBRTC")
        for revision in range(1, webrtc_media.MOST_FAILURES + 2):
            offer = await device.hear("sdpOffer")
            assert offer["sdpRevision"] == revision
            nobody = Subscriber()
            answer = await nobody.answer(offer["sdpOffer"])
            await nobody.close()
            await device.ask("answerSdp", sdpAnswer=answer)
        await until(lambda: bool(far.platform.happened("socketFault")))
        [fault] = far.platform.happened("socketFault")
        assert fault["rule"] == "socket.media" and "failed 4 times in a row" in fault["error"]
        assert not [one for one in device.told if one["method"] == "sdpOffer"]
        # Asked for, media begins anew.
        await device.ask("setMediaPreferences", protocol="WEBRTC")
        assert (await device.hear("sdpOffer"))["sdpRevision"] == 1


async def test_a_browser_that_vanishes_is_lost_with_its_media(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.media.line.GRACE_SECONDS", 0.1)
    session = await far.platform.session()
    _, a = await far.classic(session)
    _, b = await far.classic(session)
    await a.publish(tone(440))
    await until(lambda: b.hears(TONES) == {440})
    await a.vanish()
    await until(lambda: b.told("sdpOffer")[-1]["streamMetadata"] == {})
    assert len(far.platform.happened("onDisconnect")) == 1
    assert not far.platform.world.plane._voices


async def test_garbage_for_a_description_is_answered_and_changes_nothing(far: Far) -> None:
    _, token = await far.platform.participant()
    async with far.platform.classic(token) as device:
        early = await device.whole("offerSdp", {"sdpOffer": "v=0"})
        assert early["error"]["code"] == -32600
        await device.ask("setMediaPreferences", protocol="WEBRTC")
        await device.hear("sdpOffer")
        for sdp in ("", "v=0", "x" * 100_000, "v=0\r\nm=audio 9 RTP/AVP 0\r\n"):
            for method, name in (("offerSdp", "sdpOffer"), ("answerSdp", "sdpAnswer")):
                answer = await device.whole(method, {name: sdp})
                assert answer["error"]["code"] in (-32602, -32600) and "Traceback" not in answer["error"]["message"]
        for params in ({}, {"sdpOffer": 7}, {"sdpOffer": None}, {"sdpOffer": ["v=0"]}):
            assert (await device.whole("offerSdp", params))["error"]["code"] == -32602
        assert await device.ask("ping") == {}
    assert {fault["rule"] for fault in far.platform.happened("socketFault")} <= {
        "socket.sdp",
        "socket.json-rpc",
        "socket.offer",
        "socket.preferences",
    }


async def test_an_endpoint_and_a_phone_in_a_hand(far: Far) -> None:
    endpoint, token = await far.endpoint()
    device = await far.add(Brtc(brtc_url(far.base, token, "u")))
    told = await device.connect()
    assert told["endpointId"] == endpoint
    await device.publish(tone(440))
    await until(lambda: bool(far.platform.happened("endpointEligible")))
    phone = await far.handset()
    assert phone.phone["status"] == "idle"
    await phone.publish(tone(600))
    called = await phone.do("dial", to=NUMBER)
    await until(lambda: device.hears(TONES) == {600} and phone.hears(TONES) == {440})
    [available] = device.told("streamAvailable")
    assert available == {"callId": called["callId"], "endpointId": endpoint, "autoAccepted": True}
    assert phone.phone | {"since": ""} == {
        "number": PHONE,
        "status": "talking",
        "from": PHONE,
        "to": NUMBER,
        "callId": called["callId"],
        "since": "",
    }
    await phone.do("hangup")
    await until(lambda: bool(device.told("streamUnavailable")) and phone.phone["status"] == "idle")


async def test_a_phone_in_a_hand_rings_and_is_answered(far: Far) -> None:
    far.platform.application.replies["answer"] = document("<Pause duration='60'/>")
    phone = await far.handset(kind=Pcm)
    call_id = await far.platform.call()
    await until(lambda: phone.phone["status"] == "ringing")
    assert phone.phone["callId"] == call_id and phone.phone["from"] == NUMBER
    await phone.do("answer")
    await until(lambda: phone.phone["status"] == "talking")
    await phone.do("press", digits="1")
    await phone.do("hangup")
    await until(lambda: phone.phone["status"] == "idle")
    assert (await far.platform.http.get("/_local/state")).json()["phones"][0]["by_hand"] is True
    await phone.leave()
    await until(lambda: bool(far.platform.happened("handsetReleased")))
    assert (await far.platform.http.get("/_local/state")).json()["phones"][0]["by_hand"] is False


async def test_pcm_both_ways(far: Far) -> None:
    _, token = await far.endpoint()
    device = await far.add(Pcm(brtc_url(far.base, token, "u")))
    await device.connect()
    await device.speak(440)
    await until(lambda: bool(far.platform.happened("endpointEligible")))
    phone = await far.handset(kind=Pcm)
    await phone.speak(600)
    await phone.do("dial", to=NUMBER)
    await until(lambda: device.hears(TONES) == {600} and phone.hears(TONES) == {440})
    assert device.told("streams")[-1]["streamMetadata"]


async def test_a_ticket_is_good_for_one_number_and_hosts_of_this_machine(far: Far) -> None:
    ticket = await far.ticket()
    async with far.platform.device("/_local/handset", ticket="x", uniqueId="u") as device:
        assert await device.end() == (1000, "the ticket is not known, or has expired: ask for another one")
    async with far.platform.device("/_local/handset", ticket=ticket, uniqueId="u") as first:
        assert (await first.hear("phone"))["number"] == PHONE
        async with far.platform.device("/_local/handset", ticket=await far.ticket(), uniqueId="v") as second:
            assert await first.end() == (1000, "another device connected in its place")
            assert (await second.hear("phone"))["number"] == PHONE
            assert (await second.whole("dial", {"to": "+1"}))["error"]["code"] == 404
            assert (await second.whole("answer"))["error"] == {
                "code": 409,
                "message": f"phone {PHONE} is in no call",
                "data": {"rule": "phone.idle"},
            }
    await until(lambda: not far.platform.world.engine.phones[PHONE].by_hand)
    answer = await far.platform.http.post(f"/_local/phones/{NUMBER}/ticket")
    assert answer.status_code == 400
    shown = (await far.platform.http.get("/_local/events")).text
    assert ticket not in shown and "handsetTaken" in shown
