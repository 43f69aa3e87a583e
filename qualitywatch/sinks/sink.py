"""One time series database being fed: takes what is measured, never waits, never loses without saying so.

Strategy: readings are collected in memory for a few seconds, then put into the spool as one batch; a second loop sends the
spool's oldest batch and deletes it when it was taken.  Whatever the server does (gone, slow, refusing, wrongly configured), the
only thing that changes is when the next attempt is made.  A disk that cannot be written keeps readings in memory, up to a
limit; what falls beyond it is counted and told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from traceback import extract_tb
from typing import Final, NoReturn

from qualitywatch.backoff import Backoff
from qualitywatch.errors import StoreError
from qualitywatch.ports import Clock, SeriesBatch
from qualitywatch.sinks.encoding import Taken, encoded
from qualitywatch.sinks.reading import Reading
from qualitywatch.sinks.server import Refusal, Server, SinkError
from qualitywatch.sinks.spool import Batch, Spool

log = logging.getLogger(__name__)

FLUSH_S: Final = 5.0
MAX_LINES: Final = 1000
# Two minutes of a large PBX: longer than any pause of a healthy disk.
MAX_HELD: Final = 100_000
FIX_PAUSE_S: Final = 60.0
SAY_EVERY_S: Final = 60.0
CLOSING_S: Final = 3.0
_SPOOL_FULL: Final = "the spool is full"
_DAMAGED: Final = "they were damaged on disk"


@dataclass(slots=True)
class Counts:
    """What became of lines since the start, and what is the matter now."""

    taken_in: int = 0
    sent: int = 0
    refused: int = 0
    dropped: int = 0
    trouble: str | None = None


class Sink:
    """``ports.SeriesStore`` for one database."""

    def __init__(
        self,
        name: str,
        server: Server,
        spool: Spool,
        clock: Clock,
        *,
        readings: Callable[[SeriesBatch], list[Reading]],
        backoff: Backoff = Backoff(1.0, 60.0),  # noqa: B008 a frozen value
        flush_s: float = FLUSH_S,
        fix_pause_s: float = FIX_PAUSE_S,
        chance: Random | None = None,
    ) -> None:
        self.name = name
        self.counts = Counts()
        self._server, self._spool, self._clock = server, spool, clock
        self._readings = readings
        self._instants: Taken = frozenset()  # the instants of the batch that was put away last
        self._backoff = backoff
        self._flush_s, self._fix_pause_s = flush_s, fix_pause_s
        self._chance = chance or Random()  # noqa: S311 it spreads retries, nothing more
        self._held: deque[Reading] = deque()
        self._full = asyncio.Event()  # a batch is complete before its time
        self._filled = asyncio.Event()  # there is something in the spool
        self._failures = 0
        self._under_way: tuple[Batch, asyncio.Future[None]] | None = None
        self._settled: int | None = None  # the batch that was taken or given up last; the disk may not let it go yet
        self._unsure = 0  # lines of the batch under way when it had to make room: lost only if it is not taken
        self._told_at: dict[str, float] = {}
        self._unsaid, self._why_lost = 0, ""
        self._closed = False
        if spool.load.batches:
            self._filled.set()

    @property
    def held(self) -> int:
        """Lines that are in memory alone."""
        return len(self._held)

    @property
    def spool(self) -> Spool:
        """What is on disk and not yet taken."""
        return self._spool

    async def write(self, batch: SeriesBatch) -> None:
        """Take in a batch, in memory only; never fails for what the server does."""
        if self._closed:
            raise StoreError(f"{self.name}: already closed")
        new = self._readings(batch)
        self.counts.taken_in += len(new)
        self._held += new
        excess = len(self._held) - MAX_HELD
        if excess > 0:
            for _ in range(excess):
                self._held.popleft()
            self._drop(excess, "they could not be written to disk")
        if len(self._held) >= MAX_LINES:
            self._full.set()

    async def flush(self, now: float) -> None:
        """Nothing: the sink has a rhythm of its own."""

    async def prune(self, now: float) -> None:
        """Nothing: the database has a retention of its own."""

    async def run(self) -> NoReturn:
        """Collect and send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._collect())
            tasks.create_task(self._deliver())
        raise AssertionError("both run for ever")

    async def close(self, now: float) -> None:
        """Put what is held on disk and send what can be sent in a moment; the rest is sent after the next start."""
        if not self._closed:
            await self._stop(last_words=True)
            await self._spool.close()

    async def hand_over(self) -> Spool:
        """As ``close``, but leave it to another sink to send what is on disk: return the spool, which stays open."""
        if not self._closed:
            await self._stop(last_words=False)
        return self._spool

    async def _stop(self, *, last_words: bool) -> None:
        self._closed = True
        try:
            await self._finish()
            while self._held and await self._put_away():
                pass
            with contextlib.suppress(TimeoutError, SinkError):  # it is sent after the next start
                async with asyncio.timeout(CLOSING_S):
                    while last_words and self._failures == 0 and await self._send_oldest():
                        pass
        except StoreError as exc:
            log.error('sink.closed name=%s lines_lost=%d error="%s"', self.name, len(self._held), exc)
        finally:
            self._say_lost()
            counts = self.counts
            became = counts.taken_in, counts.sent, counts.refused, counts.dropped, self._spool.load.lines
            log.info("sink.stopped name=%s taken_in=%d sent=%d refused=%d lost=%d waiting=%d", self.name, *became)
            await asyncio.to_thread(self._server.close)

    async def _collect(self) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(self._flush_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            while self._held and await self._put_away():
                pass
            if self._unsaid and self._is_due("loss"):
                self._say_lost()
            if len(self._held) >= MAX_LINES:
                await asyncio.sleep(self._flush_s)  # the disk will not have it now

    async def _put_away(self) -> bool:
        """Move a batch from memory to disk; return whether that went well."""
        batch = [self._held.popleft() for _ in range(min(len(self._held), MAX_LINES))]
        taken = self._instants
        try:
            text, taken = await asyncio.to_thread(encoded, batch, taken)
            pushed_out = await self._spool.append(text, len(batch))
        except StoreError as exc:
            self._held.extendleft(reversed(batch))
            self._say(f"cannot be kept on disk: {exc}")
            return False
        except asyncio.CancelledError:
            if self._spool.appending:
                self._instants = taken
            else:
                self._held.extendleft(reversed(batch))
            raise
        self._instants = taken
        self._push_out(pushed_out)
        self._filled.set()
        return True

    def _push_out(self, batches: Mapping[int, int]) -> None:
        """Count as lost what had to make room, but what the server has, or may have yet, is not lost."""
        under_way = self._under_way[0].id if self._under_way is not None else None
        self._unsure += batches.get(under_way, 0) if under_way is not None else 0
        self._drop(sum(lines for id, lines in batches.items() if id not in {under_way, self._settled}), _SPOOL_FULL)

    async def _deliver(self) -> NoReturn:
        while True:
            await self._filled.wait()
            try:
                if not await self._send_oldest():
                    self._filled.clear()
            except StoreError as exc:
                self._say(f"the spool cannot be read or emptied: {exc}")
                await asyncio.sleep(self._flush_s)
            except SinkError as exc:
                await asyncio.sleep(self._pause_s(exc))

    async def _send_oldest(self) -> bool:
        """Send one batch; False when there is none.  Raises SinkError when it has to be tried again, StoreError."""
        batch = await self._spool.oldest()
        if batch is None:
            return False
        if batch.id == self._settled:  # the disk did not let it go, or a full one would have it sent again and again
            await self._spool.remove(batch)
            self.counts.trouble = None
            return True
        if batch.text is None:
            self._drop(batch.lines, _DAMAGED)
            await self._settle(batch)
            return True
        self._under_way = batch, asyncio.get_running_loop().run_in_executor(None, self._write, batch.text)
        try:
            await asyncio.shield(self._under_way[1])  # a stop must not make us forget what the server took
        except SinkError as exc:
            self._under_way = None
            if exc.refusal is not Refusal.NEVER:
                self._failures += 1
                self._not_taken()
                self._say(str(exc), f"; {self._spool.load.lines} lines wait on disk")
                raise
            await self._give_up(batch, exc)
            return True
        self._under_way = None
        await self._taken(batch)
        return True

    def _write(self, text: bytes) -> None:
        try:
            self._server.write(text)
        except SinkError:
            raise
        except Exception as exc:  # noqa: BLE001 whatever a library does must not end the watching of PBXes
            place = extract_tb(exc.__traceback__)[-1]
            # Not its text: libraries quote the header that they do not like, with the token in it.
            bug = f"{type(exc).__name__} in {place.filename}:{place.lineno}"
            raise SinkError(f"cannot be written to, by a mistake of this program: {bug}", Refusal.FIX) from None

    async def _taken(self, batch: Batch) -> None:
        self.counts.sent += batch.lines
        failures, self._failures, self.counts.trouble = self._failures, 0, None
        try:
            await self._settle(batch)
        finally:
            if failures:
                log.warning("sink.back name=%s after_failures=%d waiting=%d", self.name, failures, self._spool.load.lines)

    async def _settle(self, batch: Batch) -> None:
        """Forget a batch; what is known of it is noted first, since the disk may refuse."""
        self._settled, self._unsure = batch.id, 0
        await self._spool.remove(batch)

    def _not_taken(self) -> None:
        """The batch under way was not taken: if it had to make room meanwhile, it is lost."""
        self._drop(self._unsure, _SPOOL_FULL)
        self._unsure = 0

    async def _finish(self) -> None:
        """Wait a moment for the write that was under way when we were stopped."""
        if self._under_way is None:
            return
        batch, writing = self._under_way
        self._under_way = None
        await asyncio.wait([writing], timeout=CLOSING_S)
        if not writing.done():
            self._failures += 1
            self._not_taken()
            writing.add_done_callback(lambda done: done.exception())
        elif writing.exception() is None:
            await self._taken(batch)
        else:
            self._not_taken()

    async def _give_up(self, batch: Batch, error: SinkError) -> None:
        self.counts.refused += batch.lines
        self._say(f"{error}; a batch of {batch.lines} lines is given up")
        await self._settle(batch)

    def _pause_s(self, error: SinkError) -> float:
        if error.refusal is Refusal.FIX:
            return self._fix_pause_s
        return self._backoff.pause_s(self._failures - 1, self._chance, error.retry_after_s)

    def _drop(self, lines: int, why: str) -> None:
        if not lines:
            return
        self.counts.dropped += lines
        self._unsaid, self._why_lost = self._unsaid + lines, why
        if self._is_due("loss"):
            self._say_lost()

    def _say_lost(self) -> None:
        """Log what was lost since this was said last."""
        if self._unsaid:
            lost = self._unsaid, self.counts.dropped, self._why_lost
            log.error('sink.lost name=%s lines=%d since_start=%d error="%s"', self.name, *lost)
        self._unsaid = 0

    def _say(self, trouble: str, more: str = "") -> None:
        """Log a trouble when it is new, and once a minute while it lasts."""
        if self.counts.trouble is None:
            self._told_at.pop("trouble", None)
        self.counts.trouble = trouble
        if self._is_due("trouble"):
            log.error('sink.trouble name=%s error="%s%s"', self.name, trouble, more)

    def _is_due(self, kind: str) -> bool:
        now = self._clock.monotonic()
        if now - self._told_at.get(kind, -math.inf) < SAY_EVERY_S:
            return False
        self._told_at[kind] = now
        return True
