"""The callback application with a real log: who is let in, what is stored before what is answered, one event of a flow at a time."""

import threading

import pytest

from workbench.callbacks import BODY_LIMIT, create_app
from workbench.events import open_log
from workbench.guard import Guard
from workbench.keys import Keys, seal
from workbench.modes.handlers import TELLING
from workbench.records import Reply
from workbench.settings import Settings

CREDENTIALS = ("user", "pässword")
DASHBOARD = ("workbench", "entered-in-the-dashboard")
DOCUMENT = "<Response><Pause/></Response>"
SECRET = "unguessable-path-of-this-run"


class Mode:
    """A mode whose handler is `handle`."""

    def __init__(self, handle=lambda event: Reply(DOCUMENT, 200, ("Pause",))):
        self.handle = handle
        self.asked = []
        self.locks = {}

    def knows(self, event_type):
        return event_type != "unheardOf"

    def locate(self, webhook):
        return webhook.flow or "found", webhook.leg or "phone"

    def lock(self, flow):
        return self.locks.setdefault(flow, threading.RLock())

    def ask(self, event):
        self.asked.append(event)
        return self.handle(event)


class World:
    def __init__(self, tmp_path, patience=5.0):
        self.log = open_log(Settings(state_dir=tmp_path), run="this")
        self.mode = Mode()
        self.keys = Keys()
        self.inbound = "bridge"
        self.asked_inbound = []
        self.app = create_app(
            {"bridge": self.mode},
            self.log,
            CREDENTIALS,
            inbound=lambda call_id: self.asked_inbound.append(call_id) or self.inbound,
            keys=self.keys,
            secret=SECRET,
            dashboard=DASHBOARD,
            instance="it-is-me",
            patience=patience,
        )

    def send(self, event_type="answer", *, call="c-1", at="t1", query="?flow=f1&leg=a", auth=CREDENTIALS, headers=None, **more):
        body = {"eventType": event_type, "eventTime": at, "callId": call} | more
        return self.app.test_client().post(f"/bridge/{event_type}{query}", json=body, auth=auth, headers=headers)

    def drained(self):
        assert self.app.answering.drain(5)
        return self.log.events()

    def close(self):
        self.app.close()
        self.log.close()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def hasty(tmp_path):
    """A world whose platform does not wait."""
    world = World(tmp_path, patience=0.0)
    yield world
    world.close()


def together(*jobs):
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    return threads


def test_a_synchronous_event_gets_the_handlers_document(world):
    answer = world.send(headers={"X-Workbench-Seq": "7", "X-Workbench-Rule": "webhook.answer", "X-Workbench-Label": "documented"})
    assert (answer.status_code, answer.text, answer.content_type) == (200, DOCUMENT, "application/xml; charset=utf-8")
    (event,) = world.log.events()
    assert (event.mode, event.flow, event.leg, event.event_type, event.call_id) == ("bridge", "f1", "a", "answer", "c-1")
    assert (event.status, event.reply, event.verbs, event.late) == (200, DOCUMENT, ("Pause",), False)
    assert (event.seq, event.rule, event.label) == (7, "webhook.answer", "documented")
    assert event.handler_ms >= 0
    (asked,) = world.mode.asked
    assert (asked.id, asked.data, asked.status) == (event.id, event.data, None)


def test_it_is_stored_before_the_handler_is_asked(world):
    seen = []
    world.mode.handle = lambda event: seen.extend(world.log.events()) or Reply()
    world.send()
    assert [(event.event_type, event.status) for event in seen] == [("answer", None)]


def test_a_reply_without_document(world):
    world.mode.handle = lambda event: Reply(status=204)
    answer = world.send("conferenceMemberJoin")
    assert (answer.status_code, answer.data) == (204, b"")


def test_credentials_are_asked_for_and_then_taken(world):
    first = world.send(auth=None)
    assert (first.status_code, first.headers["WWW-Authenticate"]) == (401, 'Basic realm="workbench"')
    assert world.send().status_code == 200
    assert world.log.refused == {"challenged": 1}
    assert world.log.refusals() == []


