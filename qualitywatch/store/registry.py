"""The stores there are.  A new one is a file in ``backends/`` and a line here; the contract suites then test it unasked.

A series back end is a class with a frozen dataclass ``Options`` (every field with a default) and ``open``.  One that needs
a heavy library imports it in ``open``, so that who does not use it does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from qualitywatch.ports import SeriesReader, SeriesStore, StateStore
from qualitywatch.store.backends.memory import MemorySeriesStore, MemoryStateStore
from qualitywatch.store.backends.rollup import RollupStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.bounds import Bounds


class StateBackend(StateStore, Protocol):
    """A StateStore that can be opened."""

    @classmethod
    async def open(cls, directory: Path, *, now: float, bounds: Bounds = ...) -> StateBackend:
        """Open the store in the state directory; raises StoreError."""
        ...


class SeriesBackend(SeriesStore, SeriesReader, Protocol):
    """A SeriesStore that can be opened, and read again."""

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
