"""The ways to be reached. ngrok's are tried with the real pyngrok, which drives a stand-in agent that really forwards."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import httpx
import psutil
import pytest
from pyngrok import ngrok

from tests.conftest import ROOT
from workbench.agents import FOLDER, end_orphans
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


def kept(folder):
    """Configurations and notes of agents."""
    return list((folder / FOLDER).glob("*")) if (folder / FOLDER).exists() else []


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def agents(path):
    found = []
    for process in psutil.Process().children(recursive=True):
        # one may end while we look
        with suppress(psutil.Error):
            found += [process] if str(AGENT) in " ".join(process.cmdline()) else []
    return found


def test_without_a_tunnel_the_server_is_reached_directly(tmp_path):
    tunnel = open_tunnel(settings(tmp_path), 1234)
    assert (tunnel.url, tunnel.kind) == ("http://127.0.0.1:1234", "none")
    tunnel.close()


@pytest.mark.parametrize("kind", ["none", "url"])
def test_a_url_one_already_has(tmp_path, kind):
    with open_tunnel(settings(tmp_path, tunnel=kind, base_callback_url="https://lab.example.com/hooks/"), 1234) as tunnel:
        assert (tunnel.url, tunnel.kind) == ("https://lab.example.com/hooks", "url")


def test_ngrok_forwards_everything_and_leaves_nothing_behind(tmp_path, agent, server, monkeypatch):
    # as most people have it
    monkeypatch.setenv("NGROK_AUTHTOKEN", "a-token-of-mine")
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
        (process,) = agents(agent)
        # other users can read command lines, and nobody else our files
        assert "a-token-of-mine" not in " ".join(process.cmdline())
        assert {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in kept(tmp_path)}[".yml"] == 0o600
        # an interrupt of the kernel goes to its process group
        assert os.getsid(process.pid) != os.getsid(0)
    finally:
        tunnel.close()
        tunnel.close()
    assert agents(agent) == []
    assert kept(tmp_path) == []
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
    with pytest.raises(CallbackError, match=r"ngrok did not start: ERR_NGROK_107: the token is not valid any more") as caught:
        open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="refused"), 1)
    # ngrok repeats the token in its message
    assert "refused" not in str(caught.value)
    assert agents(agent) == []
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("token", "more", "advice"),
    [
        ("crowded", {}, r"ERR_NGROK_108: another agent of your account is online.*tunnel='url'"),
        ("outdated", {}, r"ERR_NGROK_120: the agent is too old: run `ngrok update`"),
        ("a-token", {"ngrok_domain": "taken.example.com"}, r"ERR_NGROK_334: the domain is in use.*NGROK_DOMAIN"),
    ],
)
def test_what_ngrok_refuses_is_said_in_words(tmp_path, agent, token, more, advice):
    with pytest.raises(CallbackError, match=advice):
        open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token=token, **more), 1)
    assert agents(agent) == []
    assert kept(tmp_path) == []


def test_a_rate_limit_says_to_wait_and_leaves_the_other_tunnel(tmp_path, agent, server):
    wanted = settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="hurried")
    with open_tunnel(wanted, server.port) as tunnel:
        with pytest.raises(CallbackError, match="wait a minute"):
            open_tunnel(wanted, 1)
        assert httpx.get(f"{tunnel.url}/still", trust_env=False).status_code == 200
    assert agents(agent) == []


# -- what dies -------------------------------------------------------------------------------------------------------------------------


class Moves:
    """Waits for a tunnel's next URL."""

    def __init__(self, tunnel):
        self.urls, self.told = [], Event()
        tunnel.on_move(self._hear)

    def _hear(self, url):
        self.urls.append(url)
        self.told.set()

    def next(self):
        assert self.told.wait(20)
        self.told.clear()
        return self.urls[-1]


def test_a_tunnel_whose_agent_dies_is_opened_again(tmp_path, agent, server):
    with open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine"), server.port) as tunnel:
        moves, first = Moves(tunnel), tunnel.url
        agents(agent)[0].kill()
        url = moves.next()
        assert (url, tunnel.trouble) == (tunnel.url, "")
        assert url != first
        assert httpx.get(f"{url}/again", trust_env=False).text.startswith("GET /again")
        assert len(agents(agent)) == 1 and len(kept(tmp_path)) == 2
    assert agents(agent) == []
    assert kept(tmp_path) == []