@pytest.mark.parametrize("auth", [("user", "wrong"), ("wrong", "pässword"), ("", "")])
def test_wrong_credentials(world, auth):
    assert world.send(auth=auth).status_code == 401
    assert world.log.events() == []
    assert world.log.refused == {"wrong credentials": 1}
    assert [(one.status, one.method, one.path) for one in world.log.refusals()] == [(401, "POST", "/bridge/answer")]


def test_other_schemes_are_refused(world):
    for value in ("Bearer abc", "Basic", "Basic !!!", "nonsense"):
        assert world.app.test_client().post("/bridge/answer", json={}, headers={"Authorization": value}).status_code == 401


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}" + b" " * BODY_LIMIT, "application/json", 413),
        (b"<x/>", "application/xml", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"", "application/json", 400),
    ],
)
def test_bad_bodies_are_refused_and_not_stored(world, content, kind, status):
    answer = world.app.test_client().post("/bridge/answer", data=content, content_type=kind, auth=CREDENTIALS)
    assert answer.status_code == status
    assert world.log.events() == []
    (refused,) = world.log.refusals()
    assert refused.status == status


@pytest.mark.parametrize("path", ["/", "/bridge", "/bridge/answer/more", "/participant/guess"])
def test_unknown_paths(world, path):
    assert world.app.test_client().post(path, json={}, auth=CREDENTIALS).status_code == 404
    assert world.log.events() == []


@pytest.mark.parametrize(("path", "event_type"), [("/nowhere/answer", "answer"), ("/bridge/unheardOf", "unheardOf")])
def test_unknown_modes_and_events_are_stored_and_not_found(world, path, event_type):
    answer = world.app.test_client().post(path, json={"eventType": event_type}, auth=CREDENTIALS)
    assert answer.status_code == 404
    assert [(event.event_type, event.status) for event in world.log.events()] == [(event_type, 404)]
    assert world.app.test_client().post(path, json={"eventType": event_type}).status_code == 401


def test_other_methods(world):
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert world.app.test_client().open("/bridge/answer", method=method, auth=CREDENTIALS).status_code == 405


def test_get_webhooks_carry_their_fields_in_the_query(world):
    query = "flow=f1&leg=a&eventType=answer&callId=c-1&from=%2B15550100001&tag=mine"
    assert world.app.test_client().get(f"/bridge/answer?{query}", auth=CREDENTIALS).text == DOCUMENT
    (event,) = world.log.events()
    assert event.data == {"eventType": "answer", "callId": "c-1", "from": "+15550100001", "tag": "mine"}
    assert (event.flow, event.leg, event.from_) == ("f1", "a", "+15550100001")


def test_inbound_goes_to_the_mode_that_takes_it_now(world):
    client = world.app.test_client()
    assert client.post("/inbound/initiate", json={"eventType": "initiate", "callId": "c-9"}, auth=DASHBOARD).status_code == 200
    world.inbound = None
    assert client.post("/inbound/initiate", json={"eventType": "initiate", "callId": "c-8"}, auth=DASHBOARD).status_code == 404
    assert [(event.mode, event.flow, event.leg) for event in world.log.events()] == [("bridge", "found", "phone"), ("inbound", None, None)]
    assert world.asked_inbound == ["c-9", "c-8"]


def test_ping_tells_who_is_there(world):
    assert world.app.test_client().get("/ping").text == "it-is-me"


def test_the_dashboards_credentials_and_those_handed_out_open_nothing_else(world):
    client = world.app.test_client()
    body = {"eventType": "initiate", "callId": "c-9"}
    assert client.post("/inbound/initiate", json=body, auth=CREDENTIALS).status_code == 401
    assert client.post("/bridge/answer", json=body, auth=DASHBOARD).status_code == 401
    assert world.log.events() == []


def test_participants_come_without_credentials_by_their_secret_path(world):
    key = world.keys.issue("participant browser")
    body = {"event": "onLeave", "timestamp": "1628786234676", "participantId": "p-1", "deviceId": "d-1"}
    client = world.app.test_client()
    assert client.post(f"/participant/{key}?mode=bridge&flow=f1&leg=P1", json=body).status_code == 200
    assert client.post(f"/participant/{key}", data='{"event": "onConnect"}', content_type="text/plain").status_code == 200
    first, second = world.drained()
    assert (first.mode, first.flow, first.leg, first.event_type, first.status) == ("bridge", "f1", "P1", "onLeave", 200)
    assert (second.mode, second.event_type, second.status) == (None, "onConnect", 200)
    assert [event.event_type for event in world.mode.asked] == ["onLeave"]
    assert key not in str(world.log.events())


