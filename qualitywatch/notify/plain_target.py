"""What targets have in common that only ever send: nothing is changed later, no picture goes along, each is built by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from qualitywatch.model import Bulletin, Notification
from qualitywatch.notify import render
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.options import Checked, check


class Spoken(Checked, Protocol):
    """Options of a target that speaks a language."""

    @property
    def language(self) -> str: ...

    @property
    def dashboards(self) -> Dashboards | None: ...


OptionsT = TypeVar("OptionsT", bound=Spoken)


class PlainTarget(Generic[OptionsT]):
    """One such target; how it sends is up to its channel."""

    can_edit = False  # every change worth telling is a message of its own
    place = ""
    takes_pictures = False
    for_machines: ClassVar[bool] = False  # whether a message has a part for machines as well

    def __init__(self, options: OptionsT, *, show_pbx: bool, zone: tzinfo) -> None:
        self._options = options
        self._show_pbx = show_pbx
        self._zone = zone

    @classmethod
    def from_options(
        cls, targets: Mapping[str, OptionsT], *, show_pbx: bool, zone: tzinfo, remembered: Mapping[str, str]
    ) -> dict[str, Self]:
        """Build all targets; raises ConfigError.  Nothing of ``remembered`` is theirs."""
        del remembered
        check(targets)
        return {name: cls(options, show_pbx=show_pbx, zone=zone) for name, options in targets.items()}

    def render(self, bulletin: Bulletin) -> Notification:
        """Say it in the target's language."""
        return render.notification(
            bulletin,
            self._options.language,
            show_pbx=self._show_pbx,
            zone=self._zone,
            with_payload=self.for_machines,
            dashboards=self._options.dashboards,
        )

    def pause_s(self, *, is_news: bool = False) -> float:
        """Nothing has limits that are known before it is asked."""
        return 0.0
