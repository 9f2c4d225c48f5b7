"""The published page: where it is, and what it should say."""

from __future__ import annotations

from . import report
from .provoke import Outcome, names, outcomes
from .specs import ROOT

PAGE = ROOT / "docs" / "conformance.md"


async def all_outcomes() -> list[Outcome]:
    """Every outcome of every operation."""
    return [outcome for name in names() for outcome in await outcomes(name)]


async def fresh() -> str:
    """The page of a fresh run."""
    return report.markdown(await all_outcomes())