@pytest.mark.parametrize(
    ("kind", "identity", "event"), [("participant", "participantId", "onLeave"), ("endpoint", "endpointId", "endpointEligible")]
)
def test_a_path_is_good_for_one_object(world, kind, identity, event):
    key = world.keys.issue("browser")
    world.keys.bind(key, "mine")
    client = world.app.test_client()
    assert client.post(f"/{kind}/{key}", json={"event": event, identity: "mine", "timestamp": 1}).status_code == 200
    assert client.post(f"/{kind}/{key}", json={"event": event, identity: "another", "timestamp": 2}).status_code == 403
    assert client.post(f"/{kind}/{key}", json={"event": event, "timestamp": 3}).status_code == 403
    assert client.post(f"/{kind}/{key[:-1]}", json={"event": event, identity: "mine", "timestamp": 4}).status_code == 404
    assert [one.data["timestamp"] for one in world.drained()] == [1]
    # nor does the list of what was refused hold it
    assert [one.status for one in world.log.refusals()] == [403, 403, 404]
    assert key not in str(world.log.refusals())


@pytest.mark.parametrize("body", [{"event": "answer"}, {"event": ["onLeave"]}, {"eventType": "answer"}, {"eventType": "onLeave"}])
def test_the_participants_path_opens_for_their_events_only(world, body):
    client, key = world.app.test_client(), world.keys.issue("browser")
    assert client.post(f"/participant/{key}?mode=bridge&flow=f1", json={"callId": "c-1", **body}).status_code == 400
    hidden = {"event": "onLeave", "eventType": "answer", "callId": "c-1"}
    assert client.post(f"/participant/{key}?mode=bridge&flow=f1", json=hidden).status_code == 200
    assert [event.event_type for event in world.drained()] == ["onLeave"]


def test_without_a_key_the_participants_path_is_closed(tmp_path):
    log = open_log(Settings(state_dir=tmp_path))
    app = create_app({}, log, CREDENTIALS)
    assert app.test_client().post("/participant/", json={}).status_code == 404
    assert app.test_client().post("/participant/x", json={"event": "onLeave"}).status_code == 404
    assert app.test_client().post(f"/bridge/referComplete?key={seal('', [])}", json={"eventType": "referComplete"}).status_code == 401
    app.close()
    log.close()


def test_events_of_verbs_without_credentials_come_by_the_key_of_their_url(world):
    key = seal(SECRET, [("flow", "f1"), ("leg", "a")])
    query = f"?flow=f1&leg=a&key={key}"
    assert world.send("referComplete", query=query, auth=None).status_code == 200
    assert world.send("referComplete", query="?flow=f1&leg=a&key=wrong", auth=None).status_code == 401
    assert world.send("referComplete", query=f"?flow=f2&leg=a&key={key}", auth=None).status_code == 401
    assert world.send("answer", query=query, auth=None).status_code == 401
    assert world.app.test_client().post(f"/bridge/referComplete{query}", json={"eventType": "answer", "callId": "c-1"}).status_code == 400
    assert world.app.test_client().post(f"/bridge/referComplete{query}", json={"eventType": ["referComplete"]}).status_code == 400
    status = {"status": "INITIATED", "sessionId": "s-1"}  # nothing in it says which event it is
    assert world.app.test_client().post(f"/bridge/connectStatus{query}", json=status).status_code == 200
    assert world.app.answering.drain(10)
    assert [event.event_type for event in world.mode.asked] == ["referComplete", "connectStatus"]
    assert key not in str(world.log.events()) + str(world.log.refusals())


@pytest.mark.parametrize("event_type", sorted(TELLING - {"onConnect", "onLeave", "onDisconnect"}))
def test_asynchronous_events_are_answered_before_their_handler_is_done(world, event_type):
    go = threading.Event()
    world.mode.handle = lambda event: go.wait(5) and Reply(DOCUMENT, 200, ("Hangup",))
    assert (world.send(event_type).status_code, world.log.events()[0].status) == (200, None)
    go.set()
    (event,) = world.drained()
    assert (event.status, event.reply, event.error) == (200, "", None)
    assert event.handler_ms > 0


