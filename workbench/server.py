"""The thread in the kernel that serves the callback application: waitress, started and stopped as often as cells are run again."""

from __future__ import annotations

import contextlib
import logging
import sys
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any, ClassVar, Protocol

from waitress import wasyncore
from waitress.server import create_server

from workbench.connections import COMPLETE, Connection
from workbench.errors import CallbackError

THREADS = 16
# Seconds after which a cell that spins in pure Python gives way. A stored callback asks for the interpreter some thirty times: at Python's
# usual 5 ms, and still at 0.5 ms, callbacks at 50 a second pile up beside such a cell; at 0.05 ms they do not, and the cell loses nothing.
SWITCH_INTERVAL = 0.00005
# At once; who comes beyond that waits until another one leaves, which may take longer than a platform waits for an answer.
CONNECTIONS = 500
# Seconds between two looks for connections that have lasted too long.
LOOK = 2.0
# What the application refuses with a 413 may still come in whole; beyond this waitress ends it.
BODY_MAX = 1024 * 1024


class Served(Protocol):
    """A WSGI application that has threads of its own to end."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any: ...

    def close(self) -> None: ...


class CallbackServer:
    """Serves `app` on `host`:`port` (0: any free one) from `start()` to `stop()`; after that it may be started again.

    Starting on a fixed port that another CallbackServer of this process holds stops that one first: so a cell can be run again.
    """

    _running: ClassVar[list[CallbackServer]] = []
    _guard: ClassVar[Lock] = Lock()
    _switch_interval: ClassVar[float] = 0.0

    def __init__(self, app: Served, port: int = 0, host: str = "127.0.0.1") -> None:
        self.app = app
        self.host = host
        self.port = port
        self._wanted = port
        self._server: Any = None
        self._thread: Thread | None = None
        self._stop = Signal()

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread is not None

    @property
    def url(self) -> str:
        """Where it is reached on this machine, without a slash at the end."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"

    def start(self) -> CallbackServer:
        """Begin to serve; returns itself. Serving already: nothing happens."""
        with self._guard:
            if self.running:
                return self
            for other in [other for other in self._running if self._wanted and other.port == self._wanted]:
                other._end()
            self._begin()
        return self

    def stop(self) -> None:
        """Stop serving; requests under way are finished first (5 s at most). Stopped already: nothing happens."""
        with self._guard:
            self._end()

    def __enter__(self) -> CallbackServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        logging.getLogger("waitress").setLevel(logging.ERROR)
        sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                self.app,
                map=sockets,
                host=self.host,
                port=self._wanted,
                threads=THREADS,
                connection_limit=CONNECTIONS,
                ident=None,
                max_request_body_size=BODY_MAX,
            )
            for one in getattr(self._server, "socketservers", [self._server]):
                one.channel_class = Connection
                one.adj.channel_timeout, one.adj.cleanup_interval = COMPLETE, LOOK
        except (OSError, ValueError) as error:
            wasyncore.close_all(sockets, ignore_all=True)
            raise CallbackError(
                f"the callback server cannot listen on {self.host}:{self._wanted} ({error}): choose another port, or 0 for any free one"
            ) from error
        self.port = int(self._server.effective_port)
        if not self._running:
            type(self)._switch_interval = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL)
        self._running.append(self)
        self._stop.clear()
        self._thread = Thread(target=self._serve, args=(self._server, sockets), name="callback-server", daemon=True)
        self._thread.start()

    def _serve(self, server: Any, sockets: dict[int, Any]) -> None:
        while not self._stop.is_set():
            wasyncore.loop(timeout=LOOK, use_poll=True, map=sockets, count=1)
        # no new connections; what is under way may end, and its answers have to go out
        server.accepting = False
        server.task_dispatcher.shutdown(timeout=5)
        with contextlib.suppress(OSError):
            wasyncore.loop(timeout=0.0, use_poll=True, map=sockets, count=1)
        wasyncore.close_all(sockets, ignore_all=True)

    def _end(self) -> None:
        if self._thread is None:
            return
        self._stop.set()
        self._server.pull_trigger()
        self._thread.join()
        self._thread = None
        self._server = None
        self._running.remove(self)
        if not self._running:
            sys.setswitchinterval(self._switch_interval)
