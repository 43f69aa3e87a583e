"""A program of a few lines in place of qualitywatch, to be installed in no time: what an installation has to get right when
programs fall over, configurations are refused and machines fill up shows with it as well.

A release is a folder with this file in it instead of a virtual environment with libraries.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import sys
from pathlib import Path

SYSTEMD = Path(__file__).parents[2] / "systemd"
VERSION = "0.1.0"
FORM = 1
"""Of the state that it writes; a newer one it refuses, as qualitywatch does."""
REFUSES = "nothing"
"""A word that its ``check`` does not accept in the configuration."""
FALLS_OVER_AT = "never"
"""A word of the configuration, which ends it after it has written and before it is ready."""
HANGS_UP = False
"""It cuts the connection of whoever installs it, and is never ready."""


def python(interpreter: str = sys.executable) -> str:
    """``python3``, and the one of each release: "-m venv" and "-m pip" put this program where a release is.

    A wheel is a folder with the program; what pip was asked is kept in ``pip.log`` of the throw-away root.
    """
    return f"""#!/bin/sh
case "$1 $2" in
'-m venv') mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
'-m pip')
    [ -z "${{ROOT:-}}" ] || echo "$*" >>"$ROOT/pip.log"
    for word; do # the source comes last, or the folder with wheels after its option
        [ "${{option:-}}" != --find-links ] || from=$word
        [ "${{option:-}}" != --wheel-dir ] || wheels=$word
        option=$word
    done
    [ "$word" = qualitywatch ] || from=$word
    if [ "$3" = wheel ] || [ "${{5:-}}" = wheel ]; then
        mkdir -p "$wheels/qualitywatch-0.whl" && cp "$word/qualitywatch" "$wheels/qualitywatch-0.whl/"
        exit
    fi
    [ ! -f "$from/qualitywatch" ] || cp "$from/qualitywatch" "$(dirname "$0")/"
    ;;
*) exec {interpreter} "$@" ;;
esac
"""


def source(folder: Path, interpreter: str = sys.executable, /, **values: object) -> Path:
    """Make the source of a version; ``values`` take the place of those above."""
    (folder / "systemd").mkdir(parents=True)
    for name in (
        "install.sh",
        "qualitywatch.example.yml",
        "requirements.lock",
        "build-requirements.lock",
        "qualitywatch.service",
    ):
        shutil.copy(SYSTEMD / name, folder / "systemd")
    with (folder / "systemd/qualitywatch.service").open("a", encoding="utf-8") as unit:
        print(f"# of version {values.get('VERSION', VERSION)}", file=unit)
    text = Path(__file__).read_text(encoding="utf-8")
    given = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    end = 'if __name__ == "__main__":'
    head, _, tail = text.rpartition(end)
    program = folder / "qualitywatch"
    program.write_text(f"#!{interpreter}\n{head}{given}{end}{tail}", encoding="utf-8")
    program.chmod(0o755)
    return folder


def run(config: str) -> None:
    state = sqlite3.connect(Path(os.environ["STATE_DIRECTORY"]) / "state.db", isolation_level=None)
    state.execute("PRAGMA journal_mode = WAL")
    if state.execute("PRAGMA user_version").fetchone()[0] > FORM:
        sys.exit("the state is that of a newer version")
    state.execute("CREATE TABLE IF NOT EXISTS ran(version)")
    state.execute("INSERT INTO ran VALUES (?)", (VERSION,))
    state.execute(f"PRAGMA user_version = {FORM}")
    if FALLS_OVER_AT in config:
        os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the log beside the database stays
    if HANGS_UP:
        os.killpg(int(os.environ["SCRIPT"]), signal.SIGHUP)
        signal.pause()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    signal.pause()


def main(words: list[str]) -> None:
    if words == ["--version"]:
        print("qualitywatch", VERSION)
        return
    config = Path(words[2]).read_text(encoding="utf-8")
    if REFUSES in config:
        sys.exit(f"{REFUSES} is not known")
    if words[0] == "run":
        run(config)


if __name__ == "__main__":
    main(sys.argv[1:])
