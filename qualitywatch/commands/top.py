"""``qualitywatch top``: peers, trunks and alerts of the running daemon on one screen, over its control socket.

Keys are read from the terminal as they are pressed, so that it works over ssh as well; whatever happens, the terminal is
left as it was found.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.live import Live

from qualitywatch.commands.top_screen import SORTS, Looks, screen
from qualitywatch.config import read_config
from qualitywatch.control.client import ask
from qualitywatch.control.protocol import SOCKET, AskView, ControlError, View

EXIT_GOOD: Final = 0
EVERY_S: Final = 2.0
_WIDTH: Final = 120  # where nobody says how wide it is
_ENTER, _ESCAPE, _BACKSPACE = "\r\n", "\x1b", "\x7f\b"


def top(config_path: Path, socket: Path | None, looks: Looks, out: TextIO, *, once: bool) -> int:
    """Show it until q is pressed, or once; raises ConfigError, and ControlError when no daemon answers at the beginning."""
    config = read_config(config_path)
    path, zone = socket or config.store.directory / SOCKET, config.timezone
    view = ask(path, AskView(), View)
    if once or not (out.isatty() and sys.stdin.isatty()):
        console = Console(file=out, width=None if out.isatty() else _WIDTH)
        console.print(screen(view, looks, zone))
        return EXIT_GOOD
    _live(path, looks, view, zone, Console(file=out))
    return EXIT_GOOD


def pressed(looks: Looks, key: str) -> Looks | None:
    """What the screen looks like after a key; None: it is left."""
    if looks.is_typing:
        if key in _ENTER:
            return replace(looks, is_typing=False)
        if key == _ESCAPE:
            return replace(looks, is_typing=False, filter="")
        if key in _BACKSPACE:
            return replace(looks, filter=looks.filter[:-1])
        return replace(looks, filter=looks.filter + key) if key.isprintable() else looks
    if key == "q":
        return None
    if key == "/":
        return replace(looks, is_typing=True, filter="")
    if key == _ESCAPE:
        return replace(looks, filter="")
    return replace(looks, sort=key) if key in SORTS else looks


def _live(path: Path, looks: Looks, view: View, zone: tzinfo, console: Console) -> None:
    trouble: str | None = None

    def drawn() -> object:
        return screen(view, replace(looks, height=console.height - 1), zone, trouble)

    with _keys() as descriptor, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(drawn(), refresh=True)  # type: ignore[arg-type]
            ready, _, _ = select.select([descriptor], [], [], EVERY_S)
            if ready:
                pressed_bytes = os.read(descriptor, 256)
                if not pressed_bytes:
                    return  # the terminal has gone
                typed = pressed_bytes.decode("utf-8", "ignore")
                for key in [typed] if typed.startswith(_ESCAPE) and len(typed) > 1 else typed:
                    after = pressed(looks, key) if len(key) == 1 else looks  # an arrow is none of ours
                    if after is None:
                        return
                    looks = after
                continue
            try:
                view, trouble = ask(path, AskView(), View), None
            except ControlError as exc:
                trouble = str(exc)


@contextmanager
def _keys() -> Iterator[int]:
    """The terminal's keys, one by one."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
