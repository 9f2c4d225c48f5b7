"""Faults on demand: each does to a call what its words say, with the rule and label it names, and is over when it is said to be."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.scenarios.joined import NOTHING, World
from workbench.errors import WorkbenchError
from workbench.faults import FAULTS
from workbench.simulator import world as platform
from workbench.simulator.rules import RULES

CALLED = "-> createCall phone"
PARTICIPANT = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc"]
ANSWERED = "<- answer phone: SpeakSentence Transfer"
ENDS = {
    "500": ["<- answer phone !500", "<- disconnect phone (callback-error)"],
    "bad XML": ["<- answer phone", "<- disconnect phone (invalid-bxml)"],
}


@pytest.mark.parametrize("name", FAULTS)
def test_its_words_are_those_of_the_platform(name: str) -> None:
    fault = FAULTS[name]
    assert RULES[fault.rule].label == fault.label
    lesson, _, step = fault.step.partition(" · ")
    text = next((ROOT / "notebooks").glob(f"{lesson}_*.ipynb")).read_text("utf-8")
    assert f"## {step} · " in text


def called(world: World, *phones: int) -> list[str]:
    for which in phones or (1,):
        world.wb.transfer.dial(world.phone(which))
    return world.idle().rows()


@pytest.mark.parametrize("name", ENDS)
def test_an_answer_that_fails_ends_the_call(world: World, name: str) -> None:
    failing = world.wb.fault(name, "answer")
    assert called(world) == [CALLED, ENDS[name][0], *PARTICIPANT, ENDS[name][1], "-> deleteParticipant webrtc"]
    assert world.left() == NOTHING
    assert FAULTS[name].then in repr(failing)
    assert ANSWERED in called(world), "it was for one time"


def test_a_late_answer_is_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "GRACE_SECONDS", 0.05)
    world.wb.fault("callback timeout", "answer")
    assert "<- disconnect phone (callback-error)" in called(world)
    answer = next(event for event in world.parts.log.events() if event.event_type == "answer")
    assert answer.late
    assert world.left() == NOTHING


def test_an_answer_of_the_wrong_type_is_taken(world: World) -> None:
    world.wb.fault("wrong type")
    assert ANSWERED in called(world)
    assert world.hears() == {"browser": ["phone"], "phone": ["browser"]}


def test_a_duplicate_is_handled_once(world: World) -> None:
    with world.wb.fault("duplicate", "answer"):
        rows = called(world)
    assert rows == [CALLED, ANSWERED, "<- answer phone again: SpeakSentence Transfer", *PARTICIPANT]
    assert world.hears() == {"browser": ["phone"], "phone": ["browser"]}


def test_an_event_comes_after_the_next_one(world: World) -> None:
    world.wb.bridge.dial(world.phone())
    world.idle()
    with world.wb.fault("out of order", "bridgeComplete"), world.wb.fault("out of order", "bridgeTargetComplete"):
        world.phone().hangup()
        world.idle()
        came = [event.event_type for event in sorted(world.parts.log.events(), key=lambda event: event.time)]
    assert came.index("disconnect") < max(came.index(name) for name in came if name.startswith("bridge"))
    assert next(row for row in world.rows() if "bridge" in row) == world.rows()[-2], "the table keeps the platform's order"


def test_without_a_tunnel_nothing_comes_until_it_is_back(world: World) -> None:
    gone = world.wb.fault("tunnel gone")
    assert called(world) == [CALLED]
    assert world.local.happenings("ended")[0].data["cause"] == "callback-error"
    gone.over()
    assert ANSWERED in called(world)


def test_an_expired_token_is_refused(world: World) -> None:
    world.wb.fault("expired token")
    called(world)
    refused = world.local.happenings("inviteRefused")[0]
    assert (refused.rule, refused.label) == ("interconnect.expired", "assumed")
    assert ANSWERED in called(world)


@pytest.mark.parametrize(("name", "cause"), [("busy", "busy"), ("no answer", "timeout")])
def test_a_phone_that_does_not_come(world: World, name: str, cause: str) -> None:
    with world.wb.fault(name, phone=2):
        assert called(world, 2) == ["-> createCall phone 2", f"<- disconnect phone 2 ({cause})"]
    assert "<- answer phone 2: SpeakSentence Transfer" in called(world, 2)


def test_a_full_room_refuses_the_next_call(world: World) -> None:
    world.wb.conference.start()
    world.idle()
    full = world.wb.fault("21st member")
    world.wb.conference.add(world.phone())
    world.idle()
    assert "<- disconnect phone (error)" in world.rows()
    assert len(world.wb.conference.members()) == 20
    full.over()
    world.idle()
    assert len(world.wb.conference.members()) == 1


def test_a_browser_that_sends_no_sound(world: World) -> None:
    called(world)
    with world.wb.fault("one-way audio"):
        assert world.hears() == {"browser": ["phone"], "phone": []}
    assert world.hears() == {"browser": ["phone"], "phone": ["browser"]}


def test_chance_is_the_same_for_the_same_seed(world: World) -> None:
    def story(seed: int) -> list[str]:
        found = []
        with world.wb.fault("500", "answer", times=None, chance=0.5, seed=seed):
            for _ in range(6):
                found += [row for row in called(world) if "answer" in row]
                world.wb.transfer.flow.close()
        return found

    first = story(3)
    assert first == story(3) and len(set(first)) == 2


def test_all_are_over_at_once(world: World) -> None:
    world.wb.fault("500", times=None), world.wb.fault("busy"), world.wb.fault("duplicate", times=None)
    assert world.wb.fault(None) is None
    assert ANSWERED in called(world)
    assert world.local.send("GET", "/faults")["faults"] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"name": "earthquake"}, "callback timeout, 500"),
        ({"name": "500", "event": "anser"}, "'anser'"),
        ({"name": "500", "times": 0}, "times:"),
        ({"name": "500", "chance": 2}, "chance:"),
        ({"name": "21st member"}, "no room yet"),
    ],
)
def test_what_does_not_exist_is_refused(world: World, words: dict[str, object], named: str) -> None:
    with pytest.raises(WorkbenchError, match=named):
        world.wb.fault(**words)  # type: ignore[arg-type]


def test_the_table_lists_them_all(world: World) -> None:
    table = world.wb.faults()
    assert list(table["fault"]) == list(FAULTS) and set(table["label"]) == {"documented", "observed", "assumed"}