def test_asynchronous_events_of_a_flow_keep_their_order(world):
    for number in range(20):
        world.send("dtmf", at=f"t{number}", digit=str(number))
    world.drained()
    assert [event.data["digit"] for event in world.mode.asked] == [str(number) for number in range(20)]


def test_a_handlers_error_is_a_500_with_its_traceback_in_the_event(world):
    def handle(event):
        raise ValueError("a misspelt name")

    world.mode.handle = handle
    answer = world.send()
    assert (answer.status_code, answer.text) == (500, "")
    assert world.send("disconnect").status_code == 200
    for event, status in zip(world.drained(), (500, 200), strict=True):
        assert event.status == status
        assert 'raise ValueError("a misspelt name")' in event.error
        assert event.error.endswith("ValueError: a misspelt name")


def test_after_an_error_the_flow_goes_on(world):
    world.mode.handle = lambda event: 1 / 0
    assert world.send().status_code == 500
    world.mode.handle = lambda event: Reply(DOCUMENT, 200, ("Pause",))
    assert world.send().text == DOCUMENT


def test_an_error_in_locating_is_stored_too(world):
    world.mode.locate = lambda webhook: 1 / 0
    assert world.send().status_code == 500
    assert "ZeroDivisionError" in world.log.events()[0].error


def test_a_repeated_webhook_gets_the_stored_reply(world):
    documents = iter(["<Response>1</Response>", "<Response>2</Response>"])
    world.mode.handle = lambda event: Reply(next(documents), 200, ("Bridge",))
    assert world.send().text == world.send().text == "<Response>1</Response>"
    assert world.send(at="t2").text == "<Response>2</Response>"
    assert [(event.duplicate_of, event.verbs, event.handler_ms is None) for event in world.log.events()] == [
        (None, ("Bridge",), False),
        (1, ("Bridge",), True),
        (None, ("Bridge",), False),
    ]
    assert len(world.mode.asked) == 2


def test_a_repeated_asynchronous_webhook_is_handled_once(world):
    assert world.send("disconnect").status_code == world.send("disconnect").status_code == 200
    assert [event.duplicate_of for event in world.drained()] == [None, 1]
    assert len(world.mode.asked) == 1


def test_a_repetition_waits_for_the_first(world):
    asked, go, answers = threading.Event(), threading.Event(), []
    world.mode.handle = lambda event: asked.set() or (go.wait(5) and Reply(DOCUMENT, 200))
    first = together(lambda: answers.append(world.send().text))
    assert asked.wait(5)
    second = together(lambda: answers.append(world.send().text))
    while len(world.log.events()) < 2:
        pass
    go.set()
    for thread in (*first, *second):
        thread.join()
    assert answers == [DOCUMENT, DOCUMENT]
    assert len(world.mode.asked) == 1


def test_events_of_a_flow_go_one_after_the_other_and_flows_side_by_side(world):
    inside, most, meeting = [], [], threading.Barrier(2, timeout=5)

    def handle(event):
        inside.append(event.flow)
        most.append(inside.count(event.flow))
        if event.call_id == "meet":
            meeting.wait()
        inside.remove(event.flow)
        return Reply()

    world.mode.handle = handle
    # both flows' handlers must be inside at once for the barrier to open
    jobs = [lambda flow=flow: world.send(query=f"?flow={flow}", call="meet") for flow in ("f1", "f2")]
    jobs += [lambda number=number: world.send(at=f"t{number}", call="more") for number in range(10, 18)]
    for thread in together(*jobs):
        thread.join()
    assert set(most) == {1}
    assert len(most) == 10


def test_who_cannot_get_the_flows_lock_in_time_is_late(hasty):
    asked, go = threading.Event(), threading.Event()
    hasty.mode.handle = lambda event: asked.set() or (go.wait(5) and Reply(DOCUMENT, 200))
    (first,) = together(hasty.send)
    assert asked.wait(5)
    answer = hasty.send("redirect")
    repeated = hasty.send()
    go.set()
    first.join()
    assert (answer.status_code, repeated.status_code) == (503, 503)
    slow, late, again = hasty.log.events()
    # the platform had gone when the slow handler was done
    assert (slow.event_type, slow.status, slow.late) == ("answer", 200, True)
    assert (late.event_type, late.status, late.late) == ("redirect", 503, True)
    assert "handled for too long" in late.error
    assert (again.duplicate_of, again.status, again.late) == (slow.id, 503, True)


