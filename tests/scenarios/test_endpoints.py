"""BRTC as the WebRTC side: the same cells, an endpoint in place of a participant, `<Connect>` in place of the interconnect (brtc 5, 7)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scenarios.joined import Loop, World, start
from workbench import bxml
from workbench.errors import SpendingError, WorkbenchError
from workbench.handles import Device
from workbench.modes import EndpointSide, Flow
from workbench.records import Event

TOGETHER = {"phone": ["browser"], "browser": ["phone"]}


@pytest.fixture
def brtc(loop: Loop, workers: ThreadPoolExecutor, tmp_path: Path) -> Iterator[World]:
    """Both sides in this process, with `webrtc="endpoints"`."""
    world = start(loop, workers, tmp_path, webrtc="endpoints")
    yield world
    world.wb.close()
    assert world.joined is not None
    world.joined.close()
    assert loop.problems == []


def test_a_call_meets_the_browsers_endpoint_and_both_directions_work(brtc: World) -> None:
    flow = brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    assert brtc.rows() == ["-> createCall phone", "<- answer phone: SpeakSentence Connect", "<- connectStatus phone (INITIATED)"]
    assert brtc.hears() == {"phone": ["browser"], "browser": ["phone"]}
    brtc.phone().hangup()
    brtc.idle()
    assert brtc.rows(flow)[-2:] == ["<- connectStatus phone (COMPLETED)", "<- disconnect phone (hangup)"]
    brtc.wb.transfer.take_inbound()
    brtc.phone(2).dial(brtc.wb.number)
    brtc.idle()
    # the endpoint took the next call, and no other was made
    assert brtc.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert [one["tag"] for one in brtc.local.state()["endpoints"]] == ["browser"]
    assert [one.event_type for one in brtc.parts.log.events() if one.event_type == "createEndpoint"] == ["createEndpoint"]


def test_the_endpoints_own_events_come_by_its_key(brtc: World) -> None:
    brtc.idle()
    told = [event for event in brtc.parts.log.events() if event.direction == "webhook"]
    assert {event.event_type for event in told} >= {"endpointConnected", "endpointEligible"}
    assert {event.data["endpointId"] for event in told} == {brtc.browser.id}
    token = str(brtc.browser.token)
    assert token not in str(brtc.parts.log.events())


def test_what_endpoints_cannot_do_is_said(brtc: World) -> None:
    with pytest.raises(WorkbenchError, match=r"cannot be called.*wb\.conference\.dial\(phone\) opens a room of phones"):
        brtc.wb.conference.start()
    with pytest.raises(WorkbenchError, match="cannot be called"):
        brtc.parts.side.callee(brtc.browser)
    flow = brtc.wb.bridge.dial(brtc.phone())
    with pytest.raises(WorkbenchError, match="is an endpoint, not a call: redirect or end the phone's call"):
        flow.leg("webrtc").hangup()
    with pytest.raises(WorkbenchError, match="cannot be called"):
        brtc.wb.conference.call_webrtc(brtc.wb.conference.open())


def test_the_endpoint_stays_while_phones_change(brtc: World) -> None:
    flow = brtc.wb.bridge.dial(brtc.phone(), "parallel")
    brtc.idle()
    assert brtc.rows() == ["-> createCall phone", "<- answer phone: Connect Pause", "<- connectStatus phone (INITIATED)"]
    assert (brtc.hears(), flow.plan) == (TOGETHER, "early")
    brtc.wb.bridge.announce("phone", "This is for you alone.")
    brtc.idle()
    assert brtc.rows()[-2:] == ["<- connectStatus phone (COMPLETED)", "<- redirect phone: SpeakSentence Pause"]
    assert brtc.hears() == {"phone": [], "browser": []}
    brtc.wb.bridge.join("phone", "webrtc")
    brtc.idle()
    assert brtc.hears() == TOGETHER
    brtc.wb.bridge.swap(brtc.phone(2))
    brtc.idle()
    assert brtc.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert [one["endpointId"] for one in brtc.local.state()["endpoints"]] == [brtc.browser.id]
    assert flow.leg("webrtc").participant == brtc.browser


def test_callers_wait_for_the_endpoint_in_turn(brtc: World) -> None:
    brtc.wb.bridge.take_inbound()
    for which in (1, 2):
        brtc.phone(which).dial(brtc.wb.number)
        brtc.idle()
    assert brtc.rows()[-1] == "<- initiate phone 2: SpeakSentence Pause"
    assert brtc.hears() == {"phone": ["browser"], "phone 2": [], "browser": ["phone"]}
    brtc.phone(1).hangup()
    brtc.idle()
    assert brtc.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert len(brtc.wb.bridge.flows) == 1


def test_the_next_phone_meets_the_browser_that_came_back(brtc: World) -> None:
    flow = brtc.wb.bridge.dial(brtc.phone())
    brtc.idle()
    brtc.local.disconnect(brtc.browser)
    brtc.idle()
    brtc.wb.connect(brtc.wb.participant("browser"))
    brtc.idle()
    brtc.wb.bridge.swap(brtc.phone(2))
    brtc.idle()
    assert brtc.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert flow.leg("webrtc").participant == brtc.wb.participant("browser")


def test_a_connections_end_may_overtake_its_beginning(brtc: World) -> None:
    brtc.local.disconnect(brtc.browser)
    brtc.idle()
    flow = brtc.wb.bridge.dial(brtc.phone())
    brtc.idle()
    begin, end = [event for event in brtc.parts.log.events(flow=flow.id) if event.event_type == "connectStatus"]
    path = brtc.parts.log.asked_at(end.id)
    assert path is not None and (begin.cause, end.cause) == ("INITIATED", "FAILED")
    for status in ("FAILED", "INITIATED"):
        assert brtc.webhook(path, signed=False, **{**end.data, "status": status, "sessionId": "another"}).status_code == 200
        brtc.idle()
    assert [leg.waiting for leg in flow.up] == [True, True]


def test_phones_wait_while_the_endpoint_is_busy_elsewhere(brtc: World) -> None:
    brtc.wb.transfer.dial(brtc.phone(3))
    brtc.idle()
    flow = brtc.wb.bridge.dial(brtc.phone())
    brtc.wb.bridge.dial_phone(brtc.phone(2), flow)
    brtc.idle()
    assert brtc.hears() == {"phone 3": ["browser"], "phone": [], "phone 2": [], "browser": ["phone 3"]}
    assert not any("updateCall" in row for row in brtc.rows(flow))
    assert sum("(DENIED)" in row for row in brtc.rows(flow)) == 2


def test_when_the_browser_hangs_up_the_phone_waits(brtc: World) -> None:
    flow = brtc.wb.bridge.dial(brtc.phone())
    brtc.idle()
    device(brtc).hangup()
    brtc.idle()
    assert brtc.rows()[-1] == "<- connectStatus phone (COMPLETED)"
    assert [leg.waiting for leg in flow.up] == [True, True]
    assert brtc.hears() == {"phone": [], "browser": []}


@pytest.mark.parametrize("known", [True, False])
def test_calls_with_endpoints_can_be_replayed(brtc: World, known: bool) -> None:
    if not known:
        # Then the first call makes one; it has no device, and the next verb runs.
        brtc.wb.delete(brtc.browser)
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    brtc.wb.transfer.close()
    bridged = brtc.wb.bridge.dial(brtc.phone())
    brtc.idle()
    brtc.wb.bridge.announce("phone", "Alone.")
    brtc.idle()
    brtc.wb.bridge.join("phone", "webrtc")
    brtc.idle()
    brtc.wb.bridge.swap(brtc.phone(2))
    brtc.idle()
    bridged.close()
    for flow in (brtc.wb.transfer.flow, bridged):
        played = brtc.wb.replay(brtc.wb.cassette(flow))
        assert played.same, played.difference


def test_a_room_is_one_of_phones(brtc: World) -> None:
    brtc.wb.conference.dial(brtc.phone())
    brtc.wb.conference.take_inbound()
    brtc.idle()
    brtc.phone(2).dial(brtc.wb.number)
    brtc.idle()
    assert brtc.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": []}
    assert len(brtc.wb.conference.flows) == 1


def test_a_story_compares_what_can_be_joined(brtc: World) -> None:
    changed = {"change": "swap", "who": "phone", "by": "phone 2"}
    story = {"name": "change", "moments": ["announce phone", "back phone", changed, "leave webrtc"]}
    compared = brtc.wb.compare(story=story)
    survived = compared.survived
    assert "cost class of bridge: one call, connected with an endpoint" in repr(compared)
    assert "Connect again" in compared._repr_html_()
    assert list(survived.columns) == ["transfer", "bridge"]
    transfer, bridge = (list(survived[mode]) for mode in survived)
    assert transfer[:2] == bridge[:2] == ["webrtc ends, phone stays", "webrtc comes, phone stays"]
    assert transfer[2].startswith("cannot: ") and bridge[2] == "phone ends, phone 2 comes, webrtc stays"
    assert transfer[3] == bridge[3] == "failed: an endpoint is not told to leave: its device hangs up, or the phone's call ends"
    # the reader's browser was there, and is
    assert [one["connected"] for one in brtc.local.state()["endpoints"]] == [True]


def test_a_story_leaves_the_readers_call_alone(brtc: World) -> None:
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    compared = brtc.wb.compare(story="support call")
    assert list(compared.survived["bridge"])[:2] == ["webrtc ends, phone stays", "webrtc comes, phone stays"]
    assert brtc.hears() == TOGETHER


def test_a_story_brings_an_endpoint_of_its_own_where_none_has_a_device(brtc: World) -> None:
    brtc.local.disconnect(brtc.browser)
    brtc.idle()
    played = brtc.wb.compare("transfer", story={"name": "call", "moments": ["announce phone"]})
    assert played.survived.iloc[0]["transfer"] == "webrtc ends, phone stays"
    assert [one["endpointId"] for one in brtc.local.state()["endpoints"]] == [brtc.browser.id]


def test_an_endpoint_whose_device_has_gone_is_replaced(brtc: World) -> None:
    brtc.local.disconnect(brtc.browser)
    brtc.idle()
    again = brtc.wb.participant("browser")
    assert again.id != brtc.browser.id
    assert [one["endpointId"] for one in brtc.local.state()["endpoints"]] == [again.id]
    brtc.wb.connect(again)
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    assert brtc.hears() == TOGETHER


def test_both_names_of_a_devices_end_are_known(brtc: World) -> None:
    """The API's description calls the events otherwise than the guide (brtc 4.1)."""
    brtc.idle()
    (told,) = [one for one in brtc.parts.log.events() if one.event_type == "endpointConnected"]
    path = brtc.parts.log.asked_at(told.id)
    assert path is not None
    assert brtc.webhook(path, signed=False, eventType="DEVICE_DISCONNECTED", endpointId=brtc.browser.id).status_code == 200
    assert brtc.parts.side.named("browser") is None


