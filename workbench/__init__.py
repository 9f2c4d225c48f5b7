"""A workbench for voice interworking between a phone network and WebRTC: `from workbench import Workbench`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import bxml
    from workbench.errors import WorkbenchError
    from workbench.pointing import use_local
    from workbench.settings import Settings
    from workbench.workbench import Workbench

__all__ = ["Settings", "Workbench", "WorkbenchError", "bxml", "use_local"]

# The simulator's process imports this package too and must not load Flask, pydantic or widgets.
_HOMES = {
    "Settings": "workbench.settings",
    "Workbench": "workbench.workbench",
    "WorkbenchError": "workbench.errors",
    "use_local": "workbench.pointing",
}


def __getattr__(name: str) -> Any:
    if name == "bxml":
        return import_module("workbench.bxml")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
