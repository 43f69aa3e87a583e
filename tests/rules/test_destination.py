"""Destination rules: numbers nobody may call, hours nobody may, and calls that come too fast."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.errors import ConfigError
from qualitywatch.model import AlertKey, AlertState, DialObservation, Evaluation, NotifyReason, Severity, Signal, Transition
from qualitywatch.ports import RuleKind
from qualitywatch.rules.kinds.destination import DestinationRule
from qualitywatch.rules.loader import load_rules

RULES = Path(__file__).parents[2] / "rules"
NOW = 1_767_600_000.0  # a Monday, 08:00 UTC
PHONE = "SIP/6117"
KEY = AlertKey("r", "office", PHONE)
DENIED = "deny: [+882], clear_hold: 60s"
BURST = "max_per_minute: 3, clear_hold: 60s"


def rule(folder: Path, text: str = DENIED) -> RuleKind:
    (folder / "rule.yml").write_text(f"rules: [{{name: r, kind: destination, {text}}}]", encoding="utf-8")
    (spec,) = load_rules([folder])
    return spec.build()


def problems(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        rule(folder, text)
    return str(caught.value)


def dialled(
    at: float, number: str = "+88216123456", leg: str = "1.2", *, subject: str = PHONE, is_new: bool = True
) -> DialObservation:
    return DialObservation(at, "office", subject, number, "SIP/provider", f"{subject}-{leg}", leg, is_new)


def over(at: float, leg: str = "1.2", subject: str = PHONE) -> DialObservation:
    return DialObservation(at, "office", subject, "+88216123456", "SIP/provider", f"{subject}-{leg}", leg, False, is_over=True)


def opinion(working: RuleKind, now: float, key: AlertKey = KEY) -> Evaluation:
    found = working.evaluate(key, now)
    assert found is not None
    return found


def signal(working: RuleKind, now: float) -> Signal:
    (level,) = opinion(working, now).levels
    return level.signal


def lived(working: RuleKind, *observations: DialObservation, until: float) -> list[Transition]:
    """What becomes of it with the lifecycle that the daemon uses: asked at observations and at every full second."""
    lifecycle, waiting, now = Lifecycle(), list(observations), observations[0].at
    found: list[Transition | None] = []

    def ask(keys: Iterable[AlertKey], at: float) -> None:
        found.extend(lifecycle.apply(one) for key in list(keys) if (one := working.evaluate(key, at)) is not None)

    while now <= until:
        ask(lifecycle.active(), now)
        while waiting and waiting[0].at <= now:
            ask(working.observe(waiting.pop(0)), now)
        now += 1.0
    return [transition for transition in found if transition is not None]


# --- Which calls --------------------------------------------------------------------------------------------------------


def test_a_denied_number_is_bad_at_once_and_names_the_channel(tmp_path: Path) -> None:
    working = rule(tmp_path)
    assert list(working.observe(dialled(NOW))) == [KEY]
    found = opinion(working, NOW)
    (level,) = found.levels
    assert (level.severity, level.signal, level.hold_s) == (Severity.CRITICAL, Signal.BREACH, 0.0)
    assert found.channels == ("SIP/6117-1.2",)
    assert (found.topic, found.value, found.details["names"]) == ("destination", 1.0, "+88216123456")


@pytest.mark.parametrize(
    ("text", "number", "denied"),
    [
        ("deny: [+882]", "0088216123456", True),
        ("deny: [+882]", "88216123456", True),
        ("deny: [+882]", "8821612", False),
        ("deny: [+882]", "030882", False),
        ("deny: [882]", "8821612", True),
        ("deny: [0900]", "0900123", True),
        ("deny: [+88], allow: [+882]", "+88216123456", False),
        ("deny: [+88, +88216], allow: [+882]", "+88216123456", True),
        ("allow: [+49, 112]", "+88216123456", True),
        ("allow: [+49, 112]", "004930123", False),
        ("allow: [+49, 112]", "112", False),
        ('deny: ["+"], allow: [+49]', "+88216123456", True),
        ('deny: ["+"], allow: [+49]', "030123", False),
        ("max_per_minute: 1", "030123", True),
        ('deny: [+882], international_prefix: "810", national_prefix: "8"', "88216123456", False),
        ('deny: [+882], international_prefix: "810", national_prefix: "8"', "81088216123", True),
        ('deny: [+882], strip: "9"', "90088216123", True),
        ("deny: [+882], bare_digits: 0", "88216123456", False),
    ],
)
def test_which_numbers_a_rule_means(tmp_path: Path, text: str, number: str, denied: bool) -> None:
    assert bool(list(rule(tmp_path, text).observe(dialled(NOW, number)))) is denied


def test_a_list_of_ones_own_and_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# ours\n+49 900   # premium\n\n0137\n", encoding="utf-8")
    working = rule(tmp_path, "deny_file: mine.txt")
    found = [bool(list(working.observe(dialled(NOW, number)))) for number in ("+49900123", "0137123", "+4930123")]
    assert found == [True, True, False]
    shutil.copy(RULES / "premium.txt", tmp_path)
    working = rule(tmp_path, "deny_file: premium.txt")
    found = [bool(list(working.observe(dialled(NOW, number)))) for number in ("+8816123456", "+12025550123", "+19005550123")]
    assert found == [True, False, True]


def test_who_is_left_alone(tmp_path: Path) -> None:
    working = rule(tmp_path, f"{DENIED}, not_subject: SIP/6117")
    assert list(working.observe(dialled(NOW))) == []
    assert list(working.observe(dialled(NOW, subject="SIP/6118"))) == [AlertKey("r", "office", "SIP/6118")]


def test_a_call_counts_by_the_hour_at_which_it_was_dialled(tmp_path: Path) -> None:
    hours = 'active: {from: "20:00", to: "06:00", timezone: UTC}'
    working = rule(tmp_path, hours)
    evening = NOW + 12 * 3600
    assert list(working.observe(dialled(evening - 60))) == []
    assert list(working.observe(over(evening + 60))) == []
    assert list(working.observe(dialled(evening, leg="2.2"))) == [KEY]


# --- How long it is one alert --------------------------------------------------------------------------------------------


def test_a_burst_is_one_alert_that_counts_its_calls_and_ends_when_all_is_quiet(tmp_path: Path) -> None:
    calls = [dialled(NOW + 10 * n, f"+8821612345{n}", f"{n}.2") for n in range(8)]
    ends = [over(NOW + 75, f"{n}.2") for n in range(8)]
    found = lived(rule(tmp_path), *calls, *ends, until=NOW + 300)
    fired = [one for one in found if one.reason is NotifyReason.FIRING]
    (resolved,) = (one for one in found if one.reason is NotifyReason.RESOLVED)
    assert [one.at for one in fired] == [NOW]
    assert resolved.at == NOW + 75 + 60
    assert resolved.alert.peak == 8
    names = resolved.alert.details["names"]
    assert names == "+88216123450, +88216123451, +88216123452, +88216123453, +88216123454, ..."
    assert resolved.alert.details["window_s"] == "120"  # 70 s, in whole minutes


def test_each_new_call_of_a_burst_is_a_transition_for_whoever_acts_on_channels(tmp_path: Path) -> None:
    found = lived(
        rule(tmp_path), dialled(NOW), dialled(NOW + 5, leg="2.2"), over(NOW + 8), over(NOW + 9, "2.2"), until=NOW + 20
    )
    assert [(one.at, one.reason, one.alert.channels) for one in found] == [
        (NOW, NotifyReason.FIRING, ("SIP/6117-1.2",)),
        (NOW + 5, NotifyReason.NONE, ("SIP/6117-1.2", "SIP/6117-2.2")),
    ]
    assert all(one.new_state is AlertState.FIRING for one in found)


def test_a_second_trunk_for_the_same_call_is_not_counted(tmp_path: Path) -> None:
    working = rule(tmp_path)
    for observation in (dialled(NOW), over(NOW), dialled(NOW + 1, leg="1.3", is_new=False)):
        list(working.observe(observation))
    assert opinion(working, NOW + 1).value == 1
    assert signal(working, NOW + 1) is Signal.BREACH


def test_the_next_call_after_the_end_is_counted_anew(tmp_path: Path) -> None:
    found = lived(
        rule(tmp_path), dialled(NOW), over(NOW + 5), dialled(NOW + 70, leg="2.2"), over(NOW + 71, "2.2"), until=NOW + 200
    )
    assert [(one.at, one.reason, one.alert.value) for one in found if one.reason is not NotifyReason.NONE] == [
        (NOW, NotifyReason.FIRING, 1.0),
        (NOW + 65, NotifyReason.RESOLVED, 1.0),
        (NOW + 70, NotifyReason.FIRING, 1.0),
        (NOW + 131, NotifyReason.RESOLVED, 1.0),
    ]


def test_too_many_in_a_minute(tmp_path: Path) -> None:
    working = rule(tmp_path, BURST)
    for n in range(3):
        list(working.observe(dialled(NOW + n, f"03012345{n}", f"{n}.2")))
        assert signal(working, NOW + n) is Signal.KEEP
        list(working.observe(over(NOW + n, f"{n}.2")))
    list(working.observe(dialled(NOW + 59, leg="9.2")))
    found = opinion(working, NOW + 59)
    assert (found.levels[0].signal, found.value, found.topic) == (Signal.BREACH, 4.0, "call_burst")
    assert signal(working, NOW + 61) is Signal.KEEP  # the call lasts
    list(working.observe(over(NOW + 62, "9.2")))
    assert signal(working, NOW + 62) is Signal.CLEAR


def test_after_a_gap_nothing_is_said_until_it_is_told_what_became_of_the_calls(tmp_path: Path) -> None:
    working = rule(tmp_path)
    for leg in ("1.2", "2.2"):
        list(working.observe(dialled(NOW, leg=leg)))
    working.forget()
    assert signal(working, NOW + 5) is Signal.UNKNOWN
    list(working.observe(over(NOW + 6)))
    assert signal(working, NOW + 6) is Signal.UNKNOWN
    list(working.observe(dialled(NOW, leg="2.2", is_new=False)))  # told once more, as it was
    found = opinion(working, NOW + 6)
    assert (found.levels[0].signal, found.value, found.channels) == (Signal.BREACH, 2.0, ("SIP/6117-2.2",))
    list(working.observe(over(NOW + 9, "2.2")))
    assert signal(working, NOW + 9) is Signal.CLEAR
    assert working.evaluate(AlertKey("other", "office", PHONE), NOW) is None


@pytest.mark.parametrize("text", ["deny: [+882]", "max_per_minute: 1"])
def test_what_nobody_tells_of_after_a_gap_is_given_up(tmp_path: Path, text: str) -> None:
    working = rule(tmp_path, text)
    list(working.observe(dialled(NOW)))
    working.forget()
    assert [signal(working, NOW + at) for at in (5, 64)] == [Signal.UNKNOWN, Signal.UNKNOWN]
    assert signal(working, NOW + 65) is Signal.GONE
    assert list(working.observe(over(NOW + 66))) == []


def test_a_call_that_is_told_of_first_when_it_goes_on_is_one_call(tmp_path: Path) -> None:
    working = rule(tmp_path)
    list(working.observe(dialled(NOW, is_new=False)))
    assert opinion(working, NOW + 5).value == 1


def test_what_was_bad_before_a_gap_and_is_over_ends_as_it_would_have(tmp_path: Path) -> None:
    working = rule(tmp_path)
    list(working.observe(dialled(NOW)))
    list(working.observe(over(NOW + 5)))
    working.forget()
    assert signal(working, NOW + 6) is Signal.CLEAR
    working.expire(NOW + 1000)
    assert signal(working, NOW + 1000) is Signal.GONE


def test_calls_in_doubt_that_never_made_an_alert_do_not_stay(tmp_path: Path) -> None:
    working = rule(tmp_path, BURST)
    list(working.observe(dialled(NOW)))
    working.forget()
    for at in (NOW + 600, NOW + 1200):
        working.expire(at)
    assert isinstance(working, DestinationRule)
    assert list(working.subjects()) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(starts=st.lists(st.floats(0, 300), min_size=1, max_size=30), limit=st.integers(1, 6))
def test_a_burst_begins_exactly_when_a_minute_holds_more_than_the_limit(
    tmp_path: Path, starts: list[float], limit: int
) -> None:
    working = rule(tmp_path, f"max_per_minute: {limit}")
    starts = sorted(starts)
    for index, start in enumerate(starts):
        list(working.observe(dialled(NOW + start, leg=f"{index}.2")))
        # As the rule reckons: on Unix seconds, whose fractions are coarser than ours.
        within = sum(NOW + start - 60 < NOW + other <= NOW + start for other in starts[: index + 1])
        assert (signal(working, NOW + start) is Signal.BREACH) is (within > limit)
        list(working.observe(over(NOW + start, f"{index}.2")))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100)), min_size=1, max_size=12))
def test_it_fires_while_a_call_lasts_and_is_over_a_clear_hold_later(tmp_path: Path, calls: list[tuple[int, int]]) -> None:
    begun = [dialled(NOW + start, leg=f"{n}.2") for n, (start, _) in enumerate(calls)]
    ended = [over(NOW + start + lasts, f"{n}.2") for n, (start, lasts) in enumerate(calls)]
    told = sorted([*begun, *ended], key=lambda one: (one.at, one.is_over))
    found = lived(rule(tmp_path), *told, until=NOW + 400)
    spans, since = [], None
    for one in found:
        if one.reason is NotifyReason.FIRING:
            since = one.at
        elif one.reason is NotifyReason.RESOLVED:
            spans.append((since, one.at))
    for start, lasts in calls:
        assert any(since <= NOW + start and NOW + start + lasts + 60 <= until for since, until in spans if since is not None)
    assert sum(until - since - 60 for since, until in spans if since is not None) <= max(
        start + lasts for start, lasts in calls
    ) - min(start for start, _ in calls)


# --- Mistakes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("severity: info", "the rule would tell of every call"),
        ("deny: [anna]", "'anna' is no prefix of a number"),
        ("deny: [+882], allow: [00882]", "00882 is both denied and allowed"),
        ("deny: [+882], allow: [882]", "882 is both denied and allowed"),
        ("deny_file: nobody.txt", "No such file"),
        ("deny: [+882], strip: nine", "must be digits"),
        ("max_per_minute: 0", "between 1 and 10000"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in problems(tmp_path, text)


def test_a_mistake_in_a_list_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# ours\n+882\nanna\n", encoding="utf-8")
    assert f"{tmp_path}/mine.txt:3: 'anna' is no prefix" in problems(tmp_path, "deny_file: mine.txt")