def test_after_a_day_an_endpoint_is_of_no_use(brtc: World) -> None:
    now = [0.0]
    side = EndpointSide(brtc.wb.endpoints, now=lambda: now[0])
    old = side.create("browser")
    now[0] = 24 * 3600 - 1.0
    assert side.for_device(old) == old
    now[0] += 1
    again = side.for_device(old)
    assert again != old and side.participants == (again,)
    assert old.id not in [one["endpointId"] for one in brtc.local.state()["endpoints"]]
    side.close()


def test_a_softphone_gets_an_endpoint_that_has_had_no_device(brtc: World) -> None:
    brtc.idle()
    side = brtc.parts.side
    fresh = side.for_device(brtc.browser)
    assert fresh.id != brtc.browser.id and side.for_device(brtc.browser) == fresh
    # until it is there, calls go to the one that is
    assert side.for_call("") == brtc.wb.participant("browser") == brtc.browser
    brtc.wb.connect(fresh)
    brtc.idle()
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    assert brtc.hears() == TOGETHER
    assert [one["endpointId"] for one in brtc.local.state()["endpoints"]] == [fresh.id]


def test_the_browsers_endpoint_is_one_whoever_asks_first(loop: Loop, workers: ThreadPoolExecutor, tmp_path: Path) -> None:
    world = start(loop, workers, tmp_path, webrtc="endpoints")
    world.wb.delete(world.browser)
    made = world.parts.side.for_call("transfer-1 webrtc")
    assert world.wb.participant("browser") == made
    world.wb.close()
    assert world.joined is not None
    world.joined.close()


