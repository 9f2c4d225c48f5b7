"""Bridge, seen by the application: two independent calls, joined (behaviour 3)."""

from __future__ import annotations

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event

P2 = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc"]
WEBRTC = [*P2, "-> createCall webrtc"]
PARALLEL = [*WEBRTC, "-> createCall phone", "<- answer webrtc: Pause", "<- answer phone: Bridge"]
TOGETHER = {"phone": ["browser"], "browser": ["phone"]}
APART = {"phone": [], "browser": []}


def bridged(world: World) -> Flow:
    """Phone and WebRTC leg joined by the mode's own handlers; the phone ran the verb."""
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    assert world.rows() == PARALLEL and world.hears() == TOGETHER
    return flow


# 3.1 Set-up


def test_inbound_call_while_the_webrtc_leg_is_called(either_world: World) -> None:
    world = either_world
    world.wb.bridge.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    assert world.rows() == ["<- initiate phone: SpeakSentence Pause", *WEBRTC, "<- answer webrtc: Bridge"]
    assert world.hears() == TOGETHER
    # The bridge cut the sentence short, and the Pause after it never began.
    assert world.happened("joined", "speak", "pause") == ["speak phone", "joined webrtc+phone"]


@pytest.mark.parametrize("first", ["webrtc", "phone"])
def test_outbound_parallel_the_second_to_answer_joins(world: World, first: str) -> None:
    world.local.interconnect(answer_seconds=0.2 if first == "webrtc" else 5)
    second = {"webrtc": "phone", "phone": "webrtc"}[first]
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    assert world.rows() == [*WEBRTC, "-> createCall phone", f"<- answer {first}: Pause", f"<- answer {second}: Bridge"]
    assert world.happened("joined") == [f"joined {second}+{first}"]
    assert world.hears() == TOGETHER
    asked = next(event for event in world.parts.log.events(flow=flow.id) if event.verbs == ("Bridge",))
    assert flow.leg(first).id in str(asked.reply)


def test_sequential_webrtc_leg_first(either_world: World) -> None:
    world = either_world
    world.wb.bridge.dial(world.phone(), plan="early")
    world.idle()
    assert world.rows() == [*WEBRTC, "<- answer webrtc: Pause", "-> createCall phone", "<- answer phone: Bridge"]
    assert world.hears() == TOGETHER


def test_sequential_phone_first(world: World) -> None:
    world.wb.bridge.dial(world.phone(), plan="sequential")
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause", *WEBRTC, "<- answer webrtc: Bridge"]
    assert world.hears() == TOGETHER


def test_both_parked_then_one_is_redirected_to_the_other(world: World) -> None:
    world.wb.bridge.on("answer")(lambda event, flow: world.wb.bridge.wait())
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    parked = [*PARALLEL[:-1], "<- answer phone: Pause"]
    assert world.rows() == parked and world.hears() == APART
    world.wb.bridge.join("webrtc", flow.leg("phone"))
    world.idle()
    assert world.rows() == [*parked, "-> updateCall webrtc", "<- redirect webrtc: Bridge"]
    assert world.hears() == TOGETHER


def test_inbound_caller_joins_a_webrtc_leg_that_waits(world: World) -> None:
    world.wb.bridge.take_inbound()
    flow = world.wb.bridge.open()
    world.wb.bridge.dial_webrtc(flow)
    world.idle()
    world.phone().dial(world.wb.number)
    world.idle()
    assert world.rows(flow) == [*WEBRTC, "<- answer webrtc: Pause", "<- initiate phone: Bridge"]
    # Never answered before: bridging answers it.
    assert world.happened("answered", "joined") == ["answered webrtc", "answered phone", "joined phone+webrtc"]
    assert world.hears() == TOGETHER


