"""``replay`` and ``serve-capture``: what can be done with a recorded manager session."""

from __future__ import annotations

import argparse
from pathlib import Path

from qualitywatch.cli.command import Command, Commands


def _add_replay(commands: Commands) -> None:
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


def _add_serve(commands: Commands) -> None:
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


REPLAY = Command(
    "replay", "replay FILE", "judge a recorded manager session and print what would have been sent", _add_replay, _replay
)
SERVE_CAPTURE = Command(
    "serve-capture",
    "serve-capture FILE",
    "play a recorded session as a PBX, to try a configuration against",
    _add_serve,
    _serve_capture,
)
