"""``top`` and ``report``: how things stand, and how they were."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands


def _add_top(commands: Commands) -> None:
    text = "peers, trunks and alerts of the running daemon, live"
    top = commands.add_parser("top", help=text, description=f"{text}. Keys: l m r s n sort, / filters, q ends.")
    top.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")
    top.add_argument(
        "--socket", type=Path, default=None, metavar="S", help="the daemon's socket, if not in its state directory"
    )
    top.add_argument("--once", action="store_true", help="print one screen, as long as it gets, and end")
    text = "how peers are sorted (default loss)"
    top.add_argument("--sort", choices=("loss", "mos", "rtt", "state", "name"), default="loss", help=text)
    top.add_argument("--filter", default="", metavar="TEXT", help="only what has this in its name, address or User-Agent")


def _top(options: argparse.Namespace) -> int:
    from qualitywatch.commands.top import top  # noqa: PLC0415
    from qualitywatch.commands.top_screen import SORTS, Looks  # noqa: PLC0415

    sort = next(key for key, (name, _) in SORTS.items() if name == options.sort)
    return top(options.config, options.socket, Looks(sort, options.filter), sys.stdout, once=options.once)


def _add_report(commands: Commands) -> None:
    text = "what was heard and what became of calls in some days: worst phones, and each trunk for its provider"
    report = commands.add_parser("report", help=text, description=f"{text}. Reads the daemon's files, running or not.")
    report.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")
    text = 'how long back (7d, 24h), or a date ("2026-11-23 08:00"); full hours'
    report.add_argument("--since", default="7d", metavar="WHEN", help=f"{text}; default 7d")
    report.add_argument("--until", default=None, metavar="DATE", help="default now")
    report.add_argument("--format", choices=("text", "csv", "html"), default="text", help="default text")
    report.add_argument("--trunk", default=None, metavar="T", help="only trunks whose name holds this, as evidence")
    report.add_argument("--language", choices=("en", "ru"), default=None, help="default that of the configuration")


def _report(options: argparse.Namespace) -> int:
    from qualitywatch.clock import SystemClock  # noqa: PLC0415
    from qualitywatch.commands.report import Wish, report  # noqa: PLC0415

    wish = Wish(options.config, options.since, options.until, options.format, options.trunk, options.language)
    return report(wish, SystemClock().now(), sys.stdout)


TOP = Command("top", "top", "peers, trunks and alerts of the running daemon, live in the terminal", _add_top, _top)
REPORT = Command(
    "report",
    "report --since 7d ...",
    "worst phones and trunks of some days, evidence for a provider; text, CSV, HTML",
    _add_report,
    _report,
)