def test_what_the_ladder_shows(brtc: World) -> None:
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    brtc.phone().hangup()
    brtc.idle()
    shown = str(brtc.wb.figure()).splitlines()
    assert shown[-5:] == [
        "phone → WebRTC: connected",
        "phone → Programmable Voice: ends · hangup",
        "Programmable Voice → this notebook: connectStatus phone · COMPLETED",
        "phone → WebRTC: parted",
        "Programmable Voice → this notebook: disconnect phone · hangup",
    ]
    brtc.advance(5)
    device(brtc).request("+19195550112")
    brtc.idle()
    assert brtc.wb.transfer.setup_times()["set-up s"].to_list() == [1.0, 1.0]


def test_two_phones_are_bridged_as_ever(brtc: World) -> None:
    flow = brtc.wb.bridge.open()
    for which in (1, 2):
        brtc.wb.bridge.dial_phone(brtc.phone(which), flow)
        brtc.idle()
    first, second = flow.phones
    first.redirect(bxml.Bridge(second.id))
    brtc.idle()
    assert brtc.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": []}


def test_an_endpoint_without_a_device_is_not_connected(brtc: World) -> None:
    brtc.local.disconnect(brtc.browser)
    brtc.wb.transfer.dial(brtc.phone())
    brtc.idle()
    statuses = [event.data["status"] for event in brtc.parts.log.events() if event.event_type == "connectStatus"]
    assert statuses[-1] == "FAILED"


