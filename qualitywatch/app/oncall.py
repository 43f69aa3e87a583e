"""Rings the on-call number by AMI ``Originate`` while a critical incident stays unacknowledged; pressing 1 acknowledges it.

Strategy: the chat comes first, and a call is what is left when nobody answers there.  Every call is stored before it is placed,
so that a restart neither forgets nor repeats it, and leaves rows in the audit and lines in the log: that it was placed, and
what came of it.  There is one call at a time.  The channel's uniqueid is ours (header ChannelId, Asterisk 12 and later) and
follows from what is stored, which is how its keys and its end are told from everybody else's, also after a restart.

Needs ``originate`` in ``write=`` and ``dtmf`` in ``read=`` of manager.conf.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from qualitywatch.ami.calls import OWN_CHANNEL
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import CallConfig
from qualitywatch.desk.calling import (
    CallAttempt,
    CallPolicy,
    call_due,
    may_call,
    since_when,
    why_unanswered,
    worth_remembering,
)
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import AuditRow, CallOutcome, ChannelHungUp, DigitHeard, Incident, PbxEvent
from qualitywatch.ports import StateChange
from qualitywatch.room import Room

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
MEMORY_KEY: Final = "calls"
WAITS_KEY: Final = "calls.waits"
ACKNOWLEDGE_DIGIT: Final = "1"
PROMPTS: Final = 5  # how often the prompt is played
PROMPT_PAUSE_S: Final = 6  # what Read waits for a key after each
LONGEST_TALK_S: Final = 120.0  # after that a call is taken as over, even if Asterisk did not say so


@dataclass(slots=True)
class _Ringing:
    """The call that is out, and what was heard of it so far."""

    what: str
    attempt: CallAttempt
    outcome: CallOutcome | None = None
    hung_up: ChannelHungUp | None = None
    digits: list[str] = field(default_factory=list)
    seen_over: bool = False

    @property
    def is_over(self) -> bool:
        return self.hung_up is not None or (self.outcome is not None and not self.outcome.answered)

    @property
    def is_explained(self) -> bool:
        return self.hung_up is not None and self.outcome is not None


class OnCall:
    """The phone that rings."""

    def __init__(
        self,
        config: CallConfig,
        watcher: Watcher,
        room: Room,
        keeper: Keeper,
        meta: Mapping[str, str],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self._config = config
        self._watcher = watcher
        self._room = room
        self._keeper = keeper
        self._policy = CallPolicy(config.after_s, config.attempts, config.every_s, config.per_hour)
        self._attempts = _remembered(meta.get(MEMORY_KEY, "[]"))
        # Calls that Asterisk would not place: they count until the restart that a mended manager.conf needs anyway.
        self._refused: list[CallAttempt] = []
        self._waits_since = _waits(meta.get(WAITS_KEY, "{}"))
        self._ringing: _Ringing | None = None
        self._pressed: deque[int] = deque()  # incidents that were acknowledged by key, each until that is stored
        self._is_pressed = asyncio.Event()
        self._look_s = look_s
        self._said = ""
        watcher.listeners.append(self._hear)

    async def run(self) -> NoReturn:
        """Ring when it is time, and listen for the key, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._acknowledge_for_ever(), name="on-call keys")
            while True:
                await self._look()
                await asyncio.sleep(self._look_s)

    async def close(self) -> None:
        """Acknowledge what was heard last: who has pressed the key is not rung again."""
        while self._pressed:
            await self._acknowledge(self._pressed[0])

    async def _look(self) -> None:
        now = self._room.now()
        incidents = self._room.incidents()
        waits_since = since_when(self._waits_since, incidents, now)
        if waits_since != self._waits_since:
            self._waits_since = waits_since
            await self._keeper.keep_change(StateChange(meta={WAITS_KEY: json.dumps(waits_since)}))
        if self._ringing is not None and not await self._conclude(self._ringing, now):
            return
        counted = [*self._attempts, *self._refused]
        for incident in incidents:
            since = self._waits_since.get(incident.id, now)
            if not call_due(self._policy, incident, since, counted, now):
                continue
            if not may_call(self._policy, counted, now):
                self._say(f"no more than {self._policy.per_hour} calls an hour: incident {incident.id} waits")
            elif not self._watcher.client.connected:
                self._say(f"Asterisk is not connected: the call about incident {incident.id} waits")
            else:
                await self._call(incident, now)
            return

    async def _call(self, incident: Incident, now: float) -> None:
        number = 1 + sum(attempt.incident == incident.id for attempt in [*self._attempts, *self._refused])
        what = f"call {number} of {self._policy.attempts} to {self._config.channel} about incident {incident.id}"
        attempt = CallAttempt(incident.id, now)
        before = worth_remembering(self._attempts, [each.id for each in self._room.incidents()], now)
        await self._remember([*before, attempt], AuditRow(now, "qualitywatch", "call", what, incident.id))
        if not self._watcher.client.connected:  # lost while that was stored: nothing has been sent
            await self._remember(before, self._row(f"{what}: not placed, Asterisk is not connected", incident.id))
            return
        log.warning('oncall.call pbx=%s what="%s"', self._watcher.name, what)
        self._ringing = _Ringing(what, attempt)
        try:
            answer = await self._watcher.client.request("Originate", self._headers(attempt))
        except AmiConnectError as exc:
            self._say(f"{what}: {exc}")  # it may ring nevertheless, so it counts
            return
        if answer.ok:
            self._said = ""
        elif answer.response is not None:
            self._ringing = None
            self._refused.append(attempt)
            await self._remember(before, self._row(f"{what}: refused ({answer.message})", incident.id))
            self._say(f"Asterisk refused to place the call ({answer.message}): {_remedy(answer.message)}")

    async def _conclude(self, ringing: _Ringing, now: float) -> bool:
        """Say what came of the call once it is over; False while it is not."""
        if ringing.is_over and not ringing.is_explained and not ringing.seen_over:
            ringing.seen_over = True  # the other half of the story may be a moment behind, or never come
            return False
        if ringing.is_over:
            result = _result(ringing)
        elif 0 <= now - ringing.attempt.at < self._config.ring_s + LONGEST_TALK_S:
            return False
        else:
            result = "what came of it is not known, Asterisk did not say"
        self._ringing = None
        log.warning('oncall.call_over pbx=%s what="%s" result="%s"', self._watcher.name, ringing.what, result)
        row = self._row(f"{ringing.what}: {result}", ringing.attempt.incident)
        await self._keeper.keep_change(StateChange(audit=(row,)))
        return True

    async def _remember(self, attempts: list[CallAttempt], row: AuditRow) -> None:
        self._attempts = attempts
        memory = json.dumps([[attempt.incident, attempt.at] for attempt in attempts])
        await self._keeper.keep_change(StateChange(audit=(row,), meta={MEMORY_KEY: memory}))

    def _row(self, what: str, incident_id: int) -> AuditRow:
        return AuditRow(self._room.now(), "qualitywatch", "call", what, incident_id)

    def _headers(self, attempt: CallAttempt) -> tuple[tuple[str, str], ...]:
        config = self._config
        return (
            ("Channel", config.channel),
            ("Application", "Read"),
            ("Data", f"QUALITYWATCH,{config.prompt},1,,{PROMPTS},{PROMPT_PAUSE_S}"),
            ("CallerID", config.caller_id),
            ("Timeout", str(round(config.ring_s * 1000))),
            ("Async", "true"),  # the answer to anything else waits until somebody picks up, and every event with it
            ("ChannelId", _uniqueid(attempt)),
        )

    def _hear(self, event: PbxEvent) -> None:
        match event:
            case DigitHeard():
                self._hear_digit(event)
            case CallOutcome():
                if self._is_out(event.uniqueid) and self._ringing is not None:
                    self._ringing.outcome = event
            case ChannelHungUp():
                if self._is_out(event.channel.uniqueid) and self._ringing is not None:
                    self._ringing.hung_up = event
            case _:
                pass

    def _hear_digit(self, event: DigitHeard) -> None:
        if self._ringing is not None and self._is_out(event.uniqueid):
            self._ringing.digits.append(event.digit)
        # Also of a call that was placed before a restart.
        about = next((attempt.incident for attempt in self._attempts if _uniqueid(attempt) == event.uniqueid), None)
        if about is not None and event.digit == ACKNOWLEDGE_DIGIT:
            self._pressed.append(about)
            self._is_pressed.set()

    def _is_out(self, uniqueid: str) -> bool:
        return self._ringing is not None and _uniqueid(self._ringing.attempt) == uniqueid

    async def _acknowledge_for_ever(self) -> NoReturn:
        while True:
            while self._pressed:
                await self._acknowledge(self._pressed[0])
            self._is_pressed.clear()
            await self._is_pressed.wait()

    async def _acknowledge(self, incident_id: int) -> None:
        by = f"phone {self._config.channel}"
        incident = await self._room.acknowledge(incident_id, by)
        self._pressed.popleft()
        if incident is not None and incident.ack is not None and incident.ack.by == by:
            log.info("oncall.acknowledged pbx=%s incident=%d", self._watcher.name, incident_id)
        else:
            log.info("oncall.key_came_late pbx=%s incident=%d", self._watcher.name, incident_id)

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            log.error('oncall.not_called pbx=%s reason="%s"', self._watcher.name, text)


def _uniqueid(attempt: CallAttempt) -> str:
    """What the channel of a call is called."""
    return f"{OWN_CHANNEL}{attempt.incident}-{round(attempt.at * 1000)}"


def _result(ringing: _Ringing) -> str:
    """Say what came of a call that is over."""
    if ringing.outcome is None or not ringing.outcome.answered:
        reason = None if ringing.outcome is None else ringing.outcome.reason
        return why_unanswered(reason, None if ringing.hung_up is None else ringing.hung_up.cause)
    if ACKNOWLEDGE_DIGIT in ringing.digits:
        return "answered, and acknowledged with key 1"
    if ringing.digits:
        return f"answered, but key {ringing.digits[0]} was pressed and not 1"
    return "answered, but no key was heard (if 1 was pressed: does the manager user have dtmf in read=?)"


def _remedy(message: str) -> str:
    if message.casefold().startswith("permission denied"):
        return "add originate to write= of the manager user in manager.conf, then restart qualitywatch"
    return "see channel in section call of the configuration"


def _remembered(text: str) -> list[CallAttempt]:
    try:
        return [CallAttempt(int(incident), float(at)) for incident, at in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _waits(text: str) -> dict[int, float]:
    try:
        return {int(incident): float(since) for incident, since in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
