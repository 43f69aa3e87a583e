"""``python -m tests.fuzz [--seconds N] [NAME ...]``: fuzz each target for so long and print the table."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.fuzz.targets import TARGETS

HEAD = "| input | executions | code edges | corpus | peak MB | found |\n|---|--:|--:|--:|--:|---|"
REPOSITORY = Path(__file__).parents[2]
_GRACE_S = 120.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What one target came to."""

    name: str
    executions: int
    edges: int
    corpus: int
    peak_mb: int
    complaint: str  # empty: nothing escaped

    @property
    def row(self) -> str:
        """A line of the table."""
        found = self.complaint.splitlines()[0] if self.complaint else "nothing"
        return f"| {self.name} | {self.executions} | {self.edges} | {self.corpus} | {self.peak_mb} | {found} |"


def fuzz(name: str, seconds: int, folder: Path) -> Findings:
    """Fuzz one target in a process of its own."""
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(seconds), str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=seconds + _GRACE_S, check=False)
    said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    complaint = "" if done.returncode == 0 else _complaint(said) or f"ended with {done.returncode}"
    return Findings(
        name,
        _last(r"stat::number_of_executed_units:\s+(\d+)", said) or _last(r"^#(\d+)\s", said),
        _last(r"cov: (\d+)", said),
        _last(r"corp: (\d+)", said),
        _last(r"stat::peak_rss_mb:\s+(\d+)", said) or _last(r"rss: (\d+)Mb", said),
        complaint,
    )


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def _complaint(said: str) -> str:
    at = said.find("=== Uncaught Python exception")
    lines = said[at:].splitlines() if at >= 0 else said.splitlines()[-15:]
    head = next((line for line in lines[1:] if line.strip()), "")
    return "\n".join([head, *lines[:40]])


def run(names: Sequence[str], seconds: int, folder: Path) -> int:
    """Print a line as soon as a target is through, and every complaint at the end."""
    print(HEAD, flush=True)
    found = []
    for name in names:
        found.append(fuzz(name, seconds, folder))
        print(found[-1].row, flush=True)
    print(f"\n{seconds} s each; corpus and whatever was found: {folder}")
    for each in found:
        if each.complaint:
            print(f"\n{each.name}: {each.complaint}")
    return 1 if any(each.complaint for each in found) else 0


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz everything that reads what strangers send.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(TARGETS)}; all of them if none is given")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--corpus", type=Path, help="a folder that is kept and gone on with; a new one if none is given")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in TARGETS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return run(options.names or list(TARGETS), options.seconds, options.corpus or Path(mkdtemp(prefix="qualitywatch-fuzz-")))


if __name__ == "__main__":
    raise SystemExit(main())
