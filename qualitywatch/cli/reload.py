"""``reload``: other rules and settings for the running daemon."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands

_DESCRIPTION = """\
Has the running daemon read its configuration and rules again, and says what is different now, or everything that is wrong.

They are applied as a whole or not at all. Alerts stay with their rules by name; PBXes stay connected, but for those whose own
section changed. What an alert's rule or PBX no longer is there for ends, and chats are told so. Another store.directory needs a
restart. Exit code 2 when nothing was changed because something is wrong. SIGHUP does the same, and says it in the log.
"""


def _add(commands: Commands) -> None:
    text = "have the running daemon read its configuration and rules again, as a whole or not at all"
    raw = argparse.RawDescriptionHelpFormatter
    reload = commands.add_parser("reload", help=text, description=_DESCRIPTION, formatter_class=raw)
    reload.add_argument("--config", type=Path, metavar="F", help="configuration of the daemon")
    reload.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's control.sock itself")


def _run(options: argparse.Namespace) -> int:
    from qualitywatch.commands.reload import reload  # noqa: PLC0415
    from qualitywatch.commands.silence import Place  # noqa: PLC0415

    return reload(Place(options.config, options.socket), sys.stdout)


RELOAD = Command("reload", "reload [--config F]", "have the daemon read its configuration and rules again", _add, _run)
