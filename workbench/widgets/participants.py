"""The WebRTC side: make participants, read their tokens' claims, connect a simulated browser, delete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from workbench import tokens
from workbench.errors import TokenError, WorkbenchError
from workbench.widgets import text
from workbench.widgets.lookout import Lookout, Picture
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

NO_DEVICE = "A simulated browser needs the local platform; live, a real browser connects with the token."


class Made(Protocol):
    """A participant; see `workbench.modes.webrtc.Participant`."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def session_id(self) -> str: ...
    @property
    def claims(self) -> tokens.Claims: ...


class Side(Protocol):
    """The WebRTC side; see `workbench.modes.webrtc.Sessions`."""

    @property
    def participants(self) -> Sequence[Any]: ...
    @property
    def callable(self) -> bool: ...

    def create(self, name: str) -> Any: ...

    def delete(self, participant: Any) -> None: ...


class Devices(Protocol):
    """Simulated browsers; see `workbench.local.Local`."""

    def connect(self, participant: Any) -> object: ...

    def disconnect(self, participant: Any) -> object: ...


class Participants(Panel):
    """The participants this workbench made. Of a token it shows what it says, never the token."""

    _esm = module("participants.js")

    def __init__(self, side: Side, publisher: Publisher, lookout: Lookout, *, devices: Devices | None = None) -> None:
        self._side = side
        self._devices = devices
        self._lookout = lookout
        super().__init__(publisher, "Participants", view=_view(lookout.look(), devices is not None))
        self._unsubscribe = lookout.subscribe(lambda picture: publisher.put(self, _view(picture, devices is not None)))

    @action
    def create(self, name: str) -> Any:
        """Make a participant with a name and add it to the session; returns it."""
        if not name.strip():
            raise WorkbenchError("give the participant a name, such as browser")
        made = self._side.create(name.strip())
        self._done(f"{name.strip()} is in the session." if self._side.callable else f"{name.strip()} is there: an endpoint.")
        return made

    @action
    def connect(self, participant: Any) -> None:
        """Connect a simulated browser with a participant, given itself, by name or by id."""
        found = self._find(participant)
        self._local().connect(found)
        self._done(f"{found.name} is connected: it speaks and hears.")

    @action
    def disconnect(self, participant: Any) -> None:
        """Take the simulated browser away."""
        found = self._find(participant)
        self._local().disconnect(found)
        self._done(f"{found.name} has no device any more{'' if self._side.callable else ', and takes no other: make a new one'}.")

    @action
    def delete(self, participant: Any) -> None:
        """Delete a participant; its token admits nobody afterwards."""
        found = self._find(participant)
        self._side.delete(found)
        self._done(f"{found.name} is deleted.")

    def html(self) -> str:
        """The participants as static HTML."""
        listed = _view(self._lookout.look(), self._devices is not None)["made"]
        rows = [[one["name"], one["status"], one["claims"].get("participant") or one["id"], one["claims"].get("expires")] for one in listed]
        return text.table_html(self.title, ["participant", "status", "the token names", "expires"], rows)

    def close(self) -> None:
        """Take the panel off the page."""
        self._unsubscribe()
        super().close()

    def _find(self, wanted: Any) -> Any:
        known = list(self._side.participants)
        for one in reversed(known):
            if wanted is one or wanted in (one.id, one.name):
                return one
        names = ", ".join(one.name for one in known) or "none"
        raise WorkbenchError(f"there is no participant {getattr(wanted, 'name', wanted)!r}; there are {names}")

    def _local(self) -> Devices:
        if self._devices is None:
            raise WorkbenchError(NO_DEVICE)
        return self._devices

    def _done(self, message: str) -> None:
        self.say(message)
        self._lookout.nudge()


def made(side: Side) -> list[dict[str, Any]]:
    """The participants as part of a picture: names, sessions and claims, no tokens. What an endpoint's token says is not documented."""
    known = claims if side.callable else lambda one: {"endpoint": one.id}
    return [{"id": one.id, "name": one.name, "session": one.session_id, "claims": known(one)} for one in side.participants]


def claims(participant: Made) -> dict[str, str]:
    """What the token says, in words."""
    try:
        said = participant.claims
    except TokenError as error:
        return {"unreadable": text.explain(error)}
    expires = datetime.fromtimestamp(said.expires).strftime("%d %b %Y, %H:%M")
    return {"account": said.account_id, "participant": said.participant_id, "version": said.version, "expires": expires, "tid": said.tid}


def _view(picture: Picture, local: bool) -> dict[str, Any]:
    known = {one["id"]: one for one in picture["participants"]} | {one["endpointId"]: one for one in picture["endpoints"]}
    return {
        "made": [{**one, **_status(known.get(one["id"]), local)} for one in picture["made"]],
        "error": picture["error"],
        "local": "" if local else NO_DEVICE,
    }


def _status(known: dict[str, Any] | None, local: bool) -> dict[str, Any]:
    if known is None:
        return {"status": "unknown" if not local else "not on the platform", "connected": False, "call": False}
    if known.get("callId") and "endpointId" in known:
        return {"status": "connected, in a call", "connected": True, "call": False}
    if known.get("callId"):
        return {"status": "SIP interconnect, in a call", "connected": True, "call": True}
    return {"status": "connected" if known["connected"] else "no device", "connected": known["connected"], "call": False}
