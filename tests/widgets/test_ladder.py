import json
from dataclasses import dataclass, field

import pytest

from workbench.errors import WorkbenchError
from workbench.widgets import EventTable, LadderPanel, Panels

LANES = [{"name": "phone", "note": "+1 •••"}, {"name": "Programmable Voice", "note": ""}, {"name": "this notebook", "note": ""}]


@dataclass
class Batch:
    messages: list = field(default_factory=list)
    lanes: dict = field(default_factory=dict)
    pictures: list = field(default_factory=list)


class Feed:
    """Tells what a test has it tell."""

    def __init__(self):
        self.listeners = []

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: listener in self.listeners and self.listeners.remove(listener)

    def tell(self, *keys, flow="transfer-1", **changes):
        found = [{"key": key, "place": float(key[1:]), "flow": flow, "label": "answer", "kind": "webhook", **changes} for key in keys]
        for listener in self.listeners:
            listener(Batch(found, {flow: LANES}))


class Figure:
    def __init__(self, flow):
        self.flow = flow

    def svg(self):
        return f"<svg>{self.flow}</svg>"

    def mermaid(self):
        return f"sequenceDiagram {self.flow}"

    def _repr_html_(self):
        return f"<div>{self.svg()}</div>"


def drawn(flow):
    if flow == "none":
        raise WorkbenchError("no call was made yet")
    return Figure(flow)


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def ladder(feed, publisher, page):
    ladder = LadderPanel(feed, publisher, draw=drawn, details=lambda number: {"id": number, "parts": []} if number == 7 else None)
    yield ladder
    ladder.close()


def test_a_happening_tells_its_rule_in_words(feed, publisher, page):
    rules = {"call.busy": {"text": "a busy phone ends the call", "label": "documented", "source": "webhooks/disconnect"}}
    ladder = LadderPanel(feed, publisher, draw=drawn, details=lambda number: None, rule=rules.get)
    for rule in ("call.nothing", "call.busy"):
        send(ladder, {"rule": rule, "key": "h7"})
    told = page.until(lambda: [message["rule"] for message in page.messages if "rule" in message])
    assert told == [{"id": "call.busy", "key": "h7", **rules["call.busy"]}]
    ladder.close()


def send(ladder, content):
    """What a browser sends."""
    ladder._handle_custom_msg(content, [])


def keys(page):
    return [row["key"] for _, row in sorted(page.rows().items())]


def test_messages_come_as_numbered_deltas_and_lanes_with_their_flow(ladder, feed, page):
    feed.tell("e1", "a1")
    page.until(lambda: len(page.rows()) == 2)
    feed.tell("a1", label="changed")
    page.until(lambda: len(page.rows()) == 3)
    assert keys(page) == ["e1", "a1", "a1"]
    assert page.rows()[2]["label"] == "changed"
    assert ladder.view["lanes"] == {"transfer-1": LANES}
    assert page.state["rows"] == [], "the whole list must never be sent again"


def test_a_page_that_asks_gets_what_it_misses_and_details(ladder, feed, page):
    feed.tell("e1", "e2", "e3")
    page.until(lambda: len(page.rows()) == 3)
    page.messages.clear()
    for nonsense in ({"sync": "1"}, {"detail": "7"}, {"detail": 8}, {"other": 1}, "nonsense"):
        send(ladder, nonsense)
    send(ladder, {"sync": 1})
    send(ladder, {"detail": 7})
    page.until(lambda: any("detail" in message for message in page.messages))
    assert {"start": 1, "rows": ladder.rows[1:]} in page.messages
    assert [message for message in page.messages if "detail" in message] == [{"detail": {"id": 7, "parts": []}}]


def test_a_flow_is_exported(ladder, page):
    ladder.export(flow="bridge-2", form="svg")
    ladder.export(form="mermaid")
    page.until(lambda: len([message for message in page.messages if "hand" in message]) == 2)
    one, other = [message["hand"]["file"] for message in page.messages if "hand" in message]
    assert one == {"name": "bridge-2.svg", "text": "<svg>bridge-2</svg>", "way": "save"}
    assert (other["text"], other["way"]) == ("sequenceDiagram None", "copy")
    with pytest.raises(WorkbenchError, match="form: a ladder is exported as svg or mermaid, not as 'png'"):
        ladder.export(form="png")


def test_the_static_face(ladder, feed, publisher):
    assert ladder._repr_mimebundle_()[0]["text/html"] == "<div><svg>None</svg></div>"
    empty = LadderPanel(feed, publisher, draw=drawn, details=lambda number: None, flow="none")
    assert empty.html() == "<p>Ladder: no call was made yet.</p>"


def test_a_closed_ladder_hears_nothing(ladder, feed):
    ladder.close()
    assert feed.listeners == []
    assert json.dumps(ladder.rows) == "[]"


def test_panels_of_a_workbench_know_each_other_and_what_is_picked(ladder, log, publisher, page):
    table = EventTable(log, publisher)
    assert table.bench == ladder.bench != ""
    panels = Panels(log=log, voice=None, side=None, modes=[], number="+19195550100", lines=None)
    try:
        mine = panels.table()
        assert mine.bench != table.bench
        panels.select({"key": "e1", "event": 1, "leg": None, "place": 1.0, "at": None})
        page.until(lambda: mine.view.get("picked"))
        assert mine.view["picked"]["n"] == 1
        assert "picked" not in table.view
    finally:
        panels.close()
