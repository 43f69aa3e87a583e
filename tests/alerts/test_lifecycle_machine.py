"""The lifecycle as a state machine: whatever rules say, in whatever order, with restarts in between."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.model import Alert, AlertKey, AlertState, Evaluation, Level, NotifyReason, Severity, Signal, Transition
from qualitywatch.store.codec import dumps, loads

KEY = AlertKey("loss", "office", "SIP/6117")
SEVERITIES = tuple(Severity)
SIGNALS = tuple(Signal)
BAD = {Signal.BREACH, Signal.KEEP, Signal.UNKNOWN}
holds = st.sampled_from([0.0, 5.0, 20.0])


class AlertLife(RuleBasedStateMachine):
    """One key, judged again and again; ``self.twin`` lives through the same without ever being restarted."""

    @initialize(
        levels=st.dictionaries(st.sampled_from(SEVERITIES), holds, min_size=1), clear_hold_s=st.sampled_from([0.0, 30.0])
    )
    def begin(self, levels: dict[Severity, float], clear_hold_s: float) -> None:
        self.levels = levels
        self.clear_hold_s = clear_hold_s
        self.now = 1000.0
        self.lifecycle, self.twin = Lifecycle(), Lifecycle()
        self.stored: Alert | None = None
        self.told: Severity | None = None  # what somebody believes is going on
        self.calm_since: float | None = None  # since when nothing said otherwise, and something said so
        self.breached_since: dict[Severity, float] = {}

    @rule(
        signals=st.fixed_dictionaries({severity: st.sampled_from(SIGNALS) for severity in SEVERITIES}),
        value=st.none() | st.floats(0, 100),
        wait_s=st.sampled_from([0.0, 0.5, 1.0, 5.0, 20.0, 30.0, 300.0]),
    )
    def judge(self, signals: dict[Severity, Signal], value: float | None, wait_s: float) -> None:
        self._judge(signals, value, wait_s)

    @rule(signal=st.sampled_from(SIGNALS), times=st.integers(1, 8), every_s=st.sampled_from([1.0, 5.0, 20.0]))
    def judge_alike(self, signal: Signal, times: int, every_s: float) -> None:
        for _ in range(times):
            self._judge(dict.fromkeys(SEVERITIES, signal), 5.0, every_s)

    def _judge(self, signals: dict[Severity, Signal], value: float | None, wait_s: float) -> None:
        self.now += wait_s
        levels = tuple(Level(severity, signals[severity], hold_s) for severity, hold_s in self.levels.items())
        evaluation = Evaluation(KEY, self.now, levels, value, self.clear_hold_s, topic="loss_percent")
        before = self._alert()
        move = self.lifecycle.apply(evaluation)
        assert move == self.twin.apply(evaluation), "a restart changed the future"
        said = {level.signal for level in levels}
        if said != {Signal.UNKNOWN}:
            calm = not any(level.signal is Signal.BREACH or self._was_active(before, level) for level in levels)
            self.calm_since = (self.now if self.calm_since is None else self.calm_since) if calm else None
        else:
            assert move is None, "no data is no news"
        if move is not None:
            self._check(move, before)
        self._check_that_nothing_is_forgotten(levels)

    @staticmethod
    def _was_active(before: Alert | None, level: Level) -> bool:
        return before is not None and level.severity in before.level_since and level.signal in BAD

    def _check(self, move: Transition, before: Alert | None) -> None:
        assert move.old_state is (before.state if before is not None else AlertState.INACTIVE)
        match move.reason:
            case NotifyReason.FIRING:
                assert self.told is None, "fired twice without an end"
                assert move.new_state is AlertState.FIRING
                self.told = move.alert.severity
            case NotifyReason.SEVERITY_INCREASED:
                assert self.told is not None
                assert move.alert.severity.rank > self.told.rank
                self.told = move.alert.severity
            case NotifyReason.RESOLVED:
                assert self.told is not None, "resolved what was never told"
                assert move.new_state is AlertState.INACTIVE
                assert self.calm_since is not None
                assert self.now - self.calm_since >= self.clear_hold_s, "resolved before the clear hold"
                self.told = None
            case NotifyReason.NONE:
                assert not (move.old_state is not AlertState.FIRING and move.new_state is AlertState.FIRING)
                if move.new_state is AlertState.FIRING:
                    assert self.told is not None
                    assert move.alert.severity.rank < self.told.rank, "a higher severity kept silent"
                    self.told = move.alert.severity
            case NotifyReason.HAPPENED:
                raise AssertionError("a condition is no event")
        self.stored = move.alert if move.new_state is not AlertState.INACTIVE else None

    def _check_that_nothing_is_forgotten(self, levels: tuple[Level, ...]) -> None:
        for level in levels:
            if level.signal is not Signal.BREACH:
                self.breached_since.pop(level.severity, None)
                continue
            since = self.breached_since.setdefault(level.severity, self.now)
            if self.now - since >= level.hold_s:
                assert self.told is not None, "held and told nobody"
                assert self.told.rank >= level.severity.rank

    @rule()
    def restart(self) -> None:
        """Everything is dumped, read back, and goes on as if nothing had been."""
        self.lifecycle = Lifecycle([loads(Alert, dumps(alert)) for alert in self.lifecycle.active().values()])

    @rule()
    def crash(self) -> None:
        """Only what was stored with the last change comes back: nothing is told twice, nothing told is forgotten."""
        kept = [] if self.stored is None else [loads(Alert, dumps(self.stored))]
        self.lifecycle, self.twin = Lifecycle(kept), Lifecycle(kept)
        self.calm_since = self.stored.clear_since if self.stored is not None else None
        self.breached_since.clear()

    def _alert(self) -> Alert | None:
        return self.lifecycle.active().get(KEY)

    @invariant()
    def what_is_told_is_what_is_firing(self) -> None:
        alert = self._alert() if hasattr(self, "lifecycle") else None
        firing = alert is not None and alert.state is AlertState.FIRING
        assert firing is (getattr(self, "told", None) is not None)
        if alert is not None and firing:
            assert alert.severity is self.told
            assert alert.worst.rank >= alert.severity.rank
            assert alert.fired_at is not None
            assert alert.since_at <= alert.fired_at <= self.now

    @invariant()
    def only_what_lives_is_remembered(self) -> None:
        alert = self._alert() if hasattr(self, "lifecycle") else None
        if alert is not None:
            assert alert.state is not AlertState.INACTIVE
            assert set(alert.level_since) <= set(self.levels)
            assert not (alert.level_since and alert.clear_since is not None)
            assert alert.state is AlertState.FIRING or alert.level_since


TestAlertLife = AlertLife.TestCase
TestAlertLife.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
