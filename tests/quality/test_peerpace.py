"""The interval of a peer's own reports: learned from its legs, bounded, and forgotten with the peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.quality.peerpace import LONGEST_S, PEERS_KEPT, LegReports, PeerPaces

PAUSES = st.lists(st.floats(0, 1e4, allow_subnormal=False), max_size=50)


def heard(*at: float) -> float | None:
    leg = LegReports()
    for each in at:
        leg.hear(each)
    return leg.interval_s


@pytest.mark.parametrize(
    ("at", "interval_s"),
    [
        ((), None),
        ((30,), None),
        ((30, 60), None),
        ((30, 60, 90), 30),
        ((0, 30, 62, 90), 30),
        ((0, 0.2, 30, 60, 60.1), 30),  # a pair at the beginning, and the farewell
        ((30, 60, 60), None),
        ((0, 30, 60, 900), 60),  # a hold
        ((0, 30, 10, 60), 30),  # two stamps in the wrong order
    ],
)
def test_it_is_the_mean_pause_of_three_reports_or_more(at: tuple[float, ...], interval_s: float | None) -> None:
    assert heard(*at) == interval_s


@given(st.floats(2, 60), st.integers(3, 50), st.floats(0, 1.7e9))
def test_a_steady_phone_is_known_by_its_interval(interval_s: float, reports: int, first_at: float) -> None:
    assert heard(*(first_at + interval_s * number for number in range(reports))) == pytest.approx(interval_s, abs=1e-5)


@given(st.floats(0, 1.7e9), PAUSES)
def test_whatever_comes_it_is_within_bounds(first_at: float, pauses: list[float]) -> None:
    at, interval_s = first_at, LegReports()
    for pause in pauses:
        interval_s.hear(at)
        at += pause
    assert interval_s.interval_s is None or 1.4 < interval_s.interval_s <= LONGEST_S


def test_the_newest_leg_that_tells_anything_counts_and_old_peers_go_first() -> None:
    paces = PeerPaces()
    paces.learn("SIP/6117", 30)
    paces.learn("SIP/6117", None)
    assert paces.interval_s("SIP/6117") == 30
    for number in range(PEERS_KEPT - 1):
        paces.learn(f"SIP/caller{number}", 5)
    paces.learn("SIP/6117", 20)
    paces.learn("SIP/one-more", 5)
    assert (paces.interval_s("SIP/6117"), paces.interval_s("SIP/caller0")) == (20, None)
    assert len(paces) == PEERS_KEPT
    paces.drop("SIP/6117")
    paces.drop("SIP/nobody")
    assert paces.interval_s("SIP/6117") is None
