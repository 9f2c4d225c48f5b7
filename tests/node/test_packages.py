"""Bandwidth's official Node packages, unmodified, drive the three flows: told our host, and with their own hosts led here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.node.conftest import PHONES
from workbench.local import Local

pytestmark = pytest.mark.sockets

HERE = Path(__file__).parent


def run(script: Path, packages: Path, local: Local, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    account = {"ACCOUNT": "9900000", "APPLICATION": "a0000000-0000-4000-8000-000000000001", "NUMBER": "+19195550100"}
    environment = kept | account | {"NODE_PATH": str(packages), "LOCAL": local.url, "PHONES": " ".join(PHONES)} | variables
    return subprocess.run(["node", str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False)


def led_here(local: Local) -> dict[str, str]:
    return {"NODE_OPTIONS": f"--require {ROOT / 'docs' / 'to-local.cjs'}", "WORKBENCH_LOCAL_URL": local.url}


@pytest.mark.parametrize("way", ["told", "led", "led, with a proxy"])
def test_the_three_flows(way: str, packages: Path, local: Local) -> None:
    variables = {"PLATFORM": local.url} if way == "told" else led_here(local)
    if "proxy" in way:
        variables["HTTPS_PROXY"] = "http://127.0.0.1:1"
    ran = run(HERE / "flows.cjs", packages, local, **variables)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    told: dict[str, Any] = json.loads(ran.stdout)
    assert told["transfer"].pop("callUrl").startswith(f"{local.url}/api/v2/accounts/9900000/calls/c-")
    conference = ["answer"] * 2 + ["conferenceCompleted", "conferenceCreated"] + ["conferenceMemberExit"] * 2 + ["conferenceMemberJoin"] * 2
    assert told == {
        "refused": [400, "validation"],
        "unknown": 404,
        "transfer": {"state": "answered", "enqueued": "string", "told": ["answer", "disconnect"]},
        "bridge": ["answer", "answer", "bridgeComplete", "disconnect", "disconnect"],
        "conference": {"same": True, "members": 2, "mute": True, "told": [*conference, "disconnect", "disconnect"]},
    }


def test_every_way_of_asking_is_led_here_and_other_hosts_are_not(packages: Path, local: Local, tmp_path: Path) -> None:
    script = tmp_path / "ask.mjs"
    script.write_text("""
import https, { get } from 'node:https';
import http from 'node:http';
const path = '/api/v2/accounts/9900000/calls?to=%2B1';
const headers = { Authorization: 'Basic bG9jYWw6bG9jYWw=', Host: 'voice.bandwidth.com' };
const got = (ask) => new Promise((resolve, reject) => ask((answer) => resolve(answer.resume().statusCode)).on('error', reject));
const statuses = [
  await got((done) => get(`https://voice.bandwidth.com${path}`, { headers }, done)),
  await got((done) => https.get({ host: 'voice.bandwidth.com:443', path, headers }, done)),
  await got((done) => https.request(new URL(`https://local:local@VOICE.bandwidth.com${path}`), done).end()),
  await got((done) => http.request(`http://voice.bandwidth.com${path}`, { auth: 'local:local', agent: false }, done).end()),
  (await fetch(`https://voice.bandwidth.com${path}`, { headers: { Authorization: headers.Authorization } })).status,
  (await fetch(new Request(`https://voice.bandwidth.com${path}`, { method: 'POST', body: '{}', headers }))).status,
  await got((done) => http.get(`${process.env.LOCAL}/_local/state`, done)),
  (await fetch(`${process.env.LOCAL}/_local/state`)).status,
  await got((done) => https.get('https://voice.bandwidth.com.invalid/', done)).catch((error) => error.code),
];
console.log(JSON.stringify(statuses));
""")
    ran = run(script, packages, local, **led_here(local))
    assert (ran.returncode, ran.stderr) == (0, "")
    statuses = json.loads(ran.stdout)
    assert statuses[:-1] == [200, 200, 200, 200, 200, 415, 200, 200]
    assert statuses[-1] in ("ENOTFOUND", "EAI_AGAIN")
