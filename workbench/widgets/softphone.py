"""A participant's or an endpoint's softphone: what the page hears and says goes to the platform and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.errors import CLOSED, WorkbenchError
from workbench.widgets import text
from workbench.widgets.dialer import keys
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

NO_PAGE = "Only the local platform has a page of its own for this."


class Softphone(Panel):
    """Connects the page's microphone and speaker by a token.

    `grant` makes what the page connects with, `page` the address of a page of its own, or is None where there is none. The page gets both
    when it asks, and keeps neither.
    """

    _esm = module("softphone.js")

    def __init__(
        self, name: str, publisher: Publisher, *, grant: Callable[[], Mapping[str, str]], page: Callable[[], str] | None = None
    ) -> None:
        self._grant, self._page = grant, page
        super().__init__(publisher, f"Softphone · {text.masked(name)}", view={"alone": "" if page else NO_PAGE})

    @action
    def connect(self, page: str = "") -> None:
        """Connect the softphone, in the page that shows it: its browser asks for the microphone."""
        self._open_still()
        self.hand(connect=dict(self._grant()), page=page)

    @action
    def leave(self) -> None:
        """End the connection; the page forgets the token."""
        self.hand(leave=True)

    @action
    def mute(self, on: bool = True) -> None:
        """Send silence, or sound again."""
        self.hand(mute=bool(on))

    @action
    def press(self, digits: str) -> None:
        """Press keys: 0 to 9, * and #."""
        self.hand(press=keys(digits))

    @action
    def open_page(self, page: str = "") -> None:
        """Show the softphone as a page of its own, in another tab."""
        if self._page is None:
            raise WorkbenchError(NO_PAGE)
        self._open_still()
        self.hand(open=self._page(), page=page)

    def _open_still(self) -> None:
        # its platform may be gone, and a browser cannot tell why it reaches nobody
        if self._publisher.closed:
            raise WorkbenchError(CLOSED)
