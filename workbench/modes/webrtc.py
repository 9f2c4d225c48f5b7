"""The WebRTC side as a mode sees it: make a participant, and say how a call reaches it. A second product only has to fit this seam."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from workbench import bxml, tokens
from workbench.clients import WebRtc
from workbench.errors import ApiError, WorkbenchError
from workbench.masking import Masker
from workbench.modes.documents import Gate
from workbench.records import About

_SHOWN = Masker(b"shown")


class Secret(str):
    """A text whose token is not shown when a cell displays it. The text itself is unchanged."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_SHOWN.text(str(self)))


@dataclass(frozen=True)
class Participant:
    """A participant of the WebRTC side. Its token admits one device: a browser, or the SIP interconnect."""

    id: str
    name: str
    session_id: str
    token: Secret

    @property
    def claims(self) -> tokens.Claims:
        """What the token says, unverified."""
        return tokens.read(self.token)

    @property
    def uui(self) -> Secret:
        """The User-to-User value that carries the token to the interconnect."""
        return Secret(tokens.uui_for(self.token))


@dataclass(frozen=True)
class Callee:
    """How to call a participant: the address, and the value that names the participant there."""

    to: str
    uui: Secret


class WebRtcSide(Protocol):
    """What a mode asks of a WebRTC product."""

    @property
    def session(self) -> str:
        """Id of the session every participant of this workbench is in."""
        ...

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Those made and not yet deleted."""
        ...

    @property
    def address(self) -> str:
        """Where a call to a participant goes: calls to it are WebRTC legs."""
        ...

    @property
    def callable(self) -> bool:
        """Whether a participant can be a call of its own, as Bridge and Conference need."""
        ...

    def named(self, name: str) -> Participant | None:
        """The participant of this name."""
        ...

    def create(self, name: str, about: About | None = None) -> Participant:
        """Make a participant that hears everybody in the session."""
        ...

    def delete(self, participant: Participant, about: About | None = None) -> None:
        """Delete a participant; one that is gone already is no error."""
        ...

    def for_call(self, name: str, about: About | None = None) -> Participant:
        """Whom a call that is about to begin is connected with."""
        ...

    def after_call(self, participant: Participant, about: About | None = None) -> None:
        """That call is over."""
        ...

    def for_device(self, participant: Participant) -> Participant:
        """Whom a device connects as that is to stand for the participant."""
        ...

    def standing_in(self, participant: Participant) -> AbstractContextManager[None]:
        """Meanwhile this participant is the browser, whoever else may be."""
        ...

    def check_asks(self, holder_id: str) -> None:
        """Raises WorkbenchError unless the browser itself, as the API knows it now, may ask for a call by this id."""
        ...

    def connect_verb(self, participant: Participant, status_url: str = "", **attributes: Any) -> bxml.Verb:
        """The verb that connects the call running it with the participant; a product may tell what becomes of it at `status_url`."""
        ...

    @property
    def made(self) -> tuple[str, ...]:
        """Ids of everything made on the platform, deleted or not."""
        ...

    @property
    def names(self) -> dict[str, str]:
        """Name by id of every participant made, deleted or not."""
        ...

    def callee(self, participant: Participant) -> Callee:
        """How to place a call to the participant."""
        ...

    def close(self) -> None:
        """Delete all that is left, the session too."""
        ...


class Sessions:
    """Bandwidth's classic WebRTC API: one session, and the SIP interconnect as the way in (webrtc-api 2, 7)."""

    callable = True

    def __init__(self, api: WebRtc, address: str = tokens.INTERCONNECT, gate: Gate | None = None) -> None:
        """`gate` is told when a participant's device comes and goes."""
        self.address = address
        self._gate = gate
        self._api = api
        self._lock = threading.Lock()
        self._session: str | None = None
        self._sessions: list[str] = []
        self._participants: dict[str, Participant] = {}
        self._made: dict[str, str] = {}

    @property
    def session(self) -> str:
        """The session's id; the session is made when it is first asked for."""
        with self._lock:
            if self._session is None:
                self._session = str(self._api.create_session(tag="workbench")["id"])
            return self._session

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Those made here and not yet deleted."""
        with self._lock:
            return tuple(self._participants.values())

    @property
    def made(self) -> tuple[str, ...]:
        """Ids of everything made here, deleted or not: participants and, last, the session."""
        with self._lock:
            return (*self._made, *self._sessions, *filter(None, [self._session]))

    @property
    def names(self) -> dict[str, str]:
        """Name by id of every participant made here, deleted or not."""
        with self._lock:
            return dict(self._made)

    def named(self, name: str) -> Participant | None:
        """The first participant of this name."""
        return next((one for one in self.participants if one.name == name), None)

    def create(self, name: str, about: About | None = None) -> Participant:
        """Make a participant and add it to the session; it hears everybody there, later ones too."""
        session, key, url = self.session, "", None
        if self._gate is not None:
            key = self._gate.keys.issue(f"participant {name}")
            url = f"{self._gate.base}/participant/{key}"
        made = self._api.create_participant(tag=name[:50], publish_permissions=["AUDIO"], callback_url=url, about=about)
        if self._gate is not None:
            self._gate.keys.bind(key, str(made["participant"]["id"]))
        participant = Participant(str(made["participant"]["id"]), name, session, Secret(made["token"]))
        with self._lock:
            self._participants[participant.id] = participant
            self._made[participant.id] = name
        self._api.add_participant(session, participant.id, {"sessionId": session}, about=about)
        return participant

    def delete(self, participant: Participant, about: About | None = None) -> None:
        """Delete a participant once. A 404 is normal: a participant may vanish with its media (webrtc-api 7)."""
        with self._lock:
            if self._participants.pop(participant.id, None) is None:
                return
        gone(self._api.delete_participant, participant.id, about=about)

    def for_call(self, name: str, about: About | None = None) -> Participant:
        """A new participant that stands for the phone side; its token admits one call."""
        return self.create(name, about)

    def after_call(self, participant: Participant, about: About | None = None) -> None:
        """Delete it: its token has served."""
        self.delete(participant, about)

    def for_device(self, participant: Participant) -> Participant:
        """The participant: its token admits one device after the other."""
        return participant

    def standing_in(self, participant: Participant) -> AbstractContextManager[None]:
        """Nothing to do: whoever is in the session hears the call."""
        return nullcontext()

    def check_asks(self, holder_id: str) -> None:
        """Raises WorkbenchError: participants ask for nothing."""
        raise WorkbenchError("with sessions no participant asks for a call")

    def connect_verb(self, participant: Participant, status_url: str = "", **attributes: Any) -> bxml.Transfer:
        """Transfer to the interconnect, the participant's token in the User-to-User value."""
        return bxml.Transfer([bxml.SipUri(self.address, uui=participant.uui)], **attributes)

    def callee(self, participant: Participant) -> Callee:
        """The interconnect's address and the User-to-User value."""
        return Callee(self.address, participant.uui)

    def close(self) -> None:
        """Delete every participant, then the session."""
        with ExitStack() as last_first:
            last_first.callback(self._delete_session)
            for participant in reversed(self.participants):
                last_first.callback(self.delete, participant)

    def _delete_session(self) -> None:
        with self._lock:
            session, self._session = self._session, None
            self._sessions.extend(filter(None, [session]))
        if session is not None:
            gone(self._api.delete_session, session)


def gone(delete: Any, *ids: str, **options: Any) -> None:
    """Delete something; that it is not there any more is no error."""
    try:
        delete(*ids, **options)
    except ApiError as error:
        if error.status != 404:
            raise
