"""The published page: where it is, and what it should say."""

from __future__ import annotations

from collections.abc import Mapping

from . import report
from .provoke import Outcome, names, outcomes
from .specs import ROOT
from .webhooks import Seen

PAGE = ROOT / "docs" / "conformance.md"


async def all_outcomes() -> list[Outcome]:
    """Every outcome of every operation."""
    return [outcome for name in names() for outcome in await outcomes(name)]


async def fresh(seen: Mapping[str, Seen]) -> str:
    """The page of a fresh run; `seen` are the corpus' webhooks."""
    return report.markdown(await all_outcomes(), seen)
