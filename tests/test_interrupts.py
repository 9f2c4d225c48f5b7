"""What is done when a cell is interrupted, in a real kernel."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest
from jupyter_client.manager import start_new_async_kernel

from workbench.interrupts import when_interrupted, when_terminated

BEGIN = """
import asyncio
from workbench.interrupts import when_interrupted
done = []
end = when_interrupted(lambda: done.append(1))

async def waits():
    print("waiting")
    while True:
        await asyncio.sleep(0.01)
"""
COMPUTES = "print('computing')\nwhile True: pass"


def test_outside_a_notebook_there_are_no_cells():
    when_interrupted(lambda: None)()


async def test_every_interrupted_cell_is_heard_until_it_ends():
    manager, client = await start_new_async_kernel()

    async def run(code: str, *, interrupt: bool = False) -> str:
        said: list[str] = []
        sent: list[asyncio.Task[None]] = []

        def hear(message: dict) -> None:
            said.append(str(message["content"].get("text", "")))
            if interrupt and message["msg_type"] == "stream":
                sent.append(asyncio.create_task(manager.interrupt_kernel()))

        await client.execute_interactive(code, timeout=20, output_hook=hear)
        return "".join(said).strip()

    try:
        await run(BEGIN)
        await run("1 / 0")
        assert await run("print(len(done))") == "0"
        await run("await waits()", interrupt=True)
        assert await run("print(len(done))") == "1"
        await run(COMPUTES, interrupt=True)
        assert await run("print(len(done))") == "2"
        await run("end(); end()")
        await run(COMPUTES, interrupt=True)
        assert await run("print(len(done))") == "2"
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


TERMINATED = """
import os, signal, sys, threading
from workbench.interrupts import when_terminated
lock = threading.Lock()

def act(name):
    with lock:
        print(name, flush=True)

when_terminated(lambda: act("first"))
when_terminated(lambda: 1 / 0)
when_terminated(lambda: act("second"))
when_terminated(lambda: act("never"))()
if sys.argv[1] == "forked":
    ready, says = os.pipe()
    child = os.fork()
    if not child:
        os.write(says, b".")
        signal.pause()
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM, flush=True)
else:
    with lock:
        os.kill(os.getpid(), signal.SIGTERM)
        print("goes on", flush=True)
    signal.pause()
"""


@pytest.mark.sockets
@pytest.mark.parametrize(("how", "said", "status"), [("asked", ["goes on", "first", "second"], -signal.SIGTERM), ("forked", ["True"], 0)])
def test_asked_to_end_a_process_does_what_is_due_and_a_forked_one_does_not(how, said, status, child_environment):
    ran = subprocess.run([sys.executable, "-c", TERMINATED, how], env=child_environment(), capture_output=True, text=True, timeout=30)
    assert ran.stdout.split("\n")[:-1] == said
    assert ran.returncode == status


def test_a_programs_own_handler_stays():
    def own(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, own)
    try:
        when_terminated(lambda: None)()
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
