"""A terminal or a log file as a target: prints every message to a stream, in colour where there is a terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import tzinfo
from importlib import import_module
from typing import Final, NoReturn, TextIO

from qualitywatch.errors import NotifyError
from qualitywatch.model import Notification, Severity
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.options import language_problems
from qualitywatch.notify.plain_target import PlainTarget

_STYLES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_STYLE_RESOLVED: Final = "green"
_MARKS_RESOLVED: Final = ("🟢", "⚪")


@dataclass(frozen=True, slots=True)
class Options:
    """A stream, standard output unless told otherwise; ``colour`` None means "when it is a terminal"."""

    language: str = "en"
    stream: TextIO | None = None
    colour: bool | None = None
    dashboards: Dashboards | None = None

    def problems(self) -> list[str]:
        """Return what cannot work, in words fit for an administrator; empty when all is well."""
        return language_problems(self.language)


class ConsoleNotifier(PlainTarget[Options]):
    """Prints notifications."""

    options_type = Options

    def __init__(self, options: Options, *, show_pbx: bool, zone: tzinfo) -> None:
        super().__init__(options, show_pbx=show_pbx, zone=zone)
        self._stream = options.stream if options.stream is not None else sys.stdout
        colour = options.colour if options.colour is not None else self._stream.isatty()
        self._console = import_module("rich.console").Console(file=self._stream, force_terminal=True) if colour else None

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> None:
        """Print one message and flush; raises a permanent NotifyError when nobody reads the stream any more."""
        del reply_to
        text = notification.plain
        is_resolved = text.startswith(_MARKS_RESOLVED)
        # A terminal that is not UTF-8 shows question marks rather than nothing.
        encoding = self._stream.encoding or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        first, _, rest = text.partition("\n")
        try:
            if self._console is not None:
                # Coloured in memory and written as text: a progress bar on the same terminal can then make room for it.
                style = _STYLE_RESOLVED if is_resolved else _STYLES[notification.severity]
                with self._console.capture() as coloured:
                    self._console.print(first, style=style, markup=False, highlight=False, soft_wrap=True)
                    if rest:
                        self._console.print(rest, style="dim", markup=False, highlight=False, soft_wrap=True)
                text = coloured.get().removesuffix("\n")
            print(text, file=self._stream)
            self._stream.flush()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is closed"
            raise NotifyError(f"the console cannot be written to: {reason}", permanent=True) from error

    async def edit(self, message_id: int, notification: Notification) -> NoReturn:
        """What is printed stays; nobody asks for it, since ``can_edit`` says so."""
        raise NotifyError("a console cannot take back what it printed", permanent=True)

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> NoReturn:
        """Nobody asks for it, since ``takes_pictures`` says so."""
        raise NotifyError("a console shows no pictures", permanent=True)

    async def close(self) -> None:
        """Leave the stream open: it belongs to whoever opened it."""
