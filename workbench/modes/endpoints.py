"""BRTC as the WebRTC side: an endpoint in place of a participant, `<Connect>` in place of the SIP interconnect (brtc 5, 7)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes.documents import Gate
from workbench.modes.webrtc import Participant, Secret, gone
from workbench.records import About, Event

if TYPE_CHECKING:
    from workbench.endpoints import Endpoints

BROWSER = "browser"
# An endpoint and its token live that long, in seconds (documented, brtc 3).
LIFETIME = 24 * 3600.0
# What tells that a device came or went, as the guide and as the API's description calls it (brtc 4.1).
CAME, WENT = ("endpointConnected", "DEVICE_CONNECTED"), ("endpointDisconnected", "DEVICE_DISCONNECTED")


@dataclass
class _Kept:
    """An endpoint and what became of it: `used` once it has had a device, `gone` when that has left, and no other may come (brtc 3)."""

    endpoint: Participant
    until: float
    used: bool = False
    gone: bool = False

    def over(self, now: float) -> bool:
        """Whether nobody can use it any more."""
        return self.gone or now >= self.until


class EndpointSide:
    """Endpoints of the account. No session joins them: a call meets an endpoint itself, and one is enough for the browser."""

    callable = False
    # An endpoint is no address: no call goes to one.
    address = ""

    def __init__(self, api: Endpoints, gate: Gate | None = None, now: Callable[[], float] = time.time) -> None:
        """`gate` is told when an endpoint's device comes and goes; `now` is the time in seconds."""
        self._api = api
        self._gate = gate
        self._lock = threading.Lock()
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._made: dict[str, str] = {}
        self._instead: list[Participant] = []
        # What flows call their rooms by, where there is no session to name them.
        self.session = f"workbench-{secrets.token_hex(4)}"

    @property
    def participants(self) -> tuple[Participant, ...]:
        """The endpoints made here that can be used: neither deleted nor too old, nor has their device gone."""
        return tuple(one.endpoint for one in self._usable())

    def _usable(self) -> list[_Kept]:
        with self._lock:
            return [one for one in self._kept.values() if not one.over(self._now())]

    @property
    def made(self) -> tuple[str, ...]:
        """Ids of the endpoints made here, deleted or not."""
        with self._lock:
            return tuple(self._made)

    def named(self, name: str) -> Participant | None:
        """Of the endpoints of this name the newest that has a device; while none has, the newest."""
        found = [one for one in self._usable() if one.endpoint.name == name]
        connected = [one for one in found if one.used]
        return next((one.endpoint for one in reversed(connected or found)), None)

    @property
    def names(self) -> dict[str, str]:
        """Name by id of every endpoint made here, deleted or not."""
        with self._lock:
            return dict(self._made)

    def create(self, name: str, about: About | None = None) -> Participant:
        """Make an endpoint. It can be connected once its device is there and publishes (brtc 4.1: endpointEligible)."""
        self._tidy(name)
        key, url = "", None
        if self._gate is not None:
            key = self._gate.keys.issue(f"endpoint {name}")
            # What a device asks for is answered by a Transfer: nothing else leads from an endpoint to a phone.
            url = f"{self._gate.base}/endpoint/{key}?mode=transfer"
        made = self._api.create(tag=name, event_callback_url=url, about=about)
        if self._gate is not None:
            self._gate.keys.bind(key, str(made["endpointId"]))
        endpoint = Participant(str(made["endpointId"]), name, self.session, Secret(made["token"]))
        with self._lock:
            self._kept[endpoint.id] = _Kept(endpoint, self._now() + LIFETIME)
            self._made[endpoint.id] = name
        return endpoint

    def delete(self, participant: Participant, about: About | None = None) -> None:
        """Delete an endpoint once; one that is gone already, after 24 hours say, is no error."""
        with self._lock:
            if self._kept.pop(participant.id, None) is None:
                return
        gone(self._api.delete, participant.id, about=about)

    def _tidy(self, name: str) -> None:
        """Delete those of this name that are of no use any more."""
        with self._lock:
            over = [one.endpoint for one in self._kept.values() if one.endpoint.name == name and one.over(self._now())]
        for one in over:
            self.delete(one)

    def hear(self, event: Event) -> None:
        """An event came. Once its device has gone, an endpoint serves nobody: the next to be asked for is a new one."""
        came, went = event.event_type in CAME, event.event_type in WENT
        if came or went:
            with self._lock:
                if (kept := self._kept.get(str(event.data.get("endpointId")))) is not None:
                    kept.used, kept.gone = kept.used or came, kept.gone or went

    def for_call(self, name: str, about: About | None = None) -> Participant:
        """Whom a call is connected with: the browser's own endpoint, for no session would join two.

        Others of that name whose device came before are of no use any more, and are deleted.
        """
        with self._lock:
            standing_in = self._instead[-1:]
        if standing_in:
            return standing_in[0]
        chosen = self.named(BROWSER) or self.create(BROWSER, about)
        for one in self._usable():
            if one.used and one.endpoint.name == BROWSER and one.endpoint != chosen:
                self.delete(one.endpoint, about)
        return chosen

    def for_device(self, participant: Participant) -> Participant:
        """The endpoint, or, when it has had a device, one of the same name that has not."""
        unused = [one.endpoint for one in self._usable() if one.endpoint.name == participant.name and not one.used]
        return unused[-1] if unused else self.create(participant.name)

    def after_call(self, participant: Participant, about: About | None = None) -> None:
        """Nothing: an endpoint takes the next call, too."""

    @contextmanager
    def standing_in(self, participant: Participant) -> Iterator[None]:
        """Meanwhile calls are connected with this endpoint."""
        with self._lock:
            self._instead.append(participant)
        try:
            yield
        finally:
            with self._lock:
                self._instead.remove(participant)

    def check_asks(self, holder_id: str) -> None:
        """Raises WorkbenchError unless it is the browser's endpoint, and connected as the API says: an event carries no credentials."""
        browser = self.named(BROWSER)
        if browser is None or browser.id != holder_id:
            raise WorkbenchError("endpointId: only the browser's endpoint may ask for a call")
        if self._api.get(holder_id).get("status") != "CONNECTED":
            raise WorkbenchError("endpointId: the browser's endpoint has no device now, so it asks for nothing")

    def connect_verb(self, participant: Participant, status_url: str = "", **attributes: Any) -> bxml.Connect:
        """Connect to the endpoint; what becomes of it is told at `status_url`."""
        return bxml.Connect([bxml.Endpoint(participant.id)], event_callback_url=status_url or None, **attributes)

    def callee(self, participant: Participant) -> NoReturn:
        """Raises WorkbenchError: an endpoint cannot be called."""
        raise WorkbenchError(f"{participant.name}: an endpoint cannot be called, a call is connected with it (Connect)")

    def close(self) -> None:
        """Delete all that is left."""
        with ExitStack() as last_first:
            with self._lock:
                kept = [one.endpoint for one in self._kept.values()]
            for endpoint in kept:
                last_first.callback(self.delete, endpoint)
