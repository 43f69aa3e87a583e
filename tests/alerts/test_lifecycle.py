"""The life of an alert: every cell of the table, hysteresis, holds, and what restarts and clocks must not change."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from qualitywatch.alerts.lifecycle import TRANSITIONS, Input, Lifecycle
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Direction,
    Evaluation,
    Level,
    NotifyReason,
    Severity,
    Signal,
    Transition,
)

KEY = AlertKey("loss", "office", "SIP/6117", Direction.TO_PEER)
BREACH, CLEAR, KEEP, UNKNOWN, GONE = Signal.BREACH, Signal.CLEAR, Signal.KEEP, Signal.UNKNOWN, Signal.GONE
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
INACTIVE, PENDING, FIRING = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING

WARNING_HOLD_S = 20.0
CRITICAL_HOLD_S = 10.0
CLEAR_HOLD_S = 120.0


def said(
    at: float,
    warning: Signal,
    critical: Signal | None = None,
    *,
    value: float | None = 5.45,
    key: AlertKey = KEY,
    warning_hold_s: float = WARNING_HOLD_S,
    critical_hold_s: float = CRITICAL_HOLD_S,
    clear_hold_s: float = CLEAR_HOLD_S,
    since_at: float | None = None,
    worse_is_lower: bool = False,
    yields_to: tuple[str, ...] = (),
) -> Evaluation:
    levels = [Level(WARNING, warning, warning_hold_s, since_at)]
    if critical is not None:
        levels.append(Level(CRITICAL, critical, critical_hold_s, since_at))
    return Evaluation(
        key,
        at,
        tuple(levels),
        value,
        clear_hold_s,
        topic="loss_percent",
        worse_is_lower=worse_is_lower,
        yields_to=yields_to,
    )


def told(lifecycle: Lifecycle, *evaluations: Evaluation) -> list[tuple[float, str]]:
    """What somebody is told, and when."""
    moves = [lifecycle.apply(evaluation) for evaluation in evaluations]
    return [(move.at, move.reason) for move in moves if move is not None and move.reason is not NotifyReason.NONE]


def the(move: Transition | None) -> Transition:
    assert move is not None
    return move


def state_of(lifecycle: Lifecycle, key: AlertKey = KEY) -> AlertState:
    alert = lifecycle.active().get(key)
    return alert.state if alert is not None else INACTIVE


def pending(since_at: float = 0.0) -> Alert:
    lifecycle = Lifecycle()
    lifecycle.apply(said(since_at, BREACH))
    return lifecycle.active()[KEY]


def firing(since_at: float = 0.0) -> Alert:
    lifecycle = Lifecycle()
    lifecycle.apply(said(since_at, BREACH, warning_hold_s=0))
    return lifecycle.active()[KEY]


# --- The table ---------------------------------------------------------------------------------------------------------


def test_the_table_has_a_cell_for_every_state_and_input() -> None:
    assert set(TRANSITIONS) == set(itertools.product(AlertState, Input))


@pytest.mark.parametrize(
    ("before", "evaluation", "after", "reason"),
    [
        pytest.param(None, said(100, BREACH), PENDING, NotifyReason.NONE, id="inactive-breached"),
        pytest.param(None, said(100, BREACH, warning_hold_s=0), FIRING, NotifyReason.FIRING, id="inactive-held"),
        pytest.param(None, said(100, CLEAR), INACTIVE, None, id="inactive-calm"),
        pytest.param(None, said(100, CLEAR, clear_hold_s=0), INACTIVE, None, id="inactive-calm_held"),
        pytest.param(None, said(100, UNKNOWN), INACTIVE, None, id="inactive-no_data"),
        pytest.param(None, said(100, KEEP), INACTIVE, None, id="inactive-between-the-thresholds"),
        pytest.param(None, said(100, GONE), INACTIVE, None, id="inactive-gone"),
        pytest.param(pending(99), said(100, BREACH), PENDING, None, id="pending-breached"),
        pytest.param(pending(99), said(100, KEEP), PENDING, None, id="pending-between-the-thresholds"),
        pytest.param(pending(80), said(100, BREACH), FIRING, NotifyReason.FIRING, id="pending-held"),
        pytest.param(pending(80), said(100, KEEP), PENDING, None, id="pending-held-but-not-breached-at-that-moment"),
        pytest.param(pending(80), said(100, CLEAR), INACTIVE, NotifyReason.NONE, id="pending-calm"),
        pytest.param(pending(80), said(100, CLEAR, clear_hold_s=0), INACTIVE, NotifyReason.NONE, id="pending-calm_held"),
        pytest.param(pending(80), said(100, GONE), INACTIVE, NotifyReason.NONE, id="pending-gone"),
        pytest.param(pending(0), said(100, UNKNOWN), PENDING, None, id="pending-no_data"),
        pytest.param(replace(firing(), level_since={}), said(100, BREACH), FIRING, None, id="firing-breached"),
        pytest.param(firing(), said(100, BREACH), FIRING, None, id="firing-held"),
        pytest.param(firing(), said(100, CLEAR), FIRING, None, id="firing-calm"),
        pytest.param(firing(), said(100, GONE), FIRING, None, id="firing-gone"),
        pytest.param(
            replace(firing(), level_since={}, clear_since=-20),
            said(100, CLEAR),
            INACTIVE,
            NotifyReason.RESOLVED,
            id="firing-calm_held",
        ),
        pytest.param(firing(), said(100, UNKNOWN), FIRING, None, id="firing-no_data"),
    ],
)
def test_every_cell(before: Alert | None, evaluation: Evaluation, after: AlertState, reason: NotifyReason | None) -> None:
    lifecycle = Lifecycle([before] if before is not None else [])
    move = lifecycle.apply(evaluation)
    assert state_of(lifecycle) is after
    assert (move.reason if move is not None else None) is reason
    if move is not None:
        assert (move.old_state, move.new_state) == (before.state if before is not None else INACTIVE, after)


# --- Firing ------------------------------------------------------------------------------------------------------------


def test_a_condition_fires_when_it_has_held_and_once_only() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, *(said(at, BREACH) for at in (0, 5, 19.9, 20, 25, 60, 600))) == [(20, "firing")]


def test_a_condition_that_began_earlier_than_anybody_looked_counts_from_its_beginning() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, said(100, BREACH, since_at=75)) == [(100, "firing")]
    assert lifecycle.active()[KEY].since_at == 75


def test_a_beginning_in_the_future_is_no_beginning() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(100, BREACH, since_at=500))
    assert lifecycle.active()[KEY].since_at == 100


def test_an_interruption_starts_the_hold_anew() -> None:
    lifecycle = Lifecycle()
    evaluations = [said(0, BREACH), said(19, CLEAR), said(20, BREACH), said(39, BREACH), said(40, BREACH)]
    assert told(lifecycle, *evaluations) == [(40, "firing")]


def test_between_the_thresholds_the_hold_runs_on_but_does_not_fire() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, said(0, BREACH), said(10, KEEP), said(25, KEEP), said(26, BREACH)) == [(26, "firing")]


def test_unknown_neither_interrupts_nor_fires() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, said(0, BREACH), said(21, UNKNOWN, value=None), said(22, BREACH)) == [(22, "firing")]


def test_the_more_urgent_level_fires_when_both_have_held() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH, BREACH))
    move = the(lifecycle.apply(said(30, BREACH, BREACH)))
    assert (move.reason, move.alert.severity, move.alert.worst) == (NotifyReason.FIRING, CRITICAL, CRITICAL)


def test_a_pending_alert_shows_the_severity_it_will_have_first() -> None:
    lifecycle = Lifecycle()
    assert the(lifecycle.apply(said(0, BREACH))).alert.severity is WARNING
    assert the(lifecycle.apply(said(5, BREACH, BREACH))).alert.severity is CRITICAL  # at 15, the warning not before 20
    assert told(lifecycle, said(15, BREACH, BREACH)) == [(15, "firing")]


# --- Severity ----------------------------------------------------------------------------------------------------------


def test_a_higher_severity_is_told_a_lower_one_is_not() -> None:
    lifecycle = Lifecycle()
    evaluations = [
        said(0, BREACH, CLEAR, warning_hold_s=0),
        said(10, BREACH, BREACH),
        said(19, BREACH, BREACH),
        said(20, BREACH, BREACH),
        said(30, BREACH, CLEAR),
        said(40, BREACH, CLEAR),
    ]
    assert told(lifecycle, *evaluations) == [(0, "firing"), (20, "severity_increased")]
    alert = lifecycle.active()[KEY]
    assert (alert.severity, alert.worst) == (WARNING, CRITICAL)


def test_the_worst_severity_is_known_at_the_end() -> None:
    lifecycle = Lifecycle()
    evaluations = [
        said(0, BREACH, BREACH, warning_hold_s=0, critical_hold_s=0),
        said(10, BREACH, CLEAR, warning_hold_s=0),
        said(20, CLEAR, CLEAR),
        said(140, CLEAR, CLEAR),
    ]
    moves = [move for evaluation in evaluations if (move := lifecycle.apply(evaluation)) is not None]
    assert [move.reason for move in moves] == ["firing", "none", "resolved"]
    assert (moves[-1].alert.severity, moves[-1].alert.worst) == (WARNING, CRITICAL)


def test_what_fires_goes_on_firing_when_its_hold_grows() -> None:
    """A trunk that was rejected counts at once; that its registration is given up then does not make it less critical."""
    lifecycle = Lifecycle()
    evaluations = [
        said(0, BREACH, BREACH, critical_hold_s=0),
        said(35, BREACH, BREACH, critical_hold_s=60),
        said(60, BREACH, BREACH, critical_hold_s=60),
        said(90, BREACH, BREACH, critical_hold_s=60),
    ]
    assert told(lifecycle, *evaluations) == [(0, "firing")]
    assert lifecycle.active()[KEY].severity is CRITICAL


# --- Resolving ---------------------------------------------------------------------------------------------------------


def test_an_end_is_told_after_the_clear_hold() -> None:
    lifecycle = Lifecycle([firing()])
    assert told(lifecycle, *(said(at, CLEAR) for at in (10, 129.9, 130, 131))) == [(130, "resolved")]
    assert not lifecycle.active()


def test_a_clear_hold_of_nothing_resolves_at_once() -> None:
    assert told(Lifecycle([firing()]), said(10, CLEAR, clear_hold_s=0)) == [(10, "resolved")]


def test_trouble_again_within_the_clear_hold_is_the_same_trouble() -> None:
    lifecycle = Lifecycle([firing()])
    evaluations = [said(10, CLEAR), said(100, BREACH), said(110, CLEAR), said(131, CLEAR), said(229, CLEAR), said(230, CLEAR)]
    assert told(lifecycle, *evaluations) == [(230, "resolved")]


def test_between_the_thresholds_a_firing_alert_fires_on() -> None:
    lifecycle = Lifecycle([firing()])
    assert told(lifecycle, *(said(at, KEEP) for at in range(10, 500, 10))) == []
    assert state_of(lifecycle) is FIRING


def test_between_the_thresholds_does_not_end_a_calm() -> None:
    lifecycle = Lifecycle([firing()])
    assert told(lifecycle, said(10, CLEAR), said(50, KEEP), said(130, KEEP)) == [(130, "resolved")]


def test_no_data_is_no_good_news() -> None:
    lifecycle = Lifecycle([firing()])
    assert told(lifecycle, *(said(at, UNKNOWN, value=None) for at in range(10, 10_000, 10))) == []
    assert state_of(lifecycle) is FIRING


def test_no_data_does_not_make_it_less_urgent() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, said(0, KEEP, BREACH, critical_hold_s=0), said(10, BREACH, CLEAR)) == [(0, "firing")]
    lifecycle.apply(said(300, UNKNOWN, UNKNOWN, value=None))
    assert lifecycle.active()[KEY].severity is CRITICAL


def test_nothing_left_to_judge_ends_an_alert_after_the_clear_hold_and_says_why() -> None:
    lifecycle = Lifecycle([firing()])
    assert lifecycle.apply(said(10, GONE, value=None)) is None
    assert lifecycle.apply(said(129, GONE, value=None)) is None
    move = the(lifecycle.apply(said(130, GONE, value=None)))
    assert (move.reason, move.resolved_because) == (NotifyReason.RESOLVED, "no_data")


def test_a_good_end_says_so() -> None:
    lifecycle = Lifecycle([firing()])
    assert the(lifecycle.apply(said(10, CLEAR, clear_hold_s=0))).resolved_because == "clear"


def test_a_pending_alert_goes_away_in_silence() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH))
    move = the(lifecycle.apply(said(5, CLEAR)))
    assert (move.new_state, move.reason, move.resolved_because) == (INACTIVE, NotifyReason.NONE, None)


# --- Memory ------------------------------------------------------------------------------------------------------------


def test_the_peak_is_the_worst_while_it_was_bad() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH, value=5.0))
    lifecycle.apply(said(20, BREACH, value=12.5))
    lifecycle.apply(said(30, BREACH, value=4.0))
    lifecycle.apply(said(40, CLEAR, value=0.5))
    move = the(lifecycle.apply(said(160, CLEAR, value=0.2)))
    assert (move.alert.peak, move.alert.value) == (12.5, 0.2)


def test_the_peak_of_a_score_is_its_lowest() -> None:
    lifecycle = Lifecycle()
    for at, value in ((0, 3.2), (20, 2.1), (30, 3.0)):
        lifecycle.apply(said(at, BREACH, value=value, worse_is_lower=True))
    assert lifecycle.active()[KEY].peak == 2.1


def test_an_unknown_value_leaves_the_last_known_one() -> None:
    lifecycle = Lifecycle([firing()])
    lifecycle.apply(said(10, UNKNOWN, value=None))
    alert = lifecycle.active()[KEY]
    assert (alert.value, alert.peak) == (5.45, 5.45)


def test_the_beginning_is_when_it_went_bad_and_the_firing_when_it_was_told() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(100, BREACH))
    move = the(lifecycle.apply(said(120, BREACH)))
    assert (move.alert.since_at, move.alert.fired_at) == (100, 120)


def test_the_name_is_the_last_one_known() -> None:
    names = {"SIP/6117": "Anna"}
    lifecycle = Lifecycle(name_of=names.get)
    lifecycle.apply(said(0, BREACH))
    names.clear()
    assert the(lifecycle.apply(said(20, BREACH))).alert.display_name == "Anna"


def test_a_given_back_alert_is_not_told_again_and_still_ends() -> None:
    alert = the(Lifecycle().apply(said(0, BREACH, warning_hold_s=0))).alert
    again = Lifecycle([alert])
    assert told(again, said(300, UNKNOWN, value=None), said(310, BREACH), said(400, CLEAR), said(520, CLEAR)) == [
        (520, "resolved")
    ]


def test_a_given_back_pending_alert_fires_when_its_time_has_come() -> None:
    assert told(Lifecycle([pending(0)]), said(10, BREACH), said(20, BREACH)) == [(20, "firing")]


def test_an_inactive_alert_is_not_given_back() -> None:
    assert not Lifecycle([replace(firing(), state=INACTIVE)]).active()


def test_a_dropped_alert_is_gone_without_a_word() -> None:
    lifecycle = Lifecycle([firing()])
    dropped = lifecycle.drop(KEY)
    assert dropped is not None
    assert dropped.state is INACTIVE
    assert not lifecycle.active()
    assert lifecycle.drop(KEY) is None


# --- Clocks ------------------------------------------------------------------------------------------------------------


def test_a_clock_set_back_does_not_put_an_alert_off() -> None:
    lifecycle = Lifecycle()
    assert told(lifecycle, said(10_000, BREACH), said(6_400, BREACH), said(6_419, BREACH), said(6_420, BREACH)) == [
        (6_420, "firing")
    ]
    alert = lifecycle.active()[KEY]
    assert alert.since_at <= 6_400


def test_a_clock_set_back_does_not_put_an_end_off() -> None:
    lifecycle = Lifecycle([firing(10_000)])
    assert told(lifecycle, said(10_010, CLEAR), said(6_400, CLEAR), said(6_519, CLEAR), said(6_520, CLEAR)) == [
        (6_520, "resolved")
    ]


def test_no_instant_of_an_alert_lies_in_the_future() -> None:
    lifecycle = Lifecycle([firing(10_000)])
    lifecycle.apply(said(6_400, BREACH))
    alert = lifecycle.active()[KEY]
    assert alert.since_at == 6_400
    assert alert.fired_at == 6_400
    assert alert.level_since == {WARNING: 6_400}


# --- Time nobody saw ---------------------------------------------------------------------------------------------------


def test_a_time_nobody_saw_counts_neither_for_a_beginning_nor_for_an_end() -> None:
    begins = Lifecycle([pending(0)])
    begins.apply(said(15, BREACH))
    begins.skip(600)
    assert told(begins, said(619, BREACH), said(620, BREACH)) == [(620, "firing")]
    ends = Lifecycle([firing(0)])
    ends.apply(said(10, CLEAR))
    ends.skip(600)
    assert told(ends, said(700, CLEAR), said(729, CLEAR), said(730, CLEAR)) == [(730, "resolved")]


def test_a_time_nobody_saw_does_not_change_when_it_began() -> None:
    lifecycle = Lifecycle([firing(0)])
    lifecycle.skip(600)
    alert = lifecycle.active()[KEY]
    assert (alert.since_at, alert.fired_at) == (0, 0)


# --- What explains what ------------------------------------------------------------------------------------------------

MOS = AlertKey("mos", "office", "SIP/6117", Direction.TO_PEER)


def test_a_symptom_is_silent_while_its_cause_is_known() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH))
    assert lifecycle.apply(said(1, BREACH, key=MOS, warning_hold_s=0, yields_to=("loss",))) is None
    assert state_of(lifecycle, MOS) is INACTIVE


def test_a_pending_symptom_gives_way_to_its_cause() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH, key=MOS, yields_to=("loss",)))
    lifecycle.apply(said(1, BREACH))
    move = the(lifecycle.apply(said(2, BREACH, key=MOS, yields_to=("loss",))))
    assert (move.new_state, move.reason) == (INACTIVE, NotifyReason.NONE)


def test_a_symptom_that_was_told_lives_on_to_its_own_end() -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH, key=MOS, warning_hold_s=0, yields_to=("loss",)))
    lifecycle.apply(said(1, BREACH))
    evaluations = [said(2, BREACH, key=MOS, yields_to=("loss",)), said(10, CLEAR, key=MOS, clear_hold_s=0, yields_to=("loss",))]
    assert told(lifecycle, *evaluations) == [(10, "resolved")]


@pytest.mark.parametrize(
    ("cause", "explains"),
    [
        (KEY, True),
        (replace(KEY, direction=None), True),  # a round trip has no direction
        (replace(KEY, direction=Direction.FROM_PEER), False),
        (replace(KEY, subject="SIP/6118"), False),
        (replace(KEY, pbx="branch"), False),
        (replace(KEY, rule="jitter"), False),
    ],
)
def test_a_cause_explains_the_same_leg_only(cause: AlertKey, explains: bool) -> None:
    lifecycle = Lifecycle()
    lifecycle.apply(said(0, BREACH, key=cause))
    lifecycle.apply(said(1, BREACH, key=MOS, yields_to=("loss",)))
    assert (state_of(lifecycle, MOS) is INACTIVE) is explains


def test_a_thing_that_happened_is_told_and_forgotten() -> None:
    lifecycle = Lifecycle()
    happened = replace(said(0, BREACH), one_shot=True)
    assert told(lifecycle, happened, replace(happened, at=1)) == [(0, "happened"), (1, "happened")]
    assert not lifecycle.active()
