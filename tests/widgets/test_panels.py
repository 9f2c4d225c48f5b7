"""The panels of a real workbench: a local platform, sockets, and what a browser would be sent."""

import json
import threading

import pytest

from workbench import Workbench
from workbench.addresses import Addresses
from workbench.errors import WorkbenchError
from workbench.widgets import Panels
from workbench.widgets.dialer import FIRST_PHONE, number

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def shared():
    with Workbench() as wb:
        yield wb


@pytest.fixture
def wb(shared, page):
    """The workbench with panels of its own, nothing left on the platform afterwards."""
    shared._panels = None
    yield shared
    if shared._panels is not None:
        shared._panels.close()
    for mode in (shared.transfer, shared.bridge, shared.conference):
        mode.close()
    for participant in list(shared._wiring.side.participants):
        shared.delete(participant)


def press(panel, what, **arguments):
    """What a browser sends when a button is clicked."""
    panel._handle_custom_msg({"do": what, "with": arguments, "id": f"{what}-1"}, [])


def until(page, panel, condition):
    """The panel's view once it is as wanted."""
    page.until(lambda: panel.view and condition(panel.view), 10)
    return panel.view


def test_a_phone_calls_in_by_clicking(wb, page):
    wb.connect(wb.participant("browser"))
    dialer, matrix, calls = wb.dialer("transfer"), wb.matrix(), wb.calls()
    press(dialer, "let_in", phone="+1 919 555 0111")
    until(page, matrix, lambda view: view["hears"] == [[False, True], [True, False]])
    assert matrix.hears() == {"phone": ["browser"], "browser": ["phone"]}
    assert matrix.view["parties"] == ["phone", "browser"]
    assert matrix.html().count(">hears<") == 2
    assert matrix.measure() == {"phone": ["browser"], "browser": ["phone"]}, "what is heard is what was computed"
    view = until(page, matrix, lambda view: view["at"])
    assert (view["faults"], view["stale"], view["measured"]) == ([], False, view["hears"])
    assert "talking" in dialer.html()
    view = until(page, calls, lambda view: len(view["calls"]) == 2)
    assert [call["name"] for call in view["calls"]] == ["transfer-1 · phone", "transfer-1 · B leg"]
    assert view["calls"][0]["doing"] == "joined with transfer-1 · B leg by <Transfer>"
    view = until(page, dialer, lambda view: view["phones"] and view["phones"][0]["status"] == "talking")
    assert view["legs"][0]["status"] == "answered"
    assert dialer.view["note"]["text"] == "+1 919 555 0111 calls +1 919 555 0100."
    assert any(message.get("done") == ["let_in-1"] for message in page.messages)
    press(dialer, "hang_up", who=FIRST_PHONE)
    until(page, calls, lambda view: not view["calls"])
    until(page, matrix, lambda view: view["parties"] == ["browser"])


def test_a_call_by_hand(wb, page):
    wb.local.phone(FIRST_PHONE).set(by_hand=True)
    dialer = wb.dialer("bridge")
    flow = dialer.call("(919) 555-0111")
    view = until(page, dialer, lambda view: view["phones"] and view["phones"][0]["status"] == "ringing")
    assert view["phones"][0]["why"]["answer"] == ""
    assert view["phones"][0]["why"]["press"] == "Keys need a call that was answered."
    dialer.answer()
    view = until(page, dialer, lambda view: view["phones"][0]["status"] == "talking")
    assert view["phones"][0]["why"]["answer"] == "It is not ringing."
    dialer.press("12#")
    assert "has pressed 12#" in until(page, dialer, lambda view: "pressed" in view["note"]["text"])["note"]["text"]
    until(page, dialer, lambda view: any(leg["name"] == "phone" and not leg["why"]["redirect"] for leg in view["legs"]))
    wb.wait("answer", leg="phone", flow=flow)
    dialer.redirect("phone", say="You are going back.")
    wb.wait("redirect", leg="phone", flow=flow)
    dialer.hang_up()
    until(page, dialer, lambda view: not view["legs"])
    wb.local.phone(FIRST_PHONE).set(by_hand=False)


