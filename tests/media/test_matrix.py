"""Who hears whom, measured at the far end: real Opus over real DTLS and ICE, beside what the platform computes (`GET /_local/hears`).

Everybody speaks a tone of his own all the time. After every change both must come to say the same: what is expected here.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.media.clients import Client
from tests.media.ears import Ear
from tests.media.peers import Line
from tests.media.stage import NUMBER, PARK, VOICE, Stage, document
from tests.media.tones import tone
from tests.media.waiting import until
from workbench import tokens

pytestmark = pytest.mark.asyncio(loop_scope="module")

A, B, C = "+19195550121", "+19195550122", "+19195550123"
TONES = (600, 770, 950, 1130, 1330, 1550)  # none is another's harmonic, or sounds in a ring back tone
ROOM = "<Conference>room</Conference>"


class Cast:
    """Who takes part, by a short name: the id and tone of each, and the ears of those that are devices."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ids: dict[str, str] = {}
        self.tones: dict[int, str] = {}
        self.ears: dict[str, Client] = {}

    def enter(self, name: str, party: str, client: Client | None = None) -> int:
        """Somebody comes in; gives the tone."""
        hz = TONES[len(self.ids)]
        self.ids[name], self.tones[hz] = party, name
        if client is not None:
            self.ears[name] = client
        return hz

    def measured(self) -> dict[str, list[str] | None]:
        """Whom each device hears; None while that is not clear."""
        heard = {name: client.hears(self.tones) for name, client in self.ears.items()}
        return {name: None if found is None else sorted(self.tones[hz] for hz in found) for name, found in heard.items()}

    async def computed(self) -> dict[str, list[str]]:
        """What the platform says of the same."""
        found, names = (await self.stage.local("GET", "/hears"))["hears"], {party: name for name, party in self.ids.items()}
        return {name: sorted(names.get(other, other) for other in found.get(self.ids[name], ())) for name in self.ears}

    async def hear(self, **expected: str) -> None:
        """Wait until all hear what is expected: `A="B C"`, and nothing is expected of who is not named. Both ways of asking must say so."""
        wanted = {name: sorted(expected.get(name, "").split()) for name in self.ears}
        told: list[Any] = []

        async def agreed() -> bool:
            told[:] = [self.measured(), await self.computed()]
            return told == [wanted, wanted]

        try:
            await until(agreed, 8)
        except TimeoutError:
            pytest.fail(f"expected {wanted}\nmeasured {told[0]}\ncomputed {told[1]}")


@pytest.fixture
def cast(stage: Stage) -> Cast:
    return Cast(stage)


async def browser(cast: Cast, session: str, name: str = "browser", *, pcm: bool = False) -> Any:
    """A participant that speaks, by the classic SDK or as frames of PCM."""
    party, token = await cast.stage.participant(session, name)
    if pcm:
        client = await cast.stage.pcm(token)
        await client.speak(cast.enter(name, party, client))
    else:
        client = await cast.stage.classic(token)
        await client.publish(tone(cast.enter(name, party, client)))
    return client


async def hand(cast: Cast, name: str, number: str, *, pcm: bool = False) -> Any:
    """A handset that speaks."""
    if pcm:
        client = await cast.stage.pcm_handset(number)
        await client.speak(cast.enter(name, number, client))
    else:
        client = await cast.stage.handset(number)
        await client.publish(tone(cast.enter(name, number, client)))
    return client


async def call(cast: Cast, client: Any, number: str, answer: str) -> str:
    """Call a handset, which picks up."""
    one = await cast.stage.call(number, answer)
    await cast.stage.take(client)
    return one


async def webrtc_leg(cast: Cast, session: str, answer: str) -> str:
    """The phone side's participant, called at the interconnect."""
    _, token = await cast.stage.participant(session, "phone side")
    leg = await cast.stage.webrtc_leg(token, answer)
    await cast.stage.answered(leg)
    return leg


