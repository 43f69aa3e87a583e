"""The calls of one peer to where it must not call, from the first until all has been quiet for the clear hold.

Strategy: a call is known by the uniqueid of each leg it leaves by.  After a gap in what we see nobody knows which of them last:
they are in doubt until they are told of again, and given up when nobody tells in time.  What is alerted is noted as JSON, so
that a restart of ours is such a gap, and no more.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Self

from qualitywatch.model import DialObservation

MINUTE_S: Final = 60.0
DOUBT_S: Final = 60.0  # a list of channels has come so long after a gap
_NUMBER_LENGTH: Final = 20  # ITU-T E.164 knows 15 digits; what is longer is cut
_LEGS_NOTED: Final = 100  # of a hacked account that makes a thousand calls, the newest


@dataclass(slots=True)
class Episode:
    """What is known of them; instants are the PBX's Unix seconds."""

    first_at: float
    last_at: float
    calls: int = 0
    is_told: bool = False  # it has become an alert
    numbers: dict[str, None] = field(default_factory=dict)  # different ones, in order, as many as are told and one more
    recent: deque[DialObservation] = field(default_factory=deque)  # calls of the last minute
    legs: dict[str, DialObservation] = field(default_factory=dict)  # of calls that last, by uniqueid
    calm_since: float | None = None
    doubtful: set[str] = field(default_factory=set)  # legs from before a gap, until they are told of again
    doubted_at: float | None = None  # when we were first asked of them

    def add(self, call: DialObservation, number: str, *, numbers_kept: int) -> None:
        """Take in a call that begins, or that goes on after a gap."""
        self.doubtful.discard(call.uniqueid)
        if call.uniqueid in self.legs:
            return  # it goes on after a gap
        self.legs[call.uniqueid] = call
        self.calm_since = None
        if call.is_new or not self.calls:
            self.last_at = call.at
            self.calls += 1
            self.recent.append(call)
            if len(self.numbers) < numbers_kept:
                self.numbers[number if len(number) <= _NUMBER_LENGTH else f"{number[:_NUMBER_LENGTH]}..."] = None

    def end(self, uniqueid: str) -> bool:
        """Whether this was one of the calls that lasted."""
        self.doubtful.discard(uniqueid)
        return self.legs.pop(uniqueid, None) is not None

    def doubt(self) -> None:
        """What lasted may be over, and what a minute is cannot be told across a gap."""
        self.doubtful.update(self.legs)
        self.doubted_at = self.calm_since = None
        self.recent.clear()

    def waits(self, now: float) -> bool:
        """Whether it is still to be told what became of calls from before a gap."""
        if self.doubted_at is None:
            self.doubted_at = now
        return len(self.doubtful) > 0 and 0 <= now - self.doubted_at < DOUBT_S

    def give_up(self) -> None:
        """Nobody told: they are not known to last."""
        for uniqueid in tuple(self.doubtful):
            self.end(uniqueid)

    def memory(self) -> str:
        """All of it but the last minute, to be stored."""
        legs = [[leg.uniqueid, leg.at, leg.number, leg.trunk, leg.channel] for leg in self.legs.values()]
        return json.dumps([self.first_at, self.last_at, self.calls, [*self.numbers], legs[-_LEGS_NOTED:]])

    @classmethod
    def recalled(cls, text: str, pbx: str, subject: str) -> Self | None:
        """An episode that was stored, with all its calls in doubt; None when the text is of another form."""
        try:
            first_at, last_at, calls, numbers, legs = json.loads(text)
            told = {
                str(uniqueid): DialObservation(
                    float(at), pbx, subject, str(number), str(trunk), str(channel), str(uniqueid), is_new=False
                )
                for uniqueid, at, number, trunk, channel in legs
            }
            known = dict.fromkeys(map(str, numbers))
            episode = cls(float(first_at), float(last_at), int(calls), is_told=True, numbers=known, legs=told)
        except (ValueError, TypeError, OverflowError):
            return None
        episode.doubt()
        return episode
