"""The stores there are.  A new one is a file in ``backends/`` and a line here; the contract suites then test it unasked.

A series back end is a class with a frozen dataclass ``Options`` (every field with a default) and ``open``.  One that needs
a heavy library imports it in ``open``, so that who does not use it does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from qualitywatch.model import Notification
from qualitywatch.ports import SeriesStore, StateStore
from qualitywatch.store.backends.memory import MemorySeriesStore, MemoryStateStore
from qualitywatch.store.backends.rollup import RollupStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore


class StateBackend(StateStore, Protocol):
    """A StateStore that can be opened and shown to an administrator."""

    @classmethod
    async def open(cls, directory: Path, *, now: float) -> StateBackend:
        """Open the store in the state directory; raises StoreError."""
        ...

    async def given_up(self) -> Sequence[tuple[Notification, str]]:
        """Notifications set aside and why, oldest first."""
        ...


class SeriesBackend(SeriesStore, Protocol):
    """A SeriesStore that can be opened."""

    Options: ClassVar[type[Any]]

    @classmethod
    async def open(cls, directory: Path, options: Any, *, now: float) -> SeriesBackend:
        """Open the store; ``directory`` is the state directory, ``options`` an instance of ``Options``; raises StoreError."""
        ...


STATE_STORES: Final[Mapping[str, type[StateBackend]]] = {
    "memory": MemoryStateStore,
    "sqlite": SqliteStateStore,
}

STORES: Final[Mapping[str, type[SeriesBackend]]] = {
    "memory": MemorySeriesStore,
    "rollup": RollupStore,
}
