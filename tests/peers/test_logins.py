"""Failed logins as they are counted: attempts count, a neighbour's questions do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import LoginFailed
from qualitywatch.peers.logins import FORGET_AFTER_S, MOST_STRANGERS, LoginTracker

SCANNER = "203.0.113.9"


def failed(
    at: float, account: str = "100", *, address: str | None = SCANNER, service: str = "PJSIP", reason: str = "InvalidAccountID"
) -> LoginFailed:
    return LoginFailed(at, account, address, service, reason)


def counted(tracker: LoginTracker, *events: LoginFailed) -> list[str | None]:
    """The names of the attempts that count."""
    return [tally.detail for event in events for tally in tracker.observe(event)]


def test_each_wrong_password_counts() -> None:
    tracker = LoginTracker("office")
    for service, reason in (("SIP", "InvalidPassword"), ("PJSIP", "ChallengeResponseFailed"), ("AMI", "InvalidPassword")):
        events = [failed(at, "6104", service=service, reason=reason) for at in range(3)]
        assert counted(tracker, *events) == ["6104"] * 3


def test_they_are_counted_by_address_or_else_by_name() -> None:
    tracker = LoginTracker("office")
    (known,) = tracker.observe(failed(0, "6104", reason="InvalidPassword", service="SIP"))
    (unknown,) = tracker.observe(failed(0, "6104", reason="InvalidPassword", service="SIP", address=None))
    assert (known.subject, unknown.subject) == (SCANNER, "6104")
    assert (known.good, known.total) == (0, 1)


def test_a_neighbour_that_asks_whether_we_are_there_is_no_burglar() -> None:
    """chan_sip qualifies two trunks every ten seconds from a name that PJSIP does not know."""
    tracker = LoginTracker("office")
    asks = [failed(at + part, "asterisk") for at in range(0, 3600, 10) for part in (0.0, 0.2)]
    assert counted(tracker, *asks) == ["asterisk"]


def test_guessing_numbers_counts_each_number() -> None:
    numbers = [str(number) for number in range(100, 150)]
    tracker = LoginTracker("office")
    assert counted(tracker, *(failed(at / 10, number) for at, number in enumerate(numbers))) == numbers


def test_a_flood_without_a_login_counts() -> None:
    found = counted(LoginTracker("office"), *(failed(at / 10) for at in range(300)))
    assert len(found) == 1 + 300 - 60


def test_a_password_for_nobody_counts_by_the_name_that_was_told_before() -> None:
    tracker = LoginTracker("office")
    pairs = [(failed(at, "74990000"), failed(at + 0.01, "", reason="ChallengeResponseFailed")) for at in range(0, 20, 5)]
    assert counted(tracker, *(event for pair in pairs for event in pair)) == ["74990000"] * 5
    assert counted(tracker, failed(60, "", reason="ChallengeResponseFailed")) == [None]


def test_who_was_away_for_long_is_new_again() -> None:
    tracker = LoginTracker("office")
    assert counted(tracker, failed(0), failed(FORGET_AFTER_S), failed(2 * FORGET_AFTER_S + 1)) == ["100", "100"]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from("abc"), st.sampled_from(["1", "2"])), max_size=40))
def test_whatever_comes_counts_at_most_once_and_memory_is_bounded(events: list[tuple[float, str, str]]) -> None:
    tracker = LoginTracker("office")
    for at, account, address in events:
        assert len(tracker.observe(failed(at, account, address=address))) <= 1


def test_a_scan_from_everywhere_does_not_fill_the_memory() -> None:
    tracker = LoginTracker("office")
    for number in range(MOST_STRANGERS + 500):
        tracker.observe(failed(number / 1000, str(number), address=f"10.0.{number % 250}.1"))
    assert len(tracker._strangers) <= MOST_STRANGERS + 1


def test_a_registration_of_ours_that_we_refuse_ourselves_is_the_trunks_trouble_and_no_burglar() -> None:
    tracker = LoginTracker("office", is_ours=lambda account, host: (account, host) == ("74990000", "127.0.0.1"))
    for at in range(0, 60, 5):
        pair = (
            failed(at, "74990000", address="127.0.0.1"),
            failed(at + 0.01, "", address="127.0.0.1", reason="ChallengeResponseFailed"),
        )
        assert counted(tracker, *pair) == []
    assert counted(tracker, failed(61, "6104", address="127.0.0.1", service="SIP", reason="InvalidPassword")) == ["6104"]
    assert counted(tracker, failed(62, "74990000", reason="ChallengeResponseFailed")) == ["74990000"]  # from elsewhere
