"""The workbench: what a notebook or script works with. Started it serves callbacks; closed it leaves nothing behind."""

from __future__ import annotations

import sys
import weakref
from _thread import start_new_thread
from collections.abc import Callable
from getpass import getpass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from workbench import credentials, leftovers, status, waiting
from workbench.errors import ApiError, SettingsError, WorkbenchError
from workbench.handles import NoLocal, Phone
from workbench.lessons import Lessons
from workbench.local import Local, dialled
from workbench.records import Event
from workbench.settings import Settings
from workbench.steering import Steering
from workbench.takeaway import TakeAway
from workbench.views import Views
from workbench.wiring import Network, Wiring

if TYPE_CHECKING:
    from pandas import DataFrame

    from workbench.behind import LeftBehind
    from workbench.clients import Voice, WebRtc
    from workbench.dashboard import Dashboard
    from workbench.endpoints import Endpoints
    from workbench.findings import Findings
    from workbench.modes import BridgeMode, ConferenceMode, Flow, Participant, TransferMode
    from workbench.refused import RefusedTable
    from workbench.spending import Allowance

# Simulated phones stand at +1 919 555 0111 and on; those from 0191 behave in ways of their own, and the last before them play stories.
PHONES = range(111, 188)


class Workbench(Lessons, Views, Steering, TakeAway):
    """An application with its callback server, and the platform it talks to: a local one, unless the settings say live.

    `transfer`, `bridge` and `conference` are the modes, `voice`, `webrtc` and `endpoints` Bandwidth's APIs; `local` is what only the local
    platform can do, and is false when the settings are live. Settings come as `Settings` or by name; `Workbench()` needs none. In a
    notebook there is one at a time: a new one closes the one before.
    """

    _current: ClassVar[weakref.ref[Workbench] | None] = None

    def __init__(self, settings: Settings | None = None, *, network: Network | None = None, **overrides: Any) -> None:
        before = Workbench._current() if _in_notebook() and Workbench._current else None
        if before is not None:
            # The cell is run again; the old one may live on in the notebook's history.
            before.close()
        given = settings.model_dump(exclude_unset=True) if settings else {}
        wanted = Settings(**(given | overrides))
        if _in_notebook():
            wanted = credentials.asked(wanted, getpass, before.settings if before else None)
        me = weakref.ref(self)
        self._wiring = Wiring(wanted, lambda name, thing: _view(me(), name, thing), network)
        # Garbage is collected at any moment, also while this thread holds a lock that closing needs: so it is done on another one.
        weakref.finalize(self, start_new_thread, self._wiring.close, ()).atexit = False
        self.transfer: TransferMode = self._wiring.transfer
        self.bridge: BridgeMode = self._wiring.bridge
        self.conference: ConferenceMode = self._wiring.conference
        self.local: Local | NoLocal = self._wiring.local
        self.voice: Voice = self._wiring.voice
        self.webrtc: WebRtc = self._wiring.webrtc
        self.endpoints: Endpoints = self._wiring.endpoints
        self._left: list[str] = []
        self._rules: dict[str, dict[str, str] | None] = {}
        if _in_notebook():
            # Only now: one that could not start is nothing to close.
            Workbench._current = weakref.ref(self)
            print(status.line(self.settings))

    # -- parts ---------------------------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in use, secrets masked."""
        return self._wiring.settings

    @property
    def number(self) -> str:
        """Our phone number."""
        return self.settings.number

    @property
    def url(self) -> str:
        """Where the platform reaches our callback server."""
        return self._wiring.gate.base

    @property
    def interconnect(self) -> str:
        """The SIP address that takes WebRTC legs."""
        return self.settings.interconnect

    # -- the WebRTC side -----------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> str:
        """Id of the session; made when first asked for."""
        return self._wiring.side.session

    def participant(self, name: str = "browser") -> Participant:
        """The participant of this name, in the session; made when first asked for."""
        side = self._wiring.side
        return side.named(name) or side.create(name)

    def delete(self, participant: Participant) -> None:
        """Delete a participant: its token admits nobody any more."""
        self._wiring.side.delete(participant)

    # -- what calls may cost ---------------------------------------------------------------------------------------------------------

    def allow(self, numbers: Any, calls: int = 20) -> Allowance:
        """From now on so many calls to these numbers or phones and to the WebRTC side, instead of what was allowed before; "*" is anybody.

        Live no call is made without. Raises WorkbenchError for what is no number or no count, and then changes nothing.
        """
        from workbench.spending import numbers_of

        wanted = [one if one == "*" else dialled(one) for one in numbers_of(numbers)]
        return self._wiring.spending.allow(wanted, calls)

    # -- phones and who hears whom -------------------------------------------------------------------------------------------------

    def phone(self, which: int | str = 1, name: str | None = None) -> Phone:
        """A telephone: a simulated one by its count, or the one at a number. The same arguments give the same phone.

        Live the first is yours, at `user_number` (USER_NUMBER; SettingsError without), and there is no second. Raises WorkbenchError for
        what is no number.
        """
        if isinstance(which, int) and not self.local:
            if which != 1:
                raise WorkbenchError("live there are no simulated phones: give the number of a real one, wb.phone('+1…')")
            number, name = self.settings.user_number, name or "phone"
            if not number:
                raise SettingsError("user_number (USER_NUMBER): set it to the number of your own telephone, or use wb.phone('+1…')")
        elif isinstance(which, int):
            if not 1 <= which <= len(PHONES):
                raise WorkbenchError(f"simulated phones are counted from 1 to {len(PHONES)}; any other is had by its number")
            number, name = f"+19195550{PHONES[which - 1]}", name or ("phone" if which == 1 else f"phone {which}")
        else:
            number = dialled(which)
        names = self._wiring.board.names
        names[number] = name or names.get(number, number)
        return Phone(number, names[number], self.local)

    def phones(self, count: int) -> list[Phone]:
        """The first `count` simulated phones."""
        return [self.phone(which) for which in range(1, count + 1)]

    # -- events --------------------------------------------------------------------------------------------------------------------

    @property
    def events(self) -> DataFrame:
        """Every request and webhook of this run."""
        return self._wiring.frame()

    async def wait_for(self, event_type: str, leg: str | None = None, flow: Flow | str | None = None, timeout: float = 30) -> Event:
        """The first such event of the flow (the newest unless told) that nobody has waited for yet; it may have come before.

        While the platform's clock stands still, it is run until nothing is under way. After `timeout` seconds a WaitError tells what came.
        """
        return await self._wiring.waits.wait_for(self._wiring.wanted(event_type, leg, flow), timeout)

    def wait(self, event_type: str, leg: str | None = None, flow: Flow | str | None = None, timeout: float = 30) -> Event:
        """`wait_for` for plain scripts. In a notebook it would keep buttons from working."""
        return self._wiring.waits.wait(self._wiring.wanted(event_type, leg, flow), timeout)

    async def until(self, condition: Callable[[], object], timeout: float = 10) -> None:
        """Return once the condition holds. For what no webhook tells: that two legs are joined, say. WaitError after `timeout` seconds."""
        await waiting.until(condition, timeout, held=self._wiring.held_up)

    # -- state ---------------------------------------------------------------------------------------------------------------------

    def ping(self) -> dict[str, str]:
        """Ask every part for a sign of life: the Voice API, the WebRTC API, and our callback server through its public address."""
        return self._wiring.ping()

    def doctor(self) -> Findings:
        """Look for what is wrong: this machine, the settings, the way to us, the account. Places no call; each line says what to do."""
        from workbench.doctor import examine

        return examine(self.settings, self._wiring)

    def dashboard(self) -> Dashboard:
        """What to enter in the account's dashboard so that inbound calls come here."""
        from workbench.dashboard import Dashboard
        from workbench.events import dashboard_file

        settings, gate, tunnel = self.settings, self._wiring.gate, self._wiring.tunnel
        steady = tunnel.kind != "ngrok" or bool(settings.ngrok_domain)
        return Dashboard(settings.application_id, settings.number, gate.base, gate.dashboard[0], dashboard_file(settings), steady)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._wiring.closed

    def leftovers(self) -> list[str]:
        """What of ours is still there: on the platform, and once closed also threads, ports and processes. Closed well: nothing."""
        return list(self._left) if self.closed else leftovers.on_platform(self._wiring)

    @property
    def left_behind(self) -> LeftBehind:
        """What earlier runs of this account, whose process was killed, had left on the platform, and what became of it."""

        undoing = self._wiring.undoing
        return LeftBehind() if undoing is None else undoing.found

    @property
    def refused(self) -> RefusedTable:
        """What the callback server has turned away, by reason: its URL is on the public internet."""
        from workbench.refused import table

        return table(self._wiring.log.turned_away())

    def close(self) -> None:
        """End every call, delete what was made on the platform, stop every part. The log stays readable. Again: nothing happens."""
        if self.closed:
            return
        try:
            self._wiring.tidy()
            self._left = leftovers.on_platform(self._wiring)
        except ApiError as error:
            # The platform may be gone; all that is here ends nevertheless.
            self._left = [f"whatever the platform has, it could not be asked: {error}"]
        finally:
            self._wiring.close()
        self._left += [*leftovers.kept(self._wiring), *leftovers.in_process(self._wiring)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lines(self) -> dict[str, str]:
        undoing, wiring = self._wiring.undoing, self._wiring
        more = {"calls": repr(wiring.spending.allowance), "credentials": credentials.said(self.settings)} if self.settings.live else {}
        more |= {
            "tunnel": wiring.tunnel.trouble,
            "turned_away": self.refused.summary(),
            "earlier": "" if undoing is None else undoing.found.summary(),
        }
        return status.lines(self.settings, self.url, wiring.tunnel.kind, closed=self.closed, **more)

    def __repr__(self) -> str:
        return status.as_text(self._lines())

    def _repr_html_(self) -> str:
        return status.as_html(self._lines())


def _view(workbench: Workbench | None, name: str, thing: Any) -> Any:
    """What a mode is asked to show; modes know no panels."""
    if workbench is None:
        raise WorkbenchError("the workbench is gone")
    if name == "table":
        return workbench.table(thing.name)
    if name == "timing":
        return workbench.timing(*thing)
    return workbench.figure(thing) if name == "figure" else workbench._set_up(thing)


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
