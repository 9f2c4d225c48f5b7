"""The clients against a small real HTTP server that notes what reaches it and answers what it is told."""

import json
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from workbench import wire
from workbench.clients import Voice, WebRtc
from workbench.errors import ApiError, SettingsError, SpendingError
from workbench.patience import Patience
from workbench.records import About
from workbench.settings import Settings
from workbench.spending import Spending

pytestmark = pytest.mark.sockets
ACCOUNT = "/api/v2/accounts/9900000"


@dataclass
class Seen:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


@dataclass
class Peer:
    """`answers` are used up one by one: (status, JSON or text, headers), or "drop" to break the connection; then `otherwise`."""

    url: str = ""
    seen: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    otherwise: tuple = (200, {}, {})
    tokens: list = field(default_factory=lambda: [f"token-{number}" for number in range(1, 20)])
    expires_in: object = 3600
    asked_for_tokens: list = field(default_factory=list)

    @property
    def last(self):
        return self.seen[-1]


@pytest.fixture
def peer():
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args):
            pass

        def handle_any(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body)
            if parts.path == "/api/v1/oauth2/token":
                peer.asked_for_tokens.append(seen)
                answer = {"access_token": peer.tokens.pop(0), "token_type": "bearer"}
                return self.give(200, answer | ({} if peer.expires_in is None else {"expires_in": peer.expires_in}), {})
            peer.seen.append(seen)
            answer = peer.answers.pop(0) if peer.answers else peer.otherwise
            if answer == "drop":
                self.close_connection = True
                return None
            return self.give(*answer)

        def give(self, status, content, headers):
            body = b"" if content is None else content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_port}"
    yield peer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def exchanges():
    return []


@pytest.fixture
def settings(peer):
    return Settings(application_id="app-1").at(peer.url)


@pytest.fixture
def voice(settings, exchanges, monkeypatch):
    monkeypatch.setattr(wire.time, "sleep", lambda _seconds: None)
    voice = Voice(settings, exchanges.append)
    yield voice
    voice.close()


@pytest.fixture
def webrtc(settings, exchanges):
    webrtc = WebRtc(settings, exchanges.append)
    yield webrtc
    webrtc.close()


def test_whom_a_call_goes_to_is_charged_however_it_is_named(peer, voice):
    voice.spending = Spending(guarded=True)
    voice.spending.allow(["+15550100001"], calls=3)
    for fields in ({"to": "+15550100001", "to_": "+15550100002"}, {"to": "+15550100001;x"}):
        with pytest.raises(SpendingError):
            voice.create_call(from_="+19195550100", answer_url="https://lab.example.com/answer", **fields)
    assert peer.seen == []
    assert voice.spending.allowance.left == 3


def test_create_call(peer, voice, exchanges):
    peer.answers = [(201, {"callId": "c-1", "to": "+15550100002"}, {"X-Workbench-Seq": "17"})]
    about = About("f1", "phone", "bridge")
    call = voice.create_call(
        to="+15550100002",
        from_="+15550100001",
        answer_url="https://x/a",
        disconnect_url="https://x/d",
        tag=None,
        call_timeout=9.5,
        about=about,
    )
    assert call == {"callId": "c-1", "to": "+15550100002"}
    assert (peer.last.method, peer.last.path) == ("POST", f"{ACCOUNT}/calls")
    sent = {
        "to": "+15550100002",
        "from": "+15550100001",
        "answerUrl": "https://x/a",
        "applicationId": "app-1",
        "disconnectUrl": "https://x/d",
        "callTimeout": 9.5,
    }
    assert peer.last.json == sent
    assert peer.last.headers["Authorization"] == "Bearer token-1"
    token, create = exchanges
    assert (token.operation, token.method, token.path, token.request) == (
        "getToken",
        "POST",
        "/api/v1/oauth2/token",
        {"grant_type": "client_credentials"},
    )
    assert (create.operation, create.method, create.path, create.request, create.status) == ("createCall", "POST", "/calls", sent, 201)
    assert (create.response, create.seq, create.about, create.error) == (call, 17, about, None)
    assert create.ms > 0


