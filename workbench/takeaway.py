"""What can be taken away from a workbench: a run as a file, an application, a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.wiring import Wiring


class TakeAway:
    """The part of a workbench that hands out files."""

    _wiring: Wiring
