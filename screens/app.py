"""The installer on a screen: one worker walks the pages, one thread does the work.

What the first page does not need is imported once it is shown: it must be there before any SDK,
and as soon as that of an app that does nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import WorkerFailed

from screens.page import Page, TextPage
from screens.threads import in_thread
from screens.welcome import WelcomePage

if TYPE_CHECKING:
    from installer.conversation import Desk
    from screens.results import Parting
    from screens.walk import Walk

LEFT = "Left. Nothing was made."
LEFT_AT_ONCE = "Left at once. Run the same command again to go on from here."


class HealthInstallApp(App["Parting"], inherit_bindings=False):
    """Welcome, questions, modules, review, progress, outcome.

    `open_desk` is called in a thread once the first page is on the screen.
    """

    TITLE = "health-install"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    # Textual declares these so that ClassVar is refused.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", "Leave", priority=True, show=False),
    ]

    def __init__(
        self, open_desk: Callable[[], Desk], clock: Callable[[], float] = time.monotonic
    ) -> None:
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        if no_color:
            # Textual would paint greys; this theme leaves the terminal's own colours alone.
            self.theme = "ansi-dark"
        self._open_desk = open_desk
        self._clock = clock

    @property
    def crash(self) -> BaseException | None:
        """What nobody expected, if the app ended with it."""
        error = self._exception
        return error.error if isinstance(error, WorkerFailed) else error

    def get_default_screen(self) -> WelcomePage:
        """The first page is the lowest one: an empty screen below it would cost time."""
        return WelcomePage()

    def on_mount(self) -> None:
        """Begin the walk."""
        self.walk()

    @work
    async def walk(self) -> None:
        """The whole conversation; ends the app."""
        welcome = self.screen
        assert isinstance(welcome, WelcomePage)
        welcome.said = asyncio.get_running_loop().create_future()
        await welcome.shown.wait()
        walk = await in_thread(self._load_walk)
        self.exit(await walk.from_top_to_bottom(welcome, self._open_desk))

    def _load_walk(self) -> Walk:
        """In a thread: this is where the heavy imports begin."""
        from screens.walk import Walk

        return Walk(self, self._clock)

    def action_leave(self) -> None:
        """Leave; what is being made stops in good order first, at once when asked twice."""
        working = next((each for each in self.screen_stack if hasattr(each, "ask_to_stop")), None)
        if working is not None:
            if not working.ask_to_stop():
                self._leave_at_once()
        elif isinstance(self.screen, Page | TextPage):
            self.screen.leave()

    def _leave_at_once(self) -> None:
        from installer.engine.errors import ExitCode
        from screens.results import Parting

        self.exit(Parting(ExitCode.STOPPED_AT_ONCE, at_once=True))

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables, secrets among them. The error is
        # raised again by `run`, for the command line to end as it does for every bug.
        self._close_messages_no_wait()


def run(open_desk: Callable[[], Desk]) -> int:
    """Run the app on this terminal; returns the exit code.

    Afterwards the outcome is printed as lines, so that it stays in the terminal. Raises what
    nobody expected, without a trace on the screen. Does not return when left at once: a thread in
    the middle of a call cannot be ended, and what it does is on record.
    """
    app = HealthInstallApp(open_desk)
    parting = app.run()
    if app.crash is not None:
        raise app.crash
    assert parting is not None, "the walk ends with a parting, or the app with an error"
    _print_parting(parting)
    if parting.at_once:
        sys.stdout.flush()
        os._exit(parting.exit_code)
    return parting.exit_code


def run_app(desk: Desk) -> int:
    """Like `run`, with a desk that is open already."""
    return run(lambda: desk)


def _print_parting(parting: Parting) -> None:
    from installer.prompts.words import conclusion_lines

    if parting.at_once:
        lines: tuple[str, ...] = (LEFT_AT_ONCE,)
    elif parting.conclusion is None:
        lines = (LEFT,)
    else:
        lines = conclusion_lines(parting.conclusion)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
