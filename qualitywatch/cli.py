"""The command line: which command, with which arguments, and which exit code.

Exit codes: 0 done, 1 failed at work, 2 wrong usage or configuration (nothing was started), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from qualitywatch import __version__
from qualitywatch.errors import ConfigError, QualitywatchError

EXIT_FAILED = 1
EXIT_CONFIG = 2
EXIT_INTERRUPTED = 130

DESCRIPTION = """\
Watches the call quality and the trunks of Asterisk PBXes and tells people on Telegram.

  qualitywatch demo [--web]                  see it work in a minute: no PBX, no Telegram, no configuration
  qualitywatch check --config F              find every mistake in the configuration and the rules
  qualitywatch run --config F                watch; this is what the systemd service runs
  qualitywatch replay FILE                   judge a recorded manager session and print what would have been sent
  qualitywatch serve-capture FILE            play a recorded session as a PBX, to try a configuration against
  qualitywatch silence add|list|expire       ask the running daemon for quiet, see who did, end it
  qualitywatch rules test|lint               test the rules on calls you make up, find rules that cannot work
  qualitywatch influx setup|check            make the bucket of a configuration, or see whether it takes data
  qualitywatch grafana export DIR ...        dashboards for Grafana, ready to be dropped into /etc/grafana
  qualitywatch backtest --since 14d          what the rules, or others, would have told of the stored past
  qualitywatch top                           peers, trunks and alerts of the running daemon, live in the terminal
  qualitywatch report --since 7d ...         worst phones and trunks of some days, evidence for a provider; text, CSV, HTML
  qualitywatch explain FILE --rule R ...     why an alert fired on a recording, or why it did not
"""

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
regular expression between slashes (/^SIP\\/61[0-9]+$/); put it in quotes. --config finds the daemon by its state directory;
without it the usual place of the service is tried (/var/lib/qualitywatch/control.sock).
"""

