"""The past in question before any number of sets of rules at once: what ``backtest`` and its search for limits run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from qualitywatch.app.assembly import desk_policy
from qualitywatch.commands.backtest_report import Side
from qualitywatch.config import DEFAULT_INHIBITIONS, Config
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.past import Extent, Past
from qualitywatch.testing.feed import Progress, feed
from qualitywatch.testing.fitness import Fitness, How, fitness, judged, metrics_of, threshold_options
from qualitywatch.testing.retrial import Retrial
from qualitywatch.testing.verdicts import Verdict, verdicts

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S
WARM_UP_S: Final = DAY_S  # judged, but not counted: what was going on when the time in question began
AFTERWARDS_S: Final = 900.0
DEFAULT_CHAT: Final = "chat"
PROGRESS_EVERY: Final = 500


class Trial:
    """The past in question, ready to be run through any number of sets of rules at once."""

    def __init__(self, past: Past, config: Config | None, extents: Sequence[Extent], wanted_s: float, now: float) -> None:
        self._past = past
        self._config = config
        self._extents = extents
        last_at = max(extent.last_at or 0.0 for extent in extents)
        # Nothing new is stored while nothing happens, and how the last of it ended is worth knowing.
        self.until = max(last_at, min(now, last_at + AFTERWARDS_S))
        self.first_at = min(extent.first_at for extent in extents if extent.first_at is not None)
        self.since = max(self.until - wanted_s, self.first_at)
        self.progress = Progress()

    @property
    def weeks(self) -> float:
        """How long it is."""
        return (self.until - self.since) / WEEK_S

    def run(self, sets: Sequence[Sequence[RuleSpec]], title: str = "backtest") -> list[Side]:
        """Run the past once, before each set of rules."""
        sides = [Side(tuple(specs), list(self._fitness(specs))) for specs in sets]
        for number, extent in enumerate(self._extents):
            name = title if len(self._extents) == 1 else f"{title} {extent.pbx} ({number + 1} of {len(self._extents)})"
            retrials = self._run_pbx(extent, sides, name)
            for side, retrial in zip(sides, retrials, strict=True):
                side.retrials[extent.pbx] = retrial
        for side in sides:
            rules = [spec.name for spec in judged(side.fitness)]
            for retrial in side.retrials.values():
                for rule, verdict in verdicts(retrial, rules, self.since, self.until).items():
                    side.verdicts[rule] = side.verdicts.get(rule, Verdict(rule)) + verdict
        return sides

    def _run_pbx(self, extent: Extent, sides: Sequence[Side], title: str) -> list[Retrial]:
        retrials = [Retrial(extent.pbx, judged(side.fitness), self._policy(side.specs)) for side in sides]
        metrics, all_sums = metrics_of(each for side in sides for each in side.fitness)
        begin = max(self.since - WARM_UP_S, extent.first_at or self.since)
        with _bar(title, begin, self.until) as show:
            found = feed(self._past, extent.pbx, begin, self.until, metrics=metrics, all_sums=all_sums, progress=self.progress)
            for count, item in enumerate(found):
                for retrial in retrials:
                    retrial.hear(item)
                if count % PROGRESS_EVERY == 0:
                    show(self.progress.at)
            for retrial in retrials:
                retrial.advance(self.until)
        return retrials

    def _fitness(self, specs: Sequence[RuleSpec]) -> Iterator[Fitness]:
        has_journal = any(extent.judged_from is not None for extent in self._extents)
        late = max((extent.judged_from for extent in self._extents if extent.judged_from is not None), default=None)
        for spec in specs:
            found = fitness(spec, has_journal=has_journal)
            if found.how is How.AS_LIVE and late is not None and late > self.since + 120:
                options = threshold_options(spec)
                before = f"before {datetime.fromtimestamp(late, UTC):%Y-%m-%d %H:%M} UTC"
                if options is not None:
                    found = Fitness(spec, How.BY_SUMS, f"{before} only sums of minutes are stored")
                else:
                    found = Fitness(spec, How.BY_SUMS, f"{before} nothing of it is stored: judged from then on")
            yield found

    def _policy(self, specs: Sequence[RuleSpec]) -> DeskPolicy:
        if self._config is not None:
            return desk_policy(self._config.desk, specs)
        return desk_policy(DeskPolicy(audiences=(Audience(DEFAULT_CHAT),), inhibitions=DEFAULT_INHIBITIONS), specs)


@contextmanager
def _bar(title: str, since: float, until: float) -> Iterator[Callable[[float], None]]:
    """A progress bar where somebody looks; gives what is to be called with the instant that was reached."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda at: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=max(1.0, until - since))
        yield lambda at: bar.update(task, completed=max(0.0, at - since))
