"""The server thread: started and stopped as often as a cell is run, leaving no port, thread or setting behind."""

import contextlib
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from workbench.errors import CallbackError
from workbench.server import SWITCH_INTERVAL, CallbackServer

pytestmark = pytest.mark.sockets


class Hello:
    def __init__(self, text=b"hello"):
        self.text = text
        self.asked = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, environ, start_response):
        self.asked.set()
        self.go.wait(5)
        start_response("200 OK", [("Content-Length", str(len(self.text)))])
        return [self.text]

    def close(self):
        pass


@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def get(server, path="/"):
    return httpx.get(server.url + path, trust_env=False, timeout=5).text


def test_any_free_port(recwarn):
    with CallbackServer(Hello()) as first, CallbackServer(Hello(b"there")) as second:
        assert first.port != second.port
        assert (get(first), get(second)) == ("hello", "there")
        assert first.running
    assert not first.running


def test_a_fixed_port_again_and_again(free_port):
    for number in range(5):
        with CallbackServer(Hello(str(number).encode()), free_port) as server:
            assert server.port == free_port
            assert get(server) == str(number)


def test_a_kept_alive_connection_does_not_hold_the_port(free_port):
    with httpx.Client(trust_env=False) as client:
        for _ in range(3):
            with CallbackServer(Hello(), free_port) as server, contextlib.suppress(httpx.RemoteProtocolError):
                assert client.get(server.url).text == "hello"


def test_a_cell_run_again_takes_the_port_over(free_port):
    first = CallbackServer(Hello(b"first"), free_port).start()
    second = CallbackServer(Hello(b"second"), free_port).start()
    try:
        assert not first.running
        assert get(second) == "second"
        first.stop()
        assert get(second) == "second"
    finally:
        second.stop()


def test_start_and_stop_twice_and_start_again():
    server = CallbackServer(Hello())
    server.stop()
    assert server.start() is server.start()
    server.stop()
    server.stop()
    with server:
        assert get(server) == "hello"


def test_a_port_somebody_else_has(free_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        server = CallbackServer(Hello(), free_port)
        with pytest.raises(CallbackError, match=f"cannot listen on 127.0.0.1:{free_port} .*choose another port, or 0"):
            server.start()
        assert not server.running
    with server:
        assert get(server) == "hello"


def test_a_host_that_does_not_exist():
    with pytest.raises(CallbackError, match="cannot listen on"):
        CallbackServer(Hello(), host="host.invalid").start()


def test_a_request_under_way_is_finished():
    app, answers = Hello(), []
    app.go.clear()
    server = CallbackServer(app).start()
    asking = threading.Thread(target=lambda: answers.append(get(server)))
    asking.start()
    assert app.asked.wait(5)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    app.go.set()
    stopping.join()
    asking.join()
    assert answers == ["hello"]


def test_no_thread_is_left():
    before = set(threading.enumerate())
    with CallbackServer(Hello()) as server:
        get(server)
        assert len(threading.enumerate()) == len(before) + 17
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(5)
    assert set(threading.enumerate()) == before


def test_the_switch_interval_is_short_only_while_one_serves():
    usual = sys.getswitchinterval()
    with CallbackServer(Hello()):
        with CallbackServer(Hello()):
            assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_many_at_once():
    app = Hello()
    with CallbackServer(app) as server:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(get(server))) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == ["hello"] * 40


def test_connections_on_which_nothing_is_said_keep_nobody_out():
    with CallbackServer(Hello()) as server, contextlib.ExitStack() as held:
        for _ in range(150):
            held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        assert get(server) == "hello"


def test_a_flood_of_bytes_is_ended():
    with CallbackServer(Hello()) as server:
        answer = httpx.post(server.url, content=b"x" * (2 * 1024 * 1024), trust_env=False, timeout=5)
        assert answer.status_code == 413


def test_the_process_ends_without_stop(child_environment):
    code = (
        "from workbench.server import CallbackServer\n"
        "class App:\n"
        "    def __call__(self, environ, start): start('200 OK', []); return [b'']\n"
        "    def close(self): pass\n"
        "CallbackServer(App()).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, env=child_environment(), check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


# -- who takes his time ----------------------------------------------------------------------------------------------------------------


def connected(server):
    return socket.create_connection((server.host, server.port), timeout=20)


def is_closed(one):
    """Whether the other side ends the connection; waits for it."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while one.recv(1000):
            pass
    return True


@pytest.fixture
def hasty(monkeypatch):
    """A server whose requests have to be there in a fraction of a second."""
    monkeypatch.setattr("workbench.server.COMPLETE", 0.4)
    monkeypatch.setattr("workbench.server.LOOK", 0.05)


@pytest.mark.parametrize(
    "begun", [b"GET /x HTTP/1.1\r\nHost: a\r\n", b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"], ids=["headers", "body"]
)
def test_a_request_that_never_ends_is_cut_off(hasty, begun):
    app = Hello()
    with CallbackServer(app) as server, connected(server) as slow:
        slow.sendall(begun)
        stop = threading.Event()

        def drip():
            # a byte now and then keeps waitress' own time from running out
            with contextlib.suppress(OSError):
                while not stop.wait(0.05):
                    slow.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert is_closed(slow)
        stop.set()
        dripping.join()
        assert not app.asked.is_set()
        assert get(server) == "hello"


def test_a_request_that_is_being_answered_is_not(hasty):
    app = Hello()
    app.go.clear()
    with CallbackServer(app) as server, connected(server) as one:
        one.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert app.asked.wait(5)
        with connected(server) as silent:
            # it has been there for longer than this one, which was cut off
            assert is_closed(silent)
        app.go.set()
        told = b""
        while b"hello" not in told:
            part = one.recv(1000)
            assert part
            told += part


def test_silent_connections_make_way(monkeypatch):
    monkeypatch.setattr("workbench.connections.CROWDED", 3)
    with CallbackServer(Hello()) as server, contextlib.ExitStack() as opened:
        crowd = [opened.enter_context(connected(server)) for _ in range(8)]
        assert is_closed(crowd[0])
        assert get(server) == "hello"