def test_every_call_of_a_mode_is_hung_up(wb, page):
    dialer = wb.dialer("transfer")
    for phone in (FIRST_PHONE, "+19195550112"):
        dialer.call(phone)
    view = until(page, dialer, lambda view: [leg["status"] for leg in view["legs"]] == ["answered"] * 4)
    assert [leg["name"] for leg in view["legs"]] == ["phone", "webrtc", "phone 2", "webrtc"]
    dialer.hang_up()
    until(page, dialer, lambda view: view["note"]["text"] == "Ended: phone, phone 2." and not view["legs"])
    dialer.hang_up()
    until(page, dialer, lambda view: view["note"]["text"] == "Ended: no call was up.")


def test_our_own_number_does_not_call_us(wb, page):
    with pytest.raises(WorkbenchError, match="our own number"):
        wb.dialer("transfer").let_in("+19195550100")


def test_a_rejected_call(wb, page):
    wb.local.phone("+19195550120").set(by_hand=True)
    dialer = wb.dialer("transfer")
    flow = dialer.call("+19195550120")
    until(page, dialer, lambda view: any(phone["status"] == "ringing" for phone in view["phones"]))
    dialer.reject()
    assert wb.wait("disconnect", flow=flow).cause == "rejected"


def test_an_error_is_shown_and_raised(wb, page):
    dialer = wb.dialer("transfer")
    with pytest.raises(WorkbenchError, match="no phone number"):
        dialer.call("nobody")
    view = until(page, dialer, lambda view: view.get("note", {}).get("kind") == "error")
    assert "'nobody' is no phone number" in view["note"]["text"]
    press(dialer, "answer")
    until(page, dialer, lambda view: "no phone is ringing" in view["note"]["text"])
    press(dialer, "press", digits="x", phone=FIRST_PHONE)
    until(page, dialer, lambda view: "keys are 0 to 9" in view["note"]["text"])
    press(dialer, "call", to=FIRST_PHONE, nonsense=1)
    until(page, dialer, lambda view: "unexpected keyword" in view["note"]["text"])


def test_a_page_can_call_actions_only(wb, page):
    dialer = wb.dialer("transfer")
    for what in ("close", "html", "say", "_phone", "__init__", "publish", "nothing"):
        press(dialer, what)
        page.until(lambda what=what: any(message.get("done") == [f"{what}-1"] for message in page.messages))
    assert dialer._open


def test_participants_are_made_connected_and_deleted(wb, page):
    panel = wb.participants()
    press(panel, "create", name="listener")
    view = until(page, panel, lambda view: [one["status"] for one in view["made"]] == ["no device"])
    made = wb._wiring.side.participants[0]
    assert view["made"][0]["claims"]["participant"] == made.id
    press(panel, "connect", participant=made.id)
    until(page, panel, lambda view: view["made"][0]["connected"])
    panel.disconnect("listener")
    until(page, panel, lambda view: not view["made"][0]["connected"])
    assert "listener" in panel.html()
    with pytest.raises(WorkbenchError, match="there are listener"):
        panel.delete("somebody")
    with pytest.raises(WorkbenchError, match="give the participant a name"):
        panel.create(" ")
    panel.delete(made)
    until(page, panel, lambda view: not view["made"])
    everything = json.dumps([page.messages, page.state, panel.html(), repr(panel)])
    assert not [part for part in made.token.split(".") if part in everything]


def test_a_conference_is_muted_held_and_ended(wb, page):
    calls = wb.calls()
    room = wb.conference.start("stand-up")
    wb.conference.dial(FIRST_PHONE)
    view = until(page, calls, lambda view: view["conferences"] and len(view["conferences"][0]["members"]) == 2)
    assert view["conferences"][0]["name"] == "stand-up"
    phone = next(one for one in view["conferences"][0]["members"] if one["name"].endswith("phone"))
    press(calls, "mute", call=phone["id"], on=True)
    until(page, calls, lambda view: any(one["mute"] for one in view["conferences"][0]["members"]))
    press(calls, "hold", call=phone["name"], on=True)
    until(page, calls, lambda view: any(one["hold"] for one in view["conferences"][0]["members"]))
    calls.mute("phone", on=False)
    requests = [event for event in wb._wiring.log.events("conference", room.id) if event.event_type == "updateConferenceMember"]
    assert [event.leg for event in requests] == ["phone"] * 3, "a button's request belongs into the table of its mode"
    with pytest.raises(WorkbenchError, match="no conference"):
        calls.end_conference("nothing")
    with pytest.raises(WorkbenchError, match="there is no call"):
        calls.hang_up("nothing")
    assert "stand-up" in calls.html()
    calls.end_conference("stand-up")
    until(page, calls, lambda view: not view["conferences"])


