"""What the lessons ask to see: who hears whom as a picture, what happened on the platform, and what is skipped live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import permutations
from typing import TYPE_CHECKING, Any

from workbench import tokens, waiting
from workbench.errors import CallbackError, WaitError
from workbench.handles import NoLocal, Phone
from workbench.local import Happening, Local

if TYPE_CHECKING:
    from pandas import DataFrame

    from workbench.modes import Flow, Leg, Participant
    from workbench.tables import Matrices
    from workbench.wiring import Wiring


LIVE_SECONDS = 1.0
LIVE_ANSWER_SECONDS = 30.0


class Exposure:
    """The callback server's public address, or why it has none."""

    def __init__(self, url: str | None, reason: str = "") -> None:
        self.url = url
        self.reason = reason

    def __repr__(self) -> str:
        return f"public address: {self.url}" if self.url else f"Skipped, no public address: {self.reason}"


class Lessons:
    """The part of a workbench that the lessons look through. Live, what only the local platform knows is left out and says so."""

    _wiring: Wiring

    @property
    def _local(self) -> Local | NoLocal:
        return self._wiring.local

    def only_local(self, what: str) -> bool:
        """Whether a step that needs `what` can be done here; live it is skipped, and says why."""
        if not self._local:
            print(f"Skipped live. This step needs {what}.")
        return bool(self._local)

    @property
    def classic(self) -> bool:
        """Whether the WebRTC side is classic WebRTC, sessions and participants; else it is endpoints."""
        return self._wiring.settings.webrtc == "sessions"

    def only_classic(self, what: str) -> bool:
        """Whether a step that needs `what` of classic WebRTC can be done; with endpoints it is skipped, and says why."""
        if not self.classic:
            print(f"Skipped with endpoints. This step needs {what}.")
        return self.classic

    def expose(self) -> Exposure:
        """Open a tunnel to the callback server and tell its public address, or what is missing for one."""
        parts = self._wiring
        if parts.tunnel.kind != "none":
            return Exposure(parts.tunnel.url)
        from workbench.tunnel import open_tunnel

        try:
            tunnel = open_tunnel(parts.settings.model_copy(update={"tunnel": "ngrok"}), parts.server.port)
        except CallbackError as error:
            return Exposure(None, f"the local platform needs none. A tunnel would need this: {error}" if self._local else str(error))
        parts.end.callback(tunnel.close)
        parts.guard.expect(tunnel.url)
        tunnel.on_move(parts.guard.expect)
        parts.tunnel = tunnel
        return Exposure(tunnel.url)

    # -- the WebRTC side -----------------------------------------------------------------------------------------------------------

    def connect(self, participant: Participant) -> None:
        """Connect a simulated browser as the participant's device (local platform; live, a real browser connects with the token)."""
        self._local.connect(participant)

    def uui(self, participant: Participant) -> str:
        """The User-to-User value that carries a participant's token to the interconnect. Shown masked."""
        return participant.uui

    def named_by(self, uui: str) -> str:
        """Id of the participant whose token a User-to-User value carries. Raises TokenError when it carries none."""
        return tokens.read(tokens.token_in(uui)).participant_id

    def renew_session(self) -> None:
        """Delete the session and all participants; the next to be asked for are in a new one. After 9 hours the platform does that."""
        self._wiring.side.close()

    # -- who hears whom ------------------------------------------------------------------------------------------------------------

    def hears(self) -> DataFrame:
        """Who hears whom: a row per listener, a column per voice, by name (local platform)."""
        matrix: DataFrame = self._local.matrix(self._wiring.board.names)
        return matrix

    def measured(self) -> DataFrame:
        """Like `hears`, but measured: each voice becomes a tone of its own for a moment, looked for at every ear (local platform)."""
        matrix: DataFrame = self._local.matrix(self._wiring.board.names, measured=True)
        return matrix

    async def listen(self, seconds: float = 2.0) -> None:
        """Time for your ears: so many seconds if a browser is there to hear; Run All, with nobody there, does not wait (local platform)."""
        # simulated devices have no name; a browser's tells its SDK
        if any(device["name"] for device in self._local.state()["devices"]):
            await asyncio.sleep(seconds)

    def joined(self, *names: str) -> bool:
        """Whether these phones and participants all hear each other (local platform)."""
        matrix = self._local.matrix(self._wiring.board.names)
        known = set(names) <= set(matrix.index)
        return known and all(bool(matrix.loc[one, other]) for one, other in permutations(names, 2))

    async def until_joined(self, *names: str, timeout: float = 10) -> bool:
        """Wait until these all hear each other; False when they do not within `timeout` seconds, or ever while the clock stands still.

        No webhook tells that. Live only ears can: once every call of the newest flow is answered, for which a person may take half a
        minute, the platform is given a second to run the document it was answered last. False when one is not.
        """
        local = self._local
        if not isinstance(local, Local):
            with suppress(WaitError):
                await waiting.until(lambda: self._decided(names), max(timeout, LIVE_ANSWER_SECONDS))
            await asyncio.sleep(LIVE_SECONDS)
            return self._decided(names) and all(leg.up for leg in self._legs(names))
        if local.clock.paused:
            # Once more, for what handlers of webhooks that were answered already have set off.
            await asyncio.to_thread(self._wiring.run_on)
            await asyncio.to_thread(self._wiring.run_on)
            return self.joined(*names)
        with suppress(WaitError):
            await waiting.until(lambda: self.joined(*names), timeout)
        return self.joined(*names)

    def _legs(self, names: Iterable[str]) -> list[Leg]:
        """Those of the newest flow by these names."""
        flow = self._wiring.board.current
        return [] if flow is None else [leg for leg in tuple(flow.legs.values()) if leg.name in names]

    def _decided(self, names: Iterable[str]) -> bool:
        """Whether these phones have been called in the newest flow, and each call of it was answered or has ended."""
        flow, phones = self._wiring.board.current, set(names) & set(self._wiring.board.names.values())
        legs = () if flow is None else tuple(flow.legs.values())
        return len(self._legs(phones)) == len(phones) and all(leg.ended or leg.answered or not leg.placed for leg in legs)

    def side_by_side(self, matrices: Mapping[str, DataFrame]) -> Matrices:
        """Several matrices beside each other, each with its title."""
        from workbench.tables import Matrices

        return Matrices(matrices)

    def link(self, leg: Leg) -> dict[str, Any] | None:
        """How the platform joins a leg's call with another: the verb, who ran it (`a`), its target (`b`); None when it does not."""
        found = (call["link"] for call in self._local.state()["calls"] if call["callId"] == leg.id)
        return next(found, None)

    def display(self, phone: Phone) -> str:
        """The number that a phone showed when it last rang."""
        rang = [one for one in self._local.happenings("invite") if one.data["to"] == phone.number]
        return str(rang[-1].data["from"])

    # -- what happened -------------------------------------------------------------------------------------------------------------

    def happenings(self, flow: Flow) -> list[Happening]:
        """What the platform did with the calls of a flow, and with the conferences they were in."""
        ours, everything = set(flow.mode.calls(flow)["call"]), self._local.happenings()
        rooms = {one.data["conferenceId"] for one in everything if one.kind == "memberJoined" and ours.intersection(one.call_ids)}
        sessions = set(self._wiring.side.made)
        about = [
            ours.intersection(one.call_ids) or {one.data.get("conferenceId")} & rooms or {one.data.get("sessionId")} & sessions
            for one in everything
        ]
        return [one for one, found in zip(everything, about, strict=True) if found]

    def story(self, flow: Flow, *kinds: str) -> DataFrame:
        """What the platform did in a flow, as a table: what no webhook tells. Some kinds of happening, or all."""
        wanted = [one.seq for one in self.happenings(flow) if not kinds or one.kind in kinds]
        from workbench.tables import Story

        table: DataFrame = self._local.events
        return Story(table.loc[table["seq"].isin(wanted), ["time", "happening", "leg", "what", "label"]])

    # -- tables --------------------------------------------------------------------------------------------------------------------

    def table_of(self, rows: Mapping[str, Iterable[Any]], *columns: str) -> DataFrame:
        """Rows of text as a table."""
        from pandas import DataFrame

        return DataFrame.from_dict({name: list(row) for name, row in rows.items()}, orient="index", columns=list(columns))
