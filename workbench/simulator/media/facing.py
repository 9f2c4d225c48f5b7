"""The plane of a world: what it asks of the engine there is at the time, and where its faults are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from workbench.simulator import mixing, routes
from workbench.simulator.engine import Engine
from workbench.simulator.media.plan import Facing
from workbench.simulator.media.plane import Plane
from workbench.simulator.media.rendering import Rendering
from workbench.simulator.media.scripts import Script, Scripts

if TYPE_CHECKING:
    from workbench.simulator.world import World

RULE = "sound.carried"


def plane_of(world: World) -> Plane:
    """A plane that follows a world through all its lives; it watches it from now on."""

    def track(call_id: str, which: str) -> tuple[str, ...]:
        call = world.engine.calls.get(call_id)
        return () if call is None else routes.track(world.engine, call, which)

    def fault(who: str, why: str) -> None:
        def tell(engine: Engine, now: float) -> None:
            engine.tick(now)
            engine.happen("mediaFault", RULE, of=who, reason=why)

        world.run(tell)

    scripts = Scripts(
        phones=lambda: cast(Mapping[str, Script], world.engine.phones),
        sounds=lambda: world.engine.sounds,
        rendering=Rendering(world.files.get, fault),
        now=lambda: world.clock.now(),
        stands=lambda: world.clock.paused,
    )
    facing = Facing(
        ears=lambda party: routes.ears(world.engine, party),
        track=track,
        parties=lambda: [party.id for party in mixing.parties(world.engine)],
        fault=fault,
        scripted=scripts,
    )
    plane = Plane(facing)
    world.watchers.append(plane.changed)
    return plane
