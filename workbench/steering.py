"""Where a reader steps in: at a webhook before it is answered, and with faults on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.local import Local

Often = tuple[int | None, float, int]

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas import DataFrame

    from workbench.faults import Failing
    from workbench.handles import NoLocal, Phone
    from workbench.modes import ConferenceMode, Participant
    from workbench.stepping import Stepper
    from workbench.stops import Stop
    from workbench.wiring import Wiring


class Steering:
    """The part of a workbench that steps in."""

    _wiring: Wiring
    _failing: list[Failing]

    if TYPE_CHECKING:
        local: Local | NoLocal
        conference: ConferenceMode

        def phone(self, which: int | str = 1, name: str | None = None) -> Phone: ...

        def participant(self, name: str = "browser") -> Participant: ...

    # -- stops ---------------------------------------------------------------------------------------------------------------------

    def step(self, *events: str | bool) -> Stepper:
        """Hold webhooks before they are answered: these event types, or without a name all that ask for a document; `step(False)` ends it.

        While something is held the local platform's clock stands. What is held is had by `await wb.stopped()`; what was held before, by a
        cell that is run again, say, is answered by its handler.
        """
        stepper = self._wiring.stepper()
        if events == (False,):
            stepper.off()
        else:
            stepper.on(*(str(event) for event in events if event is not True))
            stepper.release()
        return stepper

    async def stopped(self, timeout: float = 30) -> Stop:
        """The next event that is held. A clock that stands is moved until there is one; WaitError after `timeout` seconds."""
        import asyncio

        stepper = self._wiring.stepper()
        await asyncio.to_thread(self._wiring.run_on)
        return await stepper.awaited(timeout)

    @property
    def stops(self) -> list[Stop]:
        """Every event that is held now, the oldest first."""
        return self._wiring.stepper().stops

    # -- faults --------------------------------------------------------------------------------------------------------------------

    def faults(self) -> DataFrame:
        """Every fault there is on demand: what goes wrong, what the platform does then, how sure that is, and where it is explained."""
        from workbench.faults import FAULTS
        from workbench.tables import Story

        rows = [(one.name, one.what, one.then, one.label, one.step) for one in FAULTS.values()]
        return Story(rows, columns=["fault", "what goes wrong", "what the platform does", "label", "lesson"])

    def fault(
        self,
        name: str | None,
        event: str | None = None,
        *,
        phone: Phone | int | str = 1,
        times: int | None = 1,
        chance: float = 1.0,
        seed: int = 0,
    ) -> Failing | None:
        """Have something go wrong, until it is `over()` or the `with` block ends; `wb.faults()` lists what can. None ends all faults.

        `event` is the type of the events whose answer or delivery fails (any, unless told), `times` how often (None: for ever), each by
        `chance`, the same for the same `seed`. `phone` is the one that is busy or does not answer. What is given out is told by the result.
        Raises WorkbenchError for what does not exist, and live for what only the local platform can do.
        """
        on = self.__dict__.setdefault("_failing", [])
        if name is None:
            while on:
                on.pop().over()
            return None
        from workbench import faults

        fault = faults.named(name)
        faults.checked(times, chance)
        if event is not None:
            self._wiring.wanted(event, None, None)
        failing = faults.Failing(fault, self._begin_fault(fault, event, phone, (times, chance, seed)))
        on.append(failing)
        return failing

    def _begin_fault(
        self, fault: Any, event: str | None, phone: Phone | int | str, often: tuple[int | None, float, int]
    ) -> Callable[[], object]:
        from workbench import failing

        if fault.where == "answer":
            return self._wiring.answers().add(fault.detail, event, *often)
        local = self.local
        if not isinstance(local, Local):
            raise WorkbenchError(f"fault {fault.name!r}: {local.why}")
        if fault.where == "delivery":
            # Without a tunnel nothing comes, whatever it is and however often it is tried.
            gone = fault.detail == "lost"
            return failing.Deliveries(local).add(fault.detail, event, None if gone else often[0], *often[1:])
        if fault.where == "token":
            return failing.Deliveries(local).expire(often[0] or failing.MANY)
        if fault.where == "sound":
            return failing.silence(local, self.participant().id)
        if fault.where == "room":
            return failing.fill(self.conference, [self.phone(failing.FIRST + at) for at in range(failing.ROOM)], self._wiring.run_on)
        called = phone if not isinstance(phone, int | str) else self.phone(phone)
        script = {"answer": False} if fault.detail == "answer" else {"busy": True}
        called.set(**script)
        return lambda: called.set(**{field: not value for field, value in script.items()})
