"""Counting from the log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from workbench import compare
from workbench.bars import Timing
from workbench.compare import Comparison
from workbench.figure import Figure
from workbench.messages import Lane
from workbench.playing import Picture, Played, Scene
from workbench.records import Event
from workbench.story import Moment, Story

BASE = {"run": "r", "time": 0.0, "mode": "m", "flow": "m-1", "from_": None, "cause": None}


def event(number: int, what: str, leg: str | None = None, *, to: str | None = None, call: str | None = None, **more: Any) -> Event:
    direction = "request" if what.startswith(("create", "delete")) else "webhook"
    return Event(
        **{**BASE, "id": number, "leg": leg, "direction": direction, "event_type": what, "call_id": call, "to": to, "data": {}, **more}
    )


def at(second: float) -> str:
    return f"2026-01-01T00:00:{second:06.3f}Z"


PHONE = {"enqueuedTime": at(1), "eventTime": at(2)}
FLOW = [
    event(1, "createCall", "phone", call="c-1", to="+15550100001"),
    event(2, "answer", "phone", call="c-1", to="+15550100001", data=PHONE, verbs=("Pause",)),
    event(3, "createParticipant", "webrtc"),
    event(4, "answer", "webrtc", call="c-2", to="sip:there", data={"eventTime": at(3), "enqueuedTime": at(0)}, verbs=("Bridge",)),
    event(5, "answer", "webrtc", call="c-2", to="sip:there", duplicate_of=4, verbs=("Bridge",)),
    event(6, "disconnect", "phone", call="c-1", data={"eventTime": at(9)}),
]


def test_a_flow_in_numbers() -> None:
    assert compare.count("m", FLOW) == compare.Count("m", legs=2, calls=2, requests=2, webhooks=3, handlers=1, set_up=2.0)


def test_the_table_has_a_row_per_mode() -> None:
    table = compare.table([compare.count("one", FLOW), compare.count("two", [])])
    assert list(table.columns) == ["legs", "calls", "requests", "webhooks", "handlers", "set-up s"]
    assert list(table.index) == ["one", "two"]


def played(mode: str, *outcomes: tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]) -> Played:
    """A story as a mode might have played it: per moment why it could not, and which legs were kept, lost, new."""
    picture = Picture(("phone", "browser"), ((False, True), (False, False)))
    scenes = [
        Scene(moment, "", cannot, kept, lost, new, picture, picture)
        for moment, (cannot, kept, lost, new) in zip(STORY.moments, outcomes, strict=True)
    ]
    return Played(SimpleNamespace(id=f"{mode}-1"), picture, tuple(scenes), ("d-1",))  # type: ignore[arg-type]


STORY = Story("a <story>", moments=(Moment("hold"), Moment("resume"), Moment("leave")))


def comparison() -> Comparison:
    counts = (compare.count("transfer", FLOW), compare.count("bridge", []))
    plays = {
        "transfer": played("transfer", ("", ("phone",), ("webrtc",), ("webrtc",)), ("cannot: <b>", (), (), ()), ("", (), ("phone",), ())),
        "bridge": played("bridge", ("", ("phone", "webrtc"), (), ()), ("", ("phone",), (), ("webrtc",)), ("", (), (), ())),
    }
    ladders = {mode: Figure(mode, (Lane("phone"),), ()) for mode in plays}
    return Comparison(STORY, counts, plays, ladders, Timing([]))


def test_what_survived_is_told_in_words() -> None:
    survived = comparison().survived
    assert list(survived["transfer"]) == ["webrtc falls, a new one is called, phone stays", "cannot: <b>", "phone ends"]
    assert list(survived["bridge"]) == ["phone and webrtc stay", "webrtc comes, phone stays", "nobody is there"]
    assert survived.index[0] == "1. the phone is put on hold"


def test_it_is_read_like_its_table() -> None:
    found = comparison()
    assert found.loc["transfer", "webhooks"] == 3
    assert list(found["calls"]) == [2, 0]
    assert list(found.index) == ["transfer", "bridge"]
    assert found.columns[-1] == "cost class"
    assert found.loc["bridge", "1. the phone is put on hold"] == "phone and webrtc stay"


def test_a_leg_that_was_meant_to_go_is_not_broken() -> None:
    scenes = comparison().played["transfer"].scenes
    assert [scene.broken for scene in scenes] == [("webrtc",), (), ()]


def test_what_is_shown_is_escaped_and_says_what_it_cannot() -> None:
    drawn = comparison()._repr_html_()
    assert "<story>" not in drawn and "<b>" not in drawn and "cannot: &lt;b&gt;" in drawn
    assert "not told" in drawn  # the set-up time of a flow without events
    assert drawn.count("✗") == 1
    assert "cost class of bridge: two calls (documented)" in repr(comparison())


def test_live_nothing_is_played_and_that_is_said() -> None:
    ladder = Figure("bridge-1", (Lane("phone"),), ())
    live = Comparison(None, (compare.count("bridge", FLOW),), {}, {"bridge": ladder}, Timing([], live=True))
    assert "the newest flow of each mode is counted" in repr(live)
    assert "the newest flow of each mode is counted" in live._repr_html_()
    assert "Who hears whom" not in live._repr_html_()
    assert live.matrices == {} and list(live.columns)[-1] == "cost class"
