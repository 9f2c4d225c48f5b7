"""Playing a scenario: its steps one after the other, and what came of them beside what was expected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.corpus.devices import SILENCE, DeviceSocket
from tests.corpus.matching import differences
from tests.corpus.scenario import Scenario
from tests.corpus.stage import InProcess, local_setup

Step = Mapping[str, Any]

# Which API a path belongs to, by its first word; others are taken as they are.
VOICE, WEBRTC, ENDPOINTS = "/api/v2/accounts/{account}", "/v1/accounts/{account}", "/v2/accounts/{account}"
PREFIXES = {
    **dict.fromkeys(("calls", "conferences", "recordings", "statistics"), VOICE),
    **dict.fromkeys(("sessions", "participants"), WEBRTC),
    "endpoints": ENDPOINTS,
}
USER = "local:local"
MEASURED = 0.04  # seconds of real time, two frames: whole periods of every tone fit into each
CLOCK = "POST /_local/clock"


@dataclass
class Outcome:
    """What came of a scenario: differences (none when all is well), rules followed, events told, webhooks' bodies, requests made."""

    differences: list[str] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    requests: set[tuple[str, str]] = field(default_factory=set)


async def play(scenario: Scenario) -> Outcome:
    """Play a scenario in process."""
    stage = InProcess(scenario)
    try:
        return await Play(scenario, stage).all()
    finally:
        await stage.close()


