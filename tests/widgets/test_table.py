import json
import threading
from dataclasses import replace

import pytest

from tests.widgets.test_text import TOKEN
from workbench.records import About, Exchange, Reply
from workbench.widgets import EventTable, Publisher
from workbench.widgets.deltas import TAIL
from workbench.widgets.table import answered, detail, row


@pytest.fixture
def table(log, publisher, page):
    table = EventTable(log, publisher)
    yield table
    table.close()


def send(table, content):
    """What a browser sends."""
    table._handle_custom_msg(content, [])


def test_the_table_begins_with_what_happened_before(log, publisher, page, happen):
    happen("initiate")
    happen("disconnect", cause="hangup")
    table = EventTable(log, publisher)
    assert [row["event"] for row in page.state["rows"]] == ["initiate", "disconnect"]
    assert table.rows == page.state["rows"]
    assert page.messages == []


def test_every_event_comes_as_a_numbered_delta_from_the_publisher(table, page, happen):
    made = len(page.threads)
    for number in range(10):
        happen(callId=f"c-{number}")
        page.until(lambda number=number: len(page.rows()) == number + 1)
    assert [row["id"] for row in page.rows().values()] == [event.id for event in table._events.values()]
    assert page.state["rows"] == [], "the whole list must never be sent again"
    assert set(page.threads[made:]) == {"workbench-publisher"}


def test_a_burst_is_complete_and_holds_the_tail(table, page, happen):
    for _ in range(300):
        happen()
    page.until(lambda: len(page.rows()) == 300)
    assert sorted(page.rows()) == list(range(300))
    assert all(len(message["rows"]) >= min(TAIL, message["start"] + len(message["rows"])) or message["start"] for message in page.messages)


def test_the_last_rows_are_repeated_without_being_asked_for(table, page, happen):
    happen()
    happen()
    page.until(lambda: len(page.rows()) == 2)
    page.messages.clear()
    page.until(lambda: any(message["start"] == 0 and len(message["rows"]) == 2 for message in page.messages))


def test_a_page_that_asks_gets_what_it_misses(table, page, happen):
    for _ in range(5):
        happen()
    page.until(lambda: len(page.rows()) == 5)
    send(table, {"sync": 3})
    page.until(lambda: any(message["start"] == 3 and len(message["rows"]) == 2 for message in page.messages))
    send(table, {"sync": 5})
    send(table, {"sync": "nonsense"})
    send(table, {"detail": "nothing"})
    send(table, "nonsense")
    happen()
    page.until(lambda: len(page.rows()) == 6)


def test_a_table_of_one_mode_or_flow(log, publisher, page, happen):
    transfer, flow = EventTable(log, publisher, mode="transfer"), EventTable(log, publisher, flow="bridge-2")
    happen(mode="transfer")
    happen(mode="bridge", flow="bridge-1")
    last = happen(mode="bridge", flow="bridge-2")
    page.until(lambda: any(row["id"] == last.id for message in page.messages for row in message["rows"]))
    assert [row["flow"] for row in transfer.rows] == ["transfer-1"]
    assert [row["flow"] for row in flow.rows] == ["bridge-2"]
    assert transfer.title == "Transfer · events"


def test_nothing_is_lost_between_reading_and_listening(log, publisher, page, happen):
    stop, count = threading.Event(), []

    def feed():
        while not stop.is_set():
            count.append(happen())

    thread = threading.Thread(target=feed)
    thread.start()
    tables = [EventTable(log, publisher) for _ in range(20)]
    stop.set()
    thread.join()
    publisher.close()
    for table in tables:
        # an event that was open when it was read comes again with its outcome
        last = {row["id"]: row["answered"] for row in table.rows}
        assert last == {event.id: "Pause" for event in count}


def test_a_row_says_what_the_log_knows(table, page, happen):
    happen("bridgeComplete", cause="hangup", reply=Reply("<Response/>", 200, (), 2.34))
    row = page.until(page.rows)[0]
    assert (row["event"], row["cause"], row["way"], row["leg"]) == ("bridgeComplete", "hangup", "webhook", "phone")
    assert (row["from"], row["to"]) == ("+1 919 555 0100", "+1 919 555 0111")
    assert (row["handler"], row["label"], row["bad"], row["again"], row["seq"]) == (2.3, "documented", False, False, 1)


