"""Complete calls a second through a real child process, and how often a call's state can be asked.

A call: `POST /calls`, the phone answers at once, the `answer` webhook, `<Hangup/>`, the `disconnect` webhook. Application and load live in
the bench's own process. The baseline is a bare Starlette application under the same uvicorn settings that sends two such webhooks with the
same aiohttp settings.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from itertools import count, cycle, repeat
from statistics import median
from typing import Any

from tests.bench.children import SIMULATOR, child, tell
from tests.bench.figures import Row
from tests.bench.load import Application, Connection, at_most, close, connect, reply, request, run

ACCOUNT = "/api/v2/accounts/9900000"
USER = ("local", "local")
APPLICATION = "a0000000-0000-4000-8000-000000000001"
AT_ONCE = 32
RATE, SHARE, READS = 400.0, 0.25, 2000.0


def measure(calls: int = 800, rounds: int = 5, reads: int = 5000) -> list[Row]:
    """Rounds of `calls` calls, and `reads` readings of one call."""
    with child(*SIMULATOR) as simulator, child("-m", "tests.bench.calls") as bare:
        return run(_measure(simulator.said, bare.said, calls, rounds, reads))


async def _measure(simulator: dict[str, str], bare: dict[str, str], calls: int, rounds: int, reads: int) -> list[Row]:
    desk = Desk()
    await desk.open()
    numbers = phones(4 * AT_ONCE)
    await script(simulator, numbers, ring_seconds=0)
    pairs = []
    for _ in range(rounds + 1):
        # the first round warms both up
        pairs.append([await desk.calls(url, calls, numbers, check) for url, check in ((simulator["url"], in_order), (bare["url"], told))])
    rates, others = (median(column) for column in zip(*pairs[1:], strict=True))
    ratio = median(one / other for one, other in pairs[1:])
    text = f"{rates:.0f}/s, {calls * (rounds + 1)} in order"
    met = rates >= RATE and ratio >= SHARE
    row = Row("complete calls per second", text, f"{others:.0f}/s bare Starlette", ratio, f"≥ {RATE:.0f}/s, ≥ {SHARE} ×", met)
    [connection] = await connect(simulator["url"], 1)
    call_id, _ = await desk.create(connection, numbers[0])
    close([connection])
    message = request("GET", f"{ACCOUNT}/calls/{call_id}", user=USER)
    asked = [await at_most(url, repeat(message), AT_ONCE, reads) for url in (simulator["url"], bare["url"])]
    await desk.close()
    share = asked[0] / asked[1]
    read = Row(
        "GET /calls/{id} per second", f"{asked[0]:.0f}/s", f"{asked[1]:.0f}/s bare Starlette", share, f"≥ {READS:.0f}/s", asked[0] >= READS
    )
    return [row, read]


def phones(number: int) -> list[str]:
    """So many numbers; a phone can be in one call only."""
    return [f"+1919556{one:04}" for one in range(number)]


async def script(simulator: dict[str, str], numbers: list[str], **values: Any) -> None:
    """Tell phones how to behave."""
    [connection] = await connect(simulator["url"], 1)
    for number in numbers:
        await connection.ask(request("PUT", f"/_local/phones/{number}", values, X_Workbench_Token=simulator["token"]))
    close([connection])


def in_order(created: int, events: list[tuple[str, int]]) -> bool:
    """Whether a call was told of as the platform numbered it: created, answered, disconnected."""
    kinds, places = zip(*events, strict=True)
    return kinds == ("answer", "disconnect") and created < places[0] < places[1]


def told(created: int, events: list[tuple[str, int]]) -> bool:
    """Whether both webhooks came one after the other."""
    return [kind for kind, _ in events] == ["answer", "disconnect"]


class Desk:
    """The application: it hangs up every call that is answered, and notes what it was told."""

    def __init__(self, document: str = "<Response><Hangup/></Response>") -> None:
        self._replies = {"answer": reply(document), "disconnect": reply()}
        self._connections: list[Application] = []
        self._events: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._ended: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening, hang up on the platform."""
        self._server.close()
        for connection in self._connections:
            connection.transport.abort()
        await self._server.wait_closed()

    async def calls(self, url: str, number: int, numbers: list[str], right: Any) -> float:
        """Complete so many calls; how many a second. RuntimeError unless each was told of in the right order."""
        free, connections = cycle(numbers), await connect(url, AT_ONCE)
        begun = count()

        async def work(connection: Connection) -> None:
            while next(begun) < number:
                call_id, seq = await self.create(connection, next(free))
                await self._ended[call_id].wait()
                if not right(seq, self._events.pop(call_id)):
                    raise RuntimeError(f"call {call_id} was not told of in the right order")
                del self._ended[call_id]

        began = time.perf_counter()
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for connection in connections:
                tasks.create_task(work(connection))
        seconds = time.perf_counter() - began
        close(connections)
        return number / seconds

    async def create(self, connection: Connection, to: str) -> tuple[str, int]:
        """Place a call; its id, and the creation's place in the platform's sequence."""
        fields = {"from": "+19195550100", "to": to, "applicationId": APPLICATION}
        fields |= {"answerUrl": f"{self.url}/answer", "disconnectUrl": f"{self.url}/disconnect"}
        head, body = await connection.ask(request("POST", f"{ACCOUNT}/calls", fields, USER), 201)
        return json.loads(body)["callId"], _seq(head)

    def _accept(self) -> Application:
        self._connections.append(Application(self._hear))
        return self._connections[-1]

    def _hear(self, head: bytes, body: bytes) -> bytes:
        event = json.loads(body)
        self._events[event["callId"]].append((event["eventType"], _seq(head)))
        if event["eventType"] == "disconnect":
            self._ended[event["callId"]].set()
        return self._replies[event["eventType"]]


def _seq(head: bytes) -> int:
    """The platform's sequence number in a message's head."""
    return int(head.lower().partition(b"x-workbench-seq:")[2].partition(b"\r\n")[0] or 0)


# -- the baseline's process ------------------------------------------------------------------------------------------------------------


def serve() -> None:
    """A bare application: each POST is told by two webhooks one after the other, each GET answers a call's state."""
    import aiohttp
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tests.bench.callbacks import webhook
    from workbench.simulator.webhooks import KEEP_ALIVE_SECONDS

    numbers, tasks = count(), set()
    state = json.dumps(webhook(0)).encode()

    async def tell_of(session: aiohttp.ClientSession, fields: dict[str, Any], call: dict[str, str]) -> None:
        for event in ("answer", "disconnect"):
            data = json.dumps(call | {"eventType": event}).encode()
            async with session.post(fields[f"{event}Url"], data=data, headers={"Content-Type": "application/json"}) as answer:
                await answer.read()

    async def create(request: Request) -> Response:
        fields, call = await request.json(), webhook(next(numbers))
        tasks.add(task := asyncio.create_task(tell_of(request.app.state.session, fields, call)))
        task.add_done_callback(tasks.discard)
        return Response(json.dumps(call), 201, media_type="application/json")

    async def get(request: Request) -> Response:
        return Response(state, media_type="application/json")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            app.state.session = session
            yield

    path = "/api/v2/accounts/{account}/calls"
    routes = [Route(path, create, methods=["POST"]), Route(f"{path}/{{call}}", get, methods=["GET"])]
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    settings: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False, "ws": "none", "timeout_keep_alive": 75}
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes, lifespan=lifespan), timeout_graceful_shutdown=1, **settings))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    tell(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.run([listener])


if __name__ == "__main__":
    serve()
