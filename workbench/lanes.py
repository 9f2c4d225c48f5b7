"""Worker threads that keep the order of each flow: jobs of one flow run one after the other, other flows beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Condition, Thread, current_thread

LANES = 8
# A thread whose handler has returned ends at once; one whose handler hangs is not waited for longer.
PARTING_SECONDS = 1.0
Job = Callable[[], object]


class Lanes:
    """A few threads, each with its queue; a flow always uses the same one. They start at once: an interpreter that is ending,
    where a workbench that nobody closed still hears of its calls' end, starts no thread any more.

    Daemon threads, unlike those of `concurrent.futures`: a handler that hangs must not keep the kernel from ending.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._open = 0
        self._closed = False
        self._queues: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in range(LANES)]
        self._threads = [
            Thread(target=self._run, args=(queue,), name=f"callbacks-{number}", daemon=True) for number, queue in enumerate(self._queues)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, flow: str, job: Job) -> None:
        """Run `job` after the earlier jobs of this flow; after `close` it is dropped. What it raises is lost."""
        with self._changed:
            if self._closed:
                return
            self._open += 1
            self._queues[hash(flow) % LANES].put(job)

    def drain(self, timeout: float) -> bool:
        """Wait until nothing is left to do, jobs included that jobs have put; False when `timeout` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout)

    def close(self) -> None:
        """Drop what has not begun and end the threads; closed already: nothing happens."""
        with self._changed:
            self._closed = True
            for queue in self._queues:
                queue.put(None)
        until = time.monotonic() + PARTING_SECONDS
        for thread in self._threads:
            if thread is not current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self, queue: SimpleQueue[Job | None]) -> None:
        while (job := queue.get()) is not None:
            try:
                if not self._closed:
                    job()
            except Exception:
                pass
            finally:
                with self._changed:
                    self._open -= 1
                    self._changed.notify_all()
