"""The sound of a world: its plane and those who take sound, what they ask of the engine there is at the time, where faults are told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.simulator import mixing, routes
from workbench.simulator.engine import Engine
from workbench.simulator.media.gate import Gates
from workbench.simulator.media.plan import Facing
from workbench.simulator.media.plane import Plane
from workbench.simulator.media.recorder import Recorder
from workbench.simulator.media.rendering import Rendering
from workbench.simulator.media.scripts import Scripts
from workbench.simulator.media.stream_sound import StreamSound

if TYPE_CHECKING:
    from workbench.simulator.world import World

RULE = "sound.carried"


def fault(world: World, who: str, why: str) -> None:
    """Tell that something is not heard as it should be."""

    def tell(engine: Engine, now: float) -> None:
        engine.tick(now)
        engine.happen("mediaFault", RULE, of=who, reason=why)

    world.run(tell)


class Takers:
    """Those who take sound beside the ears: recordings, media streams, and gates. They follow a world through all its lives."""

    def __init__(self, world: World) -> None:
        facts = lambda: world.engine, lambda: world.clock.now(), lambda: world.clock.paused
        plane, tell = world.plane, partial(fault, world)
        self.recorder = Recorder(*facts, plane.tap, tell)
        self.streams = StreamSound(*facts, plane.tap, plane.set_voice, tell)
        self.gates = Gates(facts[0], facts[2], plane.tap, plane.sends, partial(_speaks, world))
        world.media_streams.sound = self.streams.frame
        world.watchers.append(self.changed)

    def changed(self) -> None:
        """Something may have begun or ended."""
        self.recorder.changed()
        self.gates.changed()
        self.streams.changed()

    def reset(self) -> None:
        """The platform starts over."""
        self.recorder.reset()
        self.gates.reset()
        self.streams.reset()

    def close(self) -> None:
        """The platform ends."""
        self.recorder.close()
        self.gates.reset()
        self.streams.reset()


def _speaks(world: World, call_id: str, speaks: bool, ago: float) -> None:
    world.run(lambda engine, now: engine.voice_heard(now, call_id, speaks, ago))


def plane_of(world: World) -> Plane:
    """A plane that follows a world through all its lives; it watches it from now on."""

    def track(call_id: str, which: str) -> tuple[str, ...]:
        call = world.engine.calls.get(call_id)
        return () if call is None else routes.track(world.engine, call, which)

    scripts = Scripts(
        phones=lambda: world.engine.phones,
        sounds=lambda: world.engine.sounds,
        rendering=Rendering(world.sound.files.get, partial(fault, world)),
        now=lambda: world.clock.now(),
        stands=lambda: world.clock.paused,
    )
    facing = Facing(
        ears=lambda party: routes.ears(world.engine, party),
        track=track,
        parties=lambda: [party.id for party in mixing.parties(world.engine)],
        fault=partial(fault, world),
        scripted=scripts,
    )
    plane = Plane(facing)
    world.watchers.append(plane.changed)
    return plane
