"""The plane: it carries sound from voices to ears.

Who hears whom it is told (`routes.routes`); how it gets there it decides: where a browser hears one other browser and nothing else, packets
pass through untouched. Everything else is mixed on a beat of 20 ms, once for all who hear the same, and only while somebody listens and
there is a voice to be heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from workbench.simulator.media.measuring import Measurement
from workbench.simulator.media.plan import Facing, Listener, Pass, Plan, Sources, Take, Tap
from workbench.simulator.media.sound import Frame, Outlet, Voice, checked, is_opus_outlet, is_opus_voice, summed
from workbench.simulator.media.ticker import Ticker
from workbench.simulator.routes import Ear


class Plane:
    """All sound of a platform. Everything is called on its loop."""

    def __init__(self, facing: Facing) -> None:
        self._facing = facing
        self._voices: dict[str, Voice] = {}
        self._outlets: dict[Ear, Outlet] = {}
        self._taps: list[Tap] = []
        self._passes: dict[Ear, Pass] = {}
        self._plan = Plan()
        self._ticker = Ticker(self._tick)
        self._planning: asyncio.Handle | None = None
        self._measurement: Measurement | None = None
        self._turns = asyncio.Lock()
        self._closed = self._lost = False

    # Who speaks and who listens

    def set_voice(self, source: str, voice: Voice | None) -> None:
        """What a device sends is the voice of a party, what an application sends that of its stream; None: it sends nothing any more."""
        if voice is not None:
            self._voices[source] = voice
        else:
            self._voices.pop(source, None)
        self.changed()

    def sends(self, source: str) -> bool:
        """Whether a device or an application makes the sound of a source."""
        return source in self._voices

    def set_outlet(self, ear: Ear, outlet: Outlet | None) -> None:
        """Where the sound of an ear leaves to; None: it is heard nowhere. `Ear(party, None)` of a party with streams hears all of them."""
        if outlet is not None:
            self._outlets[ear] = outlet
        else:
            self._outlets.pop(ear, None)
        self.changed()

    def tap(self, what: Sources | tuple[str, str], take: Take) -> Callable[[], None]:
        """Have taken what is heard of some sources, or of a call's track as (call_id, "inbound" or "outbound"); ends it when called.

        `take` is called once a tick, with None for silence, but not at all while there is no voice among the sources.
        """
        name = "a tap" if callable(what) else f"the {what[1]} track of {what[0]}"
        tap = Tap(name, what if callable(what) else partial(self._facing.track, *what), take)
        self._taps.append(tap)
        self.changed()
        return partial(self._untap, tap)

    def _untap(self, tap: Tap) -> None:
        if tap in self._taps:
            self._taps.remove(tap)
            self.changed()

    def changed(self) -> None:
        """Something may be heard otherwise from now on: plan again soon, however often this is said."""
        if self._planning is None and not self._closed:
            self._planning = asyncio.get_running_loop().call_soon(self._replan)

    def reset(self) -> None:
        """The platform starts over: let go of everything. A measurement under way ends."""
        self._voices.clear()
        self._outlets.clear()
        self._taps.clear()
        if self._measurement is not None:
            self._measurement.stop()
        self._follow(Plan())
        self._facing.scripted.reset()

    def close(self) -> None:
        """The platform ends."""
        self._closed = True
        if self._planning is not None:
            self._planning.cancel()
        self.reset()
        self._facing.scripted.close()

    # The plan

    def _replan(self) -> None:
        self._planning = None
        try:
            plan = self._planned()
        except Exception as error:
            # What was heard so far is heard on; to tell it changes the platform, which makes for the next plan.
            if not self._lost:
                self._lost = True
                self._facing.fault("the plan", _words(error))
            if self._measurement is not None:
                self._measurement.stop()  # nothing would come of it
            return
        self._lost = False
        self._follow(plan)

    def _planned(self) -> Plan:
        plan = Plan()
        self._facing.scripted.tidy()
        if not (self._outlets or self._taps or self._measurement):
            return plan
        self._facing.scripted.warm()
        routes = self._routes()
        for ear, outlet in self._outlets.items():
            self._serve(plan, ear, outlet, _heard(ear, routes))
        for tap in tuple(self._taps):
            listener = Listener(tap.name, tap.take, partial(self._untap, tap))
            try:
                self._mix(plan, tap.sources(), listener)
            except Exception as error:
                self._failed(listener, error)
        if self._measurement is not None:
            for ear in {*routes, *self._outlets}:
                self._mix(plan, _heard(ear, routes), Listener("meter", self._measurement.meter(ear.party, ear.stream), lambda: None))
        else:
            self._answer(plan, routes)
        return plan

    def _routes(self) -> dict[Ear, tuple[str, ...]]:
        """What the ears hear that matter: those with an outlet and those that echo; all of them while it is measured."""
        parties = dict.fromkeys(ear.party for ear in self._outlets)
        parties |= dict.fromkeys(self._facing.parties() if self._measurement is not None else self._facing.scripted.echoing())
        return {ear: sources for party in parties for ear, sources in self._facing.ears(party).items()}

    def _serve(self, plan: Plan, ear: Ear, outlet: Outlet, sources: Iterable[str]) -> None:
        """One voice into one outlet that both carry packets passes through; else there is something to mix."""
        voices = [voice for source in sources for voice in self._sounding(plan, source)]
        if len(voices) == 1 and is_opus_voice(voices[0]) and is_opus_outlet(outlet):
            plan.passing[ear] = (voices[0], outlet)
        else:
            self._mix(plan, sources, self._at(ear, outlet))

    def _at(self, ear: Ear, outlet: Outlet) -> Listener:
        return Listener(ear.party, outlet.put, partial(self._drop_outlet, ear, outlet))

    def _answer(self, plan: Plan, routes: Mapping[Ear, tuple[str, ...]]) -> None:
        """Those who echo hear too, but not each other: they would never come to rest."""
        scripted = self._facing.scripted
        for ear, sources in routes.items():
            if ear.stream is None and (echo := scripted.echoes(ear.party)) is not None:
                others = [source for source in sources if scripted.echoes(source) is None]
                self._mix(plan, others, Listener(ear.party, echo.put, lambda: None, real=False))

    def _mix(self, plan: Plan, sources: Iterable[str], listener: Listener) -> None:
        found = {source: voices for source in sources if (voices := self._sounding(plan, source))}
        if found:
            plan.voices.update(found)
            plan.mixes.setdefault(frozenset(found), []).append(listener)

    def _sounding(self, plan: Plan, source: str) -> tuple[Voice, ...]:
        if source not in plan.known:
            plan.known[source] = self._of(source)
        return plan.known[source]

    def _of(self, source: str) -> tuple[Voice, ...]:
        """The voices of a source: while it is measured each party's tone, and nothing else."""
        if self._measurement is not None:
            return self._measurement.voices(source)
        device = self._voices.get(source)
        return (*(() if device is None else (device,)), *self._facing.scripted.voices(source))

    def _follow(self, plan: Plan) -> None:
        mixed = {id(voice) for voices in plan.voices.values() for voice in voices}
        for voice in (voice for voices in self._plan.voices.values() for voice in voices):
            if is_opus_voice(voice) and id(voice) not in mixed:
                voice.rest()
        self._plan = plan
        for ear, running in list(self._passes.items()):
            if running.ends != plan.passing.get(ear):
                self._passes.pop(ear).end()
        for ear, (voice, outlet) in plan.passing.items():
            if ear not in self._passes:
                self._passes[ear] = Pass(voice, outlet, partial(self._failed, self._at(ear, outlet)))
        if plan.beats() or (self._measurement is not None and not self._closed):
            self._ticker.start()
        else:
            self._ticker.stop()

    # The tick

    def _tick(self) -> None:
        plan = self._plan
        frames = {source: frame for source, voices in plan.voices.items() if (frame := self._spoken(source, voices)) is not None}
        for sources, listeners in plan.mixes.items():
            frame = summed([frames[source] for source in sources if source in frames])
            for listener in listeners:
                try:
                    listener.take(frame)
                except Exception as error:
                    self._failed(listener, error)
        if self._measurement is not None:
            self._measurement.ticked()

    def _spoken(self, source: str, voices: tuple[Voice, ...]) -> Frame | None:
        frames = []
        for voice in voices:
            try:
                frame = voice.frame()
                if frame is not None:
                    frames.append(checked(frame))
            except Exception as error:
                self._silenced(source, voice, error)
        return summed(frames)

    # Faults

    def _silenced(self, source: str, voice: Voice, error: Exception) -> None:
        if self._voices.get(source) is voice:
            del self._voices[source]
        else:
            self._facing.scripted.drop(voice)
        self._fault(source, error)

    def _failed(self, listener: Listener, error: Exception) -> None:
        listener.drop()
        self._fault(listener.name, error)

    def _drop_outlet(self, ear: Ear, outlet: Outlet) -> None:
        if self._outlets.get(ear) is outlet:
            del self._outlets[ear]

    def _fault(self, who: str, error: Exception) -> None:
        self.changed()
        self._facing.fault(who, _words(error))

    # Who really hears whom

    async def measure(self, seconds: float) -> dict[str, list[str]]:
        """For each party, whom it hears, by its ears: for so many seconds every voice is a tone of its own. Measurements take turns."""
        async with self._turns:
            parties = self._facing.parties()
            found: dict[str, set[str]] = {party: set() for party in parties}
            for portion in Measurement.portions(parties):
                if self._closed:
                    break
                self._measurement = Measurement(portion, seconds)
                self.changed()
                try:
                    for party, heard in (await self._measurement.done()).items():
                        found.setdefault(party, set()).update(heard)
                finally:
                    self._measurement = None
                    self.changed()
            return {party: [other for other in parties if other in found[party] and other != party] for party in parties}


def _heard(ear: Ear, routes: Mapping[Ear, tuple[str, ...]]) -> tuple[str, ...]:
    """What an ear hears; without a stream of its own all that its party's streams bring, each source once."""
    if ear in routes or ear.stream is not None:
        return routes.get(ear, ())
    return tuple(dict.fromkeys(source for other, sources in routes.items() if other.party == ear.party for source in sources))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
