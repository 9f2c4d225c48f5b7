"""Where a reader steps in: at a webhook before it is answered, and with faults on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.wiring import Wiring


class Steering:
    """The part of a workbench that steps in."""

    _wiring: Wiring
