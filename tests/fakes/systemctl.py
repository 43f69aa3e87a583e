#!/usr/bin/env python3
"""``systemctl`` for a throw-away root: runs the real program of the unit, waits until it says that it is ready, and starts it
again when it falls over.

``ROOT`` names the root; what runs is known by files with process ids.  Paths of the unit are
those of the root.  A running service has a keeper, a process that outlives the command and
holds the state: ``active``, or ``activating`` while it is not ready or between two attempts,
as systemd calls it (``Restart=on-failure`` with a shorter ``RestartSec``).
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["ROOT"] or "/")
UNITS = (ROOT / "etc/systemd/system/qualitywatch.service", ROOT / "usr/lib/systemd/system/qualitywatch.service")
KEEPER = ROOT / "run/qualitywatch.keeper"
PID = ROOT / "run/qualitywatch.pid"
STATE = ROOT / "run/qualitywatch.state"
LOG = ROOT / "run/qualitywatch.log"
READY_S = 30.0
RESTART_S = 0.1
NO_RESTART = {0, 2, 78, -signal.SIGTERM}
"""``RestartPreventExitStatus=`` of the unit, and the ends that are no failure."""


def runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z " not in stat.read_text(encoding="utf-8")


def state() -> str:
    if not KEEPER.exists() or not runs(int(KEEPER.read_text(encoding="utf-8"))):
        return "inactive"
    return STATE.read_text(encoding="utf-8")


def begin(told: socket.socket) -> subprocess.Popen[bytes]:
    """Start the program of the unit as it is now."""
    unit = next(path for path in UNITS if path.exists())
    found = re.search(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(told.getsockname()),
        "STATE_DIRECTORY": str(ROOT / "var/lib/qualitywatch"),
        "CREDENTIALS_DIRECTORY": str(ROOT / "etc/qualitywatch/credentials"),
    }
    command = [f"{ROOT}{word}" if word.startswith("/") else word for word in found[1].split()]
    with LOG.open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd="/")


def gets_ready(process: subprocess.Popen[bytes], told: socket.socket) -> bool:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if b"READY=1" in told.recv(4096):
                return True
        except TimeoutError:
            continue
    process.kill()
    return False


def keep(ready: int) -> None:
    """Run the program until it is to be stopped; write to ``ready`` when it is ready, close it when it is not."""

    ends = False
    process: subprocess.Popen[bytes] | None = None

    def end(*_: object) -> None:
        nonlocal ends
        ends = True
        if process is not None:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    address = ROOT / "run/notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(address))
        told.settimeout(0.2)
        while True:
            process = begin(told)
            if ends:
                process.terminate()
            PID.write_text(str(process.pid), encoding="utf-8")
            if gets_ready(process, told):
                STATE.write_text("active", encoding="utf-8")
                if ready >= 0:
                    os.write(ready, b"1")
            code = process.wait()
            STATE.write_text("activating", encoding="utf-8")
            if ready >= 0:
                os.close(ready)
                ready = -1
            if ends or code in NO_RESTART:
                return
            select.select([], [], [], RESTART_S)
            if ends:
                return


def start() -> int:
    if state() == "active":
        return 0
    stop()
    STATE.write_text("activating", encoding="utf-8")
    reading, writing = os.pipe()
    with LOG.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, "keep", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
            cwd="/",
        )
    KEEPER.write_text(str(keeper.pid), encoding="utf-8")
    os.close(writing)
    return 0 if os.read(reading, 1) else 1


def stop() -> int:
    if state() != "inactive":
        pid = int(KEEPER.read_text(encoding="utf-8"))
        gone = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        select.select([gone], [], [])
    for path in (KEEPER, PID, STATE):
        path.unlink(missing_ok=True)
    return 0


def main(words: list[str]) -> int:
    if words[0] == "keep":
        keep(int(words[1]))
        return 0
    with (ROOT / "run/systemctl.log").open("a", encoding="utf-8") as log:
        print(*words, file=log)
    match [word for word in words if not word.startswith("-")]:
        case ["is-active", "qualitywatch"]:
            return 0 if state() == "active" else 3
        case ["show", "ActiveState", "qualitywatch"]:
            print(state())
            return 0
        case ["start", "qualitywatch"]:
            return start()
        case ["stop", "qualitywatch"] if state() == "inactive" and not any(path.exists() for path in UNITS):
            return 5
        case ["stop", "qualitywatch"] | ["disable", "qualitywatch"]:
            return stop()
        case ["daemon-reload"]:
            return 0
        case _:
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
