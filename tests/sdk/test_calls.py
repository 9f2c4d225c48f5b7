"""Every call that Bandwidth's SDK has for voice, conferences, recordings, transcriptions, statistics and endpoints, made over a socket."""

from __future__ import annotations

import inspect
import re

import bandwidth
import pytest

from tests.sdk import exercises
from tests.sdk.program import Program
from workbench.simulator import describe

pytestmark = pytest.mark.sockets

OURS = ("CallsApi", "ConferencesApi", "RecordingsApi", "StatisticsApi", "TranscriptionsApi", "EndpointsApi")
# Nothing of these is about voice or its WebRTC side; the platform has none of them.
OTHERS = {"MFAApi", "MediaApi", "MessagesApi", "MultiChannelApi", "PhoneNumberLookupApi", "TollFreeVerificationApi"}
# The same request with another kind of result.
VARIANTS = ("_with_http_info", "_without_preload_content")

SDK = {name for name in dir(bandwidth) if name.endswith("Api") and inspect.isclass(getattr(bandwidth, name))}
CALLS = [
    (api, name)
    for api in OURS
    for name, _ in inspect.getmembers(getattr(bandwidth, api), inspect.isfunction)
    if not name.startswith("_") and not name.endswith(VARIANTS)
]
SIMULATED = {item.name for _, _, items in describe.apis() for item in items}


def operation(name: str) -> str:
    """The operation's id in Bandwidth's specification."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def test_every_class_of_the_sdk_is_here_or_left_out_on_purpose() -> None:
    assert {*OURS, *OTHERS} == SDK


def test_no_call_is_forgotten() -> None:
    missing = [name for _, name in CALLS if not callable(getattr(exercises, name, None))]
    assert (len(CALLS) >= 33, missing) == (True, [])
    assert {"createCall", "getStatistics", "listCallRecordings"} <= SIMULATED


@pytest.mark.parametrize(("api", "name"), CALLS)
def test_call(api: str, name: str, program: Program) -> None:
    if operation(name) not in SIMULATED:
        pytest.skip(f"the platform has no {operation(name)} yet")
    getattr(exercises, name)(program)
