"""What every client of the benchmark says at its end, as JSON."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

PORT, EVENTS = int(sys.argv[1]), int(sys.argv[2])


class Count:
    """What was received; the CPU time is that of the whole process since this was made."""

    def __init__(self) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._begun = used.ru_utime + used.ru_stime
        self.events = self.reports = self.letters = 0

    def take(self, name: str, channel: str | None, fraction_lost: str | None) -> bool:
        """Count one event; True when it was the last."""
        self.events += 1
        if name.startswith("RTCP"):
            self.reports += 1
            self.letters += len(channel or "") + int(fraction_lost or 0)
        return self.events >= EVENTS

    def say(self) -> None:
        """Print what it came to."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        with Path("/proc/self/status").open(encoding="ascii") as status:  # ru_maxrss counts what forked us as well
            peak_mb = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
        cpu_s = used.ru_utime + used.ru_stime - self._begun
        print(json.dumps({"events": self.events, "reports": self.reports, "cpu_s": cpu_s, "peak_mb": peak_mb}))
