"""Trunks: what a provider's silence means, and when it begins to mean it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import StatusObservation, TrunkState, TrunkStateSeen
from qualitywatch.trunks.status import PATIENCE_UNKNOWN_REFRESH_S, TrunkTracker

SIP = "SIP/74993801@sip.example"
PJSIP = "PJSIP/74995555@sip.example:5080"
IAX = "IAX2/branch@10.0.0.9:4569"
REGISTERED, RETRYING, REJECTED = TrunkState.REGISTERED, TrunkState.RETRYING, TrunkState.REJECTED
FAILED, UNREGISTERED, SILENT, UNKNOWN = TrunkState.FAILED, TrunkState.UNREGISTERED, TrunkState.SILENT, TrunkState.UNKNOWN


class Story:
    """A trunk, told event by event; between them every second passes as it does in the pipeline."""

    def __init__(self, trunk: str = SIP, tracker: TrunkTracker | None = None) -> None:
        self.trunk = trunk
        self.tracker = tracker or TrunkTracker("office")
        self.now: float | None = None
        self.said: list[tuple[float, str, float]] = []  # at, state, since; changes only

    def hears(
        self, at: float, state: TrunkState, *, refresh_s: float | None = None, listed: bool = False, cause: str | None = None
    ) -> StatusObservation:
        self.waits(at)
        observation = self.tracker.observe(TrunkStateSeen(at, self.trunk, state, refresh_s, cause, snapshot=listed))
        self._note(observation)
        return observation

    def waits(self, until: float) -> None:
        if self.now is not None:
            for second in range(int(self.now) + 1, int(until) + 1):
                for observation in self.tracker.tick(float(second)):
                    self._note(observation)
        self.now = until

    def _note(self, observation: StatusObservation) -> None:
        if not self.said or self.said[-1][1] != observation.status:
            self.said.append((observation.at, observation.status, observation.since_at))

    @property
    def state(self) -> TrunkState:
        return self.tracker.states()[self.trunk]


# --- chan_sip: nothing but "Request Sent" ------------------------------------------------------------------------------


def test_an_outage_that_only_ever_says_request_sent_with_a_known_refresh() -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=120, listed=True)
    story.hears(1060, REGISTERED)
    for at in range(1185, 1500, 20):
        story.hears(at, RETRYING)
    story.hears(1505, REGISTERED)
    assert story.said == [
        (1000, REGISTERED, 1000),
        (1185, RETRYING, 1185),
        (1240, SILENT, 1185),  # 1.5 refresh times after the last answer, and dated back to the first unanswered request
        (1505, REGISTERED, 1505),
    ]


@pytest.mark.parametrize(("words", "down_at"), [(1, 10_000 + 5400), (50, 13_600 + 60)])
def test_a_registration_of_an_hour_is_not_missed_for_half_an_hour_more(words: int, down_at: float) -> None:
    story = Story()
    story.hears(10_000, REGISTERED, refresh_s=3600, listed=True)
    story.hears(10_000, REGISTERED)
    for n in range(words):
        story.hears(13_585 + 20 * n, RETRYING)
    story.waits(16_000)
    assert story.said[-1] == (down_at, SILENT, 13_585)


def test_nor_is_one_that_is_first_heard_of_in_trouble() -> None:
    story = Story()
    for at in range(1000, 1200, 20):
        story.hears(at, RETRYING, refresh_s=3600, listed=True)
    assert story.said[-1] == (1060, SILENT, 1000)


def test_with_a_refresh_learnt_from_two_registrations() -> None:
    story = Story()
    for at in (1000, 1100, 1200):
        story.hears(at, REGISTERED)
    for at in range(1320, 1500, 20):
        story.hears(at, RETRYING)
    assert story.said[-1] == (1350, SILENT, 1320)


def test_with_an_unknown_refresh_the_second_unanswered_request_is_enough() -> None:
    story = Story()
    story.hears(1000, REGISTERED)
    for at in range(1100, 1200, 20):
        story.hears(at, RETRYING)
    assert story.said[-1] == (1100 + PATIENCE_UNKNOWN_REFRESH_S, SILENT, 1100)


def test_a_registration_that_was_never_seen_to_succeed() -> None:
    story = Story()
    for at in range(1000, 1100, 20):
        story.hears(at, RETRYING)
    assert story.said == [(1000, RETRYING, 1000), (1030, SILENT, 1000)]


@pytest.mark.parametrize("refresh_s", [None, 60, 120, 3600])
def test_one_lost_register_is_no_outage(refresh_s: float | None) -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=refresh_s, listed=True)
    for at in range(1010, 2000, 50):
        story.hears(at, REGISTERED)
    story.hears(2005, RETRYING)
    story.hears(2025, REGISTERED)
    story.waits(2100)
    assert [state for _, state, _ in story.said] == [REGISTERED, RETRYING, REGISTERED]


def test_a_lost_register_does_not_spoil_what_was_learnt() -> None:
    story = Story()
    for at in (1000, 1100):
        story.hears(at, REGISTERED)
    story.hears(1220, RETRYING)
    story.hears(1240, REGISTERED)  # 140 s after the last one, but that is not the refresh
    for at in range(1360, 1500, 20):
        story.hears(at, RETRYING)
    assert story.said[-1] == (1390, SILENT, 1360)


def test_silence_alone_is_no_trouble() -> None:
    """IAX2 says nothing for days while all is well; so does a chan_sip trunk whose refresh is an hour."""
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=60)
    assert not story.tracker.waiting
    story.waits(9000)
    assert story.state is REGISTERED


def test_time_matters_while_a_request_is_unanswered() -> None:
    story = Story()
    story.hears(1000, RETRYING)
    assert story.tracker.waiting
    story.waits(1030)
    assert not story.tracker.waiting


# --- Plain bad words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [REJECTED, FAILED, UNREGISTERED])
def test_a_bad_word_counts_at_once(state: TrunkState) -> None:
    story = Story(PJSIP)
    story.hears(1000, REGISTERED)
    said = story.hears(1050, state, cause="forbidden")
    assert said == StatusObservation(1050, "trunk", "office", PJSIP, state, 1050, "forbidden")


def test_a_bad_word_after_unanswered_requests_is_dated_back_to_the_first_of_them() -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=3600)
    story.hears(1100, RETRYING)
    assert story.hears(1140, FAILED).since_at == 1100


def test_trying_again_does_not_make_it_better() -> None:
    story = Story()
    story.hears(1000, REJECTED)
    assert story.hears(1020, RETRYING).status == REJECTED
    story.waits(2000)
    assert story.said == [(1000, REJECTED, 1000)]


def test_one_bad_word_after_another_is_one_trouble() -> None:
    story = Story(PJSIP)
    story.hears(1000, REJECTED)
    assert story.hears(1100, UNREGISTERED).since_at == 1000


def test_repeated_rejections_keep_their_beginning() -> None:
    story = Story(PJSIP)
    for at in range(1000, 1300, 30):
        assert story.hears(at, REJECTED).since_at == 1000


def test_flapping_begins_anew_each_time() -> None:
    story = Story(PJSIP)
    for at in range(1000, 1200, 40):
        story.hears(at, REJECTED)
        story.hears(at + 10, REGISTERED)
    assert story.said[:4] == [
        (1000, REJECTED, 1000),
        (1010, REGISTERED, 1010),
        (1040, REJECTED, 1040),
        (1050, REGISTERED, 1050),
    ]
    assert story.state is REGISTERED


def test_a_word_nobody_knows_changes_nothing() -> None:
    story = Story()
    story.hears(1000, REJECTED)
    assert story.hears(1010, UNKNOWN).status == REJECTED


# --- Lists -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [REGISTERED, RETRYING, REJECTED, FAILED, UNREGISTERED])
def test_a_list_tells_how_it_stands(state: TrunkState) -> None:
    story = Story()
    said = story.hears(1000, state, refresh_s=120, listed=True)
    assert (said.status, said.since_at) == (state, 1000)


def test_a_list_does_not_say_when_the_registration_was() -> None:
    story = Story()
    story.hears(1000, REGISTERED)
    story.hears(1050, REGISTERED, listed=True)
    story.hears(1100, REGISTERED)
    for at in range(1220, 1400, 20):
        story.hears(at, RETRYING)
    assert story.said[-1] == (1250, SILENT, 1220)  # 1.5 times 100 s after the registration of 1100


def test_a_dead_iax2_registrar_is_found_by_asking() -> None:
    story = Story(IAX)
    story.hears(1000, REGISTERED)
    for at in (1060, 1120, 1180):
        story.hears(at, REGISTERED, refresh_s=60, listed=True)
    for at in (1240, 1300, 1360):
        story.hears(at, RETRYING, refresh_s=60, listed=True)  # Timeout
    assert story.said[-1] == (1241, SILENT, 1240)
    story.hears(1420, REGISTERED, refresh_s=60, listed=True)
    assert story.said[-1] == (1420, REGISTERED, 1420)


def test_a_registration_found_in_mid_refresh_gets_its_time() -> None:
    story = Story()
    story.hears(1000, RETRYING, refresh_s=120, listed=True)
    story.waits(1179)
    assert story.state is RETRYING
    story.waits(1180)
    assert story.state is SILENT


# --- Gaps and restarts -------------------------------------------------------------------------------------------------


def test_after_a_gap_the_next_list_tells() -> None:
    story = Story()
    story.hears(1000, REJECTED)
    story.tracker.forget(5000)
    assert story.state is UNKNOWN
    assert story.hears(5001, REGISTERED, listed=True).since_at == 5001


def test_a_short_gap_in_an_outage_does_not_begin_it_anew() -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=60)
    story.hears(1070, RETRYING)
    story.tracker.forget(1080)
    story.hears(1085, RETRYING, listed=True)
    story.waits(1100)
    assert story.said[-1] == (1090, SILENT, 1070)


def test_a_long_gap_does() -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=60)
    story.hears(1070, RETRYING)
    story.tracker.forget(2000)
    story.hears(2001, RETRYING, listed=True)
    story.waits(2200)
    assert story.said[-1] == (2091, SILENT, 2001)


def test_the_refresh_is_remembered_over_any_gap() -> None:
    story = Story()
    story.hears(1000, REGISTERED, refresh_s=600)
    story.tracker.forget(90_000)
    story.hears(90_001, REGISTERED)
    story.hears(90_500, RETRYING)
    story.waits(91_000)
    assert story.said[-1] == (90_901, SILENT, 90_500)


def test_a_restart_of_ours_in_an_outage_does_not_begin_it_anew() -> None:
    before = Story()
    before.hears(1000, REGISTERED, refresh_s=60)
    before.hears(1070, RETRYING)
    memory = before.tracker.memory(SIP)
    again = TrunkTracker("office")
    again.recall({SIP: memory})
    again.forget(1080)
    after = Story(tracker=again)
    after.hears(1081, RETRYING, listed=True)
    after.waits(1100)
    assert after.said[-1] == (1090, SILENT, 1070)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=5), max_leaves=8
)


@given(st.text(max_size=30) | json_like.map(str) | json_like.map(repr))
def test_a_damaged_memory_is_no_memory(text: str) -> None:
    tracker = TrunkTracker("office")
    tracker.recall({SIP: text})
    tracker.forget(1000)
    assert tracker.observe(TrunkStateSeen(1001, SIP, REGISTERED)).status == REGISTERED


def test_a_clock_set_back_does_not_put_an_outage_off() -> None:
    story = Story()
    story.hears(10_000, REGISTERED, refresh_s=60)
    story.hears(10_070, RETRYING)
    (said,) = story.tracker.clock_set_back(6_400)
    assert (said.at, said.status, said.since_at) == (6_400, RETRYING, 6_400)
    story.now = 6_400
    story.waits(6_600)
    assert story.said[-1] == (6_490, SILENT, 6_400)


# --- Whatever is said --------------------------------------------------------------------------------------------------

words = st.sampled_from([REGISTERED, RETRYING, REJECTED, FAILED, UNREGISTERED, UNKNOWN])
steps = st.lists(
    st.tuples(words, st.floats(0, 200), st.sampled_from([None, 60.0, 3600.0]), st.booleans()), min_size=1, max_size=30
)


@given(steps)
def test_no_state_begins_in_the_future_and_the_last_word_counts(
    story_steps: list[tuple[TrunkState, float, float | None, bool]],
) -> None:
    story, at = Story(), 1000.0
    for state, pause, refresh_s, listed in story_steps:
        at += pause
        said = story.hears(at, state, refresh_s=refresh_s, listed=listed)
        assert said.since_at <= said.at
        if state in {REGISTERED, REJECTED, FAILED, UNREGISTERED}:
            assert said.status == state
        if state is RETRYING:
            assert said.status != REGISTERED
    assert all(since <= at for at, _, since in story.said)


@given(st.floats(30, 3600), st.integers(1, 5), st.floats(0.0, 1.0))
def test_whoever_answers_within_his_refresh_is_never_down(refresh_s: float, rounds: int, phase: float) -> None:
    """As long as every other request is answered, nothing is wrong, whatever is lost in between."""
    story, at = Story(), 1000.0
    story.hears(at, REGISTERED, refresh_s=refresh_s)
    for _ in range(rounds):
        story.hears(at + 0.9 * refresh_s, RETRYING, refresh_s=refresh_s, listed=True)
        at += (0.9 + 0.55 * phase) * refresh_s
        story.hears(at, REGISTERED)
    assert SILENT not in {state for _, state, _ in story.said}
