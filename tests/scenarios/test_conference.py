"""Conference, seen by the application: many calls in one room, each with its own controls (behaviour 4)."""

from __future__ import annotations

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.modes import Flow, Room
from workbench.records import Event

P2 = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc"]
STARTED = [
    *P2,
    "-> createCall webrtc",
    "<- answer webrtc: Conference",
    "<- conferenceCreated",
    "<- conferenceMemberJoin webrtc",
]
GONE = "-> deleteParticipant webrtc"
ALL = {"phone": ["phone 2", "browser"], "phone 2": ["phone", "browser"], "browser": ["phone", "phone 2"]}


def added(name: str) -> list[str]:
    """A phone that is called into the room."""
    return [f"-> createCall {name}", f"<- answer {name}: SpeakSentence Conference", f"<- conferenceMemberJoin {name}"]


ROOM = [*STARTED, *added("phone"), *added("phone 2")]


def room_of(world: World, phones: int) -> Room:
    """A room with the WebRTC leg and so many phones in it."""
    room = world.wb.conference.start("lesson3")
    world.idle()
    for which in range(1, phones + 1):
        world.wb.conference.add(world.phone(which))
        world.idle()
    return room


def two(world: World) -> Room:
    """A room with the WebRTC leg and two phones in it."""
    room = room_of(world, 2)
    assert world.rows() == ROOM and world.hears() == ALL
    return room


def rest(world: World) -> list[str]:
    """What came after the room was full; deletes last, as they run beside whatever else goes on."""
    return sorted(world.rows()[len(ROOM) :], key=lambda line: line == GONE)


# Steps 1 to 5


def test_webrtc_leg_first_then_a_phone_out_and_one_in(either_world: World) -> None:
    world = either_world
    room = world.wb.conference.start()
    world.idle()
    assert world.rows() == STARTED
    # Named after the session unless told otherwise.
    assert world.left()["conferences"] == [f"{world.wb.session} 1"]
    world.wb.conference.dial(world.phone())
    world.idle()
    world.wb.conference.take_inbound()
    world.phone(2).dial(world.wb.number)
    world.idle()
    inbound = ["<- initiate phone 2: SpeakSentence Conference", "<- conferenceMemberJoin phone 2"]
    assert world.rows(room) == [*STARTED, *added("phone"), *inbound]
    assert world.hears() == ALL
    assert world.left() == {
        "calls": ["webrtc answered", "phone answered", "phone 2 answered"],
        "conferences": [f"{world.wb.session} 3"],
        "participants": [f"{room.id} webrtc"],
    }


def test_an_inbound_call_opens_the_room(world: World) -> None:
    world.wb.conference.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    assert [line for line in world.rows() if line.startswith("->")] == STARTED[:3]
    assert [line for line in world.rows() if line.startswith("<-")] == [
        "<- initiate phone: SpeakSentence Conference",
        "<- answer webrtc: Conference",
        "<- conferenceCreated",
        "<- conferenceMemberJoin webrtc",
        "<- conferenceMemberJoin phone",
    ]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


def test_without_an_event_url_only_the_calls_are_told(world: World) -> None:
    world.wb.conference.on("answer")(lambda event, flow: bxml.Conference("quiet"))
    world.wb.conference.start()
    world.idle()
    world.wb.conference.add(world.phone())
    world.idle()
    assert world.rows() == [*STARTED[:4], "-> createCall phone", "<- answer phone: Conference"]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


# Step 6: mute, hold, coach


def test_a_muted_phone_hears_and_is_not_heard(world: World) -> None:
    two(world)
    world.wb.conference.mute("phone")
    assert world.hears() == {"phone": ["phone 2", "browser"], "phone 2": ["browser"], "browser": ["phone 2"]}
    world.wb.conference.mute("phone", False)
    world.idle()
    assert world.hears() == ALL
    assert rest(world) == ["-> updateConferenceMember phone"] * 2


def test_a_phone_on_hold_neither_hears_nor_is_heard(world: World) -> None:
    two(world)
    world.wb.conference.hold("phone")
    world.idle()
    assert world.hears() == {"phone": [], "phone 2": ["browser"], "browser": ["phone 2"]}
    assert rest(world) == ["-> updateConferenceMember phone"]


@pytest.mark.parametrize("control", ["mute", "hold"])
def test_a_muted_or_held_webrtc_leg_is_the_whole_webrtc_side(world: World, control: str) -> None:
    two(world)
    getattr(world.wb.conference, control)("webrtc")
    heard = [] if control == "hold" else ["phone", "phone 2"]
    assert world.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": heard}


