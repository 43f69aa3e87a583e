"""Buttons: what a thumb asks of one incident.

Every press may come twice, late, or after somebody else's: what is so already is said, with who made it so, and changes
nothing more.  What a button of a lost state is about has another number now, or none: nothing is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from qualitywatch.chat.asking import Asking
from qualitywatch.chat.incidents import mute_words
from qualitywatch.chat.misread import Misread
from qualitywatch.chat.parsing import read_button
from qualitywatch.chat.peers import incident_chart
from qualitywatch.chat.silences import in_force
from qualitywatch.chat.times import clock_time_after
from qualitywatch.model import ButtonAction, Incident, Silence
from qualitywatch.notify.inbound import PressAnswer
from qualitywatch.notify.legible import clip

TOLD_LIMIT_UTF16: Final = 200  # Bot API, answerCallbackQuery
_HOUR_S: Final = 3600.0
_SAME_S: Final = 60.0  # two wishes for quiet that end so close together are one

_Deed: TypeAlias = Callable[[Asking, Incident], Awaitable[PressAnswer]]


async def press(asking: Asking, data: str, mark: str) -> PressAnswer:
    """Do what a button says; the user is listed.  ``mark`` is that of the state in which incidents have their numbers."""
    texts = asking.texts.buttons
    try:
        button = read_button(data)
    except Misread:
        return _told(texts.odd)
    if button.mark is not None and button.mark != mark:
        return PressAnswer(texts.of_lost_state, is_refusal=True)
    incident = asking.room.incident(button.incident)
    if incident is None:
        return _told(texts.unknown)
    if not incident.is_open and button.action is not ButtonAction.CHART:
        return _told(texts.over)
    return await _DEEDS[button.action](asking, incident)


async def _acknowledge(asking: Asking, incident: Incident) -> PressAnswer:
    texts, before = asking.texts.buttons, incident.ack
    now_so = incident if before is not None else await asking.room.acknowledge(incident.id, asking.by)
    if now_so is None:
        return _told(texts.unknown)
    if now_so.ack is None:
        return _told(texts.over)  # it ended in between
    at = asking.time(now_so.ack.at)
    if now_so.ack.by != asking.by:
        return _told(texts.taken_before.format(by=now_so.ack.by, at=at))
    return _told(texts.taken if before is None else texts.yours_before.format(at=at))


async def _unacknowledge(asking: Asking, incident: Incident) -> PressAnswer:
    texts = asking.texts.buttons
    if incident.ack is None:
        return _told(texts.not_taken)
    given = await asking.room.unacknowledge(incident.id, asking.by)
    return _told(texts.unknown if given is None else texts.given_back)


async def _mute_hour(asking: Asking, incident: Incident) -> PressAnswer:
    return await _mute(asking, incident, asking.room.now() + _HOUR_S)


async def _mute_morning(asking: Asking, incident: Incident) -> PressAnswer:
    return await _mute(asking, incident, clock_time_after(asking.room.now(), *asking.morning, asking.zone, _HOUR_S - 1))


async def _mute(asking: Asking, incident: Incident, ends_at: float) -> PressAnswer:
    texts, own = asking.texts.buttons, _own_silence(asking, incident)
    if own is not None and own.ends_at >= ends_at - _SAME_S:
        if all(member.mute is not None for member in incident.firing):
            return _told(texts.muted_before.format(at=asking.time(own.ends_at), by=own.by))
        ends_at = own.ends_at  # what joined since is meant now, and what was quiet before stays so for as long
    muted = await asking.room.mute_incident(incident.id, ends_at, asking.by)
    if muted is None:
        return _told(texts.unknown)
    return _told(texts.muted.format(at=asking.time(ends_at)) if muted.is_open else texts.over)


async def _unmute(asking: Asking, incident: Incident) -> PressAnswer:
    texts = asking.texts.buttons
    if _own_silence(asking, incident) is None:
        mute = incident.mute
        return _told(texts.not_muted if mute is None else texts.muted_elsewhere.format(why=mute_words(asking, mute)))
    speaking = await asking.room.unmute_incident(incident.id, asking.by)
    return _told(texts.unknown if speaking is None else texts.unmuted)


async def _chart(asking: Asking, incident: Incident) -> PressAnswer:
    texts = asking.texts.buttons
    answer = await incident_chart(asking, incident)
    return _told(texts.no_chart) if answer is None else PressAnswer(texts.chart, answer=answer)


def _own_silence(asking: Asking, incident: Incident) -> Silence | None:
    """The silence that this incident's buttons made, the longest if there are several."""
    own = (one for one in in_force(asking) if one.incident == incident.id)
    return max(own, key=lambda one: one.ends_at, default=None)


def _told(text: str) -> PressAnswer:
    return PressAnswer(clip(text, TOLD_LIMIT_UTF16))


_DEEDS: Final[Mapping[ButtonAction, _Deed]] = {
    ButtonAction.ACKNOWLEDGE: _acknowledge,
    ButtonAction.UNACKNOWLEDGE: _unacknowledge,
    ButtonAction.MUTE_HOUR: _mute_hour,
    ButtonAction.MUTE_MORNING: _mute_morning,
    ButtonAction.UNMUTE: _unmute,
    ButtonAction.CHART: _chart,
}