VOICE = [
    (lambda api: api.call("c-1"), "GET", "/calls/c-1", None),
    (lambda api: api.update_call("c-1", redirect_url="https://x/r"), "POST", "/calls/c-1", {"redirectUrl": "https://x/r"}),
    (lambda api: api.update_call("c-1", state="completed"), "POST", "/calls/c-1", {"state": "completed"}),
    (lambda api: api.live_transcriptions("c-1"), "GET", "/calls/c-1/transcriptions", None),
    (lambda api: api.live_transcription("c-1", "t-1"), "GET", "/calls/c-1/transcriptions/t-1", None),
    (lambda api: api.delete_live_transcription("c-1", "t-1"), "DELETE", "/calls/c-1/transcriptions/t-1", None),
    (lambda api: api.conference("conf-1"), "GET", "/conferences/conf-1", None),
    (lambda api: api.update_conference("conf-1", status="completed"), "POST", "/conferences/conf-1", {"status": "completed"}),
    (lambda api: api.member("conf-1", "c-1"), "GET", "/conferences/conf-1/members/c-1", None),
    (
        lambda api: api.update_member("conf-1", "c-1", mute=False, call_ids_to_coach=[]),
        "PUT",
        "/conferences/conf-1/members/c-1",
        {"mute": False, "callIdsToCoach": []},
    ),
    (lambda api: api.list_recordings(), "GET", "/recordings", None),
    (lambda api: api.recordings("c-1"), "GET", "/calls/c-1/recordings", None),
    (lambda api: api.recording("c-1", "r-1"), "GET", "/calls/c-1/recordings/r-1", None),
    (lambda api: api.update_recording("c-1", "paused"), "PUT", "/calls/c-1/recording", {"state": "paused"}),
    (lambda api: api.delete_recording("c-1", "r-1"), "DELETE", "/calls/c-1/recordings/r-1", None),
    (lambda api: api.download_recording("c-1", "r-1"), "GET", "/calls/c-1/recordings/r-1/media", None),
    (lambda api: api.delete_recording_media("c-1", "r-1"), "DELETE", "/calls/c-1/recordings/r-1/media", None),
    (lambda api: api.transcription("c-1", "r-1"), "GET", "/calls/c-1/recordings/r-1/transcription", None),
    (
        lambda api: api.transcribe("c-1", "r-1", callback_url="https://x/t", detect_language=True, tag=None),
        "POST",
        "/calls/c-1/recordings/r-1/transcription",
        {"callbackUrl": "https://x/t", "detectLanguage": True},
    ),
    (lambda api: api.delete_transcription("c-1", "r-1"), "DELETE", "/calls/c-1/recordings/r-1/transcription", None),
    (lambda api: api.conference_recordings("conf-1"), "GET", "/conferences/conf-1/recordings", None),
    (lambda api: api.conference_recording("conf-1", "r-1"), "GET", "/conferences/conf-1/recordings/r-1", None),
    (lambda api: api.download_conference_recording("conf-1", "r-1"), "GET", "/conferences/conf-1/recordings/r-1/media", None),
    (lambda api: api.statistics(), "GET", "/statistics", None),
    (lambda api: api.call("../x?y"), "GET", "/calls/..%2Fx%3Fy", None),
]


@pytest.mark.parametrize(("use", "method", "path", "body"), VOICE, ids=[f"{method} {path}" for _, method, path, _ in VOICE])
def test_each_voice_operation(peer, voice, use, method, path, body):
    use(voice)
    assert (peer.last.method, peer.last.path, peer.last.json) == (method, ACCOUNT + path, body)


def test_lists_of_recordings(peer, voice):
    peer.otherwise = (200, [{"recordingId": "r-1"}], {})
    found = voice.list_recordings(to="+15550100002", from_="+15550100001", min_start_time="2026-03-02T10:00:00Z")
    assert found == [{"recordingId": "r-1"}] == voice.recordings("c-1") == voice.conference_recordings("conf-1")
    assert peer.seen[0].query == {"to": "+15550100002", "from": "+15550100001", "minStartTime": "2026-03-02T10:00:00Z"}


def test_a_recording_is_downloaded_and_its_sound_is_not_logged(peer, voice, exchanges):
    peer.answers = [(200, "RIFF\0\0", {"Content-Type": "audio/vnd.wave"})]
    assert voice.download_recording("c-1", "r-1") == b"RIFF\0\0"
    assert peer.last.headers["Accept"] == "*/*"
    assert exchanges[-1].response == {"contentType": "audio/vnd.wave", "bytes": 6}


