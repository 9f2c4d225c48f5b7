"""What strangers send to a URL on the public internet: scanners, fuzzers, forgers, bombs and guesses, as bytes for a socket."""

from __future__ import annotations

import base64
import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

EVENTS = ("initiate", "answer", "disconnect", "gather", "transferComplete", "bridgeComplete", "redirect", "referComplete", "connectStatus")
MODES = ("transfer", "bridge", "conference", "inbound")
SCANNED = (
    *(
        "/",
        "//",
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/admin",
        "/phpmyadmin/index.php",
        "/api/v1/users",
        "/robots.txt",
        "/actuator/env",
    ),
    *(
        "/static/a",
        "/../../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%00",
        "/%c0%ae%c0%ae/",
        "/%ff%fe",
        "/cgi-bin/;id",
        "/transfer",
        "/transfer/",
    ),
    *(
        "/transfer/answer/x",
        "/transfer//answer",
        "/TRANSFER/ANSWER",
        "/inbound",
        "/participant",
        "/participant/",
        "/endpoint/",
        "/static/a",
    ),
    *("/console?__debugger__=yes&cmd=1", "/lab/tree", "/api/contents", "/_local/state", "/" + "a" * 4000, "/?" + "x=1&" * 900),
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G" * 60)
HOSTS = ("evil.example.com", "", "169.254.169.254", "metadata.google.internal", "a" * 300, "localhost.evil.example.com", "[::", "x y")
AUTHORIZATIONS = (
    *(
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic Og==",
        "Bearer x",
        'Digest username="workbench"',
        "basic d29ya2JlbmNoOg==",
        "Negotiate x" * 200,
    ),
    "Basic " + base64.b64encode(b"workbench:" + b"\xff" * 20).decode(),
)
BOMBS = (
    *(b"[" * 60_000, b'{"a":' * 9_000, b'{"a":' + b"9" * 60_000 + b"}", b'{"a":1e999999}', b"\xff\xfe\x00", b"", b"null", b"x" * 70_000),
    b"{" + b",".join(b'"%d":{}' % number for number in range(5_000)) + b"}",
)
# What an answer to a stranger may be; None is a connection that was closed without one.
REFUSED = frozenset({400, 401, 403, 404, 405, 411, 413, 414, 415, 421, 429, 431, 501, 502, 505, None})


@dataclass
class Stranger:
    """Makes requests, the same for a seed. `host` is a name under which callbacks may come."""

    host: str
    seed: int
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def requests(self, number: int) -> Iterator[bytes]:
        """So many of every kind, mixed."""
        kinds = (self.scan, self.fuzz, self.forge, self.guess, self.guess_path, self.bomb, self.mangle)
        for _ in range(number):
            yield self._random.choice(kinds)()

    def scan(self) -> bytes:
        """A path that scanners try."""
        return self._request(self._random.choice(("GET", "GET", "POST", "HEAD")), self._random.choice(SCANNED))

    def fuzz(self) -> bytes:
        """Any method, path, host and header."""
        path = "/" + "".join(chr(self._random.randrange(33, 127)) for _ in range(self._random.randrange(1, 60)))
        headers = {
            "".join(self._random.choices("abcXYZ-_", k=9)): "v" * self._random.randrange(200) for _ in range(self._random.randrange(30))
        }
        host = self._random.choice((*HOSTS, self.host))
        return self._request(self._random.choice(METHODS), path, b"x" * self._random.randrange(300), host=host, **headers)

    def forge(self) -> bytes:
        """A webhook as the platform's, without credentials."""
        mode, event = self._random.choice(MODES), self._random.choice(EVENTS)
        query = self._random.choice(("", "?flow=1&leg=phone", "?flow=1&key=" + "0" * 40, "?key="))
        return self._request("POST", f"/{mode}/{event}{query}", self._webhook(event), X_Workbench_Seq="1", X_Forwarded_For="127.0.0.1")

    def guess(self) -> bytes:
        """The same with credentials that are wrong, or none."""
        event = self._random.choice(EVENTS)
        guessed = base64.b64encode(f"workbench:{self._random.randbytes(12).hex()}".encode()).decode()
        authorization = self._random.choice((*AUTHORIZATIONS, f"Basic {guessed}", f"Basic {guessed}", f"Basic {guessed}"))
        path = f"/{self._random.choice(MODES)}/{event}?flow=1&leg=phone"
        return self._request("POST", path, self._webhook(event), host=self.host, Authorization=authorization)

    def guess_path(self) -> bytes:
        """A webhook of a participant or endpoint at a path that is none."""
        kind = self._random.choice(("participant", "endpoint"))
        key = self._random.choice((self._random.randbytes(24).hex()[:32], "a" * 3000, "%2e%2e", "%F0%9F%98%80"))
        told = {"event": self._random.choice(("onLeave", "onConnect", "outboundConnectionRequest")), "participantId": "p-1"}
        return self._request("POST", f"/{kind}/{key}?mode=transfer&flow=1", json.dumps(told).encode())

    def bomb(self) -> bytes:
        """A body that is meant to hurt."""
        return self._request("POST", f"/{self._random.choice(MODES)}/answer", self._random.choice(BOMBS), host=self.host)

    def mangle(self) -> bytes:
        """Something that is hardly HTTP."""
        whole = self.forge()
        cut = self._random.randrange(1, len(whole))
        return self._random.choice(
            (
                self._random.randbytes(self._random.randrange(1, 400)),
                whole.replace(b"HTTP/1.1", self._random.choice((b"HTTP/9.9", b"HTTP", b"", b"HTTP/1.1 x"))),
                whole.replace(b"\r\n", b"\n"),
                whole[:cut] + self._random.randbytes(8) + whole[cut:],
                whole.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1),
                whole.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", 1),
                b"POST /transfer/answer HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 3_000 + b"\r\n",
                b"POST /transfer/answer HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
            )
        )

    def _webhook(self, event: str) -> bytes:
        told = {"eventType": event, "callId": f"c-{self._random.randrange(10**9)}", "from": "+15550100001", "to": "+15550100002"}
        return json.dumps(told | {"direction": "inbound", "applicationId": "a-1"}).encode()

    def _request(self, method: str, path: str, body: bytes = b"", *, host: str | None = None, **headers: str) -> bytes:
        given = {"Host": self._random.choice((self.host, self.host, *HOSTS)) if host is None else host, "Content-Type": "application/json"}
        given |= {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace") + body


def knock(address: tuple[str, int], said: bytes) -> int | None:
    """Send this on a connection of its own; the status of the answer, None when the connection was closed without one."""
    told = b""
    with suppress(OSError), socket.create_connection(address, timeout=30) as connection:
        with suppress(OSError):
            connection.sendall(said)
            # what is not complete would be waited for
            connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            told += part
    head = told.split(b"\r\n", 1)[0].split()
    return int(head[1]) if len(head) > 1 and head[0].startswith(b"HTTP/") and head[1].isdigit() else None
