"""The unmodified `@bandwidth/webrtc-browser` in Chromium against the platform: all it can do, and what both sides hear of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from tests.browser.lab import chromium
from tests.media.clients import Handset
from tests.media.ears import Ear
from tests.media.page import PAGE, SdkPage, browsing, bundle, serving
from tests.media.stage import PARK, Stage, document
from tests.media.tones import RATE, tone
from tests.media.waiting import until
from tests.node.conftest import installed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

PHONE, HAND = "+19195550131", "+19195550132"
BEEP = (300, 500)  # Chromium's fake microphone, Hz


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened() -> AsyncIterator[SdkPage]:
    if not chromium():
        message = "no Chromium found; install it (Debian: apt install chromium) or name one in CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    async with serving(page_html=PAGE, sdk_js=bundle(installed())) as address, browsing() as browser:
        page = SdkPage(await browser.new_page())
        await page.page.goto(f"{address}/page.html")
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def page(opened: SdkPage) -> AsyncIterator[SdkPage]:
    """The page, disconnected; it must have thrown nothing at the end."""
    yield opened
    await opened.do("() => rtc && disconnect()")
    assert opened.faults == []


async def connected(stage: Stage, page: SdkPage, session: str) -> str:
    """The page is a participant's device; its id."""
    party, token = await stage.participant(session, "browser")
    await page.connect(token, stage.ws)
    return party


async def stream_of(page: SdkPage) -> str:
    """The one stream that the page was given."""
    await until(page.events, 10, "a stream")
    found = await page.events()
    assert len(found) == 1, found
    (event,) = found
    assert event[0] == "available" and event[4] == ["AUDIO"]
    return str(event[1])


def beeps(ear: Ear, since: float) -> bool:
    """Whether the fake microphone's beep arrived since then."""
    sound = ear.sound(since)
    if not len(sound):
        return False
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    pitch = np.fft.rfftfreq(len(sound), 1 / RATE)[spectrum.argmax()]
    return bool(np.abs(sound).max() > 0.02 and BEEP[0] < pitch < BEEP[1])


async def to_a_hand(stage: Stage, session: str) -> tuple[Handset, str]:
    """A phone in a hand, bridged with the participants of a session; and the call at the interconnect."""
    hand = await stage.handset(HAND)
    _, token = await stage.participant(session, "phone side")
    leg = await stage.webrtc_leg(token, document(PARK))
    await stage.answered(leg)
    await stage.call(HAND, document(f"<Bridge>{leg}</Bridge>", PARK))
    await stage.take(hand)
    return hand, leg


async def test_connect_and_hear_a_phones_tone(stage: Stage, page: SdkPage) -> None:
    session = await stage.session()
    await connected(stage, page, session)
    side, token = await stage.participant(session, "phone side")
    leg = await stage.webrtc_leg(token, document(PARK))
    await stage.answered(leg)
    await stage.phone(PHONE, tone=770)
    call = await stage.call(PHONE, document(f"<Bridge>{leg}</Bridge>", PARK))
    stream = await stream_of(page)
    assert (await page.events())[0][2] == side
    await page.hears(stream, 770)
    await stage.hang_up(call)  # and with it the other, which has nothing left to do
    await until(lambda: _ended(page, stream), 10, "the stream's end")


async def _ended(page: SdkPage, stream: str) -> bool:
    return (await page.events())[-1] == ["unavailable", stream]


async def test_the_microphone_is_heard_muted_unpublished_and_published_again(stage: Stage, page: SdkPage) -> None:
    session = await stage.session()
    await connected(stage, page, session)
    hand, _ = await to_a_hand(stage, session)
    published = await page.publish("mic")
    assert (published["mediaTypes"], published["alias"]) == (["AUDIO"], "mic")

    async def heard(wanted: bool) -> None:
        """Two seconds of the microphone hold at least one beep, or none."""
        begin = hand_ear().clock() if hand.ears else 0.0
        if wanted:
            await until(lambda: bool(hand.ears) and beeps(hand_ear(), begin), 10, "a beep")
        else:
            await until(lambda: hand_ear().clock() - begin > 2.2, 10, "two seconds")
            assert not beeps(hand_ear(), begin + 0.3)

    def hand_ear() -> Ear:
        return next(iter(hand.ears.values()))

    await heard(True)
    await page.do("() => rtc.setMicEnabled(false)")
    await heard(False)
    await page.do("() => rtc.setMicEnabled(true)")
    await heard(True)
    await page.do("() => rtc.unpublish(published)")
    await heard(False)
    again = await page.publish("mic")
    assert again["endpointId"] != published["endpointId"]
    await heard(True)