def test_a_handset_is_taken_by_a_ticket_that_is_kept_nowhere(wb, page):
    panel = wb.handset(1)
    press(panel, "connect", page="here")
    hand = page.until(lambda: next((message["hand"] for message in page.messages if "hand" in message), None))
    assert hand["connect"]["dialect"] == "handset" and hand["page"] == "here"
    assert hand["connect"]["token"] not in json.dumps([page.state, panel.view, panel.html(), repr(panel)])
    assert wb.handset(FIRST_PHONE) is panel
    assert wb.softphone("browser") is wb.softphone(wb.participant("browser"))


def test_the_same_panel_is_shown_again(wb):
    assert wb.table("transfer") is wb.transfer.table()
    assert wb.dialer("bridge") is wb.dialer("bridge")
    assert wb.dialer("bridge") is not wb.dialer("transfer")
    with pytest.raises(WorkbenchError, match="no mode"):
        wb._panel().dialer("nothing")


def test_a_closed_workbench_leaves_no_thread(page):
    before = threading.enumerate()
    with Workbench() as wb:
        wb.matrix()
        wb.table()
        wb.dialer("transfer").call(FIRST_PHONE)
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def test_a_closed_workbench_ends_its_lines_and_says_so(page):
    with Workbench() as wb:
        softphone, handset = wb.softphone("browser"), wb.handset(1)
        assert not wb._panel().publisher.closed
    assert [message["hand"] for message in page.messages if "hand" in message] == [{"leave": True}] * 2
    for panel in (softphone, handset):
        for act in (panel.connect, panel.open_page):
            with pytest.raises(WorkbenchError, match="this workbench is closed"):
                act()


def test_without_a_local_platform(wb, page):
    """As with an account: no phones, no ears, no extra requests, numbers masked as in the log."""
    parts = wb._wiring
    modes = list(parts.modes.values())
    account = {"log": parts.log, "voice": parts.voice, "side": parts.side, "modes": modes, "number": wb.number}
    panels = Panels(**account, lines=Addresses(parts.settings), shown=lambda number: "+1•••11#1a2b3c")
    try:
        dialer, calls, matrix, people = panels.dialer("bridge"), panels.calls(), panels.matrix(), panels.participants()
        flow = dialer.call(FIRST_PHONE)
        view = until(page, calls, lambda view: len(view["calls"]) == 2)
        assert sorted(call["leg"] for call in view["calls"]) == ["phone", "webrtc"]
        wb.wait("answer", leg="phone", flow=flow)
        until(page, dialer, lambda view: all(leg["status"] in ("answered", "waiting") for leg in view["legs"]))
        assert "Only the local platform" in matrix.view["unknown"]
        for act in (lambda: dialer.let_in(), lambda: dialer.answer(FIRST_PHONE), lambda: people.connect(people._side.participants[0])):
            with pytest.raises(WorkbenchError, match="local platform"):
                act()
        softphone = panels.softphone("browser", parts.side.participants[0].token)
        for act in (softphone.open_page, lambda: panels.handset(wb.phone()), matrix.measure):
            with pytest.raises(WorkbenchError, match="local platform"):
                act()
        known = [dialer.view["legs"], calls.view, matrix.view, people.view, panels.dialer("bridge").html(), calls.html()]
        assert FIRST_PHONE not in json.dumps(known)
        asked = {event.event_type for event in parts.log.events(flow=flow.id) if event.direction == "request"}
        assert asked == {"createParticipant", "addParticipantToSession", "createCall"}
        calls.hang_up("phone")
        wb.wait("disconnect", leg="phone", flow=flow)
    finally:
        panels.close()


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("+1 919 555 0111", "+19195550111"),
        ("(919) 555-0111", "+19195550111"),
        ("919.555.0111", "+19195550111"),
        ("+442079460958", "+442079460958"),
    ],
)
def test_numbers_as_people_write_them(written, plain):
    assert number(written) == plain


