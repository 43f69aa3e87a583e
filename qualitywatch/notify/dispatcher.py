"""Tells every target what incidents say: at least once, in order of urgency, and no target waits for another.

Strategy: what is to be told is never queued; it is the difference between the incidents, which the store holds already, and the
posts, which are stored after every step.  Each target has a lane that finds the difference and a task that carries it out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Final

from qualitywatch.backoff import Backoff
from qualitywatch.model import Incident, Post
from qualitywatch.notify.carrier import Carrier, DispatcherStats, Draw, Means
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.memory import Memory
from qualitywatch.notify.progress import Progress
from qualitywatch.notify.troubles import Troubles
from qualitywatch.ports import Clock, Notifier, StateStore

DELIVERY_LIMIT_S: Final = 120.0  # longer than a channel's own timeouts: only a bug gets here

_log = logging.getLogger(__name__)


class Dispatcher:
    """Keeps what the configured targets show in step with the incidents."""

    def __init__(
        self,
        store: StateStore,
        targets: Mapping[str, Notifier],
        clock: Clock,
        *,
        incidents: Iterable[Incident] = (),
        posts: Iterable[Post] = (),
        draw: Draw | None = None,
        backoff: Backoff | None = None,
        delivery_limit_s: float = DELIVERY_LIMIT_S,
        chance: Random | None = None,
    ) -> None:
        """Go on from ``incidents`` and ``posts``, as the store holds them.  ``draw`` makes a PNG of an incident, or None."""
        self.stats = DispatcherStats()
        self._progress = Progress(clock)
        self._unknown: set[str] = set()
        backoff = backoff if backoff is not None else Backoff()
        chance = chance if chance is not None else Random()  # noqa: S311 it spreads retries and guards nothing
        troubles = Troubles()
        memory = Memory(store, backoff, chance, self._progress, troubles)
        means = Means(clock, memory, backoff, chance, self._progress, troubles, self.stats, delivery_limit_s, draw)
        incidents, posts = tuple(incidents), tuple(posts)
        ids = count(1 + max((post.id for post in posts), default=0))
        self._carriers: dict[str, Carrier] = {}
        for target, notifier in targets.items():
            lane = Lane(target, notifier, incidents, posts, new_id=ids.__next__, pictures=draw is not None)
            self._carriers[target] = Carrier(target, notifier, lane, means)
        self._miss_targets(incidents)

    def update(self, incidents: Sequence[Incident]) -> None:
        """Take in new or changed incidents, which must be in the store already; never waits."""
        self._miss_targets(incidents)
        for target, carrier in self._carriers.items():
            if own := [incident for incident in incidents if target in incident.targets]:
                carrier.learn(own)

    @property
    def waiting(self) -> int:
        """How many incidents have news that a target was not told yet, summed over the targets."""
        return sum(carrier.lane.waiting for carrier in self._carriers.values())

    @property
    def troubles(self) -> Sequence[str]:
        """Which targets take nothing at present, and why; a sentence each."""
        return [trouble for carrier in self._carriers.values() if (trouble := carrier.trouble) is not None]

    @property
    def progress_at(self) -> float:
        """Monotonic seconds of the oldest step that has not ended; the present while there is nothing to do but wait."""
        return self._progress.at()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for carrier in self._carriers.values():
                tasks.create_task(carrier.run(tasks))
            await asyncio.Event().wait()  # also without any target: who started it decides when it ends

    async def drain(self, timeout_s: float) -> bool:
        """Wait until everything that can be shown now has been; False when that took too long.  ``run`` must be running.

        Changes are not saved up meanwhile, so that messages show the last that is known.  What waits for another attempt is
        not waited for: the store knows of it.
        """
        try:
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as tasks:
                for carrier in self._carriers.values():
                    tasks.create_task(carrier.through())
        except TimeoutError:
            return False
        return True

    def _miss_targets(self, incidents: Iterable[Incident]) -> None:
        wanted = {target for incident in incidents for target in incident.targets}
        for target in sorted(wanted - self._carriers.keys() - self._unknown):
            _log.warning('target "%s" is no longer in the configuration; what it was to be told is left out', target)
            self._unknown.add(target)