class Play:
    """One playing of a scenario."""

    def __init__(self, scenario: Scenario, stage: InProcess) -> None:
        self.scenario, self.stage, self.names = scenario, stage, stage.names
        self.found: list[str] = []
        self.requests: set[tuple[str, str]] = set()
        self.actions: dict[str, Callable[[Step], Coroutine[Any, Any, None]]] = {
            "call": self.call,
            "dial": self.dial,
            "pick up": lambda step: self.phone(step, "pick up", "answer"),
            "hang up": lambda step: self.phone(step, "hang up", "hangup"),
            "reject": lambda step: self.phone(step, "reject", "reject"),
            "keys": self.keys,
            "phone": self.script,
            "wait": self.wait,
            "request": self.request,
            "session": self.session,
            "participant": self.participant,
            "endpoint": self.endpoint,
            "connect": self.connect,
            "disconnect": self.disconnect,
            "release": self.release,
            "hears": self.hears,
            "note": self.note,
            "socket": self.socket,
            "device": self.device,
        }

    async def all(self) -> Outcome:
        """Everything: the setting, the steps, then the comparison."""
        for path, body in local_setup(self.scenario):
            answer = await self.send("PUT", path, {"body": body})
            assert answer.status_code == 200, answer.text
        for place, step in enumerate(self.scenario.steps, 1):
            action = next(iter(step))
            self.where = f"step {place} ({action} {step[action] if isinstance(step[action], str) else ''})".replace(" )", ")")
            await self.actions[action](step)
            if action not in ("hears", "note", "wait") and step[action] != CLOCK:
                await self.stage.settle(step.get("for"))
        self.compare_webhooks()
        await self.compare_state()
        self.compare_happenings()
        self.compare_messages()
        followed = self.stage.followed()
        self.found += [f"shows: rule {rule} was not followed" for rule in self.scenario.shows if rule not in followed]
        told = {str(told.fields.get("eventType") or told.fields.get("event")) for told in self.stage.application.told}
        bodies = [told.body for told in self.stage.application.told if told.body is not None]
        return Outcome(self.found, followed, told, bodies, self.requests)

    # Requests

    async def send(self, method: str, path: str, step: Step) -> httpx.Response:
        """One request, with what its step says about body and credentials."""
        headers, content = {}, b""
        if "body" in step:
            headers["Content-Type"], content = "application/json", json.dumps(self.names.fill(step["body"])).encode()
        if "xml" in step:
            document = self.names.fill(step["xml"])
            whole = document.startswith(("<?xml", "<Response", "<Bxml")) or not document.startswith("<")
            headers["Content-Type"] = "application/xml"
            content = (document if whole else f"<Bxml>{document}</Bxml>").encode()
        if "form" in step:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = str(httpx.QueryParams(self.names.fill(step["form"]))).encode()
        if "text" in step:
            content = self.names.fill(step["text"]).encode()
        if "content type" in step:
            headers["Content-Type"] = step["content type"]
        headers |= {name: self.names.fill(value) for name, value in step.get("headers", {}).items()}
        auth = None
        if "bearer" in step:
            headers["Authorization"] = f"Bearer {self.names.fill(step['bearer'])}"
        elif step.get("credentials", USER) != "none":
            auth = tuple(step.get("credentials", USER).split(":", 1))
        url = self.names.fill(self.path(path)).replace("+", "%2B")
        self.requests.add((method, urlsplit(url).path))
        return await self.stage.http.request(method, url, content=content, headers=headers, auth=auth)

    def path(self, path: str) -> str:
        """The whole path of a request, by the API that its first word belongs to."""
        first = path.strip("/").partition("/")[0].partition("?")[0]
        return PREFIXES.get(first, "") + path

    def check(self, answer: httpx.Response, step: Step, usual: tuple[int, ...]) -> None:
        """The answer beside what its step expects of it."""
        wanted = (step["expect"],) if "expect" in step else usual
        if answer.status_code not in wanted:
            self.found.append(f"{self.where}: expected {wanted[0]}, was {answer.status_code} {answer.text[:300]}")
        if "rule" in step and answer.headers.get("X-Workbench-Rule") != step["rule"]:
            self.found.append(f"{self.where}: expected rule {step['rule']}, was {answer.headers.get('X-Workbench-Rule')}")
        if "gives" in step:
            self.found += differences(self.names.fill(step["gives"]), said(answer), self.where)
        for name, path in step.get("keep", {}).items():
            self.names.keep(name, pick(answer, path))

    async def request(self, step: Step) -> None:
        """Any request: `GET /calls`, with body, xml or form; by default it must succeed."""
        method, path = step["request"].split(" ", 1)
        self.check(await self.send(method, path, step), step, (200, 201, 202, 204))

    # Calls and phones

    async def call(self, step: Step) -> None:
        """POST /calls to a phone, or to whatever `with: {to: …}` says."""
        to = step["call"]
        name = step.get("as")
        body = {
            "from": "{number}",
            "to": f"{{{to}}}",
            "applicationId": "{application}",
            "answerUrl": "{base}/answer",
            "disconnectUrl": "{base}/disconnect",
        }
        body |= step.get("with", {})
        body = {key: value for key, value in body.items() if value != "<absent>"}
        self.names.next_call = name
        answer = await self.send("POST", "/calls", {**step, "body": body})
        if answer.status_code == 201:
            self.names.learn(answer.json()["callId"], "outbound", answer.json()["from"], answer.json()["to"])
        self.names.next_call = None
        self.check(answer, step, (201,))

    async def dial(self, step: Step) -> None:
        """A phone dials the account's first number, or `to`."""
        self.names.next_call = step.get("as")
        body = {"to": step.get("to", "{number}"), **step.get("with", {})}
        answer = await self.send("POST", f"/_local/phones/{{{step['dial']}}}/dial", {**step, "body": body})
        self.names.next_call = None
        self.check(answer, step, (200,))

    async def phone(self, step: Step, action: str, path: str) -> None:
        """A phone picks up, hangs up or declines."""
        self.check(await self.send("POST", f"/_local/phones/{{{step[action]}}}/{path}", step), step, (204,))

    async def keys(self, step: Step) -> None:
        """Keys pressed on phones: `{A: "12#"}`."""
        for name, digits in step["keys"].items():
            answer = await self.send("POST", f"/_local/phones/{{{name}}}/keys", {**step, "body": {"digits": str(digits)}})
            self.check(answer, step, (204,))

    async def script(self, step: Step) -> None:
        """Another script for a phone: `{A: {busy: true}}`."""
        for name, script in step["phone"].items():
            self.check(await self.send("PUT", f"/_local/phones/{{{name}}}", {**step, "body": script}), step, (200,))

    async def wait(self, step: Step) -> None:
        """Seconds that pass."""
        await self.stage.settle(float(step["wait"]))

    # WebRTC

    async def session(self, step: Step) -> None:
        """A WebRTC session, known by the name given."""
        answer = await self.send("POST", "/sessions", {**step, "body": step.get("with", {})})
        self.check(answer, step, (200,))
        if answer.status_code == 200:
            self.names.keep(step["session"], answer.json()["id"])

    async def participant(self, step: Step) -> None:
        """A participant; `to: S` adds it to a session, subscribed to everybody. Its token is `{P.token}`, its UUI value `{P.uui}`."""
        name = step["participant"]
        answer = await self.send("POST", "/participants", {**step, "body": step.get("with", {})})
        self.check(answer, step, (200,))
        if answer.status_code == 200:
            self.names.keep(name, answer.json()["participant"]["id"])
            self.names.keep(f"{name}.token", answer.json()["token"])
            self.names.keep(f"{name}.uui", f"{answer.json()['token']};encoding=jwt")
        if "to" in step:
            path = f"/sessions/{{{step['to']}}}/participants/{{{name}}}"
            added = await self.send("PUT", path, {"body": {"sessionId": f"{{{step['to']}}}"}})
            self.check(added, {}, (204,))

    async def endpoint(self, step: Step) -> None:
        """An endpoint, whose events go to `{base}/endpoint`. Its token is `{E.token}`."""
        name = step["endpoint"]
        body = {"type": "WEBRTC", "direction": "BIDIRECTIONAL", "eventCallbackUrl": "{base}/endpoint"} | step.get("with", {})
        answer = await self.send("POST", "/endpoints", {**step, "body": body})
        self.check(answer, step, (201,))
        if answer.status_code == 201:
            self.names.keep(name, answer.json()["data"]["endpointId"])
            self.names.keep(f"{name}.token", answer.json()["data"]["token"])

    async def connect(self, step: Step) -> None:
        """A simulated device connects by the token of a participant or endpoint. Its id is `{P.device}`."""
        name = step["connect"]
        answer = await self.send("POST", "/_local/devices", {**step, "body": {"token": f"{{{name}.token}}"} | step.get("with", {})})
        self.check(answer, step, (201,))
        if answer.status_code == 201:
            self.names.keep(f"{name}.device", answer.json()["deviceId"])

    async def disconnect(self, step: Step) -> None:
        """The simulated device leaves."""
        self.check(await self.send("DELETE", f"/_local/devices/{{{step['disconnect']}.device}}", step), step, (204,))

    # Looking

    async def release(self, step: Step) -> None:
        """The application answers at last: `release: answer A`."""
        self.stage.application.release(step["release"])

    async def hears(self, step: Step) -> None:
        """Who hears whom now, by name: as the platform computes it, and as it is measured with tones."""
        for path, method, body in (("/_local/hears", "GET", {}), ("/_local/hears/measure", "POST", {"body": {"seconds": MEASURED}})):
            answer = await self.send(method, path, body)
            heard = {self.names.of(one): self.names.all_of(others) for one, others in answer.json()["hears"].items()}
            if heard != step["hears"]:
                self.found.append(f"{self.where}: expected {step['hears']}, was {heard} by {method} {path}")

    async def note(self, step: Step) -> None:
        """Keep a value that a webhook brought: `{rec: recordingAvailable A.recordingId}`."""
        for name, where in step["note"].items():
            line, _, path = where.partition(".")
            last = [told for told in self.stage.application.told if told.line == line][-1]
            self.names.keep(name, walk(last.fields, path))

    async def socket(self, step: Step) -> None:
        """The application's WebSocket server at a path `says` something, `closes`, or `breaks` the connection."""
        if "says" in step:
            said_ = step["says"]
            self.stage.sockets.say(step["socket"], said_ if isinstance(said_, str) else json.dumps(said_))
        else:
            self.stage.sockets.end(step["socket"], step.get("breaks"))

    async def device(self, step: Step) -> None:
        """A device's socket: it is opened, asks, tells, sends a text or sound, is told something, is closed, breaks or is lost."""
        name = step["device"]
        if "opens" in step:
            opened = self.stage.devices[name] = DeviceSocket(self.stage.app, self.names.fill(step["opens"]))
            await opened.until(lambda: opened.status)
            if "expect" in step and step["expect"] >= 1000:
                await opened.until(lambda: opened.status != 101)
            return self.check_device(step, opened.status, 101, {})
        device, params = self.stage.devices[name], self.names.fill(step.get("with", {}))
        if "asks" in step:
            answer = await device.ask(step["asks"], params)
            error = answer.get("error", {})
            return self.check_device(step, error.get("code", 200), 200, answer.get("result", error))
        if "tells" in step:
            device.send(json.dumps({"jsonrpc": "2.0", "method": step["tells"]} | ({"params": params} if params else {})))
        elif "sends" in step:
            device.send(self.names.fill(step["sends"]))
        elif "frames" in step:
            for _ in range(step["frames"]):
                device.send(SILENCE)
        elif "told" in step:
            return self.check_device(step, 200, 200, await device.hear(step["told"]))
        elif "closed" in step:
            await device.until(lambda: device.status != 101)
            return self.check_device({"expect": step["closed"]}, device.status, 1000, {})
        else:
            await device.end(step.get("breaks", 1006), lost="lost" in step)
        for _ in range(5):  # what was sent is read, and what it sets off is done
            await asyncio.sleep(0)
        return None

    def check_device(self, step: Step, status: int, usual: int, told: Mapping[str, Any]) -> None:
        """What came to a device beside what its step expects."""
        if status != step.get("expect", usual):
            self.found.append(f"{self.where}: expected {step.get('expect', usual)}, was {status} {told}")
        if "rule" in step and told.get("data", {}).get("rule") != step["rule"]:
            self.found.append(f"{self.where}: expected rule {step['rule']}, was {told}")
        self.found += differences(self.names.fill(step.get("gives", {})), told, self.where)
        for kept, path in step.get("keep", {}).items():
            self.names.keep(kept, walk(told, path))

    def compare_messages(self) -> None:
        """All that came on the application's WebSockets but audio, in order; not looked at unless the scenario has any."""
        came = [line for line, _ in self.stage.sockets.messages]
        expected = [line for line, _ in self.scenario.messages]
        if expected and came != expected:
            self.found.append("messages: expected\n  " + "\n  ".join(expected) + "\nbut came\n  " + "\n  ".join(came))
            return
        for (line, fields), (_, message) in zip(self.scenario.messages, self.stage.sockets.messages, strict=False):
            self.found += differences(self.names.fill(fields), message, f"message {line}")

    def compare_webhooks(self) -> None:
        """Every webhook, in the order in which the platform sent them."""
        told = sorted(self.stage.application.told, key=lambda one: one.seq)
        lines, expected = [one.line for one in told], [line for line, _ in self.scenario.webhooks]
        if self.scenario.uncounted:
            return
        if lines != expected:
            self.found.append("webhooks: expected\n  " + "\n  ".join(expected) + "\nbut came\n  " + "\n  ".join(lines))
            return
        for one, (line, fields) in zip(told, self.scenario.webhooks, strict=True):
            self.found += differences(self.names.fill(fields), one.fields, f"webhook {line}")

    async def compare_state(self) -> None:
        """What the APIs say at the end."""
        for line, fields in self.scenario.state:
            self.where = f"state {line}"
            if line == "hears":
                await self.hears({"hears": fields})
                continue
            method, path = line.split(" ", 1)
            answer = await self.send(method, path, {})
            self.check(answer, {"expect": fields} if isinstance(fields, int) else {"gives": fields}, (200,))

    def compare_happenings(self) -> None:
        """What happened, in this order; other things may have happened in between."""
        entries = iter([entry for entry in self.stage.entries() if entry.kind not in ("webhook", "webhookAnswered")])
        for kind, fields in self.scenario.happens:
            wanted = self.names.fill(fields)
            if not any(entry.kind == kind and not differences(wanted, {**entry.data, "rule": entry.rule}, "") for entry in entries):
                seen = "\n  ".join(f"{entry.kind} {dict(entry.data)} ({entry.rule})" for entry in self.stage.entries())
                self.found.append(f"happens: {kind} {wanted} did not happen in its turn; all of it:\n  {seen}")
                return


def said(answer: httpx.Response) -> Any:
    """The body of an answer, and its headers under `headers` when it is an object."""
    body = answer.json() if answer.content and "json" in answer.headers.get("Content-Type", "") else answer.text
    return {**body, "headers": Headers(answer.headers)} if isinstance(body, dict) else body


class Headers(dict[str, Any]):
    """Headers by any spelling."""

    def __init__(self, headers: httpx.Headers) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


def pick(answer: httpx.Response, path: str) -> Any:
    """A value of an answer: `0.recordingId`, `header Location`, or `next page` of its Link header."""
    if path == "next page":
        return answer.links["next"]["url"]
    if path.startswith("header "):
        return answer.headers[path.removeprefix("header ")]
    return walk(answer.json(), path)


def walk(value: Any, path: str) -> Any:
    """The value at a dotted path."""
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