RULES_EXAMPLES = """\
examples:
  qualitywatch rules test                            run the tests of the shipped rules
  qualitywatch rules test mine.yml --rules my-rules  your tests, with your rules on top of the shipped ones
  qualitywatch rules test tests/ --config F          all tests of a folder, with the rules, names and chats of a configuration
  qualitywatch rules lint --config F                 rules that can never fire, overlap or contradict each other

A test is a story and what must come of it (mine.yml):
  tests:
    - name: 6 % of loss to the phone is told within 40 s
      events:
        - call: {peer: SIP/6117, until: 2m, loss_to: 6%}
      expect:
        - {between: [10s, 40s], state: firing, rule: loss, subject: SIP/6117, direction: to_peer, severity: warning}
        - {never: {rule: loss, direction: from_peer}}
        - {message: 6117, between: [10s, 40s], new: true}
Every key is explained in rules/tests/README.md. Exit code 1 when a test failed or something was found, 2 when a file is wrong.
"""

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


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; every command has a ``--help`` of its own."""
    parser = argparse.ArgumentParser(
        prog="qualitywatch", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"qualitywatch {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="watch the PBXes of a configuration until told to stop")
    run.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")

    check = commands.add_parser("check", help="check a configuration and its rules; exit code 2 and every mistake if wrong")
    check.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")

    demo = commands.add_parser("demo", help="play bundled recordings of real PBXes through the real daemon")
    demo.add_argument("--seconds", type=float, default=None, metavar="N", help="stop after N seconds at the latest")
    text = "how many times faster than life (default 8, with --web 2)"
    demo.add_argument("--speed", type=float, default=None, metavar="X", help=text)
    demo.add_argument(
        "--web", action="store_true", help="with the status page, until Ctrl-C; prints a link, opens it on a desktop"
    )
    demo.add_argument("--language", choices=("en", "ru"), default="en", help="language of the alerts")

    replay = commands.add_parser(
        "replay",
        help="judge recorded manager sessions on their own clock",
        description="Runs the production pipeline on recorded manager sessions and prints what would have been sent. "
        "Several files are successive connections to one PBX.",
    )
    replay.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="recorded session, or a folder with input.ami in it"
    )
    replay.add_argument(
        "--config", type=Path, metavar="F", help="take names, trunks, language and rules from this configuration"
    )
    replay.add_argument("--rules", type=Path, metavar="DIR", help="rules of this folder on top of the shipped ones")
    replay.add_argument(
        "--emit",
        choices=("alerts", "samples", "messages"),
        default="alerts",
        help="what to print: alerts as they begin and end (default), every measured value, or what a chat would have seen",
    )
    replay.add_argument("--format", choices=("text", "json"), default="text", help="for people, or one JSON object a line")
    replay.add_argument("--language", choices=("en", "ru"), default=None, help="language of the alerts")

    serve = commands.add_parser(
        "serve-capture",
        help="play a recorded session as an Asterisk manager",
        description="Listens like an Asterisk manager, with login, and plays a recording to whoever connects.",
    )
    serve.add_argument("file", type=Path, metavar="FILE", help="recorded session")
    serve.add_argument(
        "--listen", default="127.0.0.1:5038", metavar="HOST:PORT", help="default 127.0.0.1:5038; port 0 picks one"
    )
    serve.add_argument("--speed", type=float, default=1.0, metavar="X", help="times faster than life; 0: as fast as it is read")
    serve.add_argument(
        "--username", default=None, help="let in only this manager user (default: any, so that your config works)"
    )
    serve.add_argument("--secret", default=None, help="and only with this secret (default: any)")
    serve.add_argument("--resume", action="store_true", help="go on where the last connection ended, as a PBX that lives on")
    serve.add_argument("--tls-cert", type=Path, metavar="F", help="certificate chain (PEM): speak TLS")
    serve.add_argument("--tls-key", type=Path, metavar="F", help="private key (PEM) of the certificate")
    _add_silence(commands)
    _add_influx(commands)
    _add_grafana(commands)
    _add_report(commands)
    _add_top(commands)
    _add_rules(commands)
    _add_backtest(commands)
    return parser


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    text = "test the rules on calls you make up, find rules that cannot work"
    rules = commands.add_parser("rules", help=text, epilog=RULES_EXAMPLES, formatter_class=raw)
    deeds = rules.add_subparsers(dest="deed", metavar="test|lint", required=True)
    text = "play stories through the production pipeline and compare what comes of them with what is expected"
    test = deeds.add_parser("test", help=text, description=f"{text}.".capitalize(), epilog=RULES_EXAMPLES, formatter_class=raw)
    test.add_argument(
        "files",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="test file, or a folder of them (default: tests of the shipped rules)",
    )
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML, for build servers")
    text = "find rules that load and yet can never fire, overlap or contradict each other"
    lint = deeds.add_parser("lint", help=text, description=f"{text}.".capitalize(), epilog=RULES_EXAMPLES, formatter_class=raw)
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
    for deed in (test, lint, explain):
        deed.add_argument("--config", type=Path, metavar="F", help="take rules, names and time zone from this configuration")
        deed.add_argument("--rules", type=Path, metavar="DIR", help="rules of this folder on top of these")


def _add_backtest(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def _add_silence(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def add_command(to: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str) -> argparse.ArgumentParser:
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


def _add_influx(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    influx = commands.add_parser("influx", help="prepare or check the time series databases of a configuration")
    deeds = influx.add_subparsers(dest="deed", metavar="setup|check", required=True)
    setup = deeds.add_parser("setup", help="create buckets and databases that are missing, and set how long they keep data")
    check = deeds.add_parser("check", help="say what is there and whether it takes data")
    for deed in (setup, check):
        deed.add_argument("--config", type=Path, required=True, metavar="F", help="configuration with an influx section")


def _add_grafana(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    grafana = commands.add_parser("grafana", help="dashboards for Grafana")
    deeds = grafana.add_subparsers(dest="deed", metavar="export", required=True)
    text = "write data source and dashboards as files that Grafana reads when it starts"
    export = deeds.add_parser("export", help=text, description=f"{text}.".capitalize())
    kinds = ("influxdb", "influxdb1", "victoriametrics", "sqlite")
    text = "where the series are: influxdb is 2.x, sqlite the daemon's own rollup.db"
    export.add_argument("--datasource", choices=kinds, required=True, help=text)
    export.add_argument("--config", type=Path, metavar="F", help="take addresses, names and rules from this configuration")
    text = "where the files will lie on Grafana's machine (default /etc/grafana)"
    export.add_argument("--at", default="/etc/grafana", metavar="PATH", help=text)
    export.add_argument("directory", type=Path, metavar="DIR", help="where to write them")


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "what was heard and what became of calls in some days: worst phones, and each trunk for its provider"
    report = commands.add_parser("report", help=text, description=f"{text}. Reads the daemon's files, running or not.")
    report.add_argument("--config", type=Path, required=True, metavar="F", help="configuration file (YAML)")
    text = 'how long back (7d, 24h), or a date ("2026-11-23 08:00"); full hours'
    report.add_argument("--since", default="7d", metavar="WHEN", help=f"{text}; default 7d")
    report.add_argument("--until", default=None, metavar="DATE", help="default now")
    report.add_argument("--format", choices=("text", "csv", "html"), default="text", help="default text")
    report.add_argument("--trunk", default=None, metavar="T", help="only trunks whose name holds this, as evidence")
    report.add_argument("--language", choices=("en", "ru"), default=None, help="default that of the configuration")


def _add_top(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
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


# Imports are inside the commands: `check` must not pay for Telegram, nor `replay` for the scheduler.


def _run(options: argparse.Namespace) -> int:
    from qualitywatch.commands.run import run  # noqa: PLC0415

    return run(options.config)


def _check(options: argparse.Namespace) -> int:
    from qualitywatch.commands.check import check  # noqa: PLC0415

    return check(options.config, sys.stdout)


def _demo(options: argparse.Namespace) -> int:
    from qualitywatch.commands.demo import demo  # noqa: PLC0415

    return demo(options.seconds, options.speed, options.language, with_page=options.web)


def _replay(options: argparse.Namespace) -> int:
    from qualitywatch.commands.replay import ReplayOptions, replay  # noqa: PLC0415

    return replay(
        ReplayOptions(
            files=tuple(options.files),
            config=options.config,
            rules=options.rules,
            emit=options.emit,
            format=options.format,
            language=options.language,
        )
    )


def _serve_capture(options: argparse.Namespace) -> int:
    from qualitywatch.commands.serve_capture import ServeOptions, serve_capture  # noqa: PLC0415

    return serve_capture(
        ServeOptions(
            file=options.file,
            listen=options.listen,
            speed=options.speed,
            username=options.username,
            secret=options.secret,
            resume=options.resume,
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
        )
    )


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


def _rules(options: argparse.Namespace) -> int:
    if options.deed == "lint":
        from qualitywatch.commands.rules_lint import rules_lint  # noqa: PLC0415

        return rules_lint(options.config, options.rules, sys.stdout)
    from qualitywatch.commands.rules_test import RunOptions, rules_test  # noqa: PLC0415

    return rules_test(RunOptions(tuple(options.files), options.config, options.rules, options.junit), sys.stdout)


def _influx(options: argparse.Namespace) -> int:
    from qualitywatch.commands import influx  # noqa: PLC0415

    return influx.setup(options.config, sys.stdout) if options.deed == "setup" else influx.check(options.config, sys.stdout)


def _grafana(options: argparse.Namespace) -> int:
    from qualitywatch.commands.grafana import export  # noqa: PLC0415

    return export(options.datasource, options.directory, options.config, options.at, sys.stdout)


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


def _report(options: argparse.Namespace) -> int:
    from qualitywatch.clock import SystemClock  # noqa: PLC0415
    from qualitywatch.commands.report import Wish, report  # noqa: PLC0415

    wish = Wish(options.config, options.since, options.until, options.format, options.trunk, options.language)
    return report(wish, SystemClock().now(), sys.stdout)


def _top(options: argparse.Namespace) -> int:
    from qualitywatch.commands.top import top  # noqa: PLC0415
    from qualitywatch.commands.top_screen import SORTS, Looks  # noqa: PLC0415

    sort = next(key for key, (name, _) in SORTS.items() if name == options.sort)
    return top(options.config, options.socket, Looks(sort, options.filter), sys.stdout, once=options.once)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "check": _check,
    "demo": _demo,
    "replay": _replay,
    "serve-capture": _serve_capture,
    "silence": _silence,
    "rules": _rules,
    "explain": _explain,
    "influx": _influx,
    "grafana": _grafana,
    "backtest": _backtest,
    "report": _report,
    "top": _top,
}
