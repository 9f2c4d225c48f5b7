"""The ways to be reached. ngrok's are tried with the real pyngrok, which drives a stand-in agent that really forwards."""

import os
from pathlib import Path

import httpx
import psutil
import pytest
from pyngrok import ngrok

from workbench.errors import CallbackError
from workbench.server import CallbackServer
from workbench.settings import Settings
from workbench.tunnel import ngrok_missing, open_tunnel

pytestmark = pytest.mark.sockets
AGENT = Path(__file__).with_name("standin_ngrok.py")


class Echo:
    """A WSGI application that says what reached it."""

    def __call__(self, environ, start_response):
        said = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']} {environ.get('HTTP_AUTHORIZATION', '')}"
        body = said.encode() + b" " + environ["wsgi.input"].read()
        start_response("401 Unauthorized" if "secret" in said else "200 OK", [("WWW-Authenticate", 'Basic realm="workbench"')])
        return [body]

    def close(self):
        pass


@pytest.fixture
def server():
    with CallbackServer(Echo()) as server:
        yield server


def settings(tmp_path, **given):
    return Settings(state_dir=tmp_path, **given)


def agents(path):
    return [process for process in psutil.Process().children(recursive=True) if str(AGENT) in " ".join(process.cmdline())]


def test_without_a_tunnel_the_server_is_reached_directly(tmp_path):
    tunnel = open_tunnel(settings(tmp_path), 1234)
    assert (tunnel.url, tunnel.kind) == ("http://127.0.0.1:1234", "none")
    tunnel.close()


@pytest.mark.parametrize("kind", ["none", "url"])
def test_a_url_one_already_has(tmp_path, kind):
    with open_tunnel(settings(tmp_path, tunnel=kind, base_callback_url="https://lab.example.com/hooks/"), 1234) as tunnel:
        assert (tunnel.url, tunnel.kind) == ("https://lab.example.com/hooks", "url")


def test_ngrok_forwards_everything_and_leaves_nothing_behind(tmp_path, agent, server):
    wanted = settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine")
    assert ngrok_missing(wanted) is None
    tunnel = open_tunnel(wanted, server.port)
    try:
        assert tunnel.kind == "ngrok"
        assert tunnel.url != server.url
        answer = httpx.post(f"{tunnel.url}/bridge/answer?flow=1&leg=a%20b", content=b"{}", auth=("user", "password"), trust_env=False)
        assert answer.text == "POST /bridge/answer?flow=1&leg=a%20b Basic dXNlcjpwYXNzd29yZA== {}"
        challenge = httpx.get(f"{tunnel.url}/secret", trust_env=False)
        assert challenge.status_code == 401
        assert challenge.headers["WWW-Authenticate"] == 'Basic realm="workbench"'
        assert len(agents(agent)) == 1
    finally:
        tunnel.close()
        tunnel.close()
    assert agents(agent) == []
    assert "a-token-of-mine" not in repr(tunnel) + repr(wanted)


def test_two_tunnels_share_the_agent_until_the_last_one_closes(tmp_path, agent, server):
    wanted = settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine")
    with CallbackServer(Echo()) as other:
        first, second = open_tunnel(wanted, server.port), open_tunnel(wanted, other.port)
        try:
            first.close()
            assert httpx.get(f"{second.url}/still", trust_env=False).text.startswith("GET /still")
        finally:
            second.close()
    assert agents(agent) == []


def test_a_stopped_server_shows_as_a_bad_gateway(tmp_path, agent, server):
    with open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine"), server.port) as tunnel:
        server.stop()
        assert httpx.get(f"{tunnel.url}/ping", trust_env=False).status_code == 502


def test_without_an_agent_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(ngrok, "install_ngrok", lambda *_: pytest.fail("pyngrok was asked to download an agent"))
    wanted = settings(tmp_path, tunnel="ngrok", ngrok_path=str(tmp_path / "nowhere"), ngrok_token="a-token-of-mine")
    with pytest.raises(CallbackError, match=r"no ngrok agent: install it .*PYNGROK_NGROK_PATH") as caught:
        open_tunnel(wanted, 1)
    assert "token" not in str(caught.value)


def test_an_agent_on_path_is_found(tmp_path, agent, monkeypatch):
    monkeypatch.setenv("PATH", os.path.dirname(agent))
    assert ngrok_missing(settings(tmp_path, tunnel="ngrok", ngrok_token="a-token-of-mine")) is None
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_PATH", str(tmp_path / "nowhere"))
    assert "no ngrok agent" in ngrok_missing(settings(tmp_path, tunnel="ngrok", ngrok_token="a-token-of-mine"))


def test_without_a_token_the_error_says_what_to_do(tmp_path, agent, monkeypatch):
    monkeypatch.delenv("NGROK_AUTHTOKEN", raising=False)
    with pytest.raises(CallbackError, match=r"no ngrok token: set ngrok_token \(NGROK_AUTHTOKEN\)"):
        open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent), 1)


def test_a_refused_token_is_reported_and_nothing_is_left(tmp_path, agent):
    with pytest.raises(CallbackError, match=r"ngrok did not start: .*ERR_NGROK_107.*Check the token"):
        open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="refused"), 1)
    assert agents(agent) == []