async def member(stage: Stage, call_id: str, **fields: Any) -> None:
    """Change a member of the room."""
    (room,) = await stage.ask("GET", f"{VOICE}/conferences")
    await stage.ask("PUT", f"{VOICE}/conferences/{room['id']}/members/{call_id}", fields)


async def test_conference_mute_hold_coach_and_leave(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    await browser(cast, session)
    a, b = await hand(cast, "A", A), await hand(cast, "B", B, pcm=True)
    await stage.phone(C, tone=cast.enter("C", C))
    leg = await webrtc_leg(cast, session, document(ROOM))
    call_a, call_b = await call(cast, a, A, document(ROOM)), await call(cast, b, B, document(ROOM))
    await cast.hear(browser="A B", A="B browser", B="A browser")
    call_c = await stage.call(C, document(ROOM))
    await cast.hear(browser="A B C", A="B C browser", B="A C browser")

    await member(stage, call_a, mute=True)
    await cast.hear(browser="B C", A="B C browser", B="C browser")
    await member(stage, call_a, mute=False)
    await cast.hear(browser="A B C", A="B C browser", B="A C browser")
    await member(stage, leg, hold=True)
    await cast.hear(browser="", A="B C", B="A C")
    await member(stage, leg, hold=False)
    await member(stage, call_b, callIdsToCoach=[leg])
    await cast.hear(browser="A B C", A="C browser", B="A C browser")
    await member(stage, call_b, callIdsToCoach=[])
    await stage.hang_up(call_c)
    await cast.hear(browser="A B", A="B browser", B="A browser")
    await stage.redirect(call_a, document(PARK))
    await cast.hear(browser="B", A="", B="browser")
    await stage.hang_up(leg)
    await cast.hear(browser="", A="", B="")


async def test_bridge_swap_and_hang_up(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    await browser(cast, session)
    a = await hand(cast, "A", A)
    await stage.phone(C, tone=cast.enter("C", C))
    leg = await webrtc_leg(cast, session, document(PARK))
    call_a = await call(cast, a, A, document(f"<Bridge>{leg}</Bridge>", PARK))
    await cast.hear(browser="A", A="browser")
    call_c = await stage.call(C, document(PARK))
    await stage.answered(call_c)
    # The one that ran the bridge goes on with its next verb; the other takes the newcomer.
    await stage.redirect(leg, document(f"<Bridge>{call_c}</Bridge>"))
    await cast.hear(browser="C", A="")
    await stage.redirect(leg, document(f"<Bridge>{call_a}</Bridge>"))
    await cast.hear(browser="A", A="browser")
    await a.do("hangup")
    await cast.hear(browser="", A="")


async def test_transfer_to_a_browser_and_on_to_a_phone(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    await browser(cast, session)
    _, token = await stage.participant(session, "phone side")
    a = await hand(cast, "A", A)
    await stage.phone(C, tone=cast.enter("C", C))
    uui = tokens.uui_for(token)
    await stage.inbound(document(f'<Transfer><SipUri uui="{uui}">{tokens.INTERCONNECT}</SipUri></Transfer>', PARK))
    call_a = await a.do("dial", to=NUMBER)
    await cast.hear(browser="A", A="browser")
    await stage.redirect(call_a["callId"], document(f"<Transfer><PhoneNumber>{C}</PhoneNumber></Transfer>", PARK))
    await cast.hear(browser="", A="C")
    await stage.local("POST", f"/phones/{C}/hangup")
    await cast.hear(browser="", A="")


async def test_devices_without_webrtc(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    one = await browser(cast, session, "one", pcm=True)
    await browser(cast, session, "other", pcm=True)
    await cast.hear(one="other", other="one")
    await stage.phone(C, tone=cast.enter("C", C))
    leg = await webrtc_leg(cast, session, document(PARK))
    call_c = await stage.call(C, document(f"<Bridge>{leg}</Bridge>", PARK))
    await cast.hear(one="C other", other="C one")
    await one.hush()
    await until(lambda: cast.measured() == {"one": ["C", "other"], "other": ["C"]}, 5, "one is silent")
    await stage.hang_up(call_c)
    await until(lambda: cast.measured() == {"one": ["other"], "other": []}, 5, "C has left")


@pytest.mark.parametrize("who", ["browser", "phone"])
async def test_keys_as_telephone_events_are_gathered_once_each(cast: Cast, who: str) -> None:
    stage, session = cast.stage, await cast.stage.session()
    gather = document(f'<Gather gatherUrl="{stage.base}/keys" maxDigits="4" firstDigitTimeout="20" interDigitTimeout="10"/>', PARK)
    client = await (browser(cast, session) if who == "browser" else hand(cast, "A", A))
    call_id = await (webrtc_leg(cast, session, gather) if who == "browser" else call(cast, client, A, gather))
    (line,) = client.publisher.lines.values()
    line.press("11#9")
    await until(lambda: stage.told("gather"), 15, "the gathered keys")
    assert [body["digits"] for body in stage.told("gather", callId=call_id)] == ["11#9"]


async def test_two_browsers_that_hear_each_other_get_each_others_bytes(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    lines = []
    for name in ("one", "other"):
        party, token = await stage.participant(session, name)
        client = await stage.classic(token)
        lines.append((client, (await client.publish(tone(cast.enter(name, party, client)), alias=name))[0]))
    await cast.hear(one="other", other="one")
    for (client, _), (other, line) in (lines, lines[::-1]):
        ((msid, ear),) = client.ears.items()
        assert client.streams[msid]["participantId"] == cast.ids[cast.tones[TONES[[one for one, _ in lines].index(other)]]]
        await until(lambda ear=ear, line=line: untouched(ear, line), 5, "bytes as they were sent")


async def test_a_call_and_an_endpoint_pass_bytes_through_too(cast: Cast) -> None:
    stage = cast.stage
    endpoint, token = await stage.endpoint()
    client = await stage.brtc(token)
    line = await client.publish(tone(cast.enter("endpoint", endpoint, client)))
    await until(lambda: stage.told("endpointEligible"))
    a = await hand(cast, "A", A)
    call_a = await call(cast, a, A, document(f"<Connect><Endpoint>{endpoint}</Endpoint></Connect>", PARK))
    await cast.hear(endpoint="A", A="endpoint")
    (ear,) = a.ears.values()
    await until(lambda: untouched(ear, line), 5, "bytes as they were sent")
    assert client.told("streamAvailable") == [{"callId": call_a, "endpointId": endpoint, "autoAccepted": True}]
    await stage.redirect(call_a, document(PARK))
    await cast.hear(endpoint="", A="")
    assert client.told("streamUnavailable") == [{"callId": call_a, "endpointId": endpoint}]


def untouched(ear: Ear, line: Line) -> bool:
    """Whether the last second of what arrived was sent byte by byte."""
    row, sent = [packet.payload for packet in ear.packets][-50:], list(line.sent)
    return len(row) == 50 and any(sent[begin : begin + 50] == row for begin in range(len(sent)))


async def test_the_platforms_own_measurement_says_the_same(cast: Cast) -> None:
    stage, session = cast.stage, await cast.stage.session()
    await browser(cast, session)
    a = await hand(cast, "A", A)
    await stage.phone(C, tone=cast.enter("C", C))
    await webrtc_leg(cast, session, document(ROOM))
    await call(cast, a, A, document(ROOM))
    await stage.call(C, document(ROOM))
    await cast.hear(browser="A C", A="C browser")
    measured = (await stage.local("POST", "/hears/measure", {"seconds": 0.3}))["hears"]
    hears = (await stage.local("GET", "/hears"))["hears"]
    assert {party: sorted(heard) for party, heard in measured.items()} == {party: sorted(heard) for party, heard in hears.items()}
    assert hears[C]
    await cast.hear(browser="A C", A="C browser")
