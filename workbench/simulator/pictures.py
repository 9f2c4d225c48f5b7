"""Who hears whom, noted at each change: a picture among what happened, once somebody has asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.simulator.effects import Happening

if TYPE_CHECKING:
    from workbench.simulator.world import World

KIND = "hears"
# A picture is a square of this many parties at most; of more there is none.
MOST = 60


class Pictures:
    """Of one world. Nothing is noted until `begin`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.on = False
        self._last: Any = None

    def begin(self) -> None:
        """From now on each change is noted, the present state first."""
        self.on = True
        self.look()

    def look(self) -> None:
        """Note who hears whom, if that has changed."""
        engine = self._world.engine
        found = engine.hears()
        if found != self._last and len(found["parties"]) <= MOST:
            self._last = found
            self._world.stream.add(Happening(engine.next_seq(), self._world.clock.now(), KIND, "local.hears", found))
