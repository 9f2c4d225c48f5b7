"""One story under several modes, side by side: what each costs, counted from the log, and what survives which change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.changes import COSTS
from workbench.playing import Played
from workbench.records import Event, Happened
from workbench.story import Moment, Story
from workbench.timing import set_up

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from workbench.bars import Timing
    from workbench.tables import Matrices

LIVE = "Live: the newest flow of each mode is counted. A story is played, and who hears whom is known, on the local platform only."


@dataclass(frozen=True)
class Count:
    """One flow in numbers: `calls` the application handled by id, `legs` with those the platform dialed for it, `set_up` in seconds."""

    mode: str
    legs: int
    calls: int
    requests: int
    webhooks: int
    handlers: int
    set_up: float | None


def count(mode: str, events: Sequence[Event], happened: Iterable[Happened] = ()) -> Count:
    """Count the events of one flow."""
    webhooks = [event for event in events if event.direction == "webhook" and event.duplicate_of is None]
    return Count(
        mode=mode,
        legs=len({event.leg for event in events if event.leg}),
        calls=len({event.call_id for event in events if event.call_id}),
        requests=sum(event.direction == "request" for event in events),
        webhooks=len(webhooks),
        handlers=len({event.event_type for event in webhooks if event.verbs}),
        set_up=set_up(events, happened),
    )


def table(counts: Iterable[Count]) -> DataFrame:
    """One row per mode."""
    from pandas import DataFrame

    rows = [asdict(one) for one in counts]
    return DataFrame(rows).set_index("mode").rename(columns={"set_up": "set-up s"})


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """A story under several modes, shown side by side and read like its `table`: `costs["webhooks"]`, `costs.loc["bridge"]`.

    `played` is empty live, where nothing is played; `ladders` and `timing` are drawn from the flows; `costs` are the classes of cost.
    """

    story: Story | None
    counts: tuple[Count, ...]
    played: Mapping[str, Played]
    ladders: Mapping[str, Any]
    timing: Timing
    costs: Mapping[str, str] = field(default_factory=lambda: COSTS)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes compared."""
        return tuple(one.mode for one in self.counts)

    @property
    def moments(self) -> dict[str, Moment]:
        """The changes of the story, by what the table calls them."""
        return {f"{at}. {moment.words}": moment for at, moment in enumerate(self.story.moments if self.story else (), 1)}

    @property
    def table(self) -> DataFrame:
        """A row per mode: what was counted, what survived each change, and what class of cost it is."""
        counted = table(self.counts)
        for name, outcomes in self.survived.iterrows():
            counted[name] = outcomes
        counted["cost class"] = [self.costs[mode] for mode in counted.index]
        return counted

    @property
    def survived(self) -> DataFrame:
        """A row per change, a column per mode: which legs stay, which end, or why the verb cannot do it."""
        from pandas import DataFrame

        outcomes = {mode: [scene.outcome for scene in played.scenes] for mode, played in self.played.items()}
        return DataFrame(outcomes, index=list(self.moments), columns=list(self.modes))

    @property
    def matrices(self) -> dict[str, Matrices]:
        """Who hears whom in each mode: at first, and after each change."""
        from workbench.tables import Matrices

        return {mode: Matrices({title: picture.matrix() for title, picture in self.pictures(mode).items()}) for mode in self.played}

    def pictures(self, mode: str) -> dict[str, Any]:
        """The pictures of a mode by their titles; of what a verb cannot do there is none."""
        played = self.played[mode]
        after = [(title, scene) for title, scene in zip(self.moments, played.scenes, strict=True) if not scene.cannot]
        return {"before": played.first} | {f"after {title}": scene.after for title, scene in after}

    @property
    def note(self) -> str:
        """What has to be known of where the numbers come from."""
        return "" if self.played else LIVE

    # -- read like the table -------------------------------------------------------------------------------------------------------

    @property
    def loc(self) -> Any:
        """`loc` of the table."""
        return self.table.loc

    @property
    def index(self) -> Any:
        """The modes, as the table has them."""
        return self.table.index

    @property
    def columns(self) -> Any:
        """The columns of the table."""
        return self.table.columns

    def __getitem__(self, columns: Any) -> Series | DataFrame:
        found: Series | DataFrame = self.table[columns]
        return found

    def __len__(self) -> int:
        return len(self.counts)

    # -- shown ---------------------------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        from workbench.columns import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from workbench.columns import as_html

        return as_html(self)
