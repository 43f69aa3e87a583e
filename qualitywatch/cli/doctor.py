"""``doctor``: what is wrong with a set-up, and how to put it right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands

_DESCRIPTION = """\
Connects to everything a configuration names, as the daemon would, and says of each thing whether it is as it should be, with a
fix where it is not: reachability, TLS, login and rights of each PBX, its clock, timestampevents, event filters, direct media,
whether RTCP arrives and how often; the Telegram bot and its chats; databases; the disk; the systemd unit.

Nothing is changed and nobody is written to; at most "typing" is shown in a chat. Run it while somebody is on the phone: what no
call could show is told as unknown. Exit code: 0 all is well, 1 warnings, 2 errors, 3 something could not be found out.
"""


def _add(commands: Commands) -> None:
    text = "connect to everything as the daemon does, and say what is wrong and how to put it right"
    raw = argparse.RawDescriptionHelpFormatter
    doctor = commands.add_parser("doctor", help=text, description=_DESCRIPTION, formatter_class=raw)
    doctor.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")
    text = "how long to listen to each PBX, all of them at once (default 30)"
    doctor.add_argument("--seconds", type=float, default=30.0, metavar="N", help=text)
    doctor.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def _run(options: argparse.Namespace) -> int:
    from qualitywatch.commands.doctor import doctor  # noqa: PLC0415

    return doctor(options.config, options.seconds, sys.stdout, as_json=options.json)


DOCTOR = Command("doctor", "doctor --config F", "what is wrong with a set-up, and a fix for each thing", _add, _run)
