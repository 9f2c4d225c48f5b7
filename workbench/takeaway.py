"""What can be taken away from a workbench: a run as a file, an application, a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.records import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.cassette import Cassette
    from workbench.differing import Replay
    from workbench.export import Exported
    from workbench.handles import Phone
    from workbench.local import Happening
    from workbench.modes import Flow, Mode, Participant
    from workbench.widgets import Panels
    from workbench.wiring import Wiring


class TakeAway:
    """The part of a workbench that hands out files."""

    _wiring: Wiring

    if TYPE_CHECKING:

        def _event(self, event: Event | int) -> Event: ...

        def _chosen(self, flow: Flow | str | None) -> Flow: ...

        def _happened(self) -> list[Happening]: ...

        def _panel(self) -> Panels: ...

        def _mode(self, name: str) -> Mode: ...

        def participant(self, name: str = "browser") -> Participant: ...

        def phone(self, which: int | str = 1, name: str | None = None) -> Phone: ...

    def cassette(self, flow: Flow | str | None = None, title: str = "") -> Cassette:
        """A flow (the newest unless told) with its requests and webhooks, masked, to be replayed or saved."""
        from workbench.cassette import Cassette

        chosen, parts = self._chosen(flow), self._wiring
        parts.settle()
        events = parts.log.events(flow=chosen.id)
        return Cassette.from_flow(chosen, events, secret=parts.settings.secrets(), title=title)

    def save(self, path: str | Path, flow: Flow | str | None = None, title: str = "", overwrite: bool = False) -> Path:
        """A flow (the newest unless told) as a cassette: a readable, masked file that `replay` puts to handlers; gives its path."""
        return self.cassette(flow, title).save(path, overwrite=overwrite)

    def replay(self, cassette: Cassette | str | Path, mode: Mode | None = None, patience: float = 5.0) -> Replay:
        """Put a cassette's webhooks to the handlers as they are now (of its mode, unless told); gives what differs from then.

        Nothing is sent anywhere. A handler has `patience` seconds.
        """
        from workbench.cassette import Cassette
        from workbench.replay import replay

        held = cassette if isinstance(cassette, Cassette) else Cassette.load(cassette)
        return replay(held, mode or self._wiring.modes[held.mode], patience=patience)

    def resend(self, event: Event | int, **fields: Any) -> Event:
        """Send a callback (an event, or its id in the log) to our own callback server again; gives the event that this made.

        Unchanged it is answered from the log, as a repetition of the platform's would be. With fields changed (`cause="busy"`) it is a
        new event, and its handler is asked: locally only, since live a handler acts on real calls.
        """
        from workbench.resending import resend

        parts = self._wiring
        found = event if isinstance(event, Event) else self._event(event)
        return resend(
            found,
            fields,
            parts.log,
            parts.server.url,
            parts.gate,
            live=parts.settings.live,
            settle=parts.settle,
        )

    def export_app(
        self, folder: str | Path, cassettes: Iterable[Cassette | str | Path] | None = None, *, overwrite: bool = False
    ) -> Exported:
        """The handlers as they are now as an application of its own: a folder with all it needs, run by one command, without notebooks.

        Its tests play `cassettes`, each answered as recorded; unless told the newest flow of each mode that still is. Handlers may use what
        they are given, what they import, and what can be imported in any program; whatever else they use is named, and nothing is
        written. A folder with something in it stays; `overwrite` replaces what an earlier export wrote and nobody has changed.
        """
        from workbench.cassette import Cassette
        from workbench.export import export

        parts = self._wiring
        parts.settle()
        if cassettes is None:
            flows = [mode.flows[-1] for mode in parts.modes.values() if mode.flows]
            secret = parts.settings.secrets()
            held = [Cassette.from_flow(flow, parts.log.events(flow=flow.id), secret=secret) for flow in flows]
        else:
            held = [one if isinstance(one, Cassette) else Cassette.load(one) for one in cassettes]
        handlers = {mode.name: mode.replaced for mode in parts.modes.values()}
        inbound = parts.board.inbound
        as_here = {"inbound": inbound.name if inbound else "transfer", "webrtc": parts.settings.webrtc}
        return export(folder, handlers, held, **as_here, overwrite=overwrite, all_fit=cassettes is not None)

    def capsule(
        self, path: str | Path = "call.html", flow: Flow | str | None = None, title: str | None = None, overwrite: bool = False
    ) -> Path:
        """A flow (the newest unless told) as one HTML file that plays it, offline; gives its path.

        Tokens, credentials and all phone numbers are hidden in it, recordings are part of it. An existing file stays unless `overwrite`.
        """
        from workbench import files, messages
        from workbench.capsule import Capsule
        from workbench.hearing import pictures
        from workbench.sounds import recorded

        chosen, parts = self._chosen(flow), self._wiring
        parts.settle()
        events = parts.log.events(flow=chosen.id)
        people = parts.people(gone=True)
        numbers, names, mask = parts.board.numbers(chosen), parts.board.names, parts.masker.text
        lanes, told = messages.of(chosen.id, numbers, events, self._happened(), mask, people, names)
        made = Capsule(
            title=title or f"{chosen.mode.name.capitalize()} · {chosen.id}",
            lanes=lanes,
            messages=told,
            events=events,
            pictures=pictures(lanes, told),
            sounds=recorded(parts.voice, events),
            secret=parts.settings.secrets(),
        )
        return files.write(path, made.html(), overwrite=overwrite)

    def demo(self, mode: str | None = None) -> Any:
        """A panel for an audience: one button plays the story of a mode, or of the one chosen there, with sound (local platform)."""
        from workbench.demo import STORIES, Show, Stage

        parts = self._wiring
        names = [self._mode(mode).name] if mode else [name for name in STORIES if parts.modes[name].joins]
        stage = Stage(parts.local, parts.board, parts.feed, parts.modes, self.phone, self.participant, parts.settings.number)
        stories = {name: (STORIES[name].title, STORIES[name].lead) for name in names}
        return self._panel().demo(stories, lambda: str(parts.side.for_device(self.participant()).token), lambda: Show(stage))