async def test_keys_reach_a_gather(stage: Stage, page: SdkPage) -> None:
    session = await stage.session()
    await connected(stage, page, session)
    await page.publish()
    _, token = await stage.participant(session, "phone side")
    gather = f'<Gather gatherUrl="{stage.base}/digits" maxDigits="3" firstDigitTimeout="20" interDigitTimeout="10"/>'
    leg = await stage.webrtc_leg(token, document(gather, PARK))
    await stage.answered(leg)
    await page.do("() => rtc.sendDtmf('42#')")
    await until(lambda: stage.told("gather", digits="42#") or stage.told("gather", digits="42"), 15, "the gathered keys")


async def test_a_dropped_socket_is_opened_again_and_media_run_on(stage: Stage, page: SdkPage) -> None:
    session = await stage.session()
    party = await connected(stage, page, session)
    hand, _ = await to_a_hand(stage, session)
    await page.publish()
    await hand.publish(tone(950))
    stream = await stream_of(page)
    await page.hears(stream, 950)
    await page.do("() => sockets[0].close(4000)")
    await until(lambda: page.do("() => sockets.length == 2 && sockets[1].readyState == 1"), 10, "the socket is open again")
    await page.hears(stream, 950)
    (ear,) = hand.ears.values()
    begin = ear.clock()
    await until(lambda: beeps(ear, begin), 10, "a beep")
    state = await stage.local("GET", "/state")
    assert [one["participantId"] for one in state["devices"] if one["participantId"] == party] == [party]
    # The next revision still arrives: somebody else comes and is heard.
    other, token = await stage.participant(session, "other")
    client = await stage.classic(token)
    await client.publish(tone(1330), alias="second")
    await until(lambda: _available(page, other), 10, "the second stream")
    await page.hears(next(event[1] for event in await page.events() if event[2] == other), 1330)


async def _available(page: SdkPage, party: str) -> bool:
    return any(event[:1] == ["available"] and event[2:4] == [party, "second"] for event in await page.events())


async def test_disconnect_is_a_device_that_left(stage: Stage, page: SdkPage) -> None:
    party = await connected(stage, page, await stage.session())
    await page.publish()
    await page.do("disconnect")

    async def gone() -> bool:
        return not (await stage.local("GET", "/state"))["devices"]

    await until(gone, 10, "the device has left")
    assert [one["participantId"] for one in await stage.happened("onLeave")] == [party]
    assert await stage.happened("onDisconnect") == []


async def test_a_sentence_is_understood(stage: Stage) -> None:
    from tests.media.words import recognised, share

    session = await stage.session()
    _, browser = await stage.participant(session, "browser")
    client = await stage.classic(browser)
    _, token = await stage.participant(session, "phone side")
    said = "please leave your name and your telephone number after the tone"
    leg = await stage.webrtc_leg(token, document(PARK))
    await stage.answered(leg)
    await until(lambda: client.ears)
    (ear,) = client.ears.values()
    await stage.redirect(leg, document(f"<SpeakSentence>{said}</SpeakSentence>", PARK))
    await until(lambda: ear.first() is not None, 20, "the first sound, with which the voice is loaded")
    call = await stage.call(PHONE, document(f"<Bridge>{leg}</Bridge>", PARK))
    await stage.answered(call)
    begin = ear.clock()
    await stage.local("POST", f"/phones/{PHONE}/say", {"text": said})
    await until(lambda: ear.clock() - begin > len(said) / 15 + 1, 20, "the sentence's end")
    heard = recognised(ear.sound(begin))
    assert share(said, heard) >= 0.7, heard