def test_voice_only_with_the_callers_id_as_tag(world: World) -> None:
    @world.wb.bridge.on("initiate")
    def call_another(event: Event, flow: Flow) -> list[bxml.Verb]:
        world.wb.bridge.dial_phone(world.phone(2), flow, tag=event.call_id)
        return [bxml.SpeakSentence("Please hold."), bxml.Ring(30)]

    @world.wb.bridge.on("answer")
    def join(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [bxml.SpeakSentence("A caller for you."), bxml.Bridge(event.data["tag"])]

    world.wb.bridge.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    both = ["<- initiate phone: SpeakSentence Ring", "-> createCall phone 2", "<- answer phone 2: SpeakSentence Bridge"]
    assert world.rows() == both
    assert world.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": []}
    world.phone(2).hangup()
    world.idle()
    # The target's URL is missing, so the caller is hung up.
    assert world.rows() == [*both, "<- disconnect phone (hangup)", "<- disconnect phone 2 (hangup)"]
    assert world.left() == NOTHING


@pytest.mark.parametrize(("target", "cause"), [("ringing", "rejected"), ("ended", "unknown"), ("bridged", "busy")])
@pytest.mark.parametrize("asked", [True, False], ids=["asked", "next verb"])
@pytest.mark.replaced
def test_a_target_that_cannot_be_bridged(world: World, target: str, cause: str, asked: bool) -> None:
    flow = bridged(world)
    before = list(PARALLEL)
    if target == "ringing":
        world.wb.bridge.dial_phone(world.phone(2).set(answer=False), flow)
        goal = flow.leg("phone 2")
        before.append("-> createCall phone 2")
    elif target == "ended":
        world.phone().hangup()
        world.idle()
        goal = flow.leg("phone")
        before += ["<- bridgeTargetComplete webrtc: Pause", "<- disconnect phone (hangup)"]
    else:
        goal = flow.leg("webrtc")

    @world.wb.bridge.on("answer")
    def join(event: Event, flow: Flow) -> list[bxml.Verb]:
        url = flow.url("bridgeComplete") if asked else None
        return [bxml.Bridge(goal.id, bridge_complete_url=url), bxml.SpeakSentence("Nobody there."), bxml.Pause(60)]

    world.wb.bridge.on("bridgeComplete")(lambda event, flow: bxml.Pause(60))
    world.wb.bridge.dial_phone(world.phone(3), flow)
    world.advance(10)
    after = ["-> createCall phone 3", "<- answer phone 3: Bridge SpeakSentence Pause"]
    assert world.rows() == [*before, *after, *[f"<- bridgeComplete phone 3 ({cause}): Pause"] * asked]
    assert world.spoken() == ["Nobody there."] * (not asked)
    if asked:
        failed = world.parts.log.events(flow=flow.id)[-1]
        assert failed.data["errorMessage"] and failed.data["errorId"] and failed.call_id == flow.leg("phone 3").id
    if target == "bridged":
        assert world.hears() == {**TOGETHER, "phone 3": []}


# 3.2 End


@pytest.mark.parametrize("urls", [True, False], ids=["urls", "no urls"])
@pytest.mark.parametrize("how", ["hang-up", "redirect"])
@pytest.mark.parametrize("leaver", ["phone", "webrtc"])
@pytest.mark.parametrize("originator", ["phone", "webrtc"])
def test_who_leaves_and_who_is_asked(world: World, originator: str, leaver: str, how: str, urls: bool) -> None:
    """The survivor's event or end comes first, then the leaver's."""
    if not urls:

        @world.wb.bridge.on("answer")
        def join(event: Event, flow: Flow) -> bxml.Verb:
            partner = world.wb.bridge.partner(event, flow)
            return bxml.Bridge(partner.id) if partner else world.wb.bridge.wait()

    world.wb.bridge.on("redirect")(lambda event, flow: bxml.Pause(60))
    world.local.interconnect(answer_seconds=0.2 if originator == "phone" else 5)
    target = {"webrtc": "phone", "phone": "webrtc"}[originator]
    survivor = {"webrtc": "phone", "phone": "webrtc"}[leaver]
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    both = [*WEBRTC, "-> createCall phone", f"<- answer {target}: Pause", f"<- answer {originator}: Bridge"]
    assert world.rows() == both

    request = [f"-> updateCall {leaver}"]
    flow.leg(leaver).hangup() if how == "hang-up" else flow.leg(leaver).redirect()
    world.idle()

    event = "bridgeComplete" if leaver == target else "bridgeTargetComplete"
    settled = [f"<- {event} {survivor}: Pause"] if urls else [f"<- disconnect {survivor} (hangup)"]
    left = [f"<- disconnect {leaver} (hangup)"] if how == "hang-up" else [f"<- redirect {leaver}: Pause"]
    gone = ["-> deleteParticipant webrtc"] * ((leaver == "webrtc" and how == "hang-up") or (survivor == "webrtc" and not urls))
    assert without_deletes(world.rows()) == [*both, *request, *settled, *left]
    assert deletes(world.rows()) == gone
    assert all(not heard for heard in world.hears().values())
    up = {survivor: urls, leaver: how == "redirect"}
    assert {call.split()[0] for call in world.left()["calls"]} == {leg for leg, there in up.items() if there}


def without_deletes(rows: list[str]) -> list[str]:
    """The participant is deleted after `disconnect` was answered, beside whatever else goes on; its place among webhooks may vary."""
    return [line for line in rows if not line.startswith("-> deleteParticipant")]


def deletes(rows: list[str]) -> list[str]:
    return [line for line in rows if line.startswith("-> deleteParticipant")]


def test_the_originator_goes_on_with_verbs_after_the_bridge(world: World) -> None:
    @world.wb.bridge.on("answer")
    def join(event: Event, flow: Flow) -> list[bxml.Verb]:
        partner = world.wb.bridge.partner(event, flow)
        return [bxml.Bridge(partner.id), bxml.SpeakSentence("The browser has left.")] if partner else [world.wb.bridge.wait()]

    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    flow.leg("webrtc").hangup()
    world.idle()
    both = [*PARALLEL[:-1], "<- answer phone: Bridge SpeakSentence"]
    assert without_deletes(world.rows()) == [
        *both,
        "-> updateCall webrtc",
        "<- disconnect webrtc (hangup)",
        "<- disconnect phone (hangup)",
    ]
    assert world.spoken() == ["The browser has left."]
    assert world.left() == NOTHING


@pytest.mark.parametrize("originator", ["phone", "webrtc"])
def test_one_handler_for_phone_left_ends_the_webrtc_leg(either_world: World, originator: str) -> None:
    """Whoever ran the verb: the event for "the phone has left" is the WebRTC leg's (callId L)."""
    world = either_world

    def end_bridge(event: Event, flow: Flow) -> bxml.Verb:
        flow.leg(event.leg).hangup()
        return bxml.Pause(10)

    world.wb.bridge.on("bridgeComplete")(end_bridge)
    world.wb.bridge.on("bridgeTargetComplete")(end_bridge)
    world.local.interconnect(answer_seconds=0.2 if originator == "phone" else 5)
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    both = world.rows()
    world.phone().hangup()
    world.idle()
    event = "bridgeTargetComplete" if originator == "phone" else "bridgeComplete"
    asked = [line for line in world.rows()[len(both) :] if "bridge" in line]
    assert asked == [f"<- {event} webrtc: Pause"]
    assert sorted(world.rows()[len(both) :]) == sorted(
        [
            *asked,
            "-> updateCall webrtc",
            "<- disconnect phone (hangup)",
            "<- disconnect webrtc (hangup)",
            "-> deleteParticipant webrtc",
        ]
    )
    assert flow.over and world.left() == NOTHING


# 3.3 Swap the voice leg


def p2(world: World) -> tuple[str, bool]:
    """The participant of the phone side, and whether its leg is up."""
    found = next(one for one in world.local.state()["participants"] if one["id"] != world.browser.id)
    return found["id"], found["connected"]


def test_swap_ends_one_phone_and_calls_another(either_world: World) -> None:
    world = either_world
    flow = bridged(world)
    before = p2(world)
    world.wb.bridge.swap(world.phone(2))
    world.idle()
    assert without_deletes(world.rows()) == [
        *PARALLEL,
        "-> updateCall phone",
        "<- bridgeTargetComplete webrtc: Pause",
        "<- disconnect phone (hangup)",
        "-> createCall phone 2",
        "<- answer phone 2: Bridge",
    ]
    assert world.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert p2(world) == before and before[1]
    assert flow.webrtc is not None


@pytest.mark.replaced
def test_swap_moves_one_phone_away_and_calls_another(world: World) -> None:
    flow = bridged(world)
    before = p2(world)
    flow.leg("phone").redirect([bxml.SpeakSentence("Please hold the line."), world.wb.bridge.wait()])
    world.idle()
    moved = [*PARALLEL, "-> updateCall phone", "<- bridgeTargetComplete webrtc: Pause", "<- redirect phone: SpeakSentence Pause"]
    assert world.rows() == moved and world.hears() == APART

    @world.wb.bridge.on("answer")
    def join(event: Event, flow: Flow) -> bxml.Verb:
        return world.wb.bridge.bridge(flow.leg("webrtc"))

    world.wb.bridge.dial_phone(world.phone(2), flow)
    world.idle()
    assert world.rows() == [*moved, "-> createCall phone 2", "<- answer phone 2: Bridge"]
    assert world.hears() == {"phone": [], "phone 2": ["browser"], "browser": ["phone 2"]}
    assert p2(world) == before and before[1]


@pytest.mark.parametrize("urls", [True, False], ids=["asked", "hung up"])
def test_swap_by_redirecting_the_webrtc_leg(world: World, urls: bool) -> None:
    @world.wb.bridge.on("answer")
    def join(event: Event, flow: Flow) -> bxml.Verb:
        partner = world.wb.bridge.partner(event, flow)
        if partner is None or event.leg == "phone 2":
            return world.wb.bridge.wait()
        return world.wb.bridge.bridge(partner) if urls else bxml.Bridge(partner.id)

    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    assert world.rows() == PARALLEL
    before = p2(world)
    world.wb.bridge.dial_phone(world.phone(2), flow)
    world.idle()
    world.wb.bridge.join("webrtc", "phone 2")
    world.idle()
    freed = "<- bridgeComplete phone: Pause" if urls else "<- disconnect phone (hangup)"
    assert world.rows() == [
        *PARALLEL,
        "-> createCall phone 2",
        "<- answer phone 2: Pause",
        "-> updateCall webrtc",
        freed,
        "<- redirect webrtc: Bridge",
    ]
    together = {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert world.hears() == ({"phone": [], **together} if urls else together)
    assert p2(world) == before and before[1]
