"""Which rows of the event table are shown, and in which order."""

import csv
import io
import json

import pytest

from workbench.errors import WorkbenchError
from workbench.records import Reply
from workbench.widgets import EventTable
from workbench.widgets.sieve import COLUMNS, Sieve


def row(at, event="answer", **values):
    known = {
        "at": at,
        "time": f"12:00:{at:02}.000",
        "ms": at * 1000,
        "event": event,
        "leg": "phone",
        "from": "+1 919",
        "to": "",
        "cause": "",
    }
    return {
        **known,
        "answered": "Pause",
        "handler": 1.5,
        "label": "documented",
        "flow": "bridge-1",
        "way": "webhook",
        "bad": False,
        **values,
    }


ROWS = [
    row(1),
    row(2, "createCall", way="request", leg="phone 10", handler=None),
    row(3, "disconnect", cause="hangup", leg="phone 2", handler=0.5),
    row(4, "disconnect", cause="busy", bad=True, answered="error 500"),
]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, [0, 1, 2, 3]),
        ({"leg": "phone"}, [0, 3]),
        ({"event": "disconnect", "cause": "busy"}, [3]),
        ({"kind": "request"}, [1]),
        ({"kind": "webhook"}, [0, 2, 3]),
        ({"kind": "failed"}, [3]),
        ({"text": "HANGup"}, [2]),
        ({"text": "error"}, [3]),
        ({"since": "12:00:02", "until": "12:00:03"}, [1, 2]),
        ({"until": "12:00"}, [0, 1, 2, 3]),
        ({"text": "nowhere"}, []),
        ({"by": "leg"}, [0, 3, 2, 1]),
        ({"by": "leg", "down": True}, [1, 2, 0, 3]),
        ({"by": "handler"}, [2, 0, 3, 1]),
        ({"by": "handler", "down": True}, [0, 3, 2, 1]),
        ({"by": "time", "down": True}, [3, 2, 1, 0]),
    ],
)
def test_rows_are_chosen_and_sorted(fields, shown):
    assert Sieve(**fields).shown(ROWS) == shown


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts(column):
    assert sorted(Sieve(by=column).shown(ROWS)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"kind": "x"}, "kind"), ({"since": "noon"}, "since"), ({"by": "colour"}, "by"), ({"text": 3}, "text"), ({"legs": ""}, "legs")],
)
def test_what_cannot_be_chosen_by_is_named(fields, named):
    with pytest.raises(WorkbenchError, match=f"^{named}: "):
        Sieve().with_(**fields)


@pytest.fixture
def table(log, publisher, page, happen):
    happen("initiate")
    happen("answer", mode="bridge", flow="bridge-1")
    happen("disconnect", cause="hangup", reply=Reply("", 500, error="ValueError: no"))
    table = EventTable(log, publisher)
    yield table
    table.close()


def test_what_is_shown_is_a_frame_and_the_page_follows(table, page):
    assert list(table.frame()["event"]) == ["initiate", "answer", "disconnect"]
    assert table.filter(kind="failed") is table
    assert list(table.frame()["cause"]) == ["hangup"]
    page.until(lambda: page.state["view"].get("sieve", {}).get("kind") == "failed")
    assert list(table.filter(kind=None).sort("event", down=True).frame()["event"]) == ["initiate", "disconnect", "answer"]
    assert list(table.filter().frame()["event"]) == ["initiate", "disconnect", "answer"]
    assert list(table.sort().frame()["event"]) == ["initiate", "answer", "disconnect"]
    with pytest.raises(WorkbenchError, match="by: "):
        table.sort("colour")
    assert "answer" in table.html() and "answer" not in table.filter(event="initiate").html().replace("answered", "")


def test_what_is_shown_is_text_too(table):
    table.filter(event="disconnect")
    (one,) = json.loads(table.json())
    assert (one["event"], one["cause"], one["answered"]) == ("disconnect", "hangup", "error 500")
    assert [row["cause"] for row in csv.DictReader(io.StringIO(table.csv()))] == ["hangup"]


def test_what_a_reader_chooses_in_the_page_holds_in_a_cell_too(table, page):
    table._handle_custom_msg({"sieve": {"text": "", "event": "answer", "by": "", "down": False}}, [])
    table._handle_custom_msg({"sieve": {"nonsense": 1}}, [])
    table._publisher.put(table, {"reached": True})
    page.until(lambda: page.state["view"].get("reached"))
    assert list(table.frame()["event"]) == ["answer"]
