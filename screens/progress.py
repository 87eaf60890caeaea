"""While it is being installed: steps, the current wait and its reason, the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import work
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Log, Static

from installer.engine.events import Event, Report
from installer.engine.step import StopFlag
from installer.prompts.lines import LinePrinter
from installer.prompts.words import clean, clock_words, usual_words
from screens.bar import shortened
from screens.board import Board, StepRow
from screens.messages import Concluded, Reported
from screens.page import Page, Words
from screens.results import Ended
from screens.threads import in_thread

if TYPE_CHECKING:
    from installer.conversation import Conclusion

STATE_WIDTH = 14
STYLES = {
    "to-do": "$text-muted",
    "running": "$text-accent",
    "done": "$text-success",
    "failed": "$text-error bold",
}
STOPPING = "Stopping after this step. Press Ctrl+Q again to leave at once; both can be resumed."


class StepTree(VerticalScroll, can_focus=True):
    """The steps under their groups, each with its state as a word and its time."""

    def compose(self) -> Iterable[Widget]:
        """One text; a line a step."""
        yield Static(markup=False, id="steps")

    def show(self, board: Board, now: float) -> None:
        """Draw the board, and keep what runs in sight."""
        width = max(20, self.scrollable_content_region.width)
        lines: list[Content] = []
        active = 0
        for group, rows in board.groups:
            lines.append(Content.assemble((shortened(clean(group), width), "bold")))
            for row in rows:
                if row.running:
                    active = len(lines)
                lines.append(step_line(row, width, now))
        self.query_one("#steps", Static).update(Content("\n").join(lines))
        if active:
            self.scroll_to(y=max(0, active - self.size.height // 2), animate=False)


def step_line(row: StepRow, width: int, now: float) -> Content:
    """One step: state, title, time."""
    took = ""
    if row.running:
        took = clock_words(now - row.since)
    elif row.seconds is not None:
        took = clock_words(row.seconds)
    room = width - STATE_WIDTH - 2 - 9
    title = shortened(clean(row.info.title), room)
    state = (f"  {row.state:<{STATE_WIDTH}}", STYLES[row.role])
    return Content.assemble(state, f"{title:<{room}}{took:>9}")


class ProgressPage(Page):
    """Has the work done in one thread, which only posts events here, and shows them."""

    place = "Installing"
    can_go_back = False
    can_ask_more = False
    help_text = (
        "Everything that is made is recorded before and after. Ctrl+Q stops after the steps that "
        "are under way, a second Ctrl+Q leaves at once; the same command goes on from there."
    )

    def __init__(
        self,
        install: Callable[[Report, StopFlag], Conclusion],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._install = install
        self._stop = StopFlag()
        self._board = Board()
        self._printer = LinePrinter(self._log_line, clock)

    def body(self) -> Iterable[Widget]:
        """Steps, summary, wait, log."""
        yield StepTree(id="tree")
        yield Words("", id="summary")
        yield Words("", id="wait")
        yield Log(id="log", highlight=False)
        yield Words("", id="stopping")

    def on_mount(self) -> None:
        """Let the clock run."""
        self.query_one(StepTree).focus()
        self.set_interval(1.0, self._draw)
        self.install()

    @work
    async def install(self) -> None:
        """Wait for the thread; its last event is shown before the page is left."""
        conclusion = await in_thread(lambda: self._install(self._report, self._stop))
        self.post_message(Concluded(conclusion))

    def _report(self, event: Event) -> None:
        self.post_message(Reported(event))

    def on_concluded(self, message: Concluded) -> None:
        """It ended."""
        self.dismiss(Ended(message.conclusion))

    def on_reported(self, message: Reported) -> None:
        """Something happened."""
        self._board.take(message.event, self._clock())
        self._printer(message.event)
        self._draw()

    def ask_to_stop(self) -> bool:
        """Stop in good order; False when that was asked for already."""
        if self._stop.requested:
            return False
        self._stop.request()
        stopping = self.query_one("#stopping", Words)
        stopping.add_class("-stopping")
        stopping.say(STOPPING)
        return True

    def _log_line(self, line: str) -> None:
        self.query_one(Log).write_line(line)

    def _draw(self) -> None:
        now = self._clock()
        self.query_one(StepTree).show(self._board, now)
        self.query_one("#summary", Words).say(summary_text(self._board, now))
        self.query_one("#wait", Words).say(wait_text(self._board))


def summary_text(board: Board, now: float) -> str:
    """How far it is."""
    if not board.total:
        return "Getting ready…"
    return (
        f"{board.ended} of {board.total} steps, {clock_words(now - board.started)} so far, "
        f"usually about {usual_words(board.usually)} from nothing"
    )


def wait_text(board: Board) -> str:
    """What is waited for, its reason, and how long that usually takes."""
    for row in board.running:
        if row.wait is not None:
            wait = row.wait
            return (
                f"Waiting for {clean(wait.what)}: {clean(wait.why)} "
                f"({clock_words(wait.elapsed)}, usually {usual_words(wait.usually)})"
            )
    return f"Now: {clean(board.running[0].info.title)}" if board.running else ""
