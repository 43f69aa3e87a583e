"""``backtest``: rules on the stored past."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands

BACKTEST_EXAMPLES = """\
examples:
  qualitywatch backtest --config F                        the present rules on the last 14 days
  qualitywatch backtest --config F --rules my-rules       the same, beside what my-rules would have done
  qualitywatch backtest --config F --since 36h --list     every alert: when, who, the worst figure, how long
  qualitywatch backtest --config F --target 3/week --rule loss   limits that would have told no more often, as YAML
  qualitywatch backtest --store /var/lib/qualitywatch --json     no configuration needed, for a program to read

What was judged is stored as it was judged, and reports of minutes that were not plainly good one by one; both for 15 days. So
the verdict is the daemon's, second for second, as if nobody had acknowledged or silenced anything. A rule that looks at good
minutes too (limits under 1 % of loss, 20 ms of jitter, 200 ms of round trip; windows over a minute) knows them by their sums
and is judged to the minute; what cannot be judged is named. The daemon may run meanwhile: nothing is changed, nobody is told.

alerts: how often a rule fired; incidents: how many of them people would have been told of; firing: for how long; flaps: fired
again within 10 minutes of its end; messages: sent to all chats. The time in question ends with the newest minute stored.
Exit code 1 when there is no history, or no limit meets the target.
"""


def _add_backtest(commands: Commands) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    text = "run the present rules, and others, on the stored past and say what they would have told"
    test = commands.add_parser(
        "backtest", help=text, description=f"{text}.".capitalize(), epilog=BACKTEST_EXAMPLES, formatter_class=raw
    )
    test.add_argument("--since", default="14d", metavar="TIME", help="how far back: 14d (default), 36h")
    test.add_argument("--config", type=Path, metavar="F", help="history, rules, chats and time zone of a configuration")
    test.add_argument("--rules", type=Path, metavar="DIR", help="rules of this folder on top, compared with the present ones")
    test.add_argument("--store", type=Path, metavar="DIR", help="folder with rollup.db (default: the daemon's)")
    test.add_argument("--pbx", metavar="NAME", help="only this PBX (default: all that are stored)")
    test.add_argument("--rule", metavar="NAME", help="show only this rule; with --target, the one whose limits are moved")
    test.add_argument("--target", metavar="N/week", help="find limits that would have told at most so often: 3/week, 1/day")
    test.add_argument("--list", action="store_true", help="list everything that fired")
    test.add_argument("--json", action="store_true", help="one JSON object instead of the table")


def _backtest(options: argparse.Namespace) -> int:
    from qualitywatch.commands.backtest import BacktestOptions, backtest  # noqa: PLC0415

    return backtest(
        BacktestOptions(
            since=options.since,
            config=options.config,
            rules=options.rules,
            store=options.store,
            pbx=options.pbx,
            rule=options.rule,
            target=options.target,
            list_incidents=options.list,
            as_json=options.json,
        ),
        sys.stdout,
    )


BACKTEST = Command(
    "backtest",
    "backtest --since 14d",
    "what the rules, or others, would have told of the stored past",
    _add_backtest,
    _backtest,
)
