#!/usr/bin/env python3
"""A stand-in for the ngrok agent: its command line, log lines and local API as far as pyngrok 9 uses them.

It really forwards: each endpoint gets a port of its own on this machine, and what arrives there goes to the endpoint's upstream. Only
the address is not public. The token `refused` is turned down as the real agent turns down a wrong one.
"""

import argparse
import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

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

    def __init__(self, name, upstream):
        self.name = name
        self.upstream = upstream
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), forwarder(urlsplit(upstream)))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        url = f"http://127.0.0.1:{self.server.server_port}"
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
            except OSError:
                self.answer(502, b"ERR_NGROK_8012", [("Ngrok-Error-Code", "ERR_NGROK_8012")])
            finally:
                there.close()

        do_GET = do_POST = do_PUT = do_DELETE = forward

    return Forwarder


def api(endpoints):
    class Api(Quiet):
        def do_GET(self):
            self.tell(200, {"endpoints": [endpoint.told() for endpoint in endpoints.values()], "uri": "/api/endpoints"})

        def do_POST(self):
            wanted = json.loads(self.body())
            endpoint = endpoints[wanted["name"]] = Endpoint(wanted["name"], wanted["upstream"]["url"])
            self.tell(201, endpoint.told())

        def do_DELETE(self):
            endpoints.pop(self.path.rpartition("/")[2]).close()
            self.answer(204)

        def tell(self, status, value):
            self.answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    return Api


def log(**fields):
    line = " ".join(f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in fields.items())
    print("t=2026-01-01T00:00:00+0000", line, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["start"])
    parser.add_argument("--none", action="store_true", required=True)
    parser.add_argument("--log", choices=["stdout"], required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--authtoken", required=True)
    parser.add_argument("--region")
    arguments = parser.parse_args()
    if arguments.authtoken == "refused":
        log(lvl="eror", msg="failed to reconnect session", obj="csess", err="authentication failed: ERR_NGROK_107")
        sys.exit(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), api({}))
    server.daemon_threads = True
    log(lvl="info", msg="starting web service", obj="web", addr=f"127.0.0.1:{server.server_port}", allow_hosts="[]")
    log(lvl="info", msg="client session established", obj="tunnels.session")
    log(lvl="info", msg="tunnel session started", obj="tunnels.session")
    server.serve_forever()


if __name__ == "__main__":
    main()