def test_a_tunnel_that_the_agent_has_dropped_is_opened_again(tmp_path, agent, server, monkeypatch):
    monkeypatch.setattr("workbench.ngrok.ASK", 1)
    wanted = settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine")
    with open_tunnel(wanted, server.port) as tunnel:
        moves = Moves(tunnel)
        (process,) = agents(agent)
        ngrok.disconnect(tunnel.url, tunnel._config)
        assert httpx.get(f"{moves.next()}/again", trust_env=False).status_code == 200
        assert agents(agent) == [process]


def test_one_that_cannot_be_opened_again_says_so_until_it_can(tmp_path, agent, server):
    with open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine"), server.port) as tunnel:
        moves, text = Moves(tunnel), Path(agent).read_text()
        Path(agent).write_text("#!/bin/sh\nexit 1\n")
        agents(agent)[0].kill()
        deadline = time.monotonic() + 20
        while "cannot be opened again" not in tunnel.trouble:
            assert time.monotonic() < deadline, tunnel.trouble
            time.sleep(0.02)
        assert "cannot be opened again" in repr(tunnel)
        Path(agent).write_text(text)
        assert httpx.get(f"{moves.next()}/again", trust_env=False).status_code == 200
        assert tunnel.trouble == ""


def test_a_fixed_domain_stays_when_the_agent_dies(tmp_path, agent, server):
    domain = f"localhost:{free_port()}"
    with open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="t", ngrok_domain=domain), server.port) as tunnel:
        assert tunnel.url == f"http://{domain}"
        moves, (before,) = Moves(tunnel), agents(agent)
        before.kill()
        deadline = time.monotonic() + 20
        while not (found := [one for one in agents(agent) if one != before]) or tunnel.trouble:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert found and httpx.get(f"{tunnel.url}/again", trust_env=False).status_code == 200
        assert moves.urls == []


def test_two_agents_take_two_ports_for_their_pages(tmp_path, agent, server):
    other = tmp_path / "other" / "ngrok"
    other.parent.mkdir()
    other.write_text(Path(agent).read_text())
    other.chmod(0o755)
    given = {"tunnel": "ngrok", "ngrok_token": "a-token-of-mine"}
    with (
        open_tunnel(settings(tmp_path, ngrok_path=agent, **given), server.port) as one,
        open_tunnel(settings(tmp_path, ngrok_path=str(other), **given), server.port) as two,
    ):
        assert [httpx.get(f"{tunnel.url}/", trust_env=False).status_code for tunnel in (one, two)] == [200, 200]
        assert len(agents(agent)) == 2
    assert agents(agent) == []


KERNEL = """
import sys
from workbench.settings import Settings
from workbench.tunnel import open_tunnel
tunnel = open_tunnel(Settings(state_dir=sys.argv[1], tunnel="ngrok", ngrok_path=sys.argv[2], ngrok_token="a-token-of-mine"), 1)
print(tunnel.url, flush=True)
sys.stdin.read()
"""


def test_the_agent_of_a_kernel_that_was_killed_is_ended_by_the_next(tmp_path, agent, server, child_environment):
    command = [sys.executable, "-c", KERNEL, str(tmp_path), agent]
    environment = child_environment(PYTHONPATH=str(ROOT))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout.readline().startswith("http")
        (orphan,) = agents(agent)
        assert end_orphans(tmp_path) == 0
        kernel.kill()
    assert orphan.is_running()
    with open_tunnel(settings(tmp_path, tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token-of-mine"), server.port):
        assert not orphan.is_running()
        (note,) = [path for path in kept(tmp_path) if path.suffix == ".json"]
        assert json.loads(note.read_text())["kernel"] == os.getpid()
    assert kept(tmp_path) == []


def test_a_note_that_is_none_ends_nothing(tmp_path):
    (tmp_path / FOLDER).mkdir()
    told = {"agent": os.getpid(), "agent_began": 1.0, "kernel": 2**30, "kernel_began": 2.0}
    for name, text in (("a", "{"), ("b", "[]"), ("c", json.dumps(told))):
        (tmp_path / FOLDER / f"{name}.json").write_text(text)
    # the process with this number has begun at another time: it is somebody else's
    assert end_orphans(tmp_path) == 0
    assert sorted(path.stem for path in kept(tmp_path)) == ["a", "b"]
