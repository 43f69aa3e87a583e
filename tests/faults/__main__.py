"""``python -m tests.faults [NAME ...]``: inject all faults, or those named, and print the table of README.md."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.disks import CannotBeTriedError
from tests.faults.registry import Fault, faults
from tests.faults.stage import Outcome

FAULTS = faults()
HEAD = (
    "| fault | times | alerts | lost | twice | samples | unexplained | price | remark |\n|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


def row(fault: Fault, found: Outcome) -> str:
    """One line of the table; ``price`` is what the fault itself costs: samples whose reports were under way."""
    figures = (found.times, found.alerts, found.lost, found.twice, found.samples, found.missing, found.explained)
    remarks = [found.remark] if found.remark else []
    remarks += [f"{found.anew} messages told anew, as only what was destroyed knew of them"] if found.anew else []
    return f"| {fault.what} | {' | '.join(map(str, figures))} | {'; '.join(remarks)} |"


async def tried(fault: Fault) -> tuple[str, tuple[str, ...]]:
    """Inject a fault; return its line, and what was promised and not kept."""
    with tempfile.TemporaryDirectory(prefix="qualitywatch-fault-") as folder:
        try:
            async with asyncio.timeout(fault.timeout_s):
                found = await fault.inject(Path(folder))
        except CannotBeTriedError as exc:
            return f"| {fault.what} | - | - | - | - | - | - | - | not tried: {exc} |", ()
        except (Exception, BaseExceptionGroup) as exc:  # noqa: BLE001 - the other faults are tried all the same
            return f"| {fault.what} | - | - | - | - | - | - | - | broke off |", (_innermost(exc),)
    return row(fault, found), found.problems


def _innermost(exc: BaseException) -> str:
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return f"{type(exc).__name__}: {exc}"


async def run(names: Sequence[str]) -> int:
    """Print a line as soon as a fault is over."""
    print(HEAD, flush=True)
    begun = time.monotonic()
    broken: list[str] = []
    for name in names:
        line, problems = await tried(FAULTS[name])
        print(line, flush=True)
        broken += [f"{name}: {problem}" for problem in problems]
    print(f"\n{len(names)} faults in {time.monotonic() - begun:.0f} s; {len(broken)} promises broken")
    print(*broken, sep="\n")
    return 1 if broken else 0


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Inject faults into the real daemon.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(FAULTS)}; all of them if none is given")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return asyncio.run(run(names or list(FAULTS)))


if __name__ == "__main__":
    raise SystemExit(main())