def test_what_was_answered_in_a_word(happen, log):
    assert answered(happen(reply=Reply("<Response/>", 200, ("SpeakSentence", "Transfer")))) == "SpeakSentence Transfer"
    assert answered(happen(reply=Reply("", 204))) == ""
    assert answered(happen(reply=Reply("<Response/>", 200))) == "no verb"
    assert answered(happen(reply=Reply("", 500, error="Traceback"))) == "error 500"
    assert answered(happen(reply=Reply("", 503, late=True))) == "too late"
    request = log.record_request(Exchange("createCall", "POST", "/calls", 1.0, {"to": "+1"}, 201, {"callId": "c"}, 3.0, about=About()))
    assert answered(request) == "201"
    assert answered(replace(request, status=None)) == "no answer"


def test_details_hold_request_answer_and_error(table, page, happen, log):
    event = happen("initiate", reply=Reply("", 500, error="Traceback (most recent call last):\n  File\nValueError: no"))
    page.until(page.rows)
    send(table, {"detail": event.id})
    detail = page.until(lambda: [message["detail"] for message in page.messages if "detail" in message])[0]
    assert [part["kind"] for part in detail["parts"]] == ["error", "text", "json", "text"]
    assert detail["parts"][0]["text"].startswith("ValueError: no")
    assert json.loads(detail["parts"][2]["text"])["callId"] == event.call_id
    assert detail == table.details(event.id)


def test_a_request_opens_to_its_body_and_answer(log):
    exchange = Exchange("updateCallBxml", "PUT", "/calls/c-1/bxml", 1.0, "<Bxml><Pause/></Bxml>", 204, None, 3.0)
    heads = {part["head"]: part["text"] for part in detail(log.record_request(exchange))["parts"]}
    assert "<Pause/>" in heads["Request · PUT /calls/c-1/bxml"]
    assert heads["Answer · 204"] == "(empty)"


def test_a_refused_request_shows_the_rule_behind_it(log):
    exchange = Exchange(
        "createCall", "POST", "/calls", 0.0, {"to": "1"}, 400, {"type": "validation"}, 1.0, rule="request.to", label="documented"
    )
    event = log.record_request(exchange)
    assert row(event)["label"] == "documented"
    assert detail(event)["parts"][-1] == {"head": "Rule of the local platform", "kind": "text", "text": "request.to (documented)"}


def test_tokens_are_in_nothing_that_is_sent(log, publisher, page, happen):
    table = EventTable(log, publisher)
    exchange = Exchange("createParticipant", "POST", "/participants", 1.0, {"tag": "b"}, 200, {"token": TOKEN}, 3.0)
    event = log.record_request(exchange)
    happen(uui=f"{TOKEN};encoding=jwt", tag=TOKEN, reply=Reply(f"<Response>{TOKEN}</Response>", error=TOKEN))
    page.until(lambda: len(page.rows()) == 2)
    send(table, {"detail": event.id})
    send(table, {"detail": event.id + 1})
    page.until(lambda: sum("detail" in message for message in page.messages) == 2)
    everything = json.dumps([page.messages, page.state, table.html(), repr(table), table._repr_mimebundle_()])
    assert not [part for part in TOKEN.split(".") if part in everything]


def test_the_static_face(table, happen, page):
    happen("initiate", tag="<b>")
    page.until(page.rows)
    data, _ = table._repr_mimebundle_()
    assert data["text/html"].count("<tr>") == 2
    assert "initiate" in data["text/html"]
    assert data["text/plain"] == "<EventTable 'All · events'>"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_closed_workbench_still_opens_rows(log, page, happen):
    publisher = Publisher()
    table, event = EventTable(log, publisher), happen()
    publisher.close()
    send(table, {"sync": 0})
    send(table, {"detail": event.id})
    assert any("detail" in message for message in page.messages)
    assert len(page.rows()) == 1


def test_a_closed_table_hears_nothing(log, publisher, page, happen):
    table, other = EventTable(log, publisher), EventTable(log, publisher)
    table.close()
    happen()
    page.until(lambda: other.rows)
    assert table.rows == []