@pytest.mark.parametrize("written", ["", "555", "+0123456789", "sip:a@b", "+1919555011x", "９１９５５５０１１１"])
def test_what_is_no_number(written):
    with pytest.raises(WorkbenchError, match="no phone number"):
        number(written)


def test_a_story_is_chosen_and_played(wb, page):
    panel = wb.comparison()
    assert panel is wb.comparison()
    assert [one["name"] for one in panel.view["stories"]][:2] == ["basic", "inbound call"]
    assert "webrtc leaves" in panel.html()
    press(panel, "play", story="webrtc leaves")
    view = until(page, panel, lambda view: view.get("result") and not view["doing"])
    assert (view["chosen"], view["result"]["modes"]) == ("webrtc leaves", ["transfer", "bridge", "conference"])
    row = next(row for row in view["result"]["rows"] if row["name"] == "1. the WebRTC leg leaves")
    assert [(cell["text"], cell["kind"]) for cell in row["cells"]] == [
        ("phone ends, webrtc ends", "broken"),
        ("webrtc ends, phone stays", "kept"),
        ("webrtc ends, phone stays", "kept"),
    ]
    assert [picture["title"] for picture in view["result"]["pictures"]["bridge"]] == ["before", "after 1. the WebRTC leg leaves"]
    assert [lane["name"] for lane in view["result"]["ladders"]["transfer"]["lanes"]][:2] == ["phone", "Programmable Voice"]
    assert "INVITE with token" in [message["label"] for message in view["result"]["ladders"]["bridge"]["messages"]]
    assert "phone ends, webrtc ends" in panel.html()
    press(panel, "play", story="no such")
    until(page, panel, lambda view: view.get("note", {}).get("kind") == "error" and "no story 'no such'" in view["note"]["text"])
    assert panel.view["result"] == view["result"]


def test_step_mode_shows_judges_and_sends(wb, page):
    panel = wb.stepper()
    press(panel, "hold", events=["answer"])
    page.until(lambda: page.state["view"]["on"] == ["answer"])
    wb.phone().set(ring_seconds=0.05)
    flow = wb.transfer.dial(wb.phone())
    held = page.until(lambda: page.state["view"]["held"])[0]
    assert (held["event"], held["leg"], held["flow"], held["until"]) == ("answer", "phone", flow.id, None)
    assert "eyJ•••" in held["document"] and "eyJ0" not in json.dumps(page.state)
    press(panel, "check", stop=held["number"], document=held["document"].replace("</SpeakSentence>", ""))
    told = page.until(lambda: next((one["hand"]["verdict"] for one in page.messages if "hand" in one), None))
    assert not told["good"] and told["line"] == 4 and "</SpeakSentence> is missing" in told["text"]
    press(panel, "answer", stop=held["number"], document="<Response><Nonsense/></Response>")
    page.until(lambda: "still held" in page.state["view"]["note"]["text"])
    press(panel, "answer", stop=held["number"], document="<Response><Pause duration='9'/></Response>")
    page.until(lambda: page.state["view"]["note"]["text"] == "answer phone: sent.")
    page.until(lambda: not page.state["view"]["held"])
    press(panel, "off")
    page.until(lambda: not page.state["view"]["on"])
    assert wb.wait("answer", flow=flow).verbs == ("Pause",)


def test_step_mode_says_what_was_sent_by_itself(wb, page, monkeypatch):
    monkeypatch.setattr("workbench.stops.TIMEOUT_SECONDS", 0.4)
    stepper = wb.step("answer")
    monkeypatch.setattr(stepper, "local", None)
    wb.stepper()
    wb.phone(2).set(ring_seconds=0.05)
    wb.transfer.dial(wb.phone(2))
    until = page.until(lambda: page.state["view"]["held"])[0]["until"]
    assert until is not None
    page.until(lambda: "sent by itself" in page.state["view"].get("note", {}).get("text", ""))
    wb.step(False)