def test_closed_it_leaves_nothing(brtc: World) -> None:
    made = brtc.browser
    brtc.wb.delete(made)
    brtc.wb.delete(made)
    assert brtc.local.state()["endpoints"] == []
    brtc.wb.participant("browser")
    assert brtc.wb.leftovers() == ["endpoint browser"]
    brtc.wb.close()
    assert brtc.joined is not None
    assert brtc.wb.leftovers() == []


def test_the_api(brtc: World) -> None:
    api = brtc.wb.endpoints
    made = [api.create(tag=f"desk {number}", direction="INBOUND") for number in range(3)]
    found = [one["endpointId"] for one in api.list(limit=2)]
    assert {one["endpointId"] for one in made} | {brtc.browser.id} == set(found) and len(found) == 4
    assert api.get(made[0]["endpointId"])["tag"] == "desk 0"
    api.update_bxml(made[0]["endpointId"], "<Response><StartRecording/></Response>")
    for one in made:
        api.delete(one["endpointId"])
    assert [one["endpointId"] for one in api.list(status="CONNECTED")] == [brtc.browser.id]


def device(world: World) -> Device:
    """What the browser's endpoint is used by."""
    (one,) = [one for one in world.local.state()["devices"] if one["endpointId"] == world.browser.id]
    return Device(one["deviceId"], world.local)


def test_the_browser_calls_a_phone(brtc: World) -> None:
    device(brtc).request("+19195550111")
    brtc.idle()
    assert brtc.hears() == {"phone": ["browser"], "browser": ["phone"]}
    (first,) = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    path = brtc.parts.log.asked_at(first.id)
    assert path is not None and first.error is None
    # The same again does nothing; another one, while it is in a call, is a stale one.
    for later in (0, 1):
        again = {**first.data, "timestamp": first.data["timestamp"] + later}
        assert brtc.webhook(path, signed=False, **again).status_code == 200
    brtc.idle()
    told = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    assert [event.duplicate_of for event in told] == [None, first.id, None]
    assert "in a call already" in str(told[2].error)
    assert [call["to"] for call in brtc.wb.voice.list_calls()] == ["+19195550111"]


