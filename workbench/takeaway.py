"""What can be taken away from a workbench: a run as a file, an application, a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.local import Happening
    from workbench.modes import Flow, Participant
    from workbench.wiring import Wiring


class TakeAway:
    """The part of a workbench that hands out files."""

    _wiring: Wiring
    _people: dict[str, Participant]

    if TYPE_CHECKING:

        def _chosen(self, flow: Flow | str | None) -> Flow: ...

        def _happened(self) -> list[Happening]: ...

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
        people = {one.id: name for name, one in self._people.items()}
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
