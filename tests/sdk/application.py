"""An application behind a real socket: it answers webhooks with documents at paths of their own and keeps what it was told."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import threading
import wave
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS = 10.0

Event = Mapping[str, Any]
# A document as text, or what makes one of an event.
Answer = str | Callable[[Event], str]


def _sound() -> bytes:
    """A second of silence."""
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    return content.getvalue()


SOUND = _sound()


class Application:
    """Answers webhooks by path, every GET with a sound, and takes media streams; `events` are all webhooks so far, in order of arrival."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._answers: dict[str, Answer] = {}
        self._names = itertools.count(1)
        self._told = threading.Condition()
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                content = application.answer(self.path, event).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                if self.headers.get("Upgrade", "").lower() == "websocket":
                    return self.listen()
                self.send_response(200)
                self.send_header("Content-Type", "audio/wav")
                self.send_header("Content-Length", str(len(SOUND)))
                self.end_headers()
                self.wfile.write(SOUND)

            def listen(self) -> None:
                """Take a stream's messages until its close, and close too (RFC 6455)."""
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
                self.end_headers()
                while len(head := self.rfile.read(2)) == 2 and head[0] & 15 != 8:
                    size = head[1] & 127
                    size = int.from_bytes(self.rfile.read({126: 2, 127: 8}[size])) if size > 125 else size
                    self.rfile.read(4 + size)  # a mask goes before what a client sends
                self.wfile.write(b"\x88\x00")
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="application", daemon=True).start()

    def at(self, answer: Answer = "", path: str = "") -> str:
        """The URL that is answered so from now on: one of its own, or the path given."""
        path = path or f"/{next(self._names)}"
        self._answers[path] = answer
        return self.url + path

    def answer(self, path: str, event: Event) -> str:
        """Keep a webhook and answer it."""
        answer = self._answers.get(path, "")
        content = answer if isinstance(answer, str) else answer(event)
        with self._told:
            self.events.append(event)
            self._told.notify_all()
        return content

    def wait(self, kind: str, **fields: Any) -> Event:
        """The first webhook of a kind with these fields, come or to come."""

        def found() -> Event | None:
            wanted = fields.items()
            return next((one for one in self.events if kind_of(one) == kind and all(one.get(key) == value for key, value in wanted)), None)

        with self._told:
            event = self._told.wait_for(found, SECONDS)
        assert event is not None, f"no {kind} {fields} among {[kind_of(one) for one in self.events]}"
        return event

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def kind_of(event: Event) -> str:
    """What a webhook tells: the WebRTC side calls it otherwise."""
    return str(event.get("eventType") or event.get("event") or event.get("status"))
