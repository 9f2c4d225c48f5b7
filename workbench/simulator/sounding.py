"""What of a world has to do with sound: loaded with whoever first makes, hears or records any, so that all others do not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.simulator import mixing
from workbench.simulator.calls import Recording
from workbench.simulator.silence import Stored

if TYPE_CHECKING:
    from workbench.simulator.media.facing import Takers
    from workbench.simulator.media.plane import Plane
    from workbench.simulator.world import World

MOST_MEASURES = 3  # of one request
FILES_LIMIT = 100_000_000  # bytes of audio files that are played now


class Sounding:
    """The sound of one world, through all its lives. `made` is its plane, `takers` who record and stream, None until they are needed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.made: Plane | None = None
        self.takers: Takers | None = None
        # Audio files by the numbers of their fetches, while they may be heard.
        self.files: dict[int, bytes] = {}

    @property
    def plane(self) -> Plane:
        """What carries sound; loaded and made for the first who makes or hears any."""
        if self.made is None:
            from workbench.simulator.media.facing import plane_of

            self.made = plane_of(self._world)
        return self.made

    def changed(self) -> None:
        """The engine may have changed: from the first recording or stream on, sound is taken while the clock runs."""
        if self.takers is None and self._taken() and not self._world.clock.paused:
            from workbench.simulator.media.facing import Takers

            self.takers = Takers(self._world)

    def _taken(self) -> bool:
        """Whether somebody records, or a stream wants sound."""
        engine = self._world.engine
        return bool(engine.started_recordings or engine.record_verbs or engine.connections)

    # What it is told and asked

    def keep(self, fetch_id: int, data: bytes) -> None:
        """Keep a file while it may be heard; of too many the oldest are silent."""
        self.files[fetch_id] = data
        while sum(map(len, self.files.values())) > FILES_LIMIT:
            del self.files[next(iter(self.files))]

    def drop(self, fetch_id: int) -> None:
        """A file is heard no more."""
        self.files.pop(fetch_id, None)

    def message(self, number: int, text: str | None) -> None:
        """An application sent something on a stream: it may be sound."""
        if self.takers is not None and text is not None:
            self.takers.streams.message(number, text)

    def stored(self, recording: Recording) -> Stored | None:
        """Where the sound of a recording is; None when nothing sounded."""
        return None if self.takers is None else self.takers.recorder.stored(recording)

    async def measure(self, seconds: float) -> dict[str, list[str]]:
        """Who hears whom, found out by tones at the ears. Who moves meanwhile makes for another try."""
        self._world.engine.follow("sound.measured", "sound.carried")
        for _ in range(MOST_MEASURES):
            before = mixing.hears(self._world.engine)
            found = await self.plane.measure(seconds)
            if mixing.hears(self._world.engine) == before:
                break
        return found

    # The end

    def reset(self) -> None:
        """The world starts over."""
        self.files.clear()
        if self.takers is not None:
            self.takers.reset()
        if self.made is not None:
            self.made.reset()

    def close(self) -> None:
        """The world ends."""
        self.files.clear()
        if self.takers is not None:
            self.takers.close()
        if self.made is not None:
            self.made.close()
