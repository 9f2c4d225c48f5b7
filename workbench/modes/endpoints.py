"""BRTC as the WebRTC side: an endpoint in place of a participant, `<Connect>` in place of the SIP interconnect (brtc 5, 7)."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes.documents import Gate
from workbench.modes.webrtc import Participant, Secret, gone
from workbench.records import About

if TYPE_CHECKING:
    from workbench.endpoints import Endpoints

BROWSER = "browser"


class EndpointSide:
    """Endpoints of the account. No session joins them: a call meets an endpoint itself, and one is enough for the browser."""

    callable = False
    # An endpoint is no address: no call goes to one.
    address = ""

    def __init__(self, api: Endpoints, gate: Gate | None = None) -> None:
        """`gate` is told when an endpoint's device comes and goes."""
        self._api = api
        self._gate = gate
        self._lock = threading.Lock()
        self._kept: dict[str, Participant] = {}
        self._made: list[str] = []
        # What flows call their rooms by, where there is no session to name them.
        self.session = f"workbench-{secrets.token_hex(4)}"

    @property
    def participants(self) -> tuple[Participant, ...]:
        """The endpoints made here and not yet deleted."""
        with self._lock:
            return tuple(self._kept.values())

    @property
    def made(self) -> tuple[str, ...]:
        """Ids of the endpoints made here, deleted or not."""
        with self._lock:
            return tuple(self._made)

    def create(self, name: str, about: About | None = None) -> Participant:
        """Make an endpoint. It can be connected once its device is there and publishes (brtc 4.1: endpointEligible)."""
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
            self._kept[endpoint.id] = endpoint
            self._made.append(endpoint.id)
        return endpoint

    def delete(self, participant: Participant, about: About | None = None) -> None:
        """Delete an endpoint once; one that is gone already, after 24 hours say, is no error."""
        with self._lock:
            if self._kept.pop(participant.id, None) is None:
                return
        gone(self._api.delete, participant.id, about=about)

    def for_call(self, name: str, about: About | None = None) -> Participant:
        """Whom a call is connected with: the browser's own endpoint, for no session would join two."""
        return next((one for one in self.participants if one.name == BROWSER), None) or self.create(BROWSER, about)

    def after_call(self, participant: Participant, about: About | None = None) -> None:
        """Nothing: an endpoint takes the next call, too."""

    def connect_verb(self, participant: Participant, status_url: str = "", **attributes: Any) -> bxml.Connect:
        """Connect to the endpoint; what becomes of it is told at `status_url`."""
        return bxml.Connect([bxml.Endpoint(participant.id)], event_callback_url=status_url or None, **attributes)

    def callee(self, participant: Participant) -> NoReturn:
        """Raises WorkbenchError: an endpoint cannot be called."""
        raise WorkbenchError(f"{participant.name}: an endpoint cannot be called, a call is connected with it (Connect)")

    def close(self) -> None:
        """Delete all that is left."""
        with ExitStack() as last_first:
            for endpoint in self.participants:
                last_first.callback(self.delete, endpoint)
