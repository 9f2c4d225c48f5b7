"""`python -m workbench.simulator`: the local platform as a program of its own."""

from __future__ import annotations

import argparse
import errno
import json
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.simulator.setup import Setup

LAST_SECONDS = 3.0  # after the parent is gone, a loop that hangs gets no longer than this


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. Status 0 then, 2 when the platform cannot start."""
    options = _options(arguments)
    if options.child:
        # The kernel's interrupt is meant for the cell, not for the platform.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Imported late: wrong options and a taken port answer at once.
    from workbench.simulator.control_api import is_loopback
    from workbench.simulator.setup import SetupError, load

    if not options.public and not is_loopback(f"[{options.host}]" if ":" in options.host else options.host):
        return _cannot(f"{options.host} can be reached from other machines; add --public if that is wanted")
    if (wrong := _unusable(options.certificate)) is not None:
        return _cannot(f"--certificate {options.certificate}: {wrong}")
    try:
        setup = load(options.config, os.environ, options.limits)
        setup.config("")
        listener = _listen(options.host, options.port)
    except SetupError as error:
        return _cannot(str(error))
    except OSError as error:
        taken = f"port {options.port} is taken; choose another with --port, or 0 for any free one"
        return _cannot(taken if error.errno == errno.EADDRINUSE else f"{options.host}:{options.port}: {error}")
    return _serve(options, setup, listener)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.simulator", description="A local imitation of Bandwidth's platform.")
    parser.add_argument("--port", type=int, default=8010, help="0 takes any free port (default: 8010)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--public", action="store_true", help="let other machines use it, /_local/ too")
    parser.add_argument("--seed", type=int, help="the same ids at every start")
    parser.add_argument("--config", type=Path, help="JSON file with account, users, clients, applications, numbers")
    parser.add_argument(
        "--limits", nargs="?", const="on", help="turn the documented limits on, or some: calls_at_once=10,calls_per_second=2"
    )
    parser.add_argument("--certificate", type=Path, help="serve by https: PEM file with certificate chain and private key")
    parser.add_argument("--child", action="store_true", help="print one JSON line and end with standard input")
    return parser.parse_args(arguments)


def _unusable(certificate: Path | None) -> str | None:
    """Why a certificate cannot be used; None when there is none or it can."""
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate)
        except ssl.SSLError:
            return "not a PEM file with a certificate and its private key"
        except OSError as error:
            return str(error.strerror)
    return None


def _cannot(reason: str) -> int:
    print(f"workbench.simulator: {reason}", file=sys.stderr)
    return 2


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise error if isinstance(error, OSError) else OSError(str(error)) from None
    return listener


def _serve(options: argparse.Namespace, setup: Setup, listener: socket.socket) -> int:
    from workbench.simulator.app import create_app
    from workbench.simulator.serving import Server
    from workbench.simulator.world import World

    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"{'https' if options.certificate else 'http'}://{host}:{listener.getsockname()[1]}"
    world = World(setup.config(f"{url}/api/v2"), seed=options.seed)
    token = secrets.token_urlsafe(24) if options.child else None
    app = create_app(world, setup, token=token, public=options.public)
    server = Server(app, lambda: _announce(url, token, setup), world.stream.clear, deaf=options.child, certificate=options.certificate)
    if options.child:
        _end_with_stdin(lambda: setattr(server, "should_exit", True))
    server.run([listener])
    return 0


def _announce(url: str, token: str | None, setup: Setup) -> None:
    if token is not None:
        print(json.dumps({"url": url, "token": token, "pid": os.getpid()}), flush=True)
        return
    account = f"accounts/{setup.account_id}"
    lines = [
        f"Local platform on {url}",
        f"  Voice API    {url}/api/v2/{account}",
        f"  WebRTC API   {url}/v1/{account}",
        f"  Endpoints    {url}/v2/{account}",
        f"  OAuth2       {url}/api/v1/oauth2/token",
        f"  Control      {url}/_local/state",
        *(f"  User         {name} / {_secret(value)}" for name, value in setup.users.items()),
        *(f"  Client       {name} / {_secret(value)}" for name, value in setup.clients.items()),
        *(f"  Number       {number} of application {application}" for number, application in setup.numbers.items()),
        "Ctrl-C ends it.",
    ]
    print("\n".join(lines), flush=True)


def _secret(value: Any) -> str:
    """A login's password or secrets as the settings gave them."""
    return value if isinstance(value, str) else str(value.get("password") or " or ".join(value["secrets"]))


def _end_with_stdin(stop: Callable[[], None]) -> None:
    """Stop at the end of standard input: it comes however the parent ends, kill -9 included."""

    def wait() -> None:
        try:
            while os.read(0, 65536):
                pass
        except OSError:
            pass
        stop()
        time.sleep(LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
