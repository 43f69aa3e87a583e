"""Has pictures drawn by another process (``charts.worker``), one at a time, and never waits for one for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import util
from typing import Final

from qualitywatch.charts import wire
from qualitywatch.charts.request import ChartRequest

TIME_LIMIT_S: Final = 30.0
WORKER: Final = (sys.executable, "-m", "qualitywatch.charts.worker")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_REASON_CHARS: Final = 300

_log = logging.getLogger(__name__)


class Painter:
    """Draws charts where the extra ``charts`` is installed."""

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S, worker: Sequence[str] = WORKER) -> None:
        self._time_limit_s = time_limit_s
        self._worker = tuple(worker)
        self._turn = asyncio.Lock()  # a storm of requests must not become a storm of processes
        self._absence_told = False

    @property
    def available(self) -> bool:
        """Whether the library that draws is installed."""
        return util.find_spec("matplotlib") is not None

    async def paint(self, request: ChartRequest) -> bytes | None:
        """Return the picture as PNG; None when there cannot be one, which is logged and never raised."""
        if not self.available:
            if not self._absence_told:
                self._absence_told = True
                _log.info("no charts are drawn: pip install 'qualitywatch[charts]' for pictures beside the texts")
            return None
        async with self._turn:
            try:
                async with asyncio.timeout(self._time_limit_s):
                    return await self._drawn(wire.dumps(request))
            except TimeoutError:
                reason = f"it took longer than {self._time_limit_s:g} s"
            except OSError as error:
                reason = error.strerror or type(error).__name__
            except _FailedError as error:
                reason = str(error)
        _log.warning("the chart of %s could not be drawn: %s", request.title, reason)
        return None

    async def _drawn(self, data: bytes) -> bytes:
        # The library insists on a directory of its own to write to, which the service's user does not have at home.
        with tempfile.TemporaryDirectory(prefix="qualitywatch-chart-") as directory:
            process = await asyncio.create_subprocess_exec(
                *self._worker,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # One thread: linear algebra starts as many as there are processors, and none has anything to do here.
                env={**os.environ, "MPLCONFIGDIR": directory, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                cwd=directory,  # and not where the daemon stands: "-m" imports from there first
            )
            try:
                png, complaint = await process.communicate(data)
            except BaseException:  # above all a cancellation, by the time limit or by the daemon's end
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                raise
        if process.returncode != 0 or not png.startswith(_PNG):
            lines = complaint.decode("utf-8", "replace").strip().splitlines()
            raise _FailedError(lines[-1][:_REASON_CHARS] if lines else f"the worker ended with status {process.returncode}")
        return png


class _FailedError(Exception):
    """The worker gave no picture; the text says why."""
