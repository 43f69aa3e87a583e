"""The buttons below a message, and what comes back when one is pressed.

The data of a button names an action and an incident, and bears the mark of the state in which the incident has its number:
``ack:12:5f0c9a3e``.  It stays true however the incident changes, and survives any restart.  Where a state was lost numbers
begin anew, and the mark tells old buttons from new ones; those of releases that knew no marks have none.  Two buttons a row:
that is what a phone shows without cutting their labels.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.model import Button, ButtonAction, Incident, MuteKind
from qualitywatch.notify.members import charted
from qualitywatch.notify.texts import Words

# At most 18 digits of an incident's number: within SQLite's 64 bits, and with the rest within 64 bytes of data.
_DATA: Final = re.compile(r"([a-z0-9]{1,20}):([0-9]{1,18})(?::([0-9a-f]{8}))?")


@dataclass(frozen=True, slots=True)
class ButtonData:
    """What a button asks for; ``mark`` is None for one of a release that knew none."""

    action: ButtonAction
    incident: int
    mark: str | None = None


def new_mark() -> str:
    """Return the mark of a new state: not a secret, but hardly given twice."""
    return secrets.token_hex(4)


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
    return tuple(tuple(Button(words.buttons[action], f"{action}:{incident.id}") for action in row) for row in rows if row)


def marked(rows: Sequence[Sequence[Button]], mark: str) -> tuple[tuple[Button, ...], ...]:
    """Return the same buttons with the mark of a state."""
    return tuple(tuple(replace(button, data=f"{button.data}:{mark}") for button in row) for row in rows)


def parse_button(data: str) -> ButtonData | None:
    """Return what a button asks for and of which incident; None for data that is none of ours."""
    read = _DATA.fullmatch(data)
    if read is None or read[1] not in set(ButtonAction):
        return None
    return ButtonData(ButtonAction(read[1]), int(read[2]), read[3])
