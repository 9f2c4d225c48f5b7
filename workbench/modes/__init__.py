"""The three ways to join a phone and WebRTC: Transfer, Bridge, Conference."""

from workbench.modes.base import Desk, Mode
from workbench.modes.board import Board
from workbench.modes.bridge import BridgeMode
from workbench.modes.conference import ConferenceMode, Room
from workbench.modes.documents import Document, Gate, Written, shown
from workbench.modes.endpoints import EndpointSide
from workbench.modes.flow import Flow, Handler, Leg
from workbench.modes.transfer import TransferMode
from workbench.modes.webrtc import Participant, Secret, Sessions, WebRtcSide

__all__ = [
    "Board",
    "BridgeMode",
    "ConferenceMode",
    "Desk",
    "Document",
    "EndpointSide",
    "Flow",
    "Gate",
    "Handler",
    "Leg",
    "Mode",
    "Participant",
    "Room",
    "Secret",
    "Sessions",
    "TransferMode",
    "WebRtcSide",
    "Written",
    "shown",
]