def test_bxml_is_sent_as_xml(peer, voice):
    peer.otherwise = (204, None, {})
    for use, path in ((voice.update_call_bxml, "/calls/x/bxml"), (voice.update_conference_bxml, "/conferences/x/bxml")):
        assert use("x", "<Bxml>é</Bxml>") is None
        assert (peer.last.method, peer.last.path, peer.last.body.decode()) == ("PUT", ACCOUNT + path, "<Bxml>é</Bxml>")
        assert peer.last.headers["Content-Type"] == "application/xml; charset=utf-8"


def test_lists_are_followed_page_by_page(peer, voice):
    following = '<https://elsewhere.example/api/v2/accounts/9900000/calls?pageSize=2&pageToken=next>; rel="next"'
    peer.answers = [(200, [{"callId": "c-1"}, {"callId": "c-2"}], {"Link": following}), (200, [{"callId": "c-3"}], {})]
    calls = voice.list_calls(from_="+15550100001", page_size=2)
    assert peer.seen == []
    assert next(calls) == {"callId": "c-1"}
    assert [call["callId"] for call in calls] == ["c-2", "c-3"]
    assert [seen.query for seen in peer.seen] == [{"from": "+15550100001", "pageSize": "2"}, {"pageSize": "2", "pageToken": "next"}]
    peer.answers = [(200, [], {})]
    assert list(voice.list_conferences(name="room")) == []
    assert (peer.last.path, peer.last.query) == (f"{ACCOUNT}/conferences", {"name": "room"})


WEBRTC = [
    (lambda api: api.participant("p"), "GET", "/participants/p", None),
    (lambda api: api.delete_participant("p"), "DELETE", "/participants/p", None),
    (lambda api: api.create_session(tag="t"), "POST", "/sessions", {"tag": "t"}),
    (lambda api: api.session("s"), "GET", "/sessions/s", None),
    (lambda api: api.delete_session("s"), "DELETE", "/sessions/s", None),
    (lambda api: api.session_participants("s"), "GET", "/sessions/s/participants", None),
    (lambda api: api.add_participant("s", "p", {"sessionId": "s"}), "PUT", "/sessions/s/participants/p", {"sessionId": "s"}),
    (lambda api: api.add_participant("s", "p"), "PUT", "/sessions/s/participants/p", None),
    (lambda api: api.remove_participant("s", "p"), "DELETE", "/sessions/s/participants/p", None),
    (lambda api: api.subscriptions("s", "p"), "GET", "/sessions/s/participants/p/subscriptions", None),
    (
        lambda api: api.set_subscriptions("s", "p", {"sessionId": "s"}),
        "PUT",
        "/sessions/s/participants/p/subscriptions",
        {"sessionId": "s"},
    ),
    (lambda api: api.set_subscriptions("s", "p"), "PUT", "/sessions/s/participants/p/subscriptions", None),
]


@pytest.mark.parametrize(("use", "method", "path", "body"), WEBRTC)
def test_each_webrtc_operation(peer, webrtc, use, method, path, body):
    peer.otherwise = (204, None, {})
    use(webrtc)
    assert (peer.last.method, peer.last.path, peer.last.json) == (method, "/v1/accounts/9900000" + path, body)


def test_create_participant(peer, webrtc):
    peer.answers = [(200, {"participant": {"id": "p"}, "token": "t"}, {})]
    assert webrtc.create_participant(tag="demo")["token"] == "t"
    assert peer.last.json == {"publishPermissions": ["AUDIO"], "tag": "demo", "deviceApiVersion": "V3"}


def test_an_empty_answer_is_an_empty_list_or_none(peer, webrtc):
    peer.otherwise = (204, None, {})
    assert webrtc.session_participants("s") == []
    assert webrtc.subscriptions("s", "p") is None


def test_webrtc_uses_basic_and_asks_for_no_token(peer, webrtc):
    webrtc.session("s")
    assert peer.last.headers["Authorization"] == "Basic " + b64encode(b"local:local").decode()
    assert peer.asked_for_tokens == []


