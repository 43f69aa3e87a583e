"""Keeps every part of the daemon at work: one that ends because of a mistake of ours is begun again, and takes no other along.

Strategy: foreseen trouble (a PBX that is gone, a full disk) is dealt with where it is met; here is the one place for whatever
nobody foresaw.  Without it an exception in one part would end the task group it is in, and so the watch of every PBX.  The
mistake is logged with where it happened, but not in its own words, in which libraries like to quote tokens; it is shown to
people until the part has lasted a while.  Cancelling is never in the way: a part that is being stopped is not begun again.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from qualitywatch.backoff import Backoff
from qualitywatch.ports import Clock, FailingPart

log = logging.getLogger(__name__)

# Well below what ``app.progress`` takes for hanging: who is begun again and again must not have systemd end all the others.
PAUSES: Final = Backoff(1.0, 60.0)
LASTING_S: Final = 300.0

Work: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Record:
    """What became of one part lately."""

    times: int
    what: str
    begun_again_at: float | None = None  # monotonic; None during the pause


class Supervisor:
    """Runs parts by name; a name is that of one part at a time."""

    def __init__(self, clock: Clock, *, pauses: Backoff = PAUSES, lasting_s: float = LASTING_S) -> None:
        """A part that lasts ``lasting_s`` is well again."""
        self._clock = clock
        self._pauses = pauses
        self._lasting_s = lasting_s
        self._chance = Random()  # noqa: S311 it spreads retries and guards nothing
        self._records: dict[str, _Record] = {}

    @property
    def failing(self) -> Sequence[FailingPart]:
        """Parts that a mistake of ours has ended lately."""
        lately = ((name, record) for name, record in self._records.items() if not self._lasts(record))
        return [FailingPart(name, record.what, record.times) for name, record in lately]

    async def keep_up(self, name: str, work: Work) -> None:
        """Do the work until it is done or cancelled, however often it trips over a mistake of ours."""
        try:
            while True:
                # A task of its own: who was cancelled, it or we, cannot be told from within (task groups cancel theirs too).
                async with asyncio.TaskGroup() as group:
                    trying = group.create_task(_mistake(name, work), name=name)
                what = "CancelledError" if trying.cancelled() else trying.result()
                if what is None:
                    return
                record = self._failed(name, what)
                await asyncio.sleep(self._pauses.pause_s(record.times - 1, self._chance))
                record.begun_again_at = self._clock.monotonic()
        finally:
            self._records.pop(name, None)

    @staticmethod
    async def once(name: str, work: Work) -> None:
        """Do the work once; a mistake of ours costs what is left of it."""
        await _mistake(name, work)

    def _failed(self, name: str, what: str) -> _Record:
        before = self._records.get(name)
        times = before.times if before is not None and not self._lasts(before) else 0
        record = self._records[name] = _Record(times + 1, what)
        return record

    def _lasts(self, record: _Record) -> bool:
        began_at = record.begun_again_at
        return began_at is not None and self._clock.monotonic() - began_at >= self._lasting_s


async def _mistake(name: str, work: Work) -> str | None:
    """Do the work; return what mistake ended it, which is logged, or None."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 this is the place for what nobody foresaw
        mistakes = list(_leaves(error))
        log.error("part.ended name=%s this_is_a_bug=yes\n%s", name, "\n".join(map(_told, mistakes)))
        return _place(mistakes[0])
    return None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What was raised, out of the groups that task groups make of it."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _told(error: BaseException) -> str:
    return f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
