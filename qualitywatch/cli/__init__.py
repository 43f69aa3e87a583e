"""The command line: which command, with which arguments, and which exit code; each command is declared in a file of its own.

Exit codes: 0 done, 1 failed at work, 2 wrong usage or configuration (nothing was started), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from qualitywatch import __version__
from qualitywatch.cli.registry import COMMANDS
from qualitywatch.errors import ConfigError, QualitywatchError

EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2
EXIT_INTERRUPTED: Final = 130

_COLUMN: Final = 32  # where purposes begin in --help
_RUN: Final = {command.name: command.run for command in COMMANDS}


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; every command has a ``--help`` of its own."""
    lines = [f"  {f'qualitywatch {command.usage}':<{_COLUMN + 11}}{command.purpose}" for command in COMMANDS]
    summary = "Watches the call quality and the trunks of Asterisk PBXes and tells people on Telegram."
    parser = argparse.ArgumentParser(
        prog="qualitywatch",
        description="\n".join([summary, "", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"qualitywatch {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = build_parser().parse_args(arguments)
    run = _RUN[options.command]
    try:
        return run(options)
    except ConfigError as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - errors of the command line go to the terminal
        return EXIT_CONFIG
    except QualitywatchError as exc:
        print(f"qualitywatch: {exc}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader of our output has gone (``| head``): that is its right. Keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
