"""``silence``: quiet on request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands

SILENCE_EXAMPLES = """\
examples:
  qualitywatch silence add --config F --subject 'SIP/61*' --for 2h --comment "new switch"
  qualitywatch silence add --config F --rule trunk-down --pbx branch --until 08:00
  qualitywatch silence add --config F --severity warning --from "2026-11-24 22:00" --until "2026-11-25 06:00"
  qualitywatch silence add --config F --all --for 15m
  qualitywatch silence list --config F
  qualitywatch silence expire --config F 7

Alerts that are silenced still fire and are stored; nobody is told. What outlives its silence is told when that ends.
Of each kind one selector must match, and all kinds that are named. A selector is a wildcard (SIP/61*, SIP/61??) or a
regular expression between slashes (/^SIP\\/61[0-9]+$/); put it in quotes. An expression that might take too long to match
(a repeat inside a repeat) is refused. --config finds the daemon by its state directory; without it the usual place of the
service is tried (/var/lib/qualitywatch/control.sock).
"""


def _add_silence(commands: Commands) -> None:
    def add_command(to: Commands, name: str, text: str) -> argparse.ArgumentParser:
        raw = argparse.RawDescriptionHelpFormatter
        return to.add_parser(name, help=text, description=f"{text}.".capitalize(), epilog=SILENCE_EXAMPLES, formatter_class=raw)

    silence = add_command(commands, "silence", "ask the running daemon for quiet, see who did, end it")
    deeds = silence.add_subparsers(dest="deed", metavar="add|list|expire", required=True)
    add = add_command(deeds, "add", "silence alerts for a time")
    show = add_command(deeds, "list", "show the silences in force or to come")
    expire = add_command(deeds, "expire", "end a silence now")
    for deed in (add, show, expire):
        deed.add_argument("--config", type=Path, metavar="F", help="configuration of the daemon")
        deed.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's control.sock itself")
    for option, what in (("rule", "rules"), ("subject", "peers or trunks"), ("pbx", "PBXes")):
        text = f"quiet for {what} that match; may be given several times"
        add.add_argument(f"--{option}", action="append", default=[], metavar="SELECTOR", help=text)
    severities = ("info", "warning", "critical")
    add.add_argument("--severity", action="append", default=[], choices=severities, help="quiet for this severity only")
    add.add_argument("--all", action="store_true", help="quiet for everything")
    end = add.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="lasts", metavar="TIME", help="how long: 30m, 2h, 1d")
    end.add_argument("--until", metavar="WHEN", help='08:00 (the next time it is that late) or "2026-11-24 08:00", local time')
    add.add_argument("--from", dest="begins", metavar="WHEN", help="when it begins, written like --until (default: now)")
    add.add_argument("--comment", default="", metavar="TEXT", help="why; shown to whoever asks")
    show.add_argument("--format", choices=("text", "json"), default="text", help="for people, or one JSON object a line")
    expire.add_argument("id", type=int, metavar="ID", help='as "silence list" shows it')


def _silence(options: argparse.Namespace) -> int:
    from qualitywatch.commands import silence  # noqa: PLC0415

    place = silence.Place(options.config, options.socket)
    match options.deed:
        case "add":
            wish = silence.Wish(
                rules=tuple(options.rule),
                subjects=tuple(options.subject),
                pbxes=tuple(options.pbx),
                severities=tuple(options.severity),
                everything=options.all,
                lasts=options.lasts,
                until=options.until,
                begins=options.begins,
                comment=options.comment,
            )
            return silence.add(place, wish, sys.stdout)
        case "list":
            return silence.show(place, options.format, sys.stdout)
        case _:
            return silence.expire(place, options.id, sys.stdout)


SILENCE = Command(
    "silence", "silence add|list|expire", "ask the running daemon for quiet, see who did, end it", _add_silence, _silence
)
