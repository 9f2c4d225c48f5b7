"""What we rely on in aiortc and aioice that they do not promise: each is named here, so that a new version which lacks it is noticed."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import version

import pytest
from aioice import Candidate, Connection
from aioice import ice as aioice_ice
from aioice.ice import CandidatePair, StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport, RTCSctpTransport
from aiortc import rtcdtlstransport as dtls_module
from aiortc import rtcsctptransport as sctp_module

from tests.conftest import ROOT
from workbench.simulator.media.channels import _Below as BelowSctp
from workbench.simulator.media.ice import LOOPBACK, Wire, host_addresses
from workbench.simulator.media.transport import _Below

# module -> the private attributes of other libraries' objects it uses
RELIED_ON = {
    "ice": {
        "_local_candidates",
        "_local_candidates_end",
        "_local_candidates_start",
        "_network_host",
        "_nominated",
        "_protocols",
        "_remote_candidates",
    },
    "channels": {"_data_channels"},
    "transport": {"_rx_srtp", "_set_role", "_task", "_tx_srtp"},
}


def private(module: str) -> set[str]:
    """Private names that a module uses and does not define itself."""
    tree = ast.parse((ROOT / "workbench" / "simulator" / "media" / f"{module}.py").read_text())
    nodes = list(ast.walk(tree))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_")}
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value)}
    defined = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    return {name for name in used if not name.startswith("__")} - (stored - RELIED_ON.get(module, set())) - defined


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


@pytest.mark.parametrize("module", ["channels", "ice", "jitter", "opus", "peer", "places", "rtcp", "rtp", "sdp", "transport"])
def test_no_private_attribute_is_used_that_is_not_named_here(module):
    assert private(module) == RELIED_ON.get(module, set())


def test_the_versions_are_those_that_were_read():
    assert version("aiortc").startswith("1.16.") and version("aioice").startswith("0.13.")


async def test_of_aioice_connection():
    connection = Connection(ice_controlling=False)
    assert (connection._local_candidates, connection._local_candidates_start, connection._local_candidates_end) == ([], False, False)
    assert (connection._protocols, connection._remote_candidates, connection._nominated) == ([], [], {})
    assert list(inspect.signature(connection.get_component_candidates).parameters)[:2] == ["component", "addresses"]
    assert list(inspect.signature(connection.check_incoming).parameters) == ["message", "addr", "protocol"]
    assert list(inspect.signature(connection.data_received).parameters) == ["data", "component"]
    assert "self._early_checks_done" in inspect.getsource(Connection.request_received)  # a check is authenticated before it is told


async def test_of_aioice_candidates_and_pairs():
    candidate = Candidate.from_sdp("1 1 udp 1 10.0.0.1 5000 typ host")
    assert candidate._network_host == "10.0.0.1"
    pair = CandidatePair(StunProtocol(Connection(ice_controlling=False)), candidate)
    assert pair.remote_addr == ("10.0.0.1", 5000) and pair.protocol is not None


def test_of_aioice_host_addresses():
    assert list(inspect.signature(aioice_ice.get_host_addresses).parameters) == ["use_ipv4", "use_ipv6"]
    assert host_addresses()[0] == LOOPBACK


@pytest.mark.sockets
async def test_of_aioice_protocols(monkeypatch):
    """Datagrams can be taken off where the loop hands them over, and the sockets are known."""
    monkeypatch.setattr("workbench.simulator.media.ice.host_addresses", lambda: [LOOPBACK])
    arrived: list[bytes] = []
    wire = Wire(False, arrived.append, lambda: None)
    await wire.gather_candidates()
    (protocol,) = wire._protocols
    protocol.datagram_received(b"\x80" + b"rtp", ("10.0.0.1", 1))
    protocol.datagram_received(b"\x16" + b"dtls of a stranger", ("10.0.0.1", 1))
    protocol.datagram_received(b"\x00\x01", ("10.0.0.1", 1))
    assert arrived == [b"\x80rtp"] and wire._queue.empty()
    assert [candidate.host for candidate in wire.local_candidates] == [LOOPBACK]
    await wire.close()
    assert wire._protocols == []


async def test_of_aiortc_dtls():
    below = _Below(lambda data: None)
    dtls = RTCDtlsTransport(below, [RTCCertificate.generateCertificate()])
    assert (dtls._rx_srtp, dtls._tx_srtp, dtls._task, dtls._role) == (None, None, None, "auto")
    dtls._set_role("client")
    assert dtls._role == "client"
    used = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(dtls_module)))
        if isinstance(node, ast.Attribute) and _is_transport(node.value)
    }
    assert "_recv" in used and used <= set(dir(below)), "DTLS uses more of its transport than we have"


def _is_transport(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"transport", "_transport", "__transport"} and _is_self(node.value)


async def test_of_aiortc_sctp():
    dtls = RTCDtlsTransport(_Below(lambda data: None), [RTCCertificate.generateCertificate()])
    below = BelowSctp(dtls)
    sctp = RTCSctpTransport(below)
    assert sctp._data_channels == {} and sctp.is_server is False
    assert list(inspect.signature(sctp._handle_data).parameters) == ["data"]
    assert list(inspect.signature(dtls._send_data).parameters) == ["data"]
    dtls._register_data_receiver(below)
    assert dtls._data_receiver is below
    dtls._unregister_data_receiver(below)
    assert dtls._data_receiver is None
    nodes = ast.walk(ast.parse(inspect.getsource(sctp_module.RTCSctpTransport)))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_transport(node.value)}
    assert "_send_data" in used and used <= set(dir(below)), "SCTP uses more of its transport than we have"
    assert "_data_receiver._handle_data(data)" in inspect.getsource(RTCDtlsTransport._recv_next)  # looked up at each packet
