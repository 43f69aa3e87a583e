"""What becomes of the calls over each trunk: tried, delivered, answered, how long, and why not.

Strategy: DialStatus lies (a refused call is NOANSWER), so a call is judged by the Hangup of the called channel; an answer is
told when it comes, since a call of an hour must not hide for an hour that the trunk works.  A peer is a trunk when a
registration of ours or the configuration says so, or once a number was called through it that is not its own: a phone is called
by its name, a trunk by whom it shall reach.  An extension in a SIP URI may be the contact of a phone (PJSIP_DIAL_CONTACTS), but
not two different ones.  A number that fails and is dialled again and again is one failure, whatever is
dialled in between: the number may be barred, and it is the trunk that is judged here.

How long the called side took to give any sign (post-dial delay, ITU-T E.721) is told of a call that rang or sent early media;
of one that went up without either nothing is known. The delay is told when the sign comes, the duration at the end.

A call that could not even be tried (peer unreachable, no contact, call limit) makes no channel and is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from qualitywatch.model import (
    Channel,
    ChannelChanged,
    ChannelHungUp,
    DialBegun,
    DialEnded,
    DialProgressed,
    Metric,
    Sample,
    Tally,
    TallyObservation,
    Verdict,
)
from qualitywatch.trunks.causes import ANSWERED_ELSEWHERE, cause_text, was_delivered

# Technologies whose channels are named after a peer; Local channels only lead to another one, DAHDI's to a line.
CARRIERS: Final = ("SIP/", "PJSIP/", "IAX2/")
# Who hears nothing, or the wrong party, hangs up sooner.
LONG_ENOUGH_S: Final = 10.0
# The same number failing again is the same failure for as long as the shipped rule looks back,
REDIAL_S: Final = 3600.0
# and for so long though another call got through meanwhile: after that it may be another outage.
REDIAL_WORKING_S: Final = 300.0
MOST_FAILED: Final = 1000  # numbers that are remembered of a trunk: of one that is down so long, everybody has heard
EXTENSION_DIGITS: Final = 5  # of the public network only emergency and service numbers are as short
_SIGNS: Final = frozenset({"RINGING", "PROGRESS"})
_SIP_CODE: Final = re.compile(r"[1-6][0-9][0-9]")

Counted: TypeAlias = TallyObservation | Sample


@dataclass(slots=True)
class _Attempt:
    """One call being tried or talked over a trunk."""

    peer: str
    number: str | None
    begun_at: float
    rang: bool = False
    sign_at: float | None = None
    answered_at: float | None = None
    status: str | None = None


@dataclass(slots=True)
class _Failed:
    """Numbers over one trunk that failed and were counted, and when; and when a call got through last."""

    counted_at: dict[str, float] = field(default_factory=dict)  # the oldest first
    worked_at: float | None = None

    def is_known(self, number: str, at: float) -> bool:
        """Whether this very number failed before, as part of the same trouble; if not, remember it."""
        known_at = self.counted_at.get(number)
        if known_at is not None:
            works = self.worked_at is not None and self.worked_at > known_at
            if at - known_at < (REDIAL_WORKING_S if works else REDIAL_S):
                return True
            del self.counted_at[number]
        elif len(self.counted_at) >= MOST_FAILED:
            del self.counted_at[next(iter(self.counted_at))]
        self.counted_at[number] = at
        return False


class TrafficTracker:
    """Counts calls by the peer that carries them."""

    def __init__(self, pbx: str, carries: Callable[[str], bool]) -> None:
        """``carries`` tells of a peer that it is known to be a trunk."""
        self._pbx = pbx
        self._carries = carries
        self._proven: set[str] = set()  # trunks by what was called through them
        self._contacts: dict[str, str] = {}  # the extension that was called as a SIP URI, by peer
        self._attempts: dict[str, _Attempt] = {}  # by uniqueid of the called channel
        self._failed: dict[str, _Failed] = {}  # by peer

    def carries(self, peer: str) -> bool:
        """Whether a peer is a trunk, as far as is known by now."""
        return peer in self._proven or self._carries(peer)

    def begun(self, event: DialBegun) -> None:
        """A call over some peer is being tried."""
        peer = event.dest.peer
        if not peer.startswith(CARRIERS):
            return
        if event.number is not None and self._is_passed_through(peer, event.number, is_uri=event.is_uri):
            self._proven.add(peer)
        if self.carries(peer):
            self._attempts[event.dest.uniqueid] = _Attempt(peer, event.number, event.at)

    def see(self, event: ChannelChanged) -> tuple[Counted, ...]:
        """A channel rings or is answered."""
        attempt = self._attempts.get(event.channel.uniqueid)
        if attempt is None:
            return ()
        if event.channel.state == "Ringing":
            attempt.rang = True
            return self._signed(attempt, event.channel, event.at)
        return self._answered(attempt, event.at) if event.channel.state == "Up" else ()

    def progress(self, event: DialProgressed | DialEnded) -> tuple[Counted, ...]:
        """The called side gives a sign, or the attempt is over, as the dial plan sees it."""
        attempt = self._attempts.get(event.dest.uniqueid)
        if attempt is None:
            return ()
        if isinstance(event, DialProgressed):
            return self._signed(attempt, event.dest, event.at) if event.status in _SIGNS else ()
        attempt.status = event.status
        return self._answered(attempt, event.at) if event.status == "ANSWER" else ()

    def hang_up(self, event: ChannelHungUp) -> tuple[Counted, ...]:
        """The called channel is gone, which tells what really became of it."""
        attempt = self._attempts.pop(event.channel.uniqueid, None)
        if attempt is None:
            return ()
        if attempt.answered_at is not None:
            long_enough = event.at - attempt.answered_at >= LONG_ENOUGH_S
            lasted = self._figure(Metric.CALL_DURATION_S, attempt, event.channel, event.at, event.at - attempt.answered_at)
            return (self._tally(Tally.LONG_ENOUGH, attempt, event.at, good=long_enough), lasted)
        if event.cause is None and event.tech_cause is None and attempt.status is None:
            return ()  # its end was missed: what became of it is not known
        code = _sip_code(event.tech_cause)
        text = cause_text(event.cause, code)
        if attempt.status == "CANCEL" or event.cause == ANSWERED_ELSEWHERE:
            # The caller gave up, or somebody else answered: no fault of the trunk, and it did its part if it rang.
            if not attempt.rang:
                return ()
            self._works(attempt, event.at)
            return (self._tally(Tally.DELIVERED, attempt, event.at, good=True),)
        unanswered = self._tally(Tally.ANSWERED, attempt, event.at, good=False, detail=text)
        delivered = was_delivered(
            event.cause,
            code,
            rang=attempt.rang,
            had_sign=attempt.sign_at is not None,
            after_s=event.at - attempt.begun_at,
        )
        if delivered is None or (not delivered and self._is_redial(attempt, event.at)):
            return (unanswered,)
        if delivered:
            self._works(attempt, event.at)
        detail = None if delivered else text
        return (unanswered, self._tally(Tally.DELIVERED, attempt, event.at, good=delivered, detail=detail))

    def forget(self) -> None:
        """Drop calls in progress: their ends will not be seen."""
        self._attempts.clear()
        self._failed.clear()

    def _signed(self, attempt: _Attempt, channel: Channel, at: float) -> tuple[Counted, ...]:
        if attempt.sign_at is not None or attempt.answered_at is not None:
            return ()
        attempt.sign_at = at
        return (self._figure(Metric.POST_DIAL_DELAY_S, attempt, channel, at, at - attempt.begun_at),)

    def _answered(self, attempt: _Attempt, at: float) -> tuple[TallyObservation, ...]:
        if attempt.answered_at is not None:
            return ()
        attempt.answered_at = at
        self._works(attempt, at)
        return (
            self._tally(Tally.ANSWERED, attempt, at, good=True),
            self._tally(Tally.DELIVERED, attempt, at, good=True),
        )

    def _is_passed_through(self, peer: str, number: str, *, is_uri: bool) -> bool:
        if number in peer.partition("/")[2]:
            return False
        if not is_uri or len(number) > EXTENSION_DIGITS:
            return True
        return self._contacts.setdefault(peer, number) != number

    def _works(self, attempt: _Attempt, at: float) -> None:
        failed = self._failed.get(attempt.peer)
        if failed is not None:
            failed.worked_at = at

    def _is_redial(self, attempt: _Attempt, at: float) -> bool:
        if attempt.number is None:
            return False
        failed = self._failed.get(attempt.peer)
        if failed is None:
            failed = self._failed[attempt.peer] = _Failed()
        return failed.is_known(attempt.number, at)

    def _tally(self, tally: Tally, attempt: _Attempt, at: float, *, good: bool, detail: str | None = None) -> TallyObservation:
        return TallyObservation(at, tally, self._pbx, attempt.peer, float(good), 1.0, detail)

    def _figure(self, metric: Metric, attempt: _Attempt, channel: Channel, at: float, value: float) -> Sample:
        return Sample(
            at, metric, max(0.0, value), self._pbx, attempt.peer, None, channel.name, channel.uniqueid, Verdict.OK, weight=1.0
        )


def _sip_code(tech_cause: str | None) -> int | None:
    return int(tech_cause) if tech_cause is not None and _SIP_CODE.fullmatch(tech_cause) else None
