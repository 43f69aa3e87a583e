"""Rule kind ``fall``: what used to go well for a subject lately does not, counted call by call.

A share that was always low is no news: a phone that never sent a report is not broken.  So the share of the last few calls is
held against what is remembered of the calls before them, the older the less.  While it stays down the memory is not diluted;
when it has stayed down for so long that it must be meant, it becomes what is usual, and the alert ends because nothing
remembers better times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from qualitywatch.document import Section
from qualitywatch.model import AlertKey, Evaluation, Level, Observation, Severity, Signal, Tally, TallyObservation
from qualitywatch.rules.bands import Oddity
from qualitywatch.rules.spec import Common

FORGET_AFTER_S: Final = 30 * 86_400.0  # a subject without a call for so long is no longer known


@dataclass(frozen=True, slots=True)
class Options:
    tally: Tally
    severity: Severity
    from_percent: float
    to_percent: float
    clear_percent: float
    last: int
    learn: int
    memory: int
    accept_after_s: float

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """Keys that cannot work."""
        found = []
        if self.tally is Tally.LOGIN_FAILED:
            found.append(Oddity("can never fire", "no failed login is ever good, so none was usual", "count them: kind count"))
        if self.accept_after_s == 0:
            why = "accept_after 0 takes every fall for what is usual at the next call"
            found.append(Oddity("hardly lasts a call", why, "give accept_after some days"))
        return tuple(found)


@dataclass(slots=True)
class _History:
    """The last calls of one subject, and the sums of those before them; none of them counts in both."""

    recent: deque[TallyObservation] = field(default_factory=deque)
    good: float = 0.0
    total: float = 0.0
    learnt: int = 0
    fallen_at: float | None = None

    def take(self, tally: TallyObservation, options: Options) -> None:
        """Add a call; the one that is no longer recent is remembered, unless things are bad and may get better."""
        self.recent.append(tally)
        if len(self.recent) <= options.last:
            return
        older = self.recent.popleft()
        if self.fallen_at is None or tally.at - self.fallen_at > options.accept_after_s:
            fades = 1 - 1 / options.memory
            self.good, self.total = self.good * fades + older.good, self.total * fades + older.total
            self.learnt += 1

    def recent_percent(self, options: Options) -> float | None:
        """Share of the last calls; None until there are enough of them."""
        total = sum((tally.total for tally in self.recent), 0.0)
        good = sum((tally.good for tally in self.recent), 0.0)
        return 100 * good / total if len(self.recent) >= options.last and total else None

    def usual_percent(self, options: Options) -> float | None:
        """Share of the calls before; None until there were enough of them."""
        return 100 * self.good / self.total if self.learnt >= options.learn and self.total else None


class FallRule:
    """One fall rule at work for one PBX."""

    def __init__(self, common: Common, options: Options) -> None:
        self._common = common
        self._options = options
        self._histories: dict[AlertKey, _History] = {}

    @property
    def listens_to(self) -> frozenset[str]:
        """Topics of the observations it looks at."""
        return frozenset({self._options.tally})

    def observe(self, observation: Observation) -> Iterable[AlertKey]:
        """Take in a count of ours."""
        if not isinstance(observation, TallyObservation) or observation.tally is not self._options.tally:
            return ()
        key = self._common.key_of(observation.pbx, observation.subject)
        if observation.total <= 0 or key is None:
            return ()
        history = self._histories.get(key)
        if history is None:
            history = self._histories[key] = _History()
        history.take(observation, self._options)
        return (key,)

    def evaluate(self, key: AlertKey, now: float) -> Evaluation | None:
        """Give an opinion of one key: the last calls against those before them."""
        if key.rule != self._common.name:
            return None
        history = self._histories.get(key)
        if history is None:
            return self._opinion(key, now, Signal.UNKNOWN)  # known from before a restart
        recent, usual = history.recent_percent(self._options), history.usual_percent(self._options)
        signal = self._signal(recent, usual)
        if signal is Signal.BREACH and history.fallen_at is None:
            history.fallen_at = now
        elif signal in {Signal.CLEAR, Signal.GONE}:
            history.fallen_at = None
        return self._opinion(key, now, signal, history, recent, usual)

    def forget(self) -> None:
        """Calls that are over stay counted: a gap in what we see changes none of them."""

    def expire(self, now: float) -> None:
        """Drop subjects that have long been silent."""
        for key in [key for key, history in self._histories.items() if history.recent[-1].at < now - FORGET_AFTER_S]:
            del self._histories[key]

    def _signal(self, recent: float | None, usual: float | None) -> Signal:
        options = self._options
        if recent is None:
            return Signal.UNKNOWN
        if recent >= options.clear_percent:
            return Signal.CLEAR
        if usual is None:
            return Signal.UNKNOWN
        if recent > options.to_percent:
            return Signal.KEEP
        return Signal.BREACH if usual >= options.from_percent else Signal.GONE

    def _opinion(
        self,
        key: AlertKey,
        now: float,
        signal: Signal,
        history: _History | None = None,
        recent: float | None = None,
        usual: float | None = None,
    ) -> Evaluation:
        details: dict[str, str] = {}
        if history is not None and recent is not None and usual is not None:
            calls = history.recent
            details = {
                "good": f"{sum((tally.good for tally in calls), 0.0):g}",
                "total": f"{sum((tally.total for tally in calls), 0.0):g}",
                "before": f"{usual:.0f}",
            }
            if len({tally.detail for tally in calls}) == 1 and calls[-1].detail:
                details["state"] = calls[-1].detail
        return Evaluation(
            key,
            now,
            (Level(self._options.severity, signal, 0.0),),
            recent,
            0.0,
            topic=f"{self._options.tally}_fall",
            details=details,
            worse_is_lower=True,
            texts=self._common.texts,
            yields_to=self._common.yields_to,
        )


def parse(common: Common, section: Section) -> tuple[str, Callable[[], FallRule]]:
    """Read the keys of a fall rule; problems go to the section's document."""
    from_percent = section.percent("from", 80.0, minimum=1)
    to_percent = section.percent("to", 10.0)
    options = Options(
        tally=section.choice("tally", Tally, Tally.COVERED),
        severity=section.choice("severity", Severity, Severity.INFO),
        from_percent=from_percent,
        to_percent=to_percent,
        clear_percent=section.percent("clear", max(to_percent, 50.0)),
        last=section.integer("last", 5, minimum=5, maximum=1000),
        learn=section.integer("learn", 10, minimum=1, maximum=10_000),
        memory=section.integer("memory", 50, minimum=2, maximum=10_000),
        accept_after_s=section.duration_s("accept_after", 7 * 86_400.0, minimum=0),
    )
    if to_percent >= from_percent:
        section.problem("to", f"must be below from ({from_percent:g})")
    elif options.clear_percent <= to_percent:
        section.problem("clear", f"must be above to ({to_percent:g})")
    summary = f"{options.tally} falls from {from_percent:g} % to {to_percent:g} % over {options.last} calls: {options.severity}"
    return summary, partial(FallRule, common, options)
