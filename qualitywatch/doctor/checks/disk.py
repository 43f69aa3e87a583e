"""Whether the state directory can be written to by the daemon, and for how long there is room.

``state.db`` and ``rollup.db`` of 300 peers grow to some two gigabytes in the default retention, by about 45 MB a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import DiskFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown, warning

FULL_BYTES: Final = 50_000_000
SMALL_BYTES: Final = 1_000_000_000
FEW_FILES: Final = 100
_FIX: Final = "make room, shorten store.keep in the configuration, or move store.directory to a larger disk"


def judge(disk: DiskFacts, now: float) -> Iterator[Finding]:
    """Say whether there is room and whether it is ours."""
    del now
    place = str(disk.directory)
    if disk.trouble is not None:
        yield error(disk.trouble, f"install -d -m 0750 -o {disk.user or 'qualitywatch'} {place}; or correct store.directory")
        return
    if disk.foreign:
        yield error(
            f"{several(disk.foreign)} in {place} are not {disk.user}'s: the daemon cannot write them",
            f"somebody ran it as another user: systemctl stop qualitywatch; chown -R {disk.user}: {place}",
        )
    if disk.free_bytes is None:
        yield unknown(f"{place} does not tell how much room there is", f"df {place}")
    elif disk.free_bytes < FULL_BYTES:
        yield error(f"{_megabytes(disk.free_bytes)} free in {place}: nothing more can be kept", _FIX)
    elif disk.free_files is not None and disk.free_files < FEW_FILES:
        yield error(f"only {disk.free_files} more files can be made in {place}", f"df -i {place} shows it: remove files there")
    elif disk.free_bytes + disk.held_bytes < SMALL_BYTES:
        yield warning(f"{_megabytes(disk.free_bytes)} free in {place}: enough for some days or weeks", _FIX)
    else:
        yield ok(f"{_megabytes(disk.free_bytes)} free in {place}, which holds {_megabytes(disk.held_bytes)}")


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
