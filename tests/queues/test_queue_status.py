"""What is known of queues after a list, half a list, or none."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.document import compile_selector
from qualitywatch.model import Gauge, LevelObservation, QueuesListed, QueueSummarySeen
from qualitywatch.queues.status import QueueTracker, gauges


def queue(
    name: str = "support",
    *,
    callers: int | None = 0,
    longest_hold_s: int | None = 0,
    available: int | None = 0,
    logged_in: int | None = 0,
) -> QueueSummarySeen:
    return QueueSummarySeen(100.0, name, callers, longest_hold_s, available, logged_in)


def listed(tracker: QueueTracker, *queues: QueueSummarySeen) -> list[LevelObservation]:
    events: Iterable[QueueSummarySeen | QueuesListed] = (*queues, QueuesListed(101.0))
    return [observation for event in events for observation in tracker.observe(event)]


def test_callers_are_unattended_only_while_nobody_is_logged_in() -> None:
    assert gauges(queue(callers=3))[Gauge.QUEUE_CALLERS_UNATTENDED] == 3
    assert gauges(queue(callers=3, logged_in=1))[Gauge.QUEUE_CALLERS_UNATTENDED] == 0
    assert Gauge.QUEUE_CALLERS_UNATTENDED not in gauges(queue(callers=3, logged_in=None))
    assert gauges(queue(callers=0, logged_in=None))[Gauge.QUEUE_CALLERS_UNATTENDED] == 0
    assert gauges(queue(callers=None, logged_in=2))[Gauge.QUEUE_CALLERS_UNATTENDED] == 0


figure = st.none() | st.integers(0, 2**32 - 1)


@settings(max_examples=100)
@given(figure, figure, figure, figure)
def test_what_is_unknown_is_missing_and_never_zero(
    callers: int | None, longest_s: int | None, available: int | None, logged_in: int | None
) -> None:
    found = gauges(queue(callers=callers, longest_hold_s=longest_s, available=available, logged_in=logged_in))
    told = (callers, longest_s, available, logged_in)
    kinds = (
        Gauge.QUEUE_CALLERS,
        Gauge.QUEUE_LONGEST_HOLD_S,
        Gauge.QUEUE_AGENTS_AVAILABLE,
        Gauge.QUEUE_AGENTS_LOGGED_IN,
    )
    assert [found.get(kind) for kind in kinds] == list(told)
    assert found.get(Gauge.QUEUE_CALLERS_UNATTENDED, 0) in {0, callers}


def test_a_queue_that_is_missing_from_a_whole_list_is_unknown_once() -> None:
    tracker = QueueTracker("office")
    assert [seen.subject for seen in listed(tracker, queue("sales"), queue("support"))] == ["sales", "support"]
    first, gone = listed(tracker, queue("sales"))
    assert (first.subject, gone.subject, gone.levels) == ("sales", "support", {})
    assert [seen.subject for seen in listed(tracker, queue("sales"))] == ["sales"]


def test_half_a_list_and_a_gap_prove_nothing() -> None:
    tracker = QueueTracker("office")
    listed(tracker, queue("sales"), queue("support"))
    list(tracker.observe(queue("sales")))
    tracker.forget()
    assert [seen.subject for seen in listed(tracker, queue("sales"), queue("support"))] == ["sales", "support"]


def test_a_queue_that_went_in_a_gap_is_unknown_once_the_next_list_is_whole() -> None:
    tracker = QueueTracker("office")
    listed(tracker, queue("sales"), queue("support"))
    tracker.forget()
    first, gone = listed(tracker, queue("sales"))
    assert (first.subject, gone.subject, gone.levels) == ("sales", "support", {})


def test_only_queues_that_were_asked_for_are_looked_at() -> None:
    tracker = QueueTracker("office", [compile_selector("sup*")])
    assert [seen.subject for seen in listed(tracker, queue("sales"), queue("support"))] == ["support"]
    assert listed(tracker, queue("sales"))[0].levels == {}
