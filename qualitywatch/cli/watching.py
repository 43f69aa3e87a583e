"""``run``, ``check`` and ``demo``: watch, see whether one could, see what it is like."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands


def _add_run(commands: Commands) -> None:
    run = commands.add_parser("run", help="watch the PBXes of a configuration until told to stop")
    run.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")


def _run(options: argparse.Namespace) -> int:
    from qualitywatch.commands.run import run  # noqa: PLC0415

    return run(options.config)


def _add_check(commands: Commands) -> None:
    check = commands.add_parser("check", help="check a configuration and its rules; exit code 2 and every mistake if wrong")
    check.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")


def _check(options: argparse.Namespace) -> int:
    from qualitywatch.commands.check import check  # noqa: PLC0415

    return check(options.config, sys.stdout)


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser("demo", help="play bundled recordings of real PBXes through the real daemon")
    demo.add_argument("--seconds", type=float, default=None, metavar="N", help="stop after N seconds at the latest")
    text = "how many times faster than life (default 8, with --web 2)"
    demo.add_argument("--speed", type=float, default=None, metavar="X", help=text)
    demo.add_argument(
        "--web", action="store_true", help="with the status page, until Ctrl-C; prints a link, opens it on a desktop"
    )
    demo.add_argument("--language", choices=("en", "ru"), default="en", help="language of the alerts")


def _demo(options: argparse.Namespace) -> int:
    from qualitywatch.commands.demo import demo  # noqa: PLC0415

    return demo(options.seconds, options.speed, options.language, with_page=options.web)


DEMO = Command("demo", "demo [--web]", "see it work in a minute: no PBX, no Telegram, no configuration", _add_demo, _demo)
CHECK = Command("check", "check --config F", "find every mistake in the configuration and the rules", _add_check, _check)
RUN = Command("run", "run --config F", "watch; this is what the systemd service runs", _add_run, _run)
