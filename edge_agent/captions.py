"""What people see while a device listens: captions as they are sealed, and notes beside them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from edge_agent.messages import Messages
from hardware.signals import Link, Signal, Trouble
from models.conversation import Utterance
from models.errors import AudioError, UploadError, VoicetrailError
from models.labels import Role
from models.wire import Record

_ROLES: Final = {
    Role.STAFF: ("role_staff", "magenta"),
    Role.CUSTOMER: ("role_customer", "green"),
    Role.UNKNOWN: ("role_unknown", "dim"),
}
"""What each is called, and its colour."""


class Captions:
    """Writes captions to standard output and notes to standard error; masked text only."""

    def __init__(self, messages: Messages, *, quiet: bool) -> None:
        """Write for people.

        Args:
            messages: in their language.
            quiet: no captions, because standard output belongs to a program.
        """
        self._messages = messages
        self._quiet = quiet
        self._out = Console(highlight=False, soft_wrap=True)
        self._notes = Console(stderr=True, highlight=False, soft_wrap=True)

    def sealed(self, records: Sequence[Record]) -> None:
        """Show what was just stored, each utterance with who spoke as far as that is known by then."""
        if self._quiet:
            return
        for record in records:
            if isinstance(record.body, Utterance):
                self._out.print(self._caption(record.body))

    def _caption(self, utterance: Utterance) -> Text:
        role, colour = _ROLES[utterance.role]
        width = max(cell_len(self._messages(key)) for key, _ in _ROLES.values())
        caption = Text.assemble(
            (f"{clock_time(utterance.start_ms):>7}  ", "cyan"),
            (f"{set_cell_size(self._messages(role), width)}  ", colour),
        )
        if utterance.quarantined is None:
            caption.append(utterance.text.text)
        else:
            caption.append(f"[{utterance.quarantined}] {utterance.text.text}", style="dim strike")
        return caption

    def note(self, key: str, **values: object) -> None:
        """Say something beside the captions."""
        self._notes.print(Text(self._messages(key, **values), style="dim"))

    def signal(self, signal: Signal) -> None:
        """Say that the microphone went or came back, or gives nothing of use."""
        if isinstance(signal, Link):
            if signal.connected:
                self.note("microphone_back")
            else:
                self._notes.print(Text(self._messages("microphone_gone", reason=signal.reason), style="red"))
        elif isinstance(signal, Trouble) and signal.code:
            why = AudioError("what the microphone gives is of no use", code=signal.code, advice=signal.advice)
            self._notes.print(Text(self._messages.error(why), style="yellow"))

    def trouble(self, error: UploadError) -> None:
        """Say that delivery waits."""
        self._notes.print(Text(self._messages("trouble", error=self._messages.error(error)), style="yellow"))

    def failed(self, error: VoicetrailError) -> None:
        """Say what went wrong and what to do."""
        self._notes.print(Text(self._messages.error(error), style="red"))

    def done(self, key: str, **values: object) -> None:
        """Say how it ended, unless a program reads."""
        if not self._quiet:
            self._out.print(Text(self._messages(key, **values), style="bold"))


def clock_time(position_ms: int) -> str:
    """Return a position as minutes and seconds, with hours when there are any."""
    text = str(timedelta(seconds=position_ms // 1000))
    return text.removeprefix("0:")
