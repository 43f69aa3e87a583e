"""What a query language must be able to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from qualitywatch.grafana.asks import Ask, Log, Values

Json: TypeAlias = dict[str, Any]
DATASOURCE_UID: Final = "qualitywatch"
MOST_ROWS: Final = 200
EVENT_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "agents": ("user_agent",),
    "restarts": ("restart", "shutdown", "reload", "blind", "seen", "clock"),
}


@dataclass(frozen=True, slots=True)
class Query:
    """One query as Grafana's target; ``labels``: whether series get their names from labels (else the target names them)."""

    target: Json
    text: str
    labels: bool = False
    transformations: tuple[Json, ...] = ()
    overrides: tuple[Json, ...] = ()  # how single fields are shown


@dataclass(frozen=True, slots=True)
class Marks:
    """The query of an annotation; ``beside`` is what its data source reads from the annotation itself and not the target."""

    target: Json
    text: str
    beside: Json = field(default_factory=dict)


class Language(Protocol):
    """Turns asks into queries of one kind of data source; None means that this source does not hold it."""

    @property
    def plugin(self) -> str:
        """Grafana's id of the data source's type."""
        ...

    @property
    def all_value(self) -> str | None:
        """What "All" stands for; None: the list of all values."""
        ...

    def query(self, ask: Ask, ref: str) -> Query | None:
        """The query of a panel."""
        ...

    def values(self, ask: Values) -> Json:
        """``query`` and what else a variable needs."""
        ...

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation."""
        ...


def datasource(language: Language) -> Json:
    """How panels refer to the data source that ``tree`` provisions."""
    return {"type": language.plugin, "uid": DATASOURCE_UID}
