"""Whether the parts of a workbench reach each other, and what a local platform is told so that it reaches us."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workbench.errors import ApiError, CallbackError, SettingsError
from workbench.local import Local
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.clients import WebRtc
    from workbench.endpoints import Endpoints
    from workbench.modes import Gate


def ask_webrtc(webrtc: WebRtc) -> None:
    """Ask the WebRTC API for a sign of life. Raises ApiError when it has none."""
    try:
        webrtc.session("00000000-0000-4000-8000-000000000000")
    except ApiError as error:
        # It knows no such session: it is there and has let us in.
        if error.status != 404:
            raise


def ask_endpoints(endpoints: Endpoints) -> None:
    """Ask the Endpoints API for a sign of life. Raises ApiError when it has none."""
    next(endpoints.list(limit=1), None)


def reach(url: str, instance: str, tunnel: str) -> None:
    """Ask our own callback server under its public address. CallbackError when somebody else answers there, or nobody."""
    import httpx

    try:
        answer = httpx.get(url, timeout=10.0, trust_env=tunnel != "none")
    except httpx.HTTPError as error:
        raise CallbackError(f"{url} does not answer ({type(error).__name__}): the platform could not reach us either") from error
    if answer.text != instance:
        raise CallbackError(f"{url} leads somewhere else: it answers {answer.status_code}, but not as this workbench")


def timed(ask: Callable[[], object]) -> str:
    """How long an answer takes, in words."""
    began = time.perf_counter()
    ask()
    return f"answers in {(time.perf_counter() - began) * 1000:.0f} ms"


def owned(settings: Settings, state: dict[str, Any]) -> Settings:
    """The settings with a number and an application that this platform has. SettingsError when those given are not there."""
    numbers = {one["number"]: one["applicationId"] for one in state["numbers"]}
    number = settings.number or next(iter(numbers), "")
    if number not in numbers:
        raise SettingsError(f"number: the local platform has no {number or 'number'}; it has {', '.join(numbers) or 'none'}")
    return settings.model_copy(update={"number": number, "application_id": settings.application_id or numbers[number]})


def take_inbound(local: Local, application_id: str, gate: Gate) -> None:
    """Have the application's inbound calls come to us."""
    local.application(
        application_id,
        callInitiatedCallbackUrl=f"{gate.base}/inbound/initiate",
        callStatusCallbackUrl=f"{gate.base}/inbound/disconnect",
        username=gate.dashboard[0],
        password=gate.dashboard[1],
    )


def leave_inbound(local: Local, application_id: str, gate: Gate) -> None:
    """A platform that goes on must not ring where nobody answers; unless somebody else has taken over."""
    with suppress(ApiError):
        urls = {one["applicationId"]: one["callInitiatedCallbackUrl"] for one in local.state()["applications"]}
        if urls.get(application_id) == f"{gate.base}/inbound/initiate":
            local.application(application_id, callInitiatedCallbackUrl=None, callStatusCallbackUrl=None)
