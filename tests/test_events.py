"""The log: durable, ordered, masked; it knows a repetition when it sees one."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import httpx
import pytest

from workbench.database import Database, _transact
from workbench.errors import SettingsError
from workbench.events import open_log
from workbench.frames import COLUMNS, SAME
from workbench.records import About, Exchange, Refused, Reply, Webhook
from workbench.settings import Settings

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkwMDAwMCJ9.c2lnbmF0dXJl"


@pytest.fixture
def log(tmp_path):
    log = open_log(Settings(state_dir=tmp_path), run="this")
    yield log
    log.close()


def webhook(
    event_type="answer", *, call="c-1", at="10:00:00.000Z", seq=None, time=100.0, flow="f1", leg="phone", mode="bridge", rule=None, **more
):
    data = {"eventType": event_type, "eventTime": at, "callId": call, "from": "+15550100001", "to": "+15550100002"} | more
    return Webhook(mode, event_type, flow, leg, f"/{mode}/{event_type}?flow={flow}", data, time, seq, rule, "documented")


def exchange(operation="createCall", **given):
    values = {
        "operation": operation,
        "method": "POST",
        "path": "/calls",
        "time": 99.0,
        "request": {"to": "+15550100002", "from": "+15550100001", "password": "mine"},
        "status": 201,
        "response": {"callId": "c-1"},
        "ms": 1.5,
        "seq": 1,
        "about": About("f1", "phone", "bridge"),
    }
    return Exchange(**values | given)


def answered(log, webhook, reply=None):
    return log.finish(log.begin(webhook), reply or Reply("<Response/>", 200, ("Pause",), 1.5))


def test_an_event_is_in_the_log_before_its_outcome(log):
    begun = log.begin(webhook(seq=2))
    (stored,) = log.events()
    assert (stored.id, stored.run, stored.event_type, stored.call_id, stored.status, stored.verbs) == (1, "this", "answer", "c-1", None, ())
    finished = log.finish(begun, Reply("<Response/>", 200, ("SpeakSentence", "Pause"), 2.25))
    (stored,) = log.events()
    assert stored == finished
    assert (stored.status, stored.reply, stored.verbs, stored.handler_ms) == (200, "<Response/>", ("SpeakSentence", "Pause"), 2.25)
    assert stored.data == begun.event.data


def test_a_request_is_one_row(log):
    event = log.record_request(exchange())
    assert log.events() == [event]
    assert (event.direction, event.event_type, event.call_id, event.status, event.seq) == ("request", "createCall", "c-1", 201, 1)
    assert (event.mode, event.flow, event.leg, event.from_, event.to) == ("bridge", "f1", "phone", "+15550100001", "+15550100002")
    assert event.data["request"]["password"] == "•••"
    refused = log.record_request(exchange(status=400, rule="request.to", label="documented"))
    assert (refused.rule, refused.label) == ("request.to", "documented")
    update = log.record_request(
        exchange("updateCall", path="/calls/c-7", request={"state": "completed"}, status=None, response=None, error="gone")
    )
    assert (update.call_id, update.status, update.error) == ("c-7", None, "gone")


def test_selection_by_mode_flow_and_run(log, tmp_path):
    answered(log, webhook(flow="f1"))
    answered(log, webhook(flow="f2", call="c-2"))
    answered(log, webhook(flow="t1", mode="transfer", call="c-3"))
    assert [event.flow for event in log.events()] == ["f1", "f2", "t1"]
    assert [event.flow for event in log.events("bridge")] == ["f1", "f2"]
    assert [event.flow for event in log.events("bridge", "f2")] == ["f2"]
    assert log.events("conference") == []
    later = open_log(Settings(state_dir=tmp_path), run="later")
    answered(later, webhook(flow="l1"))
    assert [event.flow for event in later.events()] == ["l1"]
    assert [event.flow for event in later.events(run="this", mode="transfer")] == ["t1"]
    assert later.events(run="never") == []
    assert [(run.run, run.events) for run in later.runs()] == [("later", 1), ("this", 3)]
    later.close()


def test_a_run_can_be_continued(log, tmp_path):
    answered(log, webhook())
    log.close()
    again = open_log(Settings(state_dir=tmp_path), run="this")
    assert answered(again, webhook(call="c-2")).id == 2
    assert len(again.events()) == 2
    again.close()


def test_order_is_the_platforms_where_it_tells(log):
    answered(log, webhook("answer", seq=5, time=101.0))
    answered(log, webhook("gather", seq=3, time=102.0))
    log.record_request(exchange("getCallState", method="GET", seq=None, time=103.0))
    answered(log, webhook("disconnect", seq=7, time=105.0))
    log.record_request(exchange("createCall", seq=1, time=100.0))
    assert [event.event_type for event in log.events()] == ["createCall", "gather", "answer", "getCallState", "disconnect"]


def test_order_of_arrival_otherwise(log):
    for number, event_type in enumerate(("answer", "gather", "disconnect")):
        answered(log, webhook(event_type, time=100.0 - number))
    assert [event.event_type for event in log.events()] == ["disconnect", "gather", "answer"]


def test_a_repetition_shares_the_answer(log):
    first = log.begin(webhook())
    waiting = log.begin(webhook())
    assert (first.duplicate, waiting.duplicate, waiting.event.duplicate_of) == (False, True, first.event.id)
    log.finish(first, Reply("<Response/>", 200, ("Pause",)))
    assert waiting.answer.result(0) == log.begin(webhook()).answer.result(0) == Reply("<Response/>", 200, ("Pause",))
    assert [event.duplicate_of for event in log.events()] == [None, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        webhook(at="10:00:00.001Z"),
        webhook(call="c-2"),
        webhook("redirect"),
        webhook(flow="f2"),
        webhook(conferenceId="conf-1"),
    ],
)
def test_what_differs_is_no_repetition(log, other):
    answered(log, webhook())
    assert not log.begin(other).duplicate


def test_on_a_paused_clock_the_platforms_numbers_tell_events_apart(log):
    answered(log, webhook(seq=4))
    assert not log.begin(webhook(seq=5)).duplicate
    assert log.begin(webhook(seq=6, rule="webhook.retry-sync")).duplicate


def test_what_failed_is_asked_again(log):
    answered(log, webhook(), Reply(status=500, error="ValueError"))
    assert not log.begin(webhook()).duplicate


def test_a_webhook_without_identity_is_never_a_repetition(log):
    bare = Webhook(None, "onLeave", None, None, "/participant/x", {"event": "onLeave"}, 1.0)
    assert not log.begin(bare).duplicate
    assert not log.begin(bare).duplicate


def test_equal_webhooks_at_once_have_one_first(log):
    barrier = threading.Barrier(8)
    found = []

    def begin():
        barrier.wait()
        found.append(log.begin(webhook()))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = [begun for begun in found if not begun.duplicate]
    assert len(first) == 1
    assert {begun.event.duplicate_of for begun in found} == {None, first[0].event.id}


def test_what_is_stored_is_masked_and_what_handlers_get_is_not(tmp_path):
    settings = Settings(platform="live", number="+15550100001", password="a-secret-word", state_dir=tmp_path)
    log = open_log(settings, values=["callback-password"])
    begun = log.begin(webhook(**{"from": "+15550100077"}, uui=f"{TOKEN};encoding=jwt"))
    assert begun.event.from_ == "+15550100077"
    assert TOKEN in begun.event.data["uui"]
    body = f'<Response><Transfer><SipUri uui="{TOKEN};encoding=jwt">sip:x</SipUri></Transfer></Response>'
    log.finish(begun, Reply(body, 200, ("Transfer",), error="Error: +15550100077 a-secret-word callback-password"))
    # the platform gets the real answer, also the second time
    assert log.begin(webhook(**{"from": "+15550100077"}, uui=f"{TOKEN};encoding=jwt")).answer.result(0).body == body
    log.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("events"))
    for secret in (TOKEN, "+15550100077", "a-secret-word", "callback-password"):
        assert secret.encode() not in raw
    event = log.events()[0]
    assert event.from_.startswith("+1•••77#")
    assert event.from_ in event.error
    assert event.data["uui"].removesuffix(";encoding=jwt") in event.reply


def test_only_the_owner_may_read_it(log, tmp_path):
    answered(log, webhook())
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_listeners_hear_of_finished_events_and_cannot_do_harm(log):
    heard = []

    def broken(_event):
        raise RuntimeError

    log.subscribe(broken)
    stop = log.subscribe(heard.append)
    begun = log.begin(webhook(uui=f"{TOKEN};encoding=jwt"))
    assert heard == []
    event = log.finish(begun, Reply())
    log.record_request(exchange())
    assert [one.event_type for one in heard] == ["answer", "createCall"]
    assert heard[0] == event == log.events("bridge")[1]
    assert TOKEN not in str(heard)
    stop()
    log.record_request(exchange())
    assert len(heard) == 2


def test_refusals_are_counted_and_challenges_not_listed(log):
    for reason, status in (("challenged", 401), ("challenged", 401), ("Unauthorized", 401), ("Request Entity Too Large", 413)):
        log.refuse(Refused(1.0, reason, status, "POST", "/bridge/answer"))
    assert log.refused == {"challenged": 2, "Unauthorized": 1, "Request Entity Too Large": 1}
    assert [(one.reason, one.status, one.path) for one in log.refusals()] == [
        ("Unauthorized", 401, "/bridge/answer"),
        ("Request Entity Too Large", 413, "/bridge/answer"),
    ]


def test_a_flood_of_refusals_does_not_fill_the_disk(log, monkeypatch):
    monkeypatch.setattr("workbench.events.REFUSALS_KEPT", 3)
    for _ in range(10):
        log.refuse(Refused(1.0, "Not Found", 404, "GET", "/wp-login.php"))
    assert log.refused == {"Not Found": 10}
    assert len(log.refusals()) == 3


def test_of_a_long_path_the_beginning_alone_is_searched_for_secrets(log, monkeypatch):
    searched = []
    monkeypatch.setattr(type(log._masker), "text", lambda self, text: searched.append(len(text)) or text)
    log.refuse(Refused(1.0, "Not Found", 404, "GET", "/" + "eyJ" * 60_000))
    assert searched == [2000]


def test_nor_does_the_length_of_what_is_asked_for(log):
    log.refuse(Refused(1.0, "Not Found", 404, "M" * 50_000, "/" + "a" * 200_000))
    assert [(len(one.method), len(one.path)) for one in log.refusals()] == [(20, 200)]


def test_the_frame(log):
    log.record_request(exchange(seq=1, time=100.0))
    answered(log, webhook(seq=2, time=100.25))
    log.begin(webhook("disconnect", seq=3, time=101.5, cause="hangup", leg=None))
    frame = log.frame("bridge", "f1")
    assert tuple(frame.columns) == COLUMNS
    assert list(frame["ms"]) == [0, 250, 1500]
    assert frame[list(SAME)].values.tolist() == [
        ["createCall", "phone", "+15550100001", "+15550100002", "", ""],
        ["answer", "phone", "+15550100001", "+15550100002", "", "Pause"],
        ["disconnect", "", "+15550100001", "+15550100002", "hangup", ""],
    ]
    assert frame["time"].str.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}").all()
    assert list(frame["label"]) == ["", "documented", "documented"]
    assert list(frame["status"].fillna(0)) == [201, 200, 0]
    assert frame["handler ms"].isna().tolist() == [True, False, True]
    assert tuple(log.frame("conference").columns) == COLUMNS


def test_reading_goes_on_after_close_and_writing_does_not(log):
    begun = log.begin(webhook())
    log.close()
    log.close()
    assert len(log.events()) == 1
    with pytest.raises(sqlite3.Error):
        log.finish(begun, Reply())
    with pytest.raises(sqlite3.Error):
        log.begin(webhook(call="c-2"))


def test_a_log_of_another_version_is_left_alone(tmp_path):
    path = tmp_path / "events.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(sqlite3.DatabaseError, match="another version"):
        Database(path, "this")


def test_one_failing_row_is_reported_and_the_next_is_stored(log):
    begun = log.begin(webhook())
    log.finish(begun, Reply())
    with pytest.raises(sqlite3.IntegrityError):
        log._database.finish(begun.event)
    assert log.begin(webhook(call="c-2")).event.id == 2


def test_a_failing_row_does_not_take_others_of_its_commit_along(log):
    finished, open_ = log.begin(webhook()), log.begin(webhook(call="c-2"))
    log.finish(finished, Reply())
    database, failed = log._database, []

    def finish_again():
        with pytest.raises(sqlite3.IntegrityError) as caught:
            database.finish(finished.event)
        return caught.type

    with database._lock:
        threads = [
            threading.Thread(target=use) for use in (lambda: failed.append(finish_again()), lambda: log.finish(open_, Reply(status=204)))
        ]
        for thread in threads:
            thread.start()
        while len(database._waiting) < 2:
            pass
    for thread in threads:
        thread.join()
    assert failed == [sqlite3.IntegrityError]
    assert [event.status for event in log.events()] == [200, 204]
    assert log.record_request(exchange()).id == 3


def test_a_row_that_cannot_be_written_at_all_takes_no_others_along(log):
    database, failed = log._database, []
    bad, good = webhook(call="\ud800"), webhook(call="c-2")

    def begin(one):
        try:
            log.begin(one)
        except UnicodeEncodeError as error:
            failed.append(error)

    with database._lock:
        threads = [threading.Thread(target=begin, args=(one,)) for one in (bad, good)]
        for thread in threads:
            thread.start()
        while len(database._waiting) < 2:
            pass
    for thread in threads:
        thread.join()
    assert len(failed) == 1
    log.record_request(exchange())
    assert sorted(event.event_type for event in log.events()) == ["answer", "createCall"]


def test_an_interrupted_commit_is_made_by_the_next_one(log, monkeypatch):
    class Interrupted(list):
        def __iter__(self):
            yield from super().__iter__()
            raise KeyboardInterrupt

    def interrupted(connection, statements):
        _transact(connection, Interrupted([*statements, ("SELECT 1", ())]))

    begun = log.begin(webhook())
    monkeypatch.setattr("workbench.database._transact", interrupted)
    with pytest.raises(KeyboardInterrupt):
        log.finish(begun, Reply(status=204))
    monkeypatch.undo()
    log.record_request(exchange())
    assert sorted(event.status for event in log.events()) == [201, 204]


def test_checkpoints_keep_the_side_file_small(log, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.database._COMMITS_PER_CHECKPOINT", 20)
    for number in range(400):
        log.begin(webhook(call=f"c-{number}", padding="x" * 3000))
    log.close()
    assert len(log.events()) == 400
    assert not (tmp_path / "events.db-wal").exists()


CHILD = """
import json, sys, threading
from workbench.callbacks import create_app
from workbench.events import open_log
from workbench.records import Reply
from workbench.server import CallbackServer
from workbench.settings import Settings

