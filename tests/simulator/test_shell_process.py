"""The platform as a process: how it starts, what it loads, how it ends; and a few calls over real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from .shell import NUMBER, PHONE, VOICE, call_fields, document

pytestmark = pytest.mark.sockets

COMMAND = [sys.executable, "-m", "workbench.simulator"]
Start = Callable[..., subprocess.Popen[str]]

# Starts the platform the way a kernel does, tells its line on, and then does nothing until it is killed.
PARENT = f"""
import subprocess, sys, threading
command = {[*COMMAND, "--child", "--port", "0"]!r}
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
print(child.stdout.readline(), end="", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def start(child_environment: Callable[..., dict[str, str]]) -> Iterator[Start]:
    """Starts programs; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, **{"env": child_environment()} | pipes | options)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return dict(json.loads(line))


class Application:
    """A real HTTP server that answers webhooks by event type; with `authenticate` it asks for credentials."""

    def __init__(self, replies: dict[str, str], authenticate: bool = False) -> None:
        self.events: Queue[tuple[str, str | None]] = Queue()
        self.on_event: Callable[[dict[str, Any]], None] = lambda body: None
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                application.on_event(body)
                application.events.put((body["eventType"], self.headers["Authorization"]))
                content = replies.get(body["eventType"], "").encode()
                welcome = bool(self.headers["Authorization"]) or not authenticate
                self.send_response(200 if welcome else 401)
                if not welcome:
                    self.send_header("WWW-Authenticate", 'Basic realm="app"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_a_child_tells_one_line_serves_a_call_and_ends_with_its_input(start: Start) -> None:
    child = start(*COMMAND, "--child", "--port", "0")
    line = told(child)
    assert set(line) == {"url", "token", "pid"}
    assert line["pid"] == child.pid
    application = Application({"answer": document('<Pause duration="0.01"/>')}, authenticate=True)
    local = {"X-Workbench-Token": line["token"]}
    with httpx.Client(base_url=line["url"], auth=("local", "local"), timeout=10) as http:
        assert http.get("/_local/state").status_code == 401
        assert http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0}, headers=local).status_code == 200
        fields = call_fields(base=application.url) | {"username": "us", "password": "er"}
        created = http.post(f"{VOICE}/calls", json=fields)
        assert created.status_code == 201, created.text
        assert created.headers["location"] == f"{line['url']}{VOICE}/calls/{created.json()['callId']}"
        events = [application.events.get(timeout=10) for _ in range(4)]
        basic = "Basic dXM6ZXI="
        assert events == [("answer", None), ("answer", basic), ("disconnect", None), ("disconnect", basic)]
        with http.stream("GET", "/_local/events?follow=true", headers=local) as stream:
            kinds: list[str] = []
            for text in stream.iter_lines():
                kinds.append(json.loads(text)["kind"])
                if kinds.count("webhookAnswered") == 2:
                    break
        assert kinds[0] == "queued"
        # Somebody who follows the events does not keep the platform from ending.
        with http.stream("GET", "/_local/events?follow=true", headers=local) as stream:
            next(stream.iter_lines())
            out, err = child.communicate()
    application.close()
    assert (child.returncode, out, err) == (0, "", "")


def test_many_calls_at_once_and_no_answer_before_its_201(start: Start) -> None:
    """The clients do not read: when the answer webhook comes, the 201 must already be waiting in their sockets."""
    line = told(start(*COMMAND, "--child", "--port", "0"))
    port = int(line["url"].rpartition(":")[2])
    application = Application({"answer": document("<Hangup/>")})
    waiting: dict[str, socket.socket] = {}
    arrived: dict[str, bytes] = {}

    def on_answer(body: dict[str, Any]) -> None:
        if body["eventType"] == "answer" and body["to"] in waiting:
            with waiting.pop(body["to"]) as client:
                arrived[body["to"]] = client.recv(65536, socket.MSG_DONTWAIT)

    application.on_event = on_answer
    with httpx.Client(base_url=line["url"], headers={"X-Workbench-Token": line["token"]}) as http:
        for number in range(20):
            phone = f"+191955501{number + 30}"
            http.put(f"/_local/phones/{phone}", json={"ring_seconds": 0})
            content = json.dumps(call_fields(phone, application.url)).encode()
            head = f"POST {VOICE}/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bG9jYWw6bG9jYWw=\r\nContent-Type: application/json\r\n"
            client = waiting[phone] = socket.create_connection(("127.0.0.1", port))
            client.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    events = [application.events.get(timeout=10)[0] for _ in range(40)]
    application.close()
    assert sorted(events) == ["answer"] * 20 + ["disconnect"] * 20
    assert len(arrived) == 20
    assert all(answer.startswith(b"HTTP/1.1 201 ") for answer in arrived.values())


def test_a_child_loads_nothing_of_the_application(start: Start) -> None:
    code = (
        "import atexit, json, sys; atexit.register(lambda: print(json.dumps(sorted(sys.modules))));"
        "from workbench.simulator.__main__ import main; main(['--child', '--port', '0'])"
    )
    child = start(sys.executable, "-c", code)
    told(child)
    modules = set(json.loads(child.communicate()[0]))
    assert {"starlette", "uvicorn"} <= modules
    foreign = {"flask", "pandas", "numpy", "ipywidgets", "anywidget", "IPython", "httpx", "pydantic", "workbench.settings"}
    assert modules & foreign == set()


def test_a_child_ends_when_its_parent_is_killed(start: Start) -> None:
    parent = start(sys.executable, "-c", PARENT)
    child = psutil.Process(told(parent)["pid"])
    parent.kill()
    child.wait(10)


def test_a_socket_that_is_refused_is_nothing_to_complain_about(start: Start) -> None:
    child = start(*COMMAND, "--child", "--port", "0")
    url = told(child)["url"].replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url}/prod/gateway-service/api/v1/endpoints?endpointToken=x", proxy=None)
    assert refused.value.response.status_code == 403
    assert child.communicate() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_child_survives_the_interrupt(start: Start) -> None:
    child = start(*COMMAND, "--child", "--port", "0")
    line = told(child)
    child.send_signal(signal.SIGINT)
    assert httpx.get(f"{line['url']}/_local/state", headers={"X-Workbench-Token": line["token"]}).status_code == 200
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_by_hand_it_tells_its_credentials_and_ends_at_the_interrupt(start: Start) -> None:
    program = start(*COMMAND, "--port", "0", "--seed", "1")
    assert program.stdout is not None
    banner = ""
    while "Ctrl-C" not in banner:
        banner += program.stdout.readline()
    url = banner.split()[3]
    for said in ("local / local", "local-client / local-secret", "forbidden / forbidden", NUMBER, f"{url}{VOICE}", f"{url}/_local/state"):
        assert said in banner
    assert httpx.get(f"{url}/_local/state").json()["account"] == "9900000"
    program.send_signal(signal.SIGINT)
    assert program.wait(10) == 0


def test_a_taken_port_is_one_clear_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = start(*COMMAND, "--port", str(port))
        out, err = program.communicate()
    assert (program.returncode, out) == (2, "")
    assert err == f"workbench.simulator: port {port} is taken; choose another with --port, or 0 for any free one\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "add --public"),
        (["--host", "::"], "add --public"),
        (["--port", "99999"], "99999"),
        (["--config", "nothing.json"], "nothing.json"),
        (["--limits", "cps=5"], "unknown field cps"),
        (["--port", "x"], "invalid int"),
        (["--certificate", "nothing.pem"], "--certificate nothing.pem: No such file"),
        (["--certificate", "empty.pem"], "--certificate empty.pem: not a PEM file with a certificate and its private key"),
    ],
)
def test_what_cannot_start(start: Start, options: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    program = start(*COMMAND, *options, cwd=tmp_path)
    out, err = program.communicate()
    assert (program.returncode, out) == (2, "")
    assert said in err


def test_settings_from_file_and_environment(start: Start, tmp_path: Path, child_environment: Callable[..., dict[str, str]]) -> None:
    file = tmp_path / "platform.json"
    file.write_text(json.dumps({"users": {"me": "pass"}}))
    environment = child_environment(WORKBENCH_SIMULATOR_ACCOUNT_ID="42")
    line = told(start(*COMMAND, "--child", "--port", "0", "--config", str(file), "--limits", "on,calls_at_once=7", env=environment))
    assert httpx.get(f"{line['url']}/api/v2/accounts/42/calls", auth=("me", "pass")).json() == []
    assert httpx.get(f"{line['url']}/api/v2/accounts/42/calls", auth=("local", "local")).status_code == 401
    limits = httpx.get(f"{line['url']}/_local/limits", headers={"X-Workbench-Token": line["token"]}).json()
    assert limits == {"calls_per_second": 5, "queue": None, "calls_at_once": 7, "requests_per_second": None, "endpoints": 10_000}