def test_the_browser_calls_nobody_who_is_not_allowed(brtc: World) -> None:
    brtc.parts.spending.guarded = True
    brtc.wb.allow("+19195550112", calls=3)
    with pytest.raises(SpendingError, match="not among"):
        brtc.wb.endpoints.update_bxml(brtc.browser.id, '<Response><Forward to="+19195550111"/></Response>')
    device(brtc).request("+19195550111")
    brtc.idle()
    (told,) = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    assert "not among the numbers that may be called" in str(told.error)
    assert list(brtc.wb.voice.list_calls()) == []
    device(brtc).request("+19195550112")
    brtc.idle()
    assert [call["to"] for call in brtc.wb.voice.list_calls()] == ["+19195550112"]


def test_a_browser_in_a_bridge_asks_for_nothing_else(brtc: World) -> None:
    brtc.wb.bridge.dial(brtc.phone())
    brtc.idle()
    came = next(event for event in brtc.parts.log.events() if event.event_type == "endpointConnected")
    path = brtc.parts.log.asked_at(came.id)
    assert path is not None
    asked = {"event": "outboundConnectionRequest", "to": "+19195550112", "toType": "PHONE_NUMBER", "timestamp": 1_800_000_000_000}
    brtc.webhook(path, signed=False, endpointId=brtc.browser.id, **asked)
    brtc.idle()
    (told,) = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    assert "in a call already" in str(told.error)


def test_a_request_right_after_a_call_may_be_stale(brtc: World) -> None:
    device(brtc).request("+19195550111")
    brtc.idle()
    brtc.phone().hangup()
    brtc.idle()
    device(brtc).request("+19195550111")
    brtc.idle()
    told = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    assert "less than 5 s after a call's end" in str(told[-1].error)
    brtc.advance(5)
    device(brtc).request("+19195550111")
    brtc.idle()
    assert brtc.hears() == TOGETHER
    assert len(list(brtc.wb.voice.list_calls())) == 2


def test_a_request_of_a_device_that_is_not_there_is_not_done(brtc: World) -> None:
    device(brtc).request("+19195550111")
    brtc.idle()
    (first,) = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    brtc.wb.transfer.close()
    brtc.idle()
    path = brtc.parts.log.asked_at(first.id)
    assert path is not None
    # As if the event of its leaving had been lost: the API knows.
    brtc.local.disconnect(brtc.browser)
    brtc.idle()
    brtc.parts.side._kept[brtc.browser.id].gone = False  # type: ignore[attr-defined]
    brtc.webhook(path, signed=False, **{**first.data, "timestamp": first.data["timestamp"] + 9000})
    brtc.idle()
    last = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"][-1]
    assert "has no device now" in str(last.error)
    assert len(list(brtc.wb.voice.list_calls())) == 1


@pytest.mark.replaced
def test_a_cell_decides_what_a_request_leads_to(brtc: World) -> None:
    asked = []

    @brtc.wb.transfer.on("outboundConnectionRequest")
    def request(event: Event, flow: Flow) -> None:
        asked.append((event.data["to"], event.data["toType"]))

    device(brtc).request("+19195550111")
    brtc.idle()
    assert asked == [("+19195550111", "PHONE_NUMBER")]
    assert list(brtc.wb.voice.list_calls()) == []


def test_what_somebody_elses_device_asks_for_is_not_done(brtc: World) -> None:
    other = brtc.parts.side.create("another")
    brtc.local.connect(other).request("+19195550111")
    brtc.idle()
    (told,) = [event for event in brtc.parts.log.events() if event.event_type == "outboundConnectionRequest"]
    assert "only the browser's endpoint" in str(told.error)
    assert list(brtc.wb.voice.list_calls()) == []