def test_one_token_serves_until_a_minute_before_its_end(peer, voice, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(wire.time, "monotonic", lambda: now[0])
    for later, wanted in ((0, "token-1"), (3539, "token-1"), (3540, "token-2")):
        now[0] = 1000.0 + later
        voice.statistics()
        assert peer.last.headers["Authorization"] == f"Bearer {wanted}"
    (asked, _) = peer.asked_for_tokens
    assert asked.body == b"grant_type=client_credentials"
    assert asked.headers["Authorization"] == "Basic " + b64encode(b"local-client:local-secret").decode()


def test_a_token_without_lifetime_is_taken_for_an_hour(peer, voice, monkeypatch):
    peer.expires_in = None
    now = [0.0]
    monkeypatch.setattr(wire.time, "monotonic", lambda: now[0])
    voice.statistics()
    now[0] = 3539.0
    voice.statistics()
    assert len(peer.asked_for_tokens) == 1


def test_a_refused_token_is_renewed_once(peer, voice, exchanges):
    peer.answers = [(401, {"description": "Unauthorized"}, {}), (201, {"callId": "c-1"}, {})]
    assert voice.create_call(to="+1", from_="+2", answer_url="u")["callId"] == "c-1"
    assert [seen.headers["Authorization"] for seen in peer.seen] == ["Bearer token-1", "Bearer token-2"]
    assert [(one.operation, one.status) for one in exchanges] == [
        ("getToken", 200),
        ("createCall", 401),
        ("getToken", 200),
        ("createCall", 201),
    ]
    peer.otherwise = (401, {"description": "Unauthorized"}, {})
    with pytest.raises(ApiError, match="401"):
        voice.statistics()
    assert len(peer.seen) == 4


def test_threads_share_one_token(peer, settings):
    voice = Voice(settings)
    threads = [threading.Thread(target=voice.statistics) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    voice.close()
    assert len(peer.asked_for_tokens) == 1
    assert len(peer.seen) == 8


def test_basic_where_there_is_no_client(peer):
    voice = Voice(Settings(client_id="", client_secret="", username="me", password="mine").at(peer.url))
    voice.statistics()
    voice.close()
    assert peer.last.headers["Authorization"] == "Basic " + b64encode(b"me:mine").decode()


def test_bearer_for_webrtc_where_there_is_no_user(peer):
    webrtc = WebRtc(Settings(username="", password="").at(peer.url))
    webrtc.session("s")
    webrtc.close()
    assert peer.last.headers["Authorization"] == "Bearer token-1"


def test_no_credentials_at_all(peer):
    voice = Voice(Settings(client_id="", username="").at(peer.url))
    with pytest.raises(SettingsError, match="no credentials"):
        voice.statistics()
    voice.close()


def test_an_error_carries_its_evidence(peer, voice, exchanges):
    body = {"type": "validation", "description": "Invalid to: must be an E164 telephone number", "id": None}
    peer.answers = [(400, body, {})]
    with pytest.raises(ApiError) as caught:
        voice.create_call(to="x", from_="+2", answer_url="u")
    error = caught.value
    assert str(error) == f"POST {peer.url}{ACCOUNT}/calls: 400 Bad Request: Invalid to: must be an E164 telephone number"
    assert (error.request, error.status, json.loads(error.body)) == (f"POST {peer.url}{ACCOUNT}/calls", 400, body)
    assert (exchanges[-1].status, exchanges[-1].response) == (400, body)


def test_the_local_platform_says_which_rule_refused(peer, voice, exchanges):
    peer.answers = [(400, {"description": "too long"}, {"X-Workbench-Rule": "request.call-timeout", "X-Workbench-Label": "documented"})]
    with pytest.raises(ApiError, match=r": too long \(rule request\.call-timeout, documented\)$") as caught:
        voice.create_call(to="x", from_="+2", answer_url="u")
    assert (caught.value.rule, caught.value.label) == ("request.call-timeout", "documented")
    assert (exchanges[-1].rule, exchanges[-1].label) == ("request.call-timeout", "documented")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"error": "no such session", "requestId": "r"}, "no such session"),
        ({"message": "Unauthorized"}, "Unauthorized"),
        ("<html>", "404 Not Found"),
    ],
)
def test_other_shapes_of_errors(peer, webrtc, content, text):
    peer.answers = [(404, content, {})]
    with pytest.raises(ApiError) as caught:
        webrtc.session("s")
    assert str(caught.value).endswith(text)


