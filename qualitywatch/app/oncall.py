"""Rings the on-call number by AMI ``Originate`` while a critical incident stays unacknowledged; pressing 1 acknowledges it.

Strategy: the chat comes first, and a call is what is left when nobody answers there.  Every call is stored before it is placed,
so that a restart neither forgets nor repeats it, and leaves a row in the audit and a line in the log.  The channel is named by us
(header ChannelId), which is how its keys and its end are told from everybody else's.  Needs ``originate`` in ``write=`` and
``dtmf`` in ``read=`` of manager.conf.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Final, NoReturn

from qualitywatch.ami.calls import OWN_CHANNEL
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.watcher import Watcher
from qualitywatch.config import CallConfig
from qualitywatch.desk.calling import CallAttempt, CallPolicy, call_due, may_call
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import AuditRow, DigitHeard, Incident, Severity
from qualitywatch.ports import StateChange
from qualitywatch.room import Room

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
MEMORY_KEY: Final = "calls"
REMEMBERED: Final = 200
ACKNOWLEDGE_DIGIT: Final = "1"
PROMPTS: Final = 5  # how often the prompt is played
PROMPT_PAUSE_S: Final = 6  # what Read waits for a key after each


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
        self._told_at: dict[int, float] = {}
        self._digits: asyncio.Queue[DigitHeard] = asyncio.Queue()
        self._look_s = look_s
        self._refused = ""
        watcher.on_digit = self._digits.put_nowait

    async def run(self) -> NoReturn:
        """Ring when it is time, and listen for the key, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="on-call keys")
            while True:
                await self._look()
                await asyncio.sleep(self._look_s)
        raise AssertionError  # the group never ends by itself

    async def close(self) -> None:
        """Nothing is held."""

    async def _look(self) -> None:
        now = self._room.now()
        critical = [incident for incident in self._room.incidents() if incident.severity is Severity.CRITICAL and incident.news]
        self._told_at = {incident.id: self._told_at.get(incident.id, now) for incident in critical}
        for incident in critical:
            if call_due(self._policy, incident, self._told_at[incident.id], self._attempts, now):
                if may_call(self._policy, self._attempts, now):
                    await self._call(incident, now)
                else:
                    self._say(f"no more than {self._policy.per_hour} calls an hour: incident {incident.id} waits")
                return

    async def _call(self, incident: Incident, now: float) -> None:
        number = 1 + sum(attempt.incident == incident.id for attempt in self._attempts)
        self._attempts = [*self._attempts, CallAttempt(incident.id, now)][-REMEMBERED:]
        what = f"call {number} of {self._policy.attempts} to {self._config.channel} about incident {incident.id}"
        row = AuditRow(now, "qualitywatch", "call", what, incident.id)
        memory = json.dumps([[attempt.incident, attempt.at] for attempt in self._attempts])
        await self._keeper.keep_change(StateChange(audit=(row,), meta={MEMORY_KEY: memory}))
        log.warning('oncall.call pbx=%s what="%s"', self._watcher.name, what)
        try:
            answer = await self._watcher.client.request("Originate", self._headers(incident, number))
        except AmiConnectError as exc:
            self._say(str(exc))
            return
        if answer.ok:
            self._refused = ""
        else:
            self._say(
                f"Asterisk refused to place the call ({answer.message or 'no answer'}): does the manager user have originate in "
                "write=, and does the channel exist?"
            )

    def _headers(self, incident: Incident, number: int) -> tuple[tuple[str, str], ...]:
        config = self._config
        return (
            ("Channel", config.channel),
            ("Application", "Read"),
            ("Data", f"QUALITYWATCH,{config.prompt},1,,{PROMPTS},{PROMPT_PAUSE_S}"),
            ("CallerID", config.caller_id),
            ("Timeout", str(round(config.ring_s * 1000))),
            ("Async", "true"),
            ("ChannelId", f"{OWN_CHANNEL}{incident.id}-{number}-{round(self._room.now())}"),
        )

    async def _listen(self) -> NoReturn:
        while True:
            heard = await self._digits.get()
            if heard.digit != ACKNOWLEDGE_DIGIT:
                continue
            incident_id = _incident_of(heard.uniqueid)
            if incident_id is not None:
                log.info("oncall.acknowledged pbx=%s incident=%d", self._watcher.name, incident_id)
                await self._room.acknowledge(incident_id, f"phone {self._config.channel}")

    def _say(self, text: str) -> None:
        if text != self._refused:
            self._refused = text
            log.error('oncall.not_called pbx=%s reason="%s"', self._watcher.name, text)


def _incident_of(uniqueid: str) -> int | None:
    """The incident that a channel of ours was made for."""
    number, _, _ = uniqueid.removeprefix(OWN_CHANNEL).partition("-")
    return int(number) if number.isdecimal() else None


def _remembered(text: str) -> list[CallAttempt]:
    try:
        return [CallAttempt(int(incident), float(at)) for incident, at in json.loads(text)]
    except (ValueError, TypeError):
        return []
