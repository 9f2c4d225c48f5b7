"""Calls that nobody has allowed are not placed: by request, by what a handler answers, by a document put into a call."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.scenarios.joined import World
from workbench import bxml
from workbench.errors import SpendingError
from workbench.modes import Flow
from workbench.records import Event

SOMEBODY = "+19195550122"


@pytest.fixture
def guarded(world: World) -> World:
    """A world in which calls cost something, as live."""
    world.parts.spending.guarded = True
    return world


def calls(world: World) -> list[str]:
    """Whom the platform knows calls to or from, ended ones too."""
    return [call["to"] for call in world.wb.voice.list_calls()]


def test_the_first_call_says_what_to_do_and_leaves_nothing(guarded: World) -> None:
    for mode in (guarded.wb.transfer, guarded.wb.bridge, guarded.wb.conference):
        with pytest.raises(SpendingError, match=r"wb\.allow\(phone, calls=20\)"):
            mode.dial(guarded.phone())
    guarded.idle()
    assert calls(guarded) == []
    assert guarded.left() == {"calls": [], "conferences": [], "participants": []}


def test_allowed_calls_are_counted_on_both_ways(guarded: World) -> None:
    """The request for the phone's leg, and the Transfer in the answer."""
    guarded.wb.allow(guarded.phone(), calls=2)
    guarded.wb.transfer.dial(guarded.phone())
    guarded.idle()
    assert guarded.hears() == {"phone": ["browser"], "browser": ["phone"]}
    assert guarded.parts.spending.allowance.left == 0
    with pytest.raises(SpendingError, match="used up"):
        guarded.wb.transfer.dial(guarded.phone())


@pytest.mark.replaced
def test_a_handler_calls_nobody_who_is_not_allowed(guarded: World) -> None:
    guarded.wb.allow(guarded.phone(), calls=9)

    @guarded.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Transfer:
        return bxml.Transfer([bxml.PhoneNumber(SOMEBODY)])

    flow = guarded.wb.transfer.dial(guarded.phone())
    guarded.idle()
    assert SOMEBODY not in calls(guarded)
    (told,) = [event for event in guarded.parts.log.events(flow=flow.id) if event.event_type == "answer"]
    assert told.error is not None and "not among the numbers that may be called" in told.error


def test_a_document_put_into_a_call_is_asked_too(guarded: World) -> None:
    guarded.wb.allow(guarded.phone(), calls=9)
    flow = guarded.wb.transfer.dial(guarded.phone())
    guarded.idle()
    document = bxml.Response((bxml.Forward(to=SOMEBODY),)).to_bxml()
    with pytest.raises(SpendingError, match="not among"):
        guarded.wb.voice.update_call_bxml(flow.leg("phone").id, document)
    assert guarded.hears() == {"phone": ["browser"], "browser": ["phone"]}


@pytest.mark.replaced
@pytest.mark.parametrize("kind", ["wrong type", "timeout"])
def test_an_answer_that_goes_wrong_on_demand_is_asked_too(guarded: World, kind: Literal["wrong type", "timeout"]) -> None:
    """Nobody knows whether the platform obeys it: it may not care about the type, or wait longer than we think."""
    guarded.wb.allow(guarded.phone(), calls=9)

    @guarded.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Transfer:
        return bxml.Transfer([bxml.PhoneNumber(SOMEBODY)])

    guarded.parts.answers().add(kind, "answer", None, 1.0, 0)
    flow = guarded.wb.transfer.dial(guarded.phone())
    guarded.idle()
    told = [event for event in guarded.parts.log.events(flow=flow.id) if event.event_type == "answer"]
    assert told
    for event in told:
        assert event.error is not None and "not among the numbers that may be called" in event.error
        assert not event.reply
