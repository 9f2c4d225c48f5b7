"""A phone in a browser: what its display shows, the hand that answers, dials and hangs up, and its sound as a participant's travels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.simulator.engine import Engine
from workbench.simulator.media.jsonrpc import text_of
from workbench.simulator.media.speaking import Params, Speaking
from workbench.simulator.routes import Ear

if TYPE_CHECKING:
    from workbench.simulator.media.lines import Lines


class Handset(Speaking):
    """The handset of one phone. It hears its phone all the time, so that nothing is to be agreed on when a call is answered."""

    handed = True

    def __init__(self, host: Lines, key: bytes, number: str) -> None:
        super().__init__(host, key, number)
        self._told: Mapping[str, Any] = MappingProxyType({})
        self._streams = {number: {"endpointId": self.endpoint_id, "mediaTypes": ["AUDIO"]}}
        self.methods = {
            **self.methods,
            "answer": partial(self._do, Engine.phone_answer),
            "reject": partial(self._do, Engine.phone_reject),
            "hangup": partial(self._do, Engine.phone_hangup),
            "dial": self.dial,
            "say": self.say,
        }

    @property
    def about(self) -> Params:
        """The phone's number."""
        return {"number": self.party}

    def alive(self) -> bool:
        """A phone is always there."""
        return True

    def streams(self) -> Mapping[str, Params]:
        """What the phone hears."""
        return self._streams

    def ear(self, name: str) -> Ear:
        """The phone's one ear."""
        return Ear(self.party)

    def publishes(self, audio: bool, alias: str | None = None) -> None:
        """A phone is heard whether it says so or not."""

    def pressed(self, digits: str) -> None:
        """Keys that came as telephone events; without a call they come to nothing."""
        engine = self.host.world.engine
        if engine.handset(self.party)["status"] == "talking":
            self.host.world.run(lambda engine, now: engine.phone_keys(now, self.party, digits))

    def gone(self, *, left: bool) -> None:
        """The phone does what its script says."""
        self.host.world.run(lambda engine, now: engine.release_handset(now, self.party))

    def attached(self) -> None:
        """Tell what the display shows."""
        super().attached()
        self._told = {}
        self._show()

    def changed(self) -> None:
        """Tell what the display shows, when that is another thing now."""
        self._show()
        super().changed()

    def _show(self) -> None:
        shown = self.host.world.engine.handset(self.party)
        if shown != self._told and self.tell("phone", shown):
            self._told = shown

    # The hand

    async def _do(self, operation: Callable[[Engine, float, str], None], _params: Params) -> Params:
        """`answer`, `reject`, `hangup`. Raises Refusal."""
        self.host.world.run(lambda engine, now: operation(engine, now, self.party))
        return {}

    async def press(self, params: Params) -> Params:
        """`press {digits}`"""
        digits = text_of(params, "digits", most=100)
        self.host.world.run(lambda engine, now: engine.phone_keys(now, self.party, digits))
        return {}

    async def dial(self, params: Params) -> Params:
        """`dial {to}`"""
        to = text_of(params, "to", most=500)
        call = self.host.world.run(lambda engine, now: engine.dial(now, self.party, to))
        return {"callId": call.call_id}

    async def say(self, params: Params) -> Params:
        """`say {text}`: the platform's voice speaks for the hand."""
        text = text_of(params, "text", most=1000)
        self.host.world.run(lambda engine, now: engine.phone_say(now, self.party, text))
        return {}
