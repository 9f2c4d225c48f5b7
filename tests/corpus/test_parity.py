"""Scenarios against a platform that is reached like a real account: one that poses as live here, a real one when asked for with -m live."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import ROOT
from tests.corpus import live, parity
from tests.corpus.scenario import Scenario

ACCOUNT, APPLICATION, NUMBERS = "9911111", "11111111-2222-4333-8444-555555555555", ("+15550100001", "+15550100002")
SECRET = "staple-of-the-client"
NAMES = [scenario.name for scenario in live.scenarios()]


def chosen(name: str) -> Scenario:
    """A scenario by name."""
    return next(scenario for scenario in live.scenarios() if scenario.name == name)


@pytest.fixture(scope="module")
def posing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A platform in a process of its own with an account of its own; the environment of someone who has that account."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    setup = {
        "account_id": ACCOUNT,
        "clients": {"client-4711": SECRET},
        "applications": {APPLICATION: {"callInitiatedCallbackUrl": f"{base}/initiate", "callStatusCallbackUrl": f"{base}/status"}},
        "numbers": dict.fromkeys(NUMBERS, APPLICATION),
    }
    config = tmp_path_factory.mktemp("posing") / "setup.json"
    config.write_text(json.dumps(setup))
    command = [sys.executable, "-m", "workbench.simulator", "--port", "0", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield {
            "WORKBENCH_VOICE_URL": f"{url}/api/v2",
            "WORKBENCH_WEBRTC_URL": f"{url}/v1",
            "WORKBENCH_ENDPOINTS_URL": f"{url}/v2",
            "WORKBENCH_TOKEN_URL": f"{url}/api/v1/oauth2/token",
            "WORKBENCH_PORT": str(port),
            "BASE_CALLBACK_URL": base,
            "BW_ACCOUNT_ID": ACCOUNT,
            "BW_ID_CLIENT_ID": "client-4711",
            "BW_ID_CLIENT_SECRET": SECRET,
            "BW_VOICE_APPLICATION_ID": APPLICATION,
            "BW_NUMBER": NUMBERS[0],
            "BW_NUMBER_2": NUMBERS[1],
            "PARITY_QUIET_SECONDS": "0.3",
            "PARITY_PATIENCE_SECONDS": "10",
        }
        process.terminate()


@pytest.mark.sockets
@pytest.mark.parametrize("name", NAMES)
def test_posing_as_live(name: str, posing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in posing.items():
        monkeypatch.setenv(variable, value)
    assert asyncio.run(live.play_live(chosen(name))) == []


@pytest.mark.sockets
def test_what_differs_is_told_without_secrets(posing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in posing.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PARITY_PATIENCE_SECONDS", "1")
    scenario = chosen("live/answered")
    webhooks = tuple((line, {**fields, "tag": SECRET}) for line, fields in scenario.webhooks)
    found = asyncio.run(live.play_live(replace(scenario, webhooks=webhooks)))
    assert sorted(found) == sorted(f"webhook {line}.tag: expected '•••', was not there" for line, _ in webhooks)


def test_only_what_a_real_account_has_is_marked_live() -> None:
    marked = live.scenarios()
    assert marked
    assert [scenario.name for scenario in marked if scenario.phones or scenario.setup] == []
    steps = [step for scenario in marked for step in scenario.steps]
    assert {next(iter(step)) for step in steps} <= {"call", "request", "wait", "note"}
    assert [step for step in steps if "/_local/" in str(step)] == []


def test_without_credentials_only_the_totals_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main() == 0
    told = capsys.readouterr().out
    assert "rules followed by a scenario" in told and told.endswith("BW_USERNAME/BW_PASSWORD not set.\n")
    assert live.missing({}) == [*live.NEEDED, "BW_ID_CLIENT_ID/BW_ID_CLIENT_SECRET or BW_USERNAME/BW_PASSWORD"]


@pytest.mark.live
@pytest.mark.parametrize("name", NAMES)
def test_live(name: str) -> None:
    if missing := live.missing(os.environ):
        pytest.skip(f"not set: {', '.join(missing)}")
    assert asyncio.run(live.play_live(chosen(name))) == []
