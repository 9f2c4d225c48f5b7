"""The panels of the notebooks. Each button calls a public method; one thread alone publishes."""

from workbench.widgets.calls import Calls
from workbench.widgets.dialer import Dialer
from workbench.widgets.handset import Handset
from workbench.widgets.ladder import LadderPanel
from workbench.widgets.lookout import Lookout
from workbench.widgets.matrix import Matrix
from workbench.widgets.panel import Panel
from workbench.widgets.panels import Panels
from workbench.widgets.participants import Participants
from workbench.widgets.publisher import Publisher
from workbench.widgets.softphone import Softphone
from workbench.widgets.table import EventTable

__all__ = [
    "Calls",
    "Dialer",
    "EventTable",
    "Handset",
    "LadderPanel",
    "Lookout",
    "Matrix",
    "Panel",
    "Panels",
    "Participants",
    "Publisher",
    "Softphone",
]
