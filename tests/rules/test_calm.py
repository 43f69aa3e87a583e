"""Rules that are asked only where an alert may begin say what they would have said if they had been asked every time."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.model import Direction, Metric, PeerState, Sample, StatusObservation, Transition, Verdict
from qualitywatch.rules.engine import Engine
from qualitywatch.rules.loader import load_rules
from qualitywatch.shipped import shipped

SPECS = load_rules([shipped("rules")])
VALUES = {
    Metric.LOSS_PERCENT: (0.0, 0.9, 1.4, 2.999999999, 3.0, 5.0, 12.0, 60.0),
    Metric.JITTER_MS: (1.0, 19.0, 20.0, 29.9, 30.0, 40.0, 51.0),
    Metric.RTT_MS: (10.0, 200.0, 299.0, 300.0, 601.0),
    Metric.MOS: (4.4, 3.9, 3.7, 3.6, 3.5, 3.0, 1.0),
}


@st.composite
def heard(draw: st.DrawFn) -> list[Sample | StatusObservation]:
    """What some peers report over some minutes, a few of them coming and going."""
    at, found = 1000.0, list[Sample | StatusObservation]()
    for _ in range(draw(st.integers(1, 80))):
        at += draw(st.sampled_from([0.0, 0.3, 2.5, 5.0, 5.0, 5.0, 19.0, 65.0]))
        subject = draw(st.sampled_from(["SIP/1", "SIP/2"]))
        if draw(st.integers(0, 9)) == 0:
            state = draw(st.sampled_from([PeerState.UNREACHABLE, PeerState.REACHABLE, PeerState.LAGGED]))
            found.append(StatusObservation(at, "peer", "pbx", subject, state, at))
            continue
        metric = draw(st.sampled_from(list(VALUES)))
        direction = None if metric is Metric.RTT_MS else draw(st.sampled_from(list(Direction)))
        verdict = draw(st.sampled_from([Verdict.OK, Verdict.OK, Verdict.OK, Verdict.UNGROUNDED_CODEC, Verdict.ABSURD]))
        stamp = at - draw(st.sampled_from([0.0, 0.0, 0.0, 0.4]))  # threads of Asterisk stamp a little out of order
        value, weight = draw(st.sampled_from(VALUES[metric])), float(draw(st.integers(50, 300)))
        found.append(Sample(stamp, metric, value, "pbx", subject, direction, f"{subject}-1", "1.1", verdict, weight))
    return found


def lived(observations: list[Sample | StatusObservation], *, sparing: bool) -> list[Transition]:
    """What becomes of it, second by second."""
    engine, lifecycle = Engine(SPECS), Lifecycle()
    if sparing:
        engine.attend(lifecycle.active())
    transitions, now = [], observations[0].at
    for observation in [*observations, None]:
        until = observation.at if observation is not None else now + 200
        for second in range(math.floor(now) + 1, math.floor(until) + 1):
            due = [alert.key for alert in lifecycle.due(second)] if sparing else list(lifecycle.active())
            for evaluation in engine.evaluate(due, float(second)):
                transitions.append(lifecycle.apply(evaluation))
                if sparing:
                    lifecycle.rest(evaluation, engine.rests_until(evaluation.key, float(second)))
        now = max(now, until)
        if observation is not None:
            for evaluation in engine.observe(observation, now):
                transitions.append(lifecycle.apply(evaluation))
                if sparing:
                    lifecycle.rest(evaluation, engine.rests_until(evaluation.key, now))
    return [transition for transition in transitions if transition is not None]


@given(heard())
def test_what_is_not_asked_would_have_changed_nothing(observations: list[Sample | StatusObservation]) -> None:
    assert lived(observations, sparing=True) == lived(observations, sparing=False)
