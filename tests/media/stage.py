"""A platform in a process of its own, an application for its webhooks, and what tests ask of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil
from aiohttp import web

from tests.bench.children import SIMULATOR, Child, child
from tests.media.clients import Brtc, Classic, Client, Handset, Pcm, brtc_url, classic_url, handset_url, unique
from tests.media.peers import only_loopback
from tests.media.waiting import until
from workbench import tokens

ACCOUNT = "9900000"
APPLICATION = "a0000000-0000-4000-8000-000000000001"
NUMBER = "+19195550100"
VOICE, WEBRTC, ENDPOINTS = (f"/{version}/accounts/{ACCOUNT}" for version in ("api/v2", "v1", "v2"))
PARK = '<Pause duration="3600"/>'

Reply = str | Callable[[dict[str, Any]], str]


def document(*verbs: str) -> str:
    """A document of verbs written out."""
    return "<Response>" + "".join(verbs) + "</Response>"


class Stage:
    """One platform and one application. `replies` answers webhooks by the path they come on."""

    def __init__(self, platform: Child, base: str) -> None:
        self.child, self.base = platform, base
        self.url, self.token = platform.said["url"], platform.said["token"]
        self.ws = self.url.replace("http", "ws", 1)
        self.http = httpx.AsyncClient(base_url=self.url, auth=("local", "local"), timeout=30, trust_env=False)
        self.replies: dict[str, Reply] = {}
        self.webhooks: list[dict[str, Any]] = []
        self.clients: list[Client] = []
        self._parties = 0

    # The application

    async def webhook(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.webhooks.append(body)
        reply = self.replies.get(request.path.strip("/"), "")
        return web.Response(text=reply(body) if callable(reply) else reply, content_type="application/xml")

    def told(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """The webhooks of an event, with these values."""
        named = (body for body in self.webhooks if event in (body.get("eventType"), body.get("event")))
        return [body for body in named if fields.items() <= body.items()]

    # The platform

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A request that succeeds; its JSON."""
        answer = await self.http.request(method, path, json=body, headers={"X-Workbench-Token": self.token})
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else None

    async def local(self, method: str, path: str, body: Any = None) -> Any:
        """A control."""
        return await self.ask(method, f"/_local{path}", body)

    async def happened(self, kind: str) -> list[dict[str, Any]]:
        """The data of every happening of a kind."""
        answer = await self.http.get("/_local/events?after=0", headers={"X-Workbench-Token": self.token})
        lines = [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]
        return [line["data"] for line in lines if line["kind"] == kind]

    async def reset(self) -> None:
        """Everything as at first: devices of the last test gone, nothing noted."""
        for client in self.clients:
            await client.close()
        self.clients.clear()
        await self.local("POST", "/reset")
        self.replies.clear()
        self.webhooks.clear()

    def memory(self) -> float:
        """MB that the platform's process uses."""
        return psutil.Process(self.child.pid).memory_info().rss / 1e6

    def processor(self) -> float:
        """Processor seconds it has used."""
        times = psutil.Process(self.child.pid).cpu_times()
        return times.user + times.system

    # Calls

    async def phone(self, number: str, **script: Any) -> None:
        """Script a phone; it answers at once."""
        await self.local("PUT", f"/phones/{number}", {"ring_seconds": 0} | script)

    async def call(self, to: str, answer: str, **fields: Any) -> str:
        """Place a call whose `answer` webhook gets that document; its id."""
        path = f"answer-{len(self.replies)}"
        self.replies[path] = answer
        body = {"from": NUMBER, "to": to, "applicationId": APPLICATION, "answerUrl": f"{self.base}/{path}"} | fields
        return str((await self.ask("POST", f"{VOICE}/calls", {"disconnectUrl": f"{self.base}/end"} | body))["callId"])

    async def redirect(self, call_id: str, document: str) -> None:
        """Give a call another document."""
        path = f"redirect-{len(self.replies)}"
        self.replies[path] = document
        await self.ask("POST", f"{VOICE}/calls/{call_id}", {"state": "active", "redirectUrl": f"{self.base}/{path}"})

    async def hang_up(self, call_id: str) -> None:
        """End a call."""
        await self.ask("POST", f"{VOICE}/calls/{call_id}", {"state": "completed"})

    async def answered(self, call_id: str) -> None:
        """Wait for a call to be answered."""
        await until(lambda: self.told("answer", callId=call_id), 10, f"answer of {call_id}")

    async def inbound(self, document: str) -> None:
        """What the number's application answers an inbound call with."""
        self.replies["inbound"] = document
        await self.local("PUT", f"/applications/{APPLICATION}", {"callInitiatedCallbackUrl": f"{self.base}/inbound"})

    # Participants and endpoints

    async def session(self) -> str:
        """A new session."""
        return str((await self.ask("POST", f"{WEBRTC}/sessions", {}))["id"])

    async def participant(self, session: str, name: str = "") -> tuple[str, str]:
        """A participant that hears everybody in the session: id and token."""
        fields = {"publishPermissions": ["AUDIO"], "deviceApiVersion": "V3"} | ({"tag": name} if name else {})
        made = await self.ask("POST", f"{WEBRTC}/participants", fields)
        one = made["participant"]["id"]
        await self.ask("PUT", f"{WEBRTC}/sessions/{session}/participants/{one}", {"sessionId": session})
        return one, made["token"]

    async def endpoint(self) -> tuple[str, str]:
        """An endpoint of BRTC: id and token."""
        fields = {"type": "WEBRTC", "direction": "BIDIRECTIONAL", "eventCallbackUrl": f"{self.base}/endpoint"}
        data = (await self.ask("POST", f"{ENDPOINTS}/endpoints", fields))["data"]
        return data["endpointId"], data["token"]

    async def webrtc_leg(self, token: str, answer: str) -> str:
        """A call to the interconnect that stands for a participant."""
        return await self.call(tokens.INTERCONNECT, answer, uui=tokens.uui_for(token))

    # Devices

    async def classic(self, token: str) -> Classic:
        """A browser with the classic SDK, connected."""
        return await self._connected(Classic(classic_url(self.ws, token, unique())))

    async def brtc(self, token: str) -> Brtc:
        """One with BRTC's, connected."""
        return await self._connected(Brtc(brtc_url(self.ws, token, unique())))

    async def pcm(self, token: str) -> Pcm:
        """One of ours with PCM, at the classic address."""
        return await self._connected(Pcm(classic_url(self.ws, token, unique())))

    async def handset(self, number: str) -> Handset:
        """A hand at a phone, connected."""
        return await self._connected(Handset(handset_url(self.ws, await self._ticket(number), unique())))

    async def pcm_handset(self, number: str) -> Pcm:
        """A hand at a phone with PCM."""
        return await self._connected(Pcm(handset_url(self.ws, await self._ticket(number), unique())))

    async def _ticket(self, number: str) -> str:
        return str((await self.local("POST", f"/phones/{number}/ticket"))["ticket"])

    async def _connected(self, client: Any) -> Any:
        self.clients.append(client)
        await client.connect()
        return client

    async def take(self, hand: Any) -> None:
        """Pick up at a handset once it rings."""
        await until(lambda: hand.phone.get("status") == "ringing", 10, f"the phone rings: {hand.phone}")
        await hand.do("answer")
        await until(lambda: hand.phone.get("status") == "talking", 10, "the phone talks")


@asynccontextmanager
async def staged(*options: str) -> AsyncIterator[Stage]:
    """A platform and an application, on loopback."""
    only_loopback()
    stages: list[Stage] = []

    async def webhook(request: web.Request) -> web.Response:
        return await stages[0].webhook(request)

    application = web.Application()
    application.router.add_post("/{path}", webhook)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    began = child(*SIMULATOR, *options)
    platform = await asyncio.to_thread(began.__enter__)
    stage = Stage(platform, f"http://127.0.0.1:{runner.addresses[0][1]}")
    stages.append(stage)
    try:
        yield stage
    finally:
        for client in stage.clients:
            await client.close()
        await stage.http.aclose()
        await runner.cleanup()
        await asyncio.to_thread(began.__exit__, None, None, None)
