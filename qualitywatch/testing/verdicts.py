"""What came of a retrial, rule by rule: how often, for how long, to how many messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import Alert, AlertKey, AlertState, NotifyReason, Transition
from qualitywatch.testing.retrial import Retrial

FLAP_WITHIN_S: Final = 600.0  # fired again so soon after it was over: it flaps


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from firing to its end; ``ended_at`` None: it went on."""

    key: AlertKey
    began_at: float
    ended_at: float | None
    alert: Alert  # as it was last
    happened: bool = False  # a thing that happened, which does not last


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule would have done; ``incidents`` are those people were told of."""

    rule: str
    alerts: int = 0
    incidents: int = 0
    firing_s: float = 0.0
    flaps: int = 0
    messages: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.rule,
            self.alerts + other.alerts,
            self.incidents + other.incidents,
            self.firing_s + other.firing_s,
            self.flaps + other.flaps,
            self.messages + other.messages,
        )


def episodes(transitions: Iterable[Transition]) -> list[Episode]:
    """Put beginnings and ends together, in order of the beginnings."""
    begun: dict[AlertKey, tuple[float, Alert]] = {}
    found: list[Episode] = []
    for transition in transitions:
        alert = transition.alert
        if transition.reason is NotifyReason.HAPPENED:
            found.append(Episode(alert.key, transition.at, transition.at, alert, happened=True))
        elif transition.new_state is AlertState.FIRING:
            began_at, _ = begun.get(alert.key, (transition.at, alert))
            begun[alert.key] = (began_at, alert)
        elif transition.old_state is AlertState.FIRING and alert.key in begun:
            began_at, _ = begun.pop(alert.key)
            found.append(Episode(alert.key, began_at, transition.at, alert))
    found += [Episode(key, began_at, None, alert) for key, (began_at, alert) in begun.items()]
    return sorted(found, key=lambda each: (each.began_at, each.key.rule, each.key.subject, each.key.direction or ""))


def verdicts(retrial: Retrial, rules: Sequence[str], since: float, until: float) -> dict[str, Verdict]:
    """Count what began within [since, until), and the time of it that anything fired."""
    found = {rule: Verdict(rule) for rule in rules}
    last_end: dict[AlertKey, float] = {}
    for episode in episodes(retrial.transitions):
        end = until if episode.ended_at is None else min(episode.ended_at, until)
        begins_here = since <= episode.began_at < until
        rule = episode.key.rule
        flaps = episode.began_at - last_end.get(episode.key, float("-inf")) <= FLAP_WITHIN_S and not episode.happened
        last_end[episode.key] = end
        firing_s = max(0.0, end - max(since, episode.began_at))
        one = Verdict(rule, int(begins_here), 0, firing_s, int(begins_here and flaps))
        found[rule] = found.get(rule, Verdict(rule)) + one
    heard = Counter[int]()
    for told in retrial.told:
        if since <= told.at < until:
            heard[told.incident] += told.messages
    for number, messages in heard.items():
        rule = _rule_of(retrial, number)
        first_at = retrial.incidents[number].first_news_at
        is_new = first_at is not None and since <= first_at < until
        found[rule] = found.get(rule, Verdict(rule)) + Verdict(rule, incidents=int(is_new), messages=messages)
    return found


def _rule_of(retrial: Retrial, number: int) -> str:
    """The rule an incident is counted for: of the first in it that was told of."""
    members = retrial.incidents[number].members
    return next((member.key.rule for member in members if member.mute is None), members[0].key.rule)
