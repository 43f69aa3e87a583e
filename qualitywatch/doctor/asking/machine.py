"""This machine: the disk below the state directory, and the systemd unit."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from qualitywatch.doctor.facts import DiskFacts, UnitFacts
from qualitywatch.doctor.unitfile import read_unit, with_dropins
from qualitywatch.shipped import shipped

UNIT: Final = "qualitywatch.service"
UNIT_FOLDERS: Final = tuple(
    map(Path, ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"))
)
"""systemd.unit(5): the first one that has the unit wins; drop-ins of all of them count, by name."""

BOOTED: Final = Path("/run/systemd/system")
"""There only where systemd started the machine, see sd_booted(3)."""

_WITHIN_S: Final = 5.0
_SHOWN: Final = ("ActiveState", "UnitFileState", "NeedDaemonReload", "NRestarts")
_MOST_BYTES: Final = 100_000


def ask_unit(config: Path, folders: Sequence[Path] = UNIT_FOLDERS, booted: Path = BOOTED) -> UnitFacts:
    """Read the installed unit with its drop-ins."""
    original = shipped("systemd", UNIT).read_text(encoding="utf-8")
    path = next((folder / UNIT for folder in folders if (folder / UNIT).is_file()), None)
    if path is None:
        return UnitFacts(config.absolute(), original, has_systemd=booted.is_dir())
    by_name: dict[str, Path] = {}
    for folder in reversed(folders):
        by_name |= {each.name: each for each in (folder / f"{UNIT}.d").glob("*.conf")}
    dropins = {by_name[name]: _text(by_name[name]) for name in sorted(by_name)}
    return UnitFacts(config.absolute(), original, path, _text(path), dropins)


def user_of(unit: UnitFacts) -> str | None:
    """Whom the unit runs the daemon as, None without one."""
    if unit.path is None:
        return None
    settings = with_dropins(read_unit(unit.text), [read_unit(text) for text in unit.dropins.values()])
    return (settings.get("User") or ("root",))[-1]


def state_directory_of(unit: UnitFacts) -> Path | None:
    """Where the unit's StateDirectory= is, which is the daemon's default; None without one."""
    names = read_unit(unit.text).get("StateDirectory") if unit.path is not None else None
    return Path("/var/lib") / names[-1].split()[0] if names and names[-1] else None


def ask_disk(directory: Path, user: str | None) -> DiskFacts:
    """See whether the directory can be written to and how much room there is; leaves nothing behind."""
    place = _nearest(directory)
    try:
        room = os.statvfs(place)
        if directory.is_dir():
            with tempfile.TemporaryFile(dir=directory, prefix=".doctor-") as file:
                file.write(b"\0")
                file.flush()
    except OSError as exc:
        if not isinstance(exc, PermissionError) and place == directory and shutil.disk_usage(place).free == 0:
            return DiskFacts(directory, free_bytes=0, user=user)
        return DiskFacts(directory, f"{directory} cannot be written to ({exc.strerror})", user=user)
    if directory.exists() and not directory.is_dir():
        return DiskFacts(directory, f"{directory} is no directory", user=user)
    files = _files(directory)
    return DiskFacts(
        directory,
        free_bytes=room.f_bavail * room.f_frsize,
        free_files=room.f_favail if room.f_files else None,
        held_bytes=sum(status.st_size for status in files.values()),
        user=user,
        foreign=_not_of(user, files),
    )


def _files(directory: Path) -> dict[Path, os.stat_result]:
    """The directory itself and its files; a running daemon makes some and takes them away again."""
    found = {}
    for each in (directory, *directory.glob("*")):
        with suppress(OSError):
            status = each.stat()
            if each == directory or stat.S_ISREG(status.st_mode):
                found[each] = status
    return found


def _nearest(directory: Path) -> Path:
    """The directory itself, or where it would be made."""
    return next((each for each in (directory, *directory.parents) if each.is_dir()), Path("/"))


def _not_of(user: str | None, files: Mapping[Path, os.stat_result]) -> tuple[str, ...]:
    try:
        number = pwd.getpwnam(user).pw_uid if user is not None else None
    except KeyError:
        return ()
    return tuple(path.name for path, status in files.items() if status.st_uid != number) if number is not None else ()


async def ask_systemctl() -> dict[str, str]:
    """What systemd says of the unit; nothing where there is no systemd."""
    program = shutil.which("systemctl")
    if program is None:
        return {}
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *("show", UNIT, f"--property={','.join(_SHOWN)}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return {}
    try:
        async with asyncio.timeout(_WITHIN_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return {}
    pairs = (line.partition("=") for line in output.decode("utf-8", "replace").splitlines())
    return {key: value for key, equals, value in pairs if equals} if process.returncode == 0 else {}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
