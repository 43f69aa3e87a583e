"""The buttons below a message, and what comes back when one is pressed.

The data of a button names an action and an incident: its number and when it began, since numbers begin anew with a new store
while old messages stay in the chat.  It is true however the incident changes, and survives any restart.  Two buttons a row:
that is what a phone shows without cutting their labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import Button, ButtonAction, Incident, MuteKind
from qualitywatch.notify.members import charted
from qualitywatch.notify.texts import Words

_DATA: Final = re.compile(r"([a-z0-9]+):(\d{1,18})(?::(\d{1,15}))?", re.ASCII)  # SQLite's 64 bits, and 64 bytes in all
_LATEST_S: Final = 1e15


@dataclass(frozen=True, slots=True)
class ButtonData:
    """What a button asks for, and of which incident.  ``opened_s`` is None in messages of releases that did not say."""

    action: ButtonAction
    incident: int
    opened_s: int | None = None

    def __str__(self) -> str:
        return f"{self.action}:{self.incident}" + ("" if self.opened_s is None else f":{self.opened_s}")


def buttons_of(incident: Incident, words: Words) -> tuple[tuple[Button, ...], ...]:
    """Return the rows of buttons; none once nothing fires any more."""
    if not incident.is_open or not incident.firing:
        return ()
    silenced = [member.mute is not None and member.mute.kind is MuteKind.SILENCE for member in incident.firing]
    answer = ButtonAction.ACKNOWLEDGE if incident.ack is None else ButtonAction.UNACKNOWLEDGE
    rows = (
        (answer, *((ButtonAction.CHART,) if charted(incident) is not None else ())),
        () if all(silenced) else (ButtonAction.MUTE_HOUR, ButtonAction.MUTE_MORNING),
        (ButtonAction.UNMUTE,) if any(silenced) else (),
    )
    opened_s = opened_of(incident)
    return tuple(
        tuple(Button(words.buttons[action], str(ButtonData(action, incident.id, opened_s))) for action in row)
        for row in rows
        if row
    )


def opened_of(incident: Incident) -> int | None:
    """The second an incident began in, by its PBX's clock, as its buttons tell it; None for what is no time."""
    return int(incident.opened_at) if 0 <= incident.opened_at < _LATEST_S else None


def parse_button(data: str) -> ButtonData | None:
    """Return what a button holds; None for data that is none of ours."""
    read = _DATA.fullmatch(data)
    if read is None or read[1] not in set(ButtonAction):
        return None
    return ButtonData(ButtonAction(read[1]), int(read[2]), None if read[3] is None else int(read[3]))
