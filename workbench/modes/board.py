"""The switchboard of one workbench: which flow and leg an event belongs to, who takes inbound calls, what each number is called."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.modes.flow import WEBRTC, Flow, Leg
from workbench.records import Webhook

if TYPE_CHECKING:
    from workbench.modes.base import Mode


class Board:
    """Shared by the modes. An event is found by its call id, else by the flow and leg in its callback URL; `tag` belongs to the user."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.current: Flow | None = None
        # When a call ended last, in seconds since 1970 on the platform's clock.
        self.last_end = 0.0
        self._inbound: Mode | None = None
        self._asked = False
        # One story at a time: two would share its phones.
        self.playing = threading.Lock()
        self._beside = False
        self._arriving: Flow | None = None
        self._flows: dict[str, Flow] = {}
        self._of_mode: dict[str, list[Flow]] = {}
        self._opened: dict[str, int] = {}
        self._calls: dict[str, Leg] = {}
        self._lock = threading.RLock()

    @property
    def inbound(self) -> Mode | None:
        """The mode that takes inbound calls: exactly one."""
        return self._inbound

    def take_inbound(self, mode: Mode, *, asked: bool = True) -> None:
        """From now on inbound calls go to this mode; until somebody asks for one, they go to the mode that was used last."""
        if asked or not self._asked:
            self._inbound, self._asked = mode, asked

    def taker(self, call_id: str | None) -> str | None:
        """Name of the mode that an inbound call's event is for: whoever took the call, else who takes calls now."""
        leg = self.leg(call_id)
        mode = leg.flow.mode if leg else self._inbound
        return mode.name if mode else None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done meanwhile changes neither the current flow nor who takes inbound calls, and nobody steps into its flows."""
        before = self.current, self._inbound, self._asked
        self._beside = True
        try:
            yield
        finally:
            self._beside = False
            self.current, self._inbound, self._asked = before

    @contextmanager
    def arriving(self, flow: Flow) -> Iterator[None]:
        """Calls that arrive meanwhile belong to this flow, whatever rooms its mode has."""
        self._arriving = flow
        try:
            yield
        finally:
            self._arriving = None

    def expect_call(self, to: str) -> None:
        """A phone is about to ring us: whoever waits for an event now means the flow that this call opens."""
        if self._inbound is not None and to == self._inbound.desk.number:
            self.current = self._inbound.room()

    def open(self, mode: Mode) -> Flow:
        """A new flow, which is the current one from now on."""
        with self._lock:
            self._opened[mode.name] = number = self._opened.get(mode.name, 0) + 1
            flow = mode.flow_type(mode, f"{mode.name}-{number}")
            flow.beside = self._beside
            self._of_mode.setdefault(mode.name, []).append(flow)
            self._flows[flow.id] = flow
            self.current = flow
            self.take_inbound(mode, asked=False)
            return flow

    def put_aside(self, flow: Flow) -> None:
        """A flow that was played beside the reader's own is none of the mode's newest; it is still had by its id."""
        with self._lock:
            own = self._of_mode[flow.mode.name]
            self._of_mode[flow.mode.name] = [one for one in own if one is not flow]

    def flows(self, mode: Mode) -> list[Flow]:
        """The mode's flows, oldest first."""
        with self._lock:
            return list(self._of_mode.get(mode.name, ()))

    def flow(self, flow_id: str | None) -> Flow:
        """A flow by id; WorkbenchError when it is not of this run."""
        with self._lock:
            if flow_id in self._flows:
                return self._flows[flow_id]
        raise WorkbenchError(f"no flow {flow_id!r} in this run; an earlier run's calls may still be up")

    def knows(self, flow_id: str) -> bool:
        """Whether a flow is of this run: calls of an earlier one may still be up and tell of theirs."""
        with self._lock:
            return flow_id in self._flows

    @property
    def endpoint_busy(self) -> bool:
        """Whether a call of some flow is connected with an endpoint."""
        with self._lock:
            flows = tuple(self._flows.values())
        return any(leg.endpoint and leg.up and not leg.waiting for flow in flows for leg in tuple(flow.legs.values()))

    def leg(self, call_id: str | None) -> Leg | None:
        """The leg of a call, if it is known."""
        with self._lock:
            return self._calls.get(call_id or "")

    def legs(self, flow: Flow) -> dict[str, Leg]:
        """Every call of a flow that is known, ended ones too, by call id."""
        with self._lock:
            return {call_id: leg for call_id, leg in self._calls.items() if leg.flow is flow}

    def numbers(self, flow: Flow) -> dict[str, str]:
        """Number or address of every leg a flow has had, by name."""
        with self._lock:
            return {leg.name: leg.number for leg in (*self.legs(flow).values(), *flow.legs.values())}

    @property
    def call_ids(self) -> tuple[str, ...]:
        """Every call known in this run."""
        with self._lock:
            return tuple(self._calls)

    def name_of(self, call_id: str, to: str = "") -> str:
        """What a call's leg is called; of a B leg, whose id nobody may have told us, by where it went. "" when it is none of ours."""
        leg = self.leg(call_id)
        if leg is not None:
            return leg.name
        return WEBRTC if to.startswith("sip:") else self.names.get(to, "")

    def bind(self, leg: Leg, call_id: str, parent: str | None = None) -> Leg:
        """Learn a leg's call id: from the answer to our request or from the first event, whichever is first."""
        with self._lock:
            leg.call_id, leg.parent_call_id = call_id, parent or leg.parent_call_id
            self._calls[call_id] = leg
            return leg

    def locate(self, mode: Mode, webhook: Webhook) -> tuple[str | None, str | None]:
        """The flow and leg of an event; an unknown inbound call opens a flow, or joins the mode's room."""
        with self._lock:
            known = self._calls.get(webhook.call_id or "")
            if known is not None:
                return known.flow.id, known.name
            if webhook.event_type == "initiate":
                return self._arrived(mode, webhook.data)
            if webhook.flow is None:
                return None, webhook.leg
            flow = self.flow(webhook.flow)
            leg = self._learn(flow, webhook)
            return flow.id, leg.name if leg else webhook.leg

    def _arrived(self, mode: Mode, data: Mapping[str, str]) -> tuple[str, str]:
        flow = self._arriving or mode.room() or self.open(mode)
        number = str(data.get("from", ""))
        leg = self.bind(flow.add(self.name(number, flow), number), str(data.get("callId", "")))
        return flow.id, leg.name

    def _learn(self, flow: Flow, webhook: Webhook) -> Leg | None:
        data, call_id = webhook.data, webhook.call_id
        if not call_id or webhook.conference_id:
            return None
        parent = self._calls.get(str(data.get("parentCallId") or ""))
        if parent is not None:
            # The B leg of a Transfer: the platform made this call, so its id is news to us.
            to = str(data.get("transferTo") or data.get("to") or "")
            name = WEBRTC if to == flow.mode.desk.webrtc.address else self.name(to, flow)
            held = flow.legs.get(name)
            leg = held if held is not None and held.call_id is None else flow.add(name, to)
            return self.bind(leg, call_id, parent.call_id)
        held = flow.legs.get(webhook.leg or "")
        if held is None or held.call_id is not None:
            return held
        # We may have given it up, because the answer to our request never came; but the platform has placed the call.
        held.ended = False
        return self.bind(held, call_id)

    def name(self, number: str, flow: Flow) -> str:
        """What a leg to or from this number is called."""
        # Two calls at once must not get one name: the later would take the leg's place.
        with self._lock:
            if number in self.names:
                return self.names[number]
            taken = {*flow.legs, *self.names.values()}
            name = next(name for count in range(1, 10_000) if (name := "phone" if count == 1 else f"phone {count}") not in taken)
            self.names[number] = name
            return name
