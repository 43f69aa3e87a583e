"""A configuration of one's own, examined; what the tests of ``doctor`` share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from looptime import LoopTimeEventLoop

from qualitywatch.clock import SystemClock
from qualitywatch.doctor.asking.pbx import Listening
from qualitywatch.doctor.examination import Step, Wish, examine
from qualitywatch.doctor.finding import Finding, Level, Report
from qualitywatch.ports import Clock

SECRET = "ami-Secret-7f3a"
USER = "qualitywatch"


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    reports: tuple[Report, ...]
    progress: tuple[Listening, ...]

    def of(self, check: str, subject: str | None = None) -> list[Finding]:
        """Findings of a check."""
        return [it.finding for it in self.reports if it.check == check and subject in (None, it.subject)]

    def one(self, check: str, level: Level, *texts: str) -> Finding:
        """The only finding of this level by a check, which holds these texts."""
        found = [finding for finding in self.of(check) if finding.level is level]
        assert len(found) == 1, f"{check} found {self.of(check)}"
        for text in texts:
            assert text in f"{found[0].what} | {found[0].fix}", found[0]
        assert (level is Level.OK) or found[0].fix, f"nothing is said of what to do: {found[0]}"
        return found[0]

    def levels(self) -> dict[str, set[str]]:
        """Levels by check."""
        levels: dict[str, set[str]] = {}
        for report in self.reports:
            levels.setdefault(report.check, set()).add(str(report.finding.level))
        return levels


class HurriedClock(SystemClock):
    """The machine's clock, or that of another time, ahead by what a hurried loop did not wait out."""

    def __init__(self, shift_s: float = 0.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._shift_s = shift_s

    def now(self) -> float:
        return super().now() + self._shift_s + self._spared_s

    def monotonic(self) -> float:
        return super().monotonic() + self._spared_s

    @property
    def _spared_s(self) -> float:
        loop = self._loop
        return loop.time() if isinstance(loop, LoopTimeEventLoop) and loop.looptime_on else 0.0


def write_config(folder: Path, port: int, pbx: Mapping[str, Any] | None = None, **sections: Any) -> Path:
    """Write a configuration with one PBX on loopback."""
    office = {"name": "office", "host": "127.0.0.1", "port": port, "username": USER, "secret": SECRET, **(pbx or {})}
    document = {"pbx": [office], "store": {"directory": str(folder / "state")}, "timezone": "UTC", **sections}
    path = folder / "qualitywatch.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    path.chmod(0o600)
    return path


async def examined(
    config: Path, seconds: float = 0.3, clock: Clock | None = None, unit_folders: Sequence[Path] = ()
) -> Diagnosis:
    """Examine without any systemd unit unless folders for it are named."""
    steps: list[Step] = []
    await examine(Wish(config, seconds, unit_folders), clock or HurriedClock(), steps.append)
    reports = tuple(step for step in steps if isinstance(step, Report))
    return Diagnosis(reports, tuple(step for step in steps if isinstance(step, Listening)))
