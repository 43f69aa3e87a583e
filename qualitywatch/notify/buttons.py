"""The buttons below a message, and what comes back when one is pressed.

The data of a button names an action and an incident, nothing else: it stays true however the incident changes, and survives
any restart.  Two buttons a row: that is what a phone shows without cutting their labels.
"""

from __future__ import annotations

from typing import Final

from qualitywatch.model import Button, ButtonAction, Incident, MuteKind
from qualitywatch.notify.members import charted
from qualitywatch.notify.texts import Words

_MAX_DIGITS: Final = 18  # of an incident's number: within SQLite's 64 bits, and 64 bytes of data


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


def parse_button(data: str) -> tuple[ButtonAction, int] | None:
    """Return what a button asks for and of which incident; None for data that is none of ours."""
    name, colon, number = data.partition(":")
    if not (colon and number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS):
        return None
    try:
        return ButtonAction(name), int(number)
    except ValueError:
        return None
