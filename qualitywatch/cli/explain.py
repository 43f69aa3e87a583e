"""``explain``: why an alert fires, or why it does not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands
from qualitywatch.errors import ConfigError

EXPLAIN_EXAMPLES = """\
examples:
  qualitywatch explain loss SIP/6117                  the running daemon: why it fires now, or why it does not
  qualitywatch explain Anna --config F                every rule that has an opinion of a peer, named as people name it
  qualitywatch explain '#12'                          everything that fires in an incident, and whether anybody is told
  qualitywatch explain call.ami --rule loss --subject SIP/6117
  qualitywatch explain call.ami --rule loss --subject 'SIP/61*' --at 19:54:30
  qualitywatch explain night/ --config F --rule trunk-down --subject SIP/user@provider --at "2026-11-22 19:59:30"

Every line is one judgement: the figure, for each severity what it says of it (breach: bad enough to begin; keep: between exit
and entry; clear: good; unknown: not enough to judge by; gone: nothing left to judge) and for how long of the time it must last,
then the alert's state and what was judged. Below: samples left out, by reason, and the last word.
"""


def _add_explain(commands: Commands) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    text = "say why an alert fires, or why it does not: in the running daemon, or on recorded sessions"
    explain = commands.add_parser(
        "explain", help=text, description=f"{text}.".capitalize(), epilog=EXPLAIN_EXAMPLES, formatter_class=raw
    )
    explain.add_argument(
        "words",
        nargs="*",
        metavar="ALERT",
        help="an alert of the running daemon: a rule, a peer (loss SIP/6117; Anna) or an incident (#12); with --rule: recorded "
        "sessions, or folders with input.ami in them",
    )
    explain.add_argument("--rule", metavar="NAME", help="of recorded sessions: name of the rule")
    explain.add_argument("--subject", metavar="SELECTOR", help="of recorded sessions: peer or trunk; wildcards as in rules")
    explain.add_argument("--at", metavar="TIME", help="of recorded sessions: only around this time, and how things stood then")
    explain.add_argument("--pbx", metavar="NAME", help="of the running daemon: only this PBX")
    explain.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's control.sock itself")
    explain.add_argument("--config", type=Path, metavar="F", help="take rules, names and time zone from this configuration")
    explain.add_argument("--rules", type=Path, metavar="DIR", help="rules of this folder on top of these")


def _explain(options: argparse.Namespace) -> int:
    if options.rule is None and options.subject is None and options.at is None and options.rules is None:
        return _explain_now(options)
    if options.rule is None or options.subject is None or not options.words:
        problem = "of a recorded session give its file, --rule and --subject; of the running daemon only the alert"
        raise ConfigError([f"explain: {problem}, such as: qualitywatch explain loss SIP/6117"])
    from qualitywatch.commands.explain import ExplainOptions, explain  # noqa: PLC0415

    return explain(
        ExplainOptions(
            files=tuple(map(Path, options.words)),
            rule=options.rule,
            subject=options.subject,
            at=options.at,
            config=options.config,
            rules=options.rules,
        ),
        sys.stdout,
    )


def _explain_now(options: argparse.Namespace) -> int:
    if not options.words:
        raise ConfigError(["explain: name the alert, such as: qualitywatch explain loss SIP/6117"])
    if any(Path(word).exists() for word in options.words):
        raise ConfigError(["explain: a recorded session needs --rule and --subject: it is not asked of the running daemon"])
    from qualitywatch.commands.explain_now import NowOptions, explain_now  # noqa: PLC0415
    from qualitywatch.commands.silence import Place  # noqa: PLC0415

    return explain_now(NowOptions(tuple(options.words), Place(options.config, options.socket), options.pbx), sys.stdout)


EXPLAIN = Command(
    "explain", "explain ALERT", "why an alert fires now, or fired on a recording, or why it does not", _add_explain, _explain
)
