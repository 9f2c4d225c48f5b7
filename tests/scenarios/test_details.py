"""A closer look at an event: complete, explained, and without a secret."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.scenarios.joined import World
from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes import Flow
from workbench.records import Event


def greet(event: Event, flow: Flow) -> Any:
    return [bxml.SpeakSentence("Hello"), flow.connect_verb(flow.participant())]


@pytest.fixture
def events(world: World) -> dict[str, Event]:
    world.wb.transfer.on("answer")(greet)
    world.wb.transfer.dial(world.phone())
    world.idle()
    return {event.event_type: event for event in world.parts.log.events()}


def heads(world: World, event: Event) -> dict[str, Any]:
    return {part["head"]: part for part in world.wb.details(event).parts}


def test_an_answer_is_explained_word_for_word(world: World, events: dict[str, Event]) -> None:
    found = heads(world, events["answer"])
    rows = dict(found["What the document does"]["rows"])
    assert rows["<SpeakSentence>"] == "Speaks a sentence in a synthetic voice."
    assert rows["  <SipUri>"].startswith("A SIP address to ring")
    assert rows["    uui = " + re.findall(r"eyJ•••#\w{6};encoding=jwt", events["answer"].reply)[0]].endswith("; documented)")
    assert found["Answer of this notebook · 200"]["text"].count("\n") == 6, "one verb a line, also where a token is hidden"
    source = next(part for head, part in found.items() if head.startswith("The handler that answered · "))
    assert "def greet(" in source["text"]
    assert found["Rule of the local platform"]["text"].endswith("documented, webhooks/answer")


def test_the_handler_is_shown_as_it_was(world: World, events: dict[str, Event]) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Hangup())
    assert "def greet(" in str(world.wb.details(events["answer"]))


def test_a_token_is_decoded_and_not_shown(world: World, events: dict[str, Event]) -> None:
    for name in ("answer", "createParticipant"):
        details = world.wb.details(events[name])
        claims = next(dict(part["rows"]) for part in details.parts if part["kind"] == "claims")
        assert claims["participant"].startswith(events["createParticipant"].data["response"]["participant"]["id"])
        assert not re.search(r"eyJ\w{5,}\.\w+", repr(details) + details._repr_html_())


def test_a_request_shows_both_bodies(world: World, events: dict[str, Event]) -> None:
    found = heads(world, events["createCall"])
    assert '"answerUrl"' in found["Request · POST /calls"]["text"] and '"callId"' in found["Answer · 201"]["text"]
    assert world.wb.details(events["createCall"].id).title == world.wb.details(events["createCall"]).title


def test_what_went_wrong_comes_first(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: 1 / 0)
    world.wb.transfer.dial(world.phone())
    world.idle()
    event = next(event for event in world.parts.log.events() if event.event_type == "answer")
    first = world.wb.details(event).parts[0]
    assert (first["head"], first["kind"]) == ("Error in the handler", "error") and first["text"].startswith("ZeroDivisionError")


def test_html_is_escaped(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: "<Response><b onclick='x'>")
    world.wb.transfer.dial(world.phone())
    world.idle()
    event = next(event for event in world.parts.log.events() if event.event_type == "answer")
    assert "<b " not in world.wb.details(event)._repr_html_()


def test_there_has_to_be_such_an_event(world: World) -> None:
    with pytest.raises(WorkbenchError, match="no event 999"):
        world.wb.details(999)


def test_a_rule_is_told_by_the_platform(world: World) -> None:
    assert world.local.rule("call.busy")["label"] == "documented"
    with pytest.raises(WorkbenchError, match="no rule"):
        world.local.rule("call.nothing")