def test_a_coach_is_heard_by_the_coached_alone_and_hears_all(world: World) -> None:
    two(world)
    world.wb.conference.coach("phone 2", ["phone"])
    assert world.hears() == {"phone": ["phone 2", "browser"], "phone 2": ["phone", "browser"], "browser": ["phone"]}
    world.wb.conference.coach("phone 2")
    assert world.hears() == ALL
    assert rest(world) == ["-> updateConferenceMember phone 2"] * 2


def test_a_coach_waits_for_a_call_that_is_not_there_yet(world: World) -> None:
    room = room_of(world, 1)
    new = world.wb.conference.add(world.phone(2).set(ring_seconds=5))
    world.wb.conference.coach("phone", [new])
    assert world.hears()["browser"] == []
    world.idle()
    assert world.hears() == {"phone": ["phone 2", "browser"], "phone 2": ["phone", "browser"], "browser": ["phone 2"]}
    assert world.wb.conference.members().set_index("leg")["coaches"].to_dict() == {"webrtc": "", "phone": "phone 2", "phone 2": ""}
    assert room.leg("phone 2") is new


# Step 7: prompts to all


def test_a_sentence_to_all_three_ways(world: World) -> None:
    world.wb.conference.on("conferenceMemberJoin")(lambda event, flow: bxml.SpeakSentence(f"Welcome {event.leg}."))
    room = room_of(world, 1)
    started = [*STARTED[:-1], STARTED[-1] + ": SpeakSentence", *added("phone")[:-1], added("phone")[-1] + ": SpeakSentence"]
    assert world.rows() == started
    world.wb.conference.announce("By request.")
    world.wb.conference.on("conferenceRedirect")(lambda event, flow: bxml.SpeakSentence("By redirect."))
    gate = world.parts.gate
    world.wb.voice.update_conference(
        world.wb.conference.conference_id,
        redirect_url=room.url("conferenceRedirect", ""),
        username=gate.username,
        password=gate.password,
    )
    world.idle()
    after = ["-> updateConferenceBxml", "<- conferenceRedirect: SpeakSentence"]
    assert world.rows() == [*started, *after]
    assert world.spoken()[-3:] == ["Welcome phone.", "By request.", "By redirect."]
    # It was spoken to the room while everybody stayed in it.
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


def test_an_answer_with_other_verbs_leaves_the_room_as_it_is(world: World) -> None:
    world.wb.conference.on("conferenceMemberJoin")(lambda event, flow: [bxml.SpeakSentence("Hello."), bxml.Hangup()])
    room_of(world, 0)
    assert world.rows() == [*STARTED[:-1], STARTED[-1] + ": SpeakSentence Hangup"]
    assert world.spoken() == [] and world.happened("documentRefused") == ["documentRefused "]
    assert world.left()["conferences"] == ["lesson3 1"]


# Steps 8 to 11: leaving


def test_remove_one_by_request(either_world: World) -> None:
    world = either_world
    two(world)
    world.wb.conference.remove("phone")
    world.idle()
    assert rest(world) == ["-> updateCall phone", "<- conferenceMemberExit phone", "<- disconnect phone (hangup)"]
    assert world.hears() == {"phone 2": ["browser"], "browser": ["phone 2"]}
    assert world.left()["conferences"] == ["lesson3 2"]


def test_remove_one_by_redirect_and_let_it_come_back(world: World) -> None:
    room = two(world)
    world.wb.conference.remove("phone", [bxml.SpeakSentence("A word in private."), bxml.Redirect(room.url("redirect", "phone"))])
    world.idle()
    assert rest(world) == [
        "-> updateCall phone",
        "<- conferenceMemberExit phone",
        "<- redirect phone: SpeakSentence Redirect",
        "<- redirect phone: Conference",
        "<- conferenceMemberJoin phone",
    ]
    assert world.hears() == ALL


def test_a_member_hangs_up(world: World) -> None:
    two(world)
    world.phone(2).hangup()
    world.idle()
    assert rest(world) == ["<- conferenceMemberExit phone 2", "<- disconnect phone 2 (hangup)"]
    assert world.hears() == {"phone": ["browser"], "browser": ["phone"]}


def test_the_webrtc_leg_leaves_and_comes_back_like_any_member(world: World) -> None:
    room = two(world)
    first = world.wb.conference.conference_id
    room.leg("webrtc").hangup()
    world.idle()
    left = ["-> updateCall webrtc", "<- conferenceMemberExit webrtc", "<- disconnect webrtc (hangup)", GONE]
    assert rest(world) == left
    assert world.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": []}
    world.wb.conference.call_webrtc(room)
    world.idle()
    assert world.rows()[len(ROOM) + len(left) :] == [*P2, "-> createCall webrtc", STARTED[3], STARTED[5]]
    assert world.hears() == ALL and world.wb.conference.conference_id == first