def test_success_that_is_not_json(peer, voice):
    peer.answers = [(200, "<html>", {})]
    with pytest.raises(ApiError, match="not JSON") as caught:
        voice.statistics()
    assert (caught.value.status, caught.value.body) == (200, "<html>")


def test_what_may_be_done_twice_is_tried_again(peer, voice, exchanges):
    voice.statistics()
    exchanges.clear()
    peer.answers = ["drop", "drop", (200, {"currentCallQueueSize": 0}, {})]
    assert voice.statistics() == {"currentCallQueueSize": 0}
    assert [one.status for one in exchanges] == [None, None, 200]
    assert "disconnected" in exchanges[0].error
    peer.answers = ["drop"] * 3
    with pytest.raises(ApiError, match="no answer") as caught:
        voice.statistics()
    assert caught.value.status is None


def test_a_call_is_never_created_twice(peer, voice):
    peer.answers = ["drop"]
    with pytest.raises(ApiError, match="no answer"):
        voice.create_call(to="+1", from_="+2", answer_url="u")
    assert len(peer.seen) == 1


def test_a_document_is_never_put_twice(peer, voice):
    peer.answers = ["drop"]
    with pytest.raises(ApiError, match="no answer"):
        voice.update_conference_bxml("conf-1", "<Bxml/>")
    assert len(peer.seen) == 1


def test_nobody_there(settings, exchanges, monkeypatch):
    monkeypatch.setattr(wire.time, "sleep", lambda _seconds: None)
    webrtc = WebRtc(settings.at("http://127.0.0.1:9"), exchanges.append)
    with pytest.raises(ApiError, match=r"GET http://127\.0\.0\.1:9/v1/accounts/9900000/sessions/s: no answer"):
        webrtc.session("s")
    webrtc.close()
    assert [one.status for one in exchanges] == [None, None, None]


def test_a_failing_token_address_is_reported(peer, exchanges):
    settings = Settings().at(peer.url).model_copy(update={"token_url": f"{peer.url}/elsewhere"})
    peer.otherwise = (401, {"message": "nobody by that name"}, {})
    voice = Voice(settings, exchanges.append)
    with pytest.raises(ApiError, match="nobody by that name") as caught:
        voice.statistics()
    voice.close()
    assert caught.value.status == 401
    assert "local-secret" not in f"{caught.value} {exchanges}"


def test_a_proxy_in_the_environment_does_not_get_loopback_requests(peer, settings, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    voice = Voice(settings)
    voice.statistics()
    voice.close()
    assert len(peer.seen) == 1


def test_the_clients_do_not_load_pandas(child_environment):
    import subprocess
    import sys

    code = "import sys, workbench.clients, workbench.events, workbench.callbacks, workbench.server; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=child_environment())


# -- too many requests -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def slept(voice):
    found = []
    voice._wire.patience = Patience(found.append)
    return found


def test_too_many_requests_are_sent_again_when_it_is_time(peer, voice, exchanges, slept):
    peer.answers = [(429, {"error": "slow down"}, {"Retry-After": "3"}), (429, None, {}), (201, {"callId": "c-1"}, {})]
    assert voice.create_call(to="+1", from_="+2", answer_url="u")["callId"] == "c-1"
    assert slept == [3.0, 1.0]
    assert [(one.operation, one.status) for one in exchanges] == [("getToken", 200), *(("createCall", code) for code in (429, 429, 201))]


def test_what_would_take_too_long_is_told(peer, voice, slept):
    peer.otherwise = (429, {"error": "slow down"}, {"Retry-After": "60"})
    with pytest.raises(ApiError, match=r"429 .*slow down \(it may be asked again in 60 s\)"):
        voice.statistics()
    assert slept == []
    assert len(peer.seen) == 1


def test_a_token_that_lives_for_seconds_is_renewed_each_time(peer, voice):
    peer.expires_in = 30
    voice.statistics()
    voice.statistics()
    assert [seen.headers["Authorization"] for seen in peer.seen] == ["Bearer token-1", "Bearer token-2"]
