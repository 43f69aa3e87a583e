"""Failed logins as they are counted: by the address they come from, each attempt once.

Strategy: what is turned away is counted, but for one thing.  PJSIP says ``InvalidAccountID`` of every request of a sender it
cannot place, of the OPTIONS by which a neighbouring PBX asks whether we are there just as of an attempt to log in; who then
gives a password is told again, as ``ChallengeResponseFailed``.  So a name that PJSIP does not know counts when it is new
(whoever guesses numbers tries many of them) and when it comes faster than any neighbour asks (a flood without a login).

A PBX that registers with itself (two drivers on one machine, a tunnel that ends here) and is refused is no burglar: what comes
from the very host, with the very name, of one of our own registrations is told as the state of that trunk, and only so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qualitywatch.model import LoginFailed, Tally, TallyObservation

# A neighbour asks for each of its trunks at most every second or so; scanners send ten and more requests a second.
NEIGHBOUR_PER_MINUTE = 60
FORGET_AFTER_S = 600.0
# The same attempt told twice, first with the name and then without, is over within a moment.
ONE_ATTEMPT_S = 2.0
MOST_STRANGERS = 10_000


@dataclass(slots=True)
class _Stranger:
    """One unknown name from one address."""

    seen_at: float
    minute_began_at: float
    in_minute: int = 0


class LoginTracker:
    """Turns failed logins into what rules count."""

    def __init__(self, pbx: str, is_ours: Callable[[str, str], bool] = lambda account, address: False) -> None:
        """``is_ours`` tells of a name and an address whether we register there under it ourselves."""
        self._pbx = pbx
        self._is_ours = is_ours
        self._strangers: dict[tuple[str, str], _Stranger] = {}
        self._last_named: dict[str, tuple[float, str]] = {}  # by address: the last name PJSIP did not know

    def observe(self, event: LoginFailed) -> tuple[TallyObservation, ...]:
        """Return what counts; nothing for a request that was no attempt to log in."""
        where, account = event.address or event.account, event.account
        if self._is_ours(account, where):
            self._last_named[where] = (event.at, account)
            return ()
        if event.service == "PJSIP" and event.reason == "InvalidAccountID":
            self._last_named[where] = (event.at, account)
            if not self._counts(event.at, where, account):
                return ()
        elif not account:
            named_at, name = self._last_named.get(where, (0.0, ""))
            account = name if 0 <= event.at - named_at <= ONE_ATTEMPT_S else ""
            if self._is_ours(account, where):
                return ()
        return (TallyObservation(event.at, Tally.LOGIN_FAILED, self._pbx, where, 0, 1, account or None),)

    def _counts(self, at: float, where: str, account: str) -> bool:
        key = where, account
        known = self._strangers.pop(key, None)
        is_new = known is None or not 0 <= at - known.seen_at <= FORGET_AFTER_S
        stranger = _Stranger(at, at) if known is None or is_new else known
        stranger.seen_at = at
        if at - stranger.minute_began_at >= 60:
            stranger.minute_began_at, stranger.in_minute = at, 0
        stranger.in_minute += 1
        self._strangers[key] = stranger  # the one seen last comes last
        self._forget_old(at)
        return is_new or stranger.in_minute > NEIGHBOUR_PER_MINUTE

    def _forget_old(self, at: float) -> None:
        while self._strangers:
            key, oldest = next(iter(self._strangers.items()))
            if len(self._strangers) <= MOST_STRANGERS and at - oldest.seen_at <= FORGET_AFTER_S:
                return
            del self._strangers[key]
            self._last_named.pop(key[0], None)
