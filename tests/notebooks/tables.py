"""The event tables a lesson has left in its log, as "the same table twice" compares them: event, leg, from, to, cause, verbs, order."""

from __future__ import annotations

from pathlib import Path

from workbench.events import open_log
from workbench.frames import SAME
from workbench.settings import Settings

Row = tuple[str, ...]


def tables(state: Path) -> dict[str, list[Row]]:
    """The rows of each flow of the first run in a state directory; what belongs to no flow is under "".

    Left out is what tells of devices: it comes beside the events of every flow, in no order of its own.
    """
    # A notebook opens two workbenches: the lesson's, and the one of "Your turn".
    log = open_log(Settings(state_dir=state))
    try:
        first = min(log.runs(), key=lambda run: run.first)
        table = log.frame(run=first.run)
        table = table[~table["event"].isin(["onConnect", "onLeave", "onDisconnect"])]
        return {str(flow): [tuple(row) for row in rows[list(SAME)].itertuples(index=False)] for flow, rows in table.groupby("flow")}
    finally:
        log.close()
