#!/usr/bin/env python3
"""A stand-in for the ngrok agent: its command line, log lines and local API as far as pyngrok 9 uses them.

It really forwards: each endpoint gets a port of its own on this machine, and what arrives there goes to the endpoint's upstream. Only
the address is not public. With STANDIN_NGROK_CERTIFICATE (a file with certificate and key) it is reached by https, as ngrok's are.

Some tokens make it behave as the real agent does then: `refused` (ERR_NGROK_107), `crowded` (another agent is online: ERR_NGROK_108),
`outdated` (ERR_NGROK_120), `hurried` (a rate limit: the second endpoint within a session). A domain that begins with `taken.` is in use
(ERR_NGROK_334).
"""

import argparse
import http.client
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import yaml

HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"}


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Endpoint:
    """One forwarding port."""

    def __init__(self, name, upstream, url=None):
        self.name = name
        self.upstream = upstream
        wanted = urlsplit(url or "")
        self.server = ThreadingHTTPServer(("127.0.0.1", wanted.port or 0), forwarder(urlsplit(upstream)))
        self.server.daemon_threads = True
        self.host, self.scheme = wanted.hostname or "127.0.0.1", "http"
        if certificate := os.environ.get("STANDIN_NGROK_CERTIFICATE"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # the handshake is the connection's own thread's work
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        url = f"{self.scheme}://{self.host}:{self.server.server_port}"
        return {"name": self.name, "url": url, "upstream": {"url": self.upstream}, "uri": f"/api/endpoints/{self.name}"}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def forwarder(upstream):
    class Forwarder(Quiet):
        def forward(self):
            there = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=10)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
            try:
                there.request(self.command, self.path, self.body(), headers)
                response = there.getresponse()
                kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP | {"content-length"}]
                self.answer(response.status, response.read(), kept)
            except (http.client.InvalidURL, ValueError):
                self.answer(400)
            except (OSError, http.client.HTTPException):
                self.answer(502, b"ERR_NGROK_8012", [("Ngrok-Error-Code", "ERR_NGROK_8012")])
            finally:
                there.close()

        do_GET = do_POST = do_PUT = do_DELETE = forward

    return Forwarder


def api(endpoints, token):
    class Api(Quiet):
        def do_GET(self):
            self.tell(200, {"endpoints": [endpoint.told() for endpoint in endpoints.values()], "uri": "/api/endpoints"})

        def do_POST(self):
            wanted = json.loads(self.body())
            url = wanted.get("url", "")
            if url.startswith("https://taken."):
                return self.refuse("ERR_NGROK_334", f"The endpoint '{url}' is already online.")
            if token == "hurried" and endpoints:
                return self.refuse("ERR_NGROK_5001", "Your account is rate limited to 1 endpoints per minute.")
            endpoint = endpoints[wanted["name"]] = Endpoint(wanted["name"], wanted["upstream"]["url"], url)
            return self.tell(201, endpoint.told())

        def refuse(self, code, text):
            details = {"err": f"failed to start endpoint: {text}\n\n{code}\n"}
            self.tell(502, {"error_code": 103, "status_code": 502, "msg": "failed to start endpoint", "details": details})

        def do_DELETE(self):
            endpoints.pop(self.path.rpartition("/")[2]).close()
            self.answer(204)

        def tell(self, status, value):
            self.answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    return Api


def log(**fields):
    line = " ".join(f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in fields.items())
    print("t=2026-01-01T00:00:00+0000", line, flush=True)


REFUSED = {
    "": "ERR_NGROK_4018",
    "refused": r"The authtoken you specified is properly formed, but it is invalid.\nYour authtoken: refused\n\nERR_NGROK_107",
    "crowded": r"Your account is limited to 1 simultaneous ngrok agent sessions.\n\nERR_NGROK_108",
    "outdated": r"Your ngrok agent version 3.0.0 is no longer supported.\n\nERR_NGROK_120",
}


def web_server(handler):
    """The agent's own pages: at 4040, or the next port that is free."""
    for port in range(4040, 4140):
        try:
            return ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
    raise SystemExit("no port for the web service")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["start"])
    parser.add_argument("--none", action="store_true", required=True)
    parser.add_argument("--log", choices=["stdout"], required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--authtoken")
    parser.add_argument("--region")
    arguments = parser.parse_args()
    with open(arguments.config) as file:
        configured = yaml.safe_load(file) or {}
    token = arguments.authtoken or configured.get("agent", {}).get("authtoken", "")
    if why := REFUSED.get(token):
        log(lvl="eror", msg="failed to reconnect session", obj="csess", err=f"authentication failed: {why}")
        sys.exit(1)
    server = web_server(api({}, token))
    server.daemon_threads = True
    log(lvl="info", msg="starting web service", obj="web", addr=f"127.0.0.1:{server.server_port}", allow_hosts="[]")
    log(lvl="info", msg="client session established", obj="tunnels.session")
    log(lvl="info", msg="tunnel session started", obj="tunnels.session")
    server.serve_forever()


if __name__ == "__main__":
    main()