def test_the_last_member_leaves_and_the_name_may_begin_again(world: World) -> None:
    room = room_of(world, 0)
    first = world.wb.conference.conference_id
    room.leg("webrtc").hangup()
    world.idle()
    ended = [
        "-> updateCall webrtc",
        "<- conferenceMemberExit webrtc",
        "<- conferenceCompleted",
        "<- disconnect webrtc (hangup)",
        GONE,
    ]
    assert world.rows() == [*STARTED, *ended]
    assert world.left() == NOTHING
    again = world.wb.conference.start("lesson3")
    world.idle()
    assert world.rows(again) == STARTED and again.conference_id not in (None, first)


@pytest.mark.parametrize("more", [True, False], ids=["more verbs", "none left"])
def test_completed_for_everybody(world: World, more: bool) -> None:
    if more:

        @world.wb.conference.on("answer")
        def enter(event: Event, flow: Room) -> list[bxml.Verb]:
            return [flow.enter(), bxml.SpeakSentence("The meeting is over.")]

    room_of(world, 2)
    begun = world.rows()
    world.wb.conference.complete()
    world.idle()
    after = world.rows()[len(begun) :]
    assert [line for line in after if "disconnect" not in line and line != GONE] == [
        "-> updateConference",
        "<- conferenceMemberExit webrtc",
        "<- conferenceMemberExit phone",
        "<- conferenceMemberExit phone 2",
        "<- conferenceCompleted",
    ]
    ended = [line for line in after if "disconnect" in line]
    assert ended == [f"<- disconnect {leg} (hangup)" for leg in ("webrtc", "phone", "phone 2")]
    assert after.count(GONE) == 1 and after.index(ended[0]) > after.index("<- conferenceCompleted")
    assert world.spoken().count("The meeting is over.") == 3 * more
    assert world.left() == NOTHING


def test_the_browsers_leaving_ends_the_webrtc_side_and_the_phones_stay(world: World) -> None:
    """The application's duty: it hears of it by a webhook of the participant."""
    room = two(world)
    callback = f"{world.wb.url}/participant/{world.parts.gate.keys.issue('page')}?mode=conference&flow={room.id}"
    made = world.wb.webrtc.create_participant(tag="page", publish_permissions=["AUDIO"], callback_url=callback)

    @world.wb.conference.on("onLeave")
    def browser_left(event: Event, flow: Flow) -> None:
        assert event.data["participantId"] == made["participant"]["id"]
        flow.leg("webrtc").hangup()

    world.local.connect(made).leave()
    world.idle()
    assert [line for line in rest(world) if line != GONE] == [
        "<- onConnect",
        "<- onLeave",
        "-> updateCall webrtc",
        "<- conferenceMemberExit webrtc",
        "<- disconnect webrtc (hangup)",
    ]
    assert world.left()["conferences"] == ["lesson3 2"]
    world.wb.webrtc.delete_participant(made["participant"]["id"])


# Limits


def test_the_21st_call_ends_with_an_error(world: World) -> None:
    room = room_of(world, 19)
    full = world.rows()
    assert world.left()["conferences"] == ["lesson3 20"]
    world.wb.conference.add(world.phone(20))
    world.idle()
    assert world.rows()[len(full) :] == [*added("phone 20")[:2], "<- disconnect phone 20 (error)"]
    assert world.left()["conferences"] == ["lesson3 20"]
    assert world.hears()["phone"] == [*(f"phone {which}" for which in range(2, 20)), "browser"]
    room.close()
    world.idle()
    assert world.left() == NOTHING


def test_a_day_and_the_nine_hours_of_its_session(world: World) -> None:
    """The session goes after 9 h and takes the WebRTC leg along; the phones talk on until the conference has lasted 24 h."""
    two(world)
    world.advance(9 * 3600)
    nine = ["<- conferenceMemberExit webrtc", "<- disconnect webrtc (hangup)", GONE]
    assert rest(world) == nine
    assert world.hears() == {"phone": ["phone 2"], "phone 2": ["phone"], "browser": []}
    assert world.local.state()["sessions"] == []
    before = len(world.rows())
    world.advance(15 * 3600 - 10)
    assert world.left()["conferences"] == ["lesson3 2"]
    world.advance(10)
    assert world.rows()[before:] == [
        "<- conferenceMemberExit phone",
        "<- conferenceMemberExit phone 2",
        "<- conferenceCompleted",
        "<- disconnect phone (hangup)",
        "<- disconnect phone 2 (hangup)",
    ]
    assert world.left() == NOTHING
