#!/usr/bin/env python3
"""``systemctl`` for a throw-away root: starts the real program of the unit, and waits until it says that it is ready.

``ROOT`` names the root; what runs is known by a file with its process id.  Paths of the unit
are those of the root.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["ROOT"] or "/")
UNITS = (ROOT / "etc/systemd/system/qualitywatch.service", ROOT / "usr/lib/systemd/system/qualitywatch.service")
PID = ROOT / "run/qualitywatch.pid"
LOG = ROOT / "run/qualitywatch.log"
READY_S = 30.0


def is_active() -> bool:
    if not PID.exists():
        return False
    stat = Path(f"/proc/{PID.read_text(encoding='utf-8')}/stat")
    return stat.exists() and ") Z " not in stat.read_text(encoding="utf-8")


def start() -> int:
    if is_active():
        return 0
    unit = next(path for path in UNITS if path.exists())
    found = re.search(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    command = [f"{ROOT}{word}" if word.startswith("/") else word for word in found[1].split()]
    address = str(ROOT / "run/notify")
    Path(address).unlink(missing_ok=True)
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": address,
        "STATE_DIRECTORY": str(ROOT / "var/lib/qualitywatch"),
        "CREDENTIALS_DIRECTORY": str(ROOT / "etc/qualitywatch/credentials"),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, LOG.open("ab") as log:
        told.bind(address)
        told.settimeout(0.2)
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd="/")
        PID.write_text(str(process.pid), encoding="utf-8")
        end = time.monotonic() + READY_S
        while time.monotonic() < end and process.poll() is None:
            try:
                if b"READY=1" in told.recv(4096):
                    return 0
            except TimeoutError:
                continue
        process.kill()
        process.wait()
    return 1


def stop() -> int:
    if is_active():
        pid = int(PID.read_text(encoding="utf-8"))
        os.kill(pid, signal.SIGTERM)
        while is_active():
            time.sleep(0.02)
    PID.unlink(missing_ok=True)
    return 0


def main(words: list[str]) -> int:
    with (ROOT / "run/systemctl.log").open("a", encoding="utf-8") as log:
        print(*words, file=log)
    match [word for word in words if not word.startswith("-")]:
        case ["is-active", "qualitywatch"]:
            return 0 if is_active() else 3
        case ["start", "qualitywatch"]:
            return start()
        case ["stop", "qualitywatch"] | ["disable", "qualitywatch"]:
            return stop()
        case ["daemon-reload"]:
            return 0
        case _:
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
