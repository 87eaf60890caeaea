"""Messages from the thread that works to the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from installer.engine.events import Event, Waiting

if TYPE_CHECKING:
    from installer.conversation import Conclusion


class Reported(Message):
    """The engine reported an event."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """A newer wait of the same step makes an older one, not yet shown, superfluous."""
        return (
            isinstance(message, Reported)
            and isinstance(self.event, Waiting)
            and isinstance(message.event, Waiting)
            and self.event.step == message.event.step
        )


class Concluded(Message):
    """The installation ended, well or badly."""

    def __init__(self, conclusion: Conclusion) -> None:
        super().__init__()
        self.conclusion = conclusion
