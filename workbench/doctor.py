"""Looks for what is wrong, with this machine, the settings, the way to us and the account, and says what to do. It never places a call."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from packaging.requirements import Requirement

from workbench import credentials, reaching
from workbench.errors import ApiError, CallbackError, SettingsError
from workbench.findings import Finding, Findings, note, ok, wrong
from workbench.settings import LOOPBACK, Settings
from workbench.tunnel import ngrok_missing

if TYPE_CHECKING:
    from workbench.wiring import Wiring

VERSIONS = ((3, 11), (3, 13))
# Tokens are renewed a minute before their end, by our clock.
SKEW = 30.0
_CLOSED = "classic WebRTC has been closed to new customers since 2023: use webrtc='endpoints' (WORKBENCH_WEBRTC), or ask Bandwidth"


def examine(settings: Settings, parts: Wiring | None = None) -> Findings:
    """Every check that applies; with the `parts` of a workbench that runs also those of the way to us and the account."""
    lines = [*_machine(settings), *_settings(settings)]
    if parts is not None:
        lines += [*_callbacks(parts), *(_account(parts) if settings.live else _platform(parts))]
    return Findings(lines)


# -- this machine ------------------------------------------------------------------------------------------------------------------------


def _machine(settings: Settings) -> Iterator[Finding]:
    found = sys.version_info[:2]
    named = ".".join(map(str, sys.version_info[:3]))
    if VERSIONS[0] <= found <= VERSIONS[1]:
        yield ok("Python", named)
    else:
        yield wrong("Python", f"{named} is not supported", "use Python 3.11, 3.12 or 3.13: `python3 run.py lab` looks for one")
    yield _packages()
    yield _state_dir(settings)
    yield _microphone(settings)


def _packages() -> Finding:
    """The installed versions against what the package asks for."""
    missing = []
    wanted = [Requirement(text) for text in metadata.requires("workbench") or ()]
    for one in wanted:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            missing.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(installed, prereleases=True):
            missing.append(f"{one.name} is {installed}, not {one.specifier}")
    if missing:
        return wrong("packages", "; ".join(missing), "`python3 run.py lab` installs the versions of requirements.lock")
    return ok("packages", f"{len(wanted)} as they should be")


def _state_dir(settings: Settings) -> Finding:
    folder = settings.state_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        said = f"{folder} cannot be written ({error.strerror})"
        return wrong("state directory", said, "make it writable, or set state_dir (WORKBENCH_STATE_DIR) to another folder")
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        said = f"{folder} can be read by others, and it holds what opens the URLs of the dashboard"
        return wrong("state directory", said, f"chmod 700 {folder}")
    return ok("state directory", f"{folder} can be written")


def _microphone(settings: Settings) -> Finding:
    """Browsers give a microphone to a secure context only: https, or this machine itself."""
    url = settings.device_url if settings.live else settings.local_url
    parts = urlsplit(url)
    if not url or parts.scheme in ("https", "wss") or parts.hostname in LOOPBACK:
        return ok("browser", "is given a microphone: https or this machine")
    to_do = "let it serve by https (`--certificate`), or open JupyterLab on the machine where it runs"
    return wrong("browser", f"gives no microphone to {parts.scheme}://{parts.hostname}", to_do)


# -- settings ----------------------------------------------------------------------------------------------------------------------------


def _settings(settings: Settings) -> Iterator[Finding]:
    yield note("platform", "live: calls cost money" if settings.live else "local: nothing leaves this machine")
    for what in settings.missing():
        yield wrong("settings", f"{what} is missing", "put it into the environment or .env; docs/live.md says where it is found")
    if settings.live and not settings.missing():
        # What it says of Basic is a reason to act, and from its end on one to stop.
        if credentials.ended(settings):
            yield wrong("credentials", credentials.said(settings), "set client_id and client_secret, docs/live.md says where they are made")
        else:
            yield note("credentials", credentials.said(settings))
        if not settings.user_number:
            yield note("your telephone", "user_number (USER_NUMBER) is not set: wb.phone() needs it, wb.phone('+1…') does not")
    if settings.tunnel == "ngrok" and (missing := ngrok_missing(settings)) is not None:
        yield wrong("tunnel", missing.partition(":")[0], missing.partition(":")[2].strip())


def port_taken(settings: Settings) -> Finding:
    """Whether the callback server may listen on its port. Of no use while it does."""
    with socket.socket() as trial, suppress(OSError):
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((settings.host, settings.port))
        return ok("port", f"{settings.port or 'any'} is free")
    to_do = "end the other program, or set port (WORKBENCH_PORT) to another, 0 for any"
    return wrong("port", f"{settings.port} is taken", to_do)


# -- the way to us -----------------------------------------------------------------------------------------------------------------------


def _callbacks(parts: Wiring) -> Iterator[Finding]:
    """A signed request to ourselves, the way the platform comes: refused without credentials, taken with them, and by us."""
    base, kind = parts.gate.base, parts.tunnel.kind
    if parts.tunnel.trouble:
        yield wrong("tunnel", parts.tunnel.trouble, "wait, or make a new Workbench()")
    try:
        reaching.reach(f"{base}/ping", parts.instance, kind)
        said = httpx.post(f"{base}/ping", timeout=10.0, trust_env=kind != "none")
        signed = httpx.post(f"{base}/ping", auth=(parts.gate.username, parts.gate.password), timeout=10.0, trust_env=kind != "none")
    except (CallbackError, httpx.HTTPError) as error:
        to_do = "look whether the tunnel or proxy leads to this port" if kind != "none" else "look for a firewall on this machine"
        yield wrong("callbacks", str(error), f"{to_do}; WORKBENCH_HOSTS names further hosts under which callbacks may come")
        return
    challenged = said.status_code == httpx.codes.UNAUTHORIZED and "WWW-Authenticate" in said.headers
    if not challenged or signed.text != parts.instance:
        said_of = f"answered {said.status_code} without credentials and {signed.status_code} with them"
        yield wrong("callbacks", said_of, "what stands between Bandwidth and us must pass Authorization and WWW-Authenticate on")
        return
    yield ok("callbacks", f"{base} leads here; strangers are turned away, Bandwidth is let in")


def _platform(parts: Wiring) -> Iterator[Finding]:
    yield from _asked(parts)


# -- the account -------------------------------------------------------------------------------------------------------------------------


def _account(parts: Wiring) -> Iterator[Finding]:
    settings = parts.settings
    yield _clock(settings)
    yield from _asked(parts)
    for api, wire in (("Voice", parts.voice), ("WebRTC", parts.webrtc), ("Endpoints", parts.endpoints)):
        if wire.patience.refused:
            yield note(f"{api} API", f"had too many requests {wire.patience.refused} times; {wire.patience.waited:.0f} s were waited")
    yield note("dashboard", "wb.dashboard() tells what to enter in the application, so that inbound calls come here")
    yield note("calls", repr(parts.spending.allowance))


def _asked(parts: Wiring) -> Iterator[Finding]:
    """Each API lets us in: by a list that may be empty, and by an object that nobody has."""
    apis: dict[str, Callable[[], object]] = {
        "Voice API": lambda: next(parts.voice.list_calls(page_size=1), None),
        "WebRTC API": parts.ask_webrtc,
    }
    for name, ask in apis.items():
        try:
            yield ok(name, reaching.timed(ask))
        except (ApiError, SettingsError) as error:
            asked = "Endpoints API" if name == "WebRTC API" and parts.settings.webrtc == "endpoints" else name
            to_do = _advice(asked, getattr(error, "status", None), getattr(error, "request", None) or "")
            yield wrong(name, parts.masker.text(str(error)), to_do)


def _advice(name: str, status: int | None, request: str) -> str:
    """What to do about an API that does not let us in. 401 and 403 are documented (voice-api 1, webrtc-api 1); the reasons are ours."""
    if "oauth2" in request:
        return "client_id (BW_ID_CLIENT_ID) or client_secret (BW_ID_CLIENT_SECRET) is wrong, or was revoked: make new ones in the dashboard"
    if status == 401 and name == "WebRTC API":
        return "classic WebRTC documents user name and password only: set username (BW_USERNAME) and password (BW_PASSWORD)"
    if status == 401:
        return "the credentials are not valid: look at BW_ID_CLIENT_ID and BW_ID_CLIENT_SECRET, or BW_USERNAME and BW_PASSWORD"
    if status == 403 and name == "WebRTC API":
        return f"the account is another one, or has no WebRTC: {_CLOSED}"
    if status == 403 and name == "Endpoints API":
        return "the credentials lack the BRTC role, or the account has no BRTC: it is given on request (support@bandwidth.com)"
    if status == 403:
        return "account_id (BW_ACCOUNT_ID) is another one's, or these credentials have no role for Voice: the dashboard shows both"
    if status is None:
        return "look at the network, a proxy (HTTPS_PROXY) and certificates (SSL_CERT_FILE)"
    return "try again; if it stays so, ask Bandwidth's support with this line"


def _clock(settings: Settings) -> Finding:
    """Our clock against the API's. Anybody may ask: without credentials it answers 401, with a date."""
    try:
        asked = time.time()
        told = httpx.get(settings.voice_url, timeout=10.0).headers.get("Date", "")
        skew = parsedate_to_datetime(told).timestamp() - (asked + time.time()) / 2
    except (httpx.HTTPError, ValueError) as error:
        return wrong("clock", f"nobody could be asked for the time ({type(error).__name__})", "look at the network")
    if abs(skew) > SKEW:
        return wrong(
            "clock", f"is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead'}", "set it: tokens would end at another time than we think"
        )
    return ok("clock", "is right")