class Mode:
    lock_ = threading.RLock()
    def knows(self, event_type): return True
    def locate(self, webhook): return webhook.flow, webhook.leg
    def lock(self, flow): return self.lock_
    def ask(self, event): return Reply("<Response><Pause/></Response>", 200, ("Pause",))

log = open_log(Settings(state_dir=sys.argv[1]), run="killed")
server = CallbackServer(create_app({"bridge": Mode()}, log, ("user", "password"))).start()
print(json.dumps({"url": server.url}), flush=True)
sys.stdin.read()
"""


@pytest.mark.sockets
def test_an_answered_callback_survives_kill_9(tmp_path, child_environment):
    """A child serves; four clients send synchronous and asynchronous events without pause; the child is killed in the middle."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment(), text=True
    )
    acknowledged, enough = [], threading.Event()

    def send(sender):
        with httpx.Client(auth=("user", "password"), trust_env=False, timeout=5) as client:
            for number in range(100_000):
                call, event_type = f"c-{sender}-{number}", ("answer", "disconnect")[number % 2]
                body = {"eventType": event_type, "eventTime": "t", "callId": call}
                try:
                    if client.post(f"{url}/bridge/{event_type}?flow=f{sender}", json=body).is_success:
                        acknowledged.append((call, event_type))
                except httpx.HTTPError:
                    return
                if len(acknowledged) > 200:
                    enough.set()

    with child:
        url = json.loads(child.stdout.readline())["url"]
        senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
        for thread in senders:
            thread.start()
        assert enough.wait(15)
        os.kill(child.pid, signal.SIGKILL)
        for thread in senders:
            thread.join()
    log = open_log(Settings(state_dir=tmp_path), run="after")
    stored = {(event.call_id, event.event_type): event for event in log.events(run="killed")}
    log.close()
    assert set(acknowledged) <= set(stored)
    # what was answered with a document holds the document too
    assert {stored[key].reply for key in acknowledged if key[1] == "answer"} == {"<Response><Pause/></Response>"}


def test_a_log_that_cannot_be_used_says_what_to_do(tmp_path):
    (tmp_path / "events.db").write_text("this is no database, whatever its name says, and it is long enough to be looked at")
    with pytest.raises(SettingsError, match="state_dir"):
        open_log(Settings(state_dir=tmp_path))
