"""What the plane goes by: what it asks of the platform, who listens, and the plan of who is mixed for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from workbench.simulator.media.sound import Frame, OpusOutlet, OpusPacket, OpusVoice, Outlet, Voice
from workbench.simulator.routes import Ear

Take = Callable[[Frame | None], None]
Sources = Callable[[], tuple[str, ...]]
# Has something taken, by its sources or as the track of a call, and returns what ends that.
Tapping = Callable[[Sources | tuple[str, str], Take], Callable[[], None]]


class Scripted(Protocol):
    """The voices that nobody sends: of phones' scripts, and of what the platform lets be heard."""

    def voices(self, source: str) -> tuple[Voice, ...]:
        """What sounds at a source now, beside a device."""

    def echoing(self) -> Iterable[str]:
        """The parties whose scripts echo."""

    def echoes(self, party: str) -> Outlet | None:
        """The ear of a party's script that answers to what it hears."""

    def drop(self, voice: Voice) -> None:
        """One of its voices failed: it is not used again."""

    def warm(self) -> None:
        """Somebody listens now."""

    def tidy(self) -> None:
        """Forget what no longer sounds."""

    def reset(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Make no sound any more."""


@dataclass(frozen=True, slots=True)
class Facing:
    """What the plane asks of the platform: what a party's ears hear now, the sources of a call's track, and the parties in order.

    `fault` is told who failed, and how.
    """

    ears: Callable[[str], Mapping[Ear, tuple[str, ...]]]
    track: Callable[[str, str], tuple[str, ...]]
    parties: Callable[[], list[str]]
    fault: Callable[[str, str], None]
    scripted: Scripted


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """Somebody who takes what is mixed for it; `name` is told when it fails, `drop` lets go of it. One that is not `real` keeps no beat."""

    name: str
    take: Take
    drop: Callable[[], None]
    real: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Tap:
    """Somebody who has something taken, by what it hears."""

    name: str
    sources: Sources
    take: Take


@dataclass(slots=True)
class Plan:
    """Who is mixed for whom until something changes.

    The voices of the sources that were looked at, those that are needed on each tick, the listeners by what they hear, and what passes.
    """

    known: dict[str, tuple[Voice, ...]] = field(default_factory=dict)
    voices: dict[str, tuple[Voice, ...]] = field(default_factory=dict)
    mixes: dict[frozenset[str], list[Listener]] = field(default_factory=dict)
    passing: dict[Ear, tuple[OpusVoice, OpusOutlet]] = field(default_factory=dict)

    def beats(self) -> bool:
        """Whether a real listener is to be mixed for."""
        return any(listener.real for listeners in self.mixes.values() for listener in listeners)


class Pass:
    """Hands one voice's packets to one outlet."""

    def __init__(self, voice: OpusVoice, outlet: OpusOutlet, failed: Callable[[Exception], None]) -> None:
        self.ends = (voice, outlet)
        self._voice, self._outlet, self._failed = voice, outlet, failed
        voice.takers = (*voice.takers, self)

    def __call__(self, packet: OpusPacket) -> None:
        """Send a packet on."""
        try:
            self._outlet.forward(packet)
        except Exception as error:
            self.end()
            self._failed(error)

    def end(self) -> None:
        """Hand on no more."""
        self._voice.takers = tuple(taker for taker in self._voice.takers if taker is not self)
