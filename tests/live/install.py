"""Puts Debian's own Asterisk into a folder: suite bullseye gives 16.28 (chan_sip and PJSIP), sid gives 22 (PJSIP only).

Strategy: ``debootstrap`` into ``<suite>.partial`` and rename when complete, so that a folder with the final name is always
whole and an interrupted install is simply done again.  The cache folder is named by QUALITYWATCH_LIVE_CACHE and lies outside
the repository; the mirror is the one that the machine's own apt sources name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOOLS: Final = {
    "baresip": "baresip-core",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "sipp": "sip-tester",
}
_DEFAULT_MIRROR: Final = "http://deb.debian.org/debian"


@dataclass(frozen=True, slots=True)
class Suite:
    """A Debian suite and what its Asterisk can do."""

    name: str
    major: int
    has_chan_sip: bool


SUITES: Final = {suite.major: suite for suite in (Suite("bullseye", 16, True), Suite("sid", 22, False))}


class InstallError(RuntimeError):
    """Something the bench needs could not be installed; the message says what and shows the tool's last words."""


def cache_folder() -> Path:
    """Where PBXes and the ledger live: QUALITYWATCH_LIVE_CACHE or ~/.cache/qualitywatch-live."""
    named = os.environ.get("QUALITYWATCH_LIVE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "qualitywatch-live"


def ensure_tools() -> None:
    """Install missing Debian packages; raises InstallError when that is not possible."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        _run(["apt-get", "update", "-qq"], "refresh the package lists")
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], f"install {' '.join(missing)}")


def ensure_pbx(suite: Suite) -> Path:
    """Return the root folder of a complete Asterisk of this suite, installing it first when it is not there.

    Takes about a minute and 450 MB.  Raises InstallError when debootstrap fails (no network, no such suite, not root).
    """
    ensure_tools()
    root = cache_folder() / suite.name
    if (root / "usr/sbin/asterisk").exists():
        return root
    partial = root.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", "--include=asterisk,asterisk-modules", suite.name, str(partial), mirror()]
    _run(command, f"install Asterisk of Debian {suite.name}")
    if not (partial / "usr/sbin/asterisk").exists():
        raise InstallError(f"debootstrap of {suite.name} ended well but left no /usr/sbin/asterisk")
    (partial / "etc/resolv.conf").write_text("# a PBX on loopback asks no name server\n")
    partial.rename(root)
    return root


def mirror() -> str:
    """The Debian mirror of this machine's apt sources (either format), else Debian's own."""
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        for line in file.read_text(errors="replace").splitlines():
            found = re.match(r"(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)", line)
            if found:
                return found[1]
    return _DEFAULT_MIRROR


def _run(command: list[str], purpose: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired) as exc:
        raise InstallError(f"could not {purpose}: {exc}") from exc
    if done.returncode != 0:
        last_words = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise InstallError(f"could not {purpose} (exit code {done.returncode}):\n{last_words}")