def test_a_handler_may_use_methods_of_its_own_flow(world):
    def handle(event):
        with world.mode.lock(event.flow):
            return Reply(DOCUMENT)

    world.mode.handle = handle
    assert world.send().text == DOCUMENT


def test_a_log_that_cannot_store_answers_no_success(world):
    world.log.close()
    assert world.send().status_code == 500
    assert world.mode.asked == []


def test_nothing_is_printed(world, capfd):
    world.mode.handle = lambda event: 1 / 0
    world.send()
    world.log.close()
    world.send()
    assert capfd.readouterr() == ("", "")


def test_what_comes_after_close_is_dropped(world):
    world.app.close()
    assert world.send("disconnect").status_code == 200
    assert world.app.answering.drain(5)
    assert world.mode.asked == []


# -- who knocks ------------------------------------------------------------------------------------------------------------------------


class Guarded(World):
    """A world whose guard knows one name, and gives each sender two refusals."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self.guard = self.app.guard = Guard(hosts=["lab.example.com"], rate=1)

    def knock(self, path="/", *, sender="203.0.113.9", host="lab.example.com", **options):
        headers = {"Host": host, "X-Forwarded-For": sender} | options.pop("headers", {})
        return self.app.test_client().post(path, headers=headers, **options)


@pytest.fixture
def guarded(tmp_path):
    world = Guarded(tmp_path)
    yield world
    world.app.close()
    world.log.close()


def test_another_host_is_turned_away_whatever_it_brings(guarded):
    body = {"eventType": "answer", "callId": "c-1"}
    assert guarded.knock("/bridge/answer", host="evil.example.com", json=body, auth=CREDENTIALS).status_code == 421
    assert guarded.knock("/bridge/answer", json=body, auth=CREDENTIALS).status_code == 200
    assert guarded.log.refused == {"unknown host": 1}


def test_who_is_turned_away_too_often_has_to_wait_and_nobody_else(guarded):
    body = {"eventType": "answer", "callId": "c-1"}
    wrong = [guarded.knock("/bridge/answer", json=body, auth=("user", "guess")) for _ in range(4)]
    assert [one.status_code for one in wrong] == [401, 401, 429, 429]
    assert wrong[-1].headers["Retry-After"] == "1"
    assert [guarded.knock(path).status_code for path in ("/participant/guess", "/nowhere/at/all")] == [429, 429]
    assert guarded.knock("/participant/guess", sender="198.51.100.7").status_code == 404
    # the right credentials pass, and so does what precedes them
    assert guarded.knock("/bridge/answer", json=body).status_code == 401
    assert guarded.knock("/bridge/answer", json=body, auth=CREDENTIALS).status_code == 200
    assert guarded.log.refused == {"wrong credentials": 2, "too many requests": 4, "unknown path": 1, "challenged": 1}


def test_who_has_the_credentials_may_be_wrong_as_often_as_he_likes(guarded):
    assert {guarded.knock("/bridge/answer", data="x", auth=CREDENTIALS).status_code for _ in range(9)} == {415}


def test_a_ping_is_for_everybody_though_not_for_ever(guarded):
    answers = [guarded.app.test_client().get("/ping", headers={"Host": "lab.example.com"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]


@pytest.mark.parametrize("bomb", ["[" * 60_000, '{"a":' * 9000, '{"a":' + "[" * 40 + "]" * 40 + "}", '{"a": ' + "9" * 50_000 + "}"])
def test_bombs_are_no_bodies(world, bomb):
    assert world.app.test_client().post("/bridge/answer", data=bomb, content_type="application/json", auth=CREDENTIALS).status_code == 400
    assert world.log.events() == []


def test_half_a_character_is_stored_like_any_other(world):
    body = b'{"eventType": "answer", "callId": "c-1", "tag": "\\ud800"}'
    assert world.app.test_client().post("/bridge/answer", data=body, content_type="application/json", auth=CREDENTIALS).status_code == 200
    assert len(world.drained()) == 1
