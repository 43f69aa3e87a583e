"""One target's living messages, as the chat sees them: what is sent, changed, struck out, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

import pytest

from qualitywatch.desk.policy import Audience
from qualitywatch.errors import NotifyError
from qualitywatch.model import Form, Incident, NewsReason, Post, Severity
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.steps import StepKind
from tests.desk.scene import TRUNK_DOWN, Scene, policy
from tests.notify.targets import (
    T0,
    Chat,
    acknowledged,
    changed,
    closed,
    incident,
    later,
    line_of,
    lines,
    never,
    news,
    worse,
)

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


class Desk:
    """A lane, its chat and its store, driven by hand."""

    def __init__(self, **options: bool) -> None:
        self.chat = Chat(**options)
        self.incidents: dict[int, Incident] = {}
        self.posts: dict[int, Post] = {}
        self.now = T0
        self.steps: list[tuple[StepKind, float, tuple[int, ...]]] = []
        self._new_id = count(1).__next__
        self.lane = self.restart()

    def restart(self) -> Lane:
        self.lane = Lane("ops", self.chat, self.incidents.values(), self.posts.values(), new_id=self._new_id)
        return self.lane

    def learn(self, *incidents: Incident) -> None:
        self.incidents.update({item.id: item for item in incidents})
        self.lane.learn(incidents)

    def step(self, *, hasten: bool = False) -> bool:
        """Carry out one step, if there is any."""
        step = self.lane.next(self.now, hasten=hasten)
        if step is None:
            return False
        message_id = step.message_id
        if step.notification is not None and step.message_id is None:
            message_id = self.chat.post(step.notification, step.reply_to)
        elif step.notification is not None and step.message_id is not None:
            self.chat.change(step.message_id, step.notification)
        elif step.kind is StepKind.PICTURE:
            message_id = 999
        self.steps.append((step.kind, self.now, tuple(item.id for item in step.incidents)))
        self.store(self.lane.done(step, message_id, self.now))
        return True

    def store(self, posts: Iterable[Post]) -> None:
        self.posts.update({post.id: post for post in posts})

    def settle(self, *incidents: Incident, hasten: bool = False) -> list[StepKind]:
        """Learn, and do all that can be done at this instant; return the kinds of steps."""
        self.learn(*incidents)
        before = len(self.steps)
        while self.step(hasten=hasten):
            pass
        return [kind for kind, _, _ in self.steps[before:]]

    def wait(self, seconds: float, *incidents: Incident) -> list[StepKind]:
        """Let time pass, stopping wherever the lane wants to be asked."""
        self.learn(*incidents)
        before, until = len(self.steps), self.now + seconds
        while True:
            while self.step():
                pass
            due_at = self.lane.due_at(self.now)
            if due_at is None or due_at > until:
                break
            self.now = due_at
        self.now = until
        return [kind for kind, _, _ in self.steps[before:]]


SEND, EDIT, STRIKE, NOTE, PICTURE = StepKind


@pytest.fixture
def desk() -> Desk:
    return Desk()


def fail(desk: Desk, error: NotifyError, pause_s: float = 0.0) -> StepKind:
    """Let the next step fail."""
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.failed(step, error, desk.now, pause_s))
    return step.kind


def test_an_incident_is_one_message_from_its_beginning_to_its_end(desk: Desk) -> None:
    first = incident(1)
    assert desk.settle(first) == [SEND]
    assert desk.wait(30, grown := changed(first, 5)) == [EDIT]
    assert desk.settle(closed(grown)) == [EDIT]
    assert desk.chat.texts == ["living\n#1 warning over 5%"]
    assert desk.lane.due_at(desk.now) is None
    assert desk.lane.waiting == 0


def test_changes_are_saved_up_for_ten_seconds_and_only_those_a_reader_sees_are_made(desk: Desk) -> None:
    desk.settle(item := incident(1))
    for value in range(2, 40):
        item = changed(item, value)
        desk.wait(1, item)
    assert [at for kind, at, _ in desk.steps if kind is EDIT] == [T0 + 10, T0 + 20, T0 + 30]
    desk.wait(20)
    before = len(desk.steps)
    assert desk.wait(60, changed(item, 39.2)) == []
    assert len(desk.steps) == before
    assert desk.lane.due_at(desk.now) is None


def test_the_end_and_what_a_person_just_did_are_shown_at_once(desk: Desk) -> None:
    desk.settle(item := incident(1))
    assert desk.settle(item := acknowledged(item)) == [EDIT]
    assert desk.settle(item := changed(item, 7)) == []
    assert desk.settle(closed(item)) == [EDIT]
    assert desk.now == T0


def test_news_is_a_new_message_below_the_old_one_which_is_struck_out(desk: Desk) -> None:
    desk.settle(item := incident(1))
    assert desk.wait(5, worse(item)) == [SEND, STRIKE]
    old, new = desk.chat.messages.values()
    assert (old.form, new.form, new.reply_to) == (Form.SUPERSEDED, Form.LIVING, 1)
    assert desk.chat.living(1) == [2]


def test_several_news_between_two_looks_are_one_message(desk: Desk) -> None:
    desk.learn(item := incident(1))
    desk.learn(item := worse(item))
    assert desk.settle(news(item)) == [SEND]


def test_what_opened_and_closed_before_it_could_be_sent_is_told_as_it_ended(desk: Desk) -> None:
    assert desk.settle(closed(incident(1))) == [SEND]
    assert desk.chat.texts == ["living\n#1 warning over 1%"]


def test_what_was_never_news_or_is_for_others_is_not_told(desk: Desk) -> None:
    quiet = incident(1, news=0)
    assert desk.settle(quiet, closed(quiet), incident(2, targets=("boss",))) == []
    assert desk.lane.waiting == 0


def test_a_deleted_message_is_replaced_by_a_new_one(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.chat.deleted.add(1)
    desk.learn(closed(item))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.gone(step, desk.now))
    desk.restart()
    assert desk.settle() == [SEND]
    assert desk.chat.texts == ["living\n#1 warning over 1%"]
    assert desk.chat.messages[2].reply_to is None


def test_where_nothing_can_be_changed_only_news_and_the_end_are_told() -> None:
    desk = Desk(can_edit=False)
    desk.settle(item := incident(1))
    assert desk.wait(60, item := changed(item, 5)) == []
    assert desk.wait(60, item := news(item)) == [SEND]
    assert desk.wait(60, item := acknowledged(item)) == []
    assert desk.settle(item := closed(item)) == [SEND]
    assert desk.wait(60, changed(item, 6)) == [NOTE]
    assert [text.split(" ", 1)[1] for text in desk.chat.texts] == [
        "warning firing 1%",
        "warning firing 5%",
        "warning over 5% taken by Anna",
    ]
    desk.restart()
    assert desk.wait(60) == []


def test_where_nothing_can_be_changed_alerts_that_join_are_told_together() -> None:
    desk = Desk(can_edit=False)
    desk.settle(item := incident(1))
    item = joined(joined(item, "SIP/2"), "SIP/3")
    assert desk.settle(item) == []
    assert desk.wait(30) == [SEND]
    desk.restart()
    item = changed(item)
    assert desk.wait(300, item) == []
    assert desk.wait(1, joined(item, "SIP/4")) == [SEND]


def test_where_nothing_can_be_changed_phones_that_recover_behind_a_trunk_that_is_down_are_no_news() -> None:
    desk, trunks = Desk(can_edit=False), {f"SIP/{number}": "mango" for number in range(101, 107)}
    scene = Scene(policy(audiences=(Audience("ops"),), inhibitions=(TRUNK_DOWN,)), trunks=trunks)
    assert desk.settle(scene.fire("trunk-down", "mango", CRITICAL)) == [SEND]
    for phone in trunks:
        assert desk.settle(scene.fire("loss", phone, after_s=1)) == []
    for phone in list(trunks)[:5]:
        assert desk.wait(300, scene.resolve("loss", phone, after_s=300)) == []
    scene.resolve("trunk-down", "mango", after_s=300)
    desk.wait(300, *scene.tell(scene.resolved("loss", "SIP/106", after_s=1)))
    assert [kind for kind, _, _ in desk.steps].count(SEND) == 2
    assert len(desk.chat.messages) == 2


def joined(old: Incident, subject: str) -> Incident:
    """The incident with another alert in it."""
    member = old.members[0]
    alert = replace(member.alert, key=replace(member.key, subject=subject))
    return changed(old, members=(*old.members, replace(member, alert=alert)))


def test_a_restart_goes_on_with_the_same_message(desk: Desk) -> None:
    desk.settle(item := incident(1), other := incident(2))
    desk.restart()
    assert desk.wait(30) == []
    assert desk.wait(30, closed(item), changed(other, 4)) == [EDIT, EDIT]
    assert len(desk.chat.messages) == 2


def test_what_goes_on_is_tried_again_after_a_refusal_for_as_long_as_it_goes_on(desk: Desk) -> None:
    desk.learn(item := incident(1, CRITICAL))
    rests = []
    for _ in range(6):
        assert fail(desk, never("thrown out")) is SEND
        assert desk.lane.waiting == 1
        desk.learn(item := changed(item))
        due_at = desk.lane.due_at(desk.now)
        assert due_at is not None
        rests.append(due_at - desk.now)
        desk.now = due_at
    assert rests == [300, 600, 1200, 2400, 3600, 3600]
    assert desk.settle() == [SEND]
    assert desk.lane.waiting == 0
    assert desk.settle(closed(item)) == [EDIT]


def test_a_refusal_is_forgotten_at_a_restart_and_when_there_is_more_to_tell(desk: Desk) -> None:
    desk.learn(item := incident(1))
    fail(desk, never())
    desk.restart()
    assert fail(desk, never()) is SEND
    desk.learn(item := worse(item))
    assert fail(desk, never()) is SEND
    assert desk.wait(299) == []
    assert desk.settle(closed(item)) == [SEND]
    assert desk.chat.texts == ["living\n#1 critical over 1%"]


def test_a_refused_change_of_what_was_shown_is_made_later(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.now += 60
    desk.learn(item := changed(item, 5))
    assert fail(desk, never()) is EDIT
    assert desk.wait(299, changed(item, 6)) == []
    assert desk.wait(1) == [EDIT]
    assert desk.chat.texts == ["living\n#1 warning firing 6%"]


@pytest.mark.parametrize("can_edit", [True, False])
def test_the_end_of_what_was_shown_is_told_at_once_after_a_refusal(*, can_edit: bool) -> None:
    desk = Desk(can_edit=can_edit)
    item = incident(1)
    desk.settle(item)
    desk.now += 60
    item = changed(item, 5) if can_edit else news(item)
    desk.learn(item)
    fail(desk, never("no rights"))
    assert desk.wait(60) == []
    assert desk.settle(closed(item)) == [EDIT if can_edit else SEND]


def test_what_is_over_is_tried_once_more_after_a_rest_and_then_given_up(desk: Desk) -> None:
    desk.settle(item := incident(1))
    item = closed(item)
    desk.now += 60
    desk.learn(item)
    assert fail(desk, never("no rights")) is EDIT
    assert desk.wait(299) == []
    desk.now += 1
    assert fail(desk, never("no rights")) is EDIT
    assert [post.failed for post in desk.posts.values()] == ["no rights"]
    assert desk.wait(7200) == []
    desk.restart()
    assert desk.wait(7200) == []


def test_what_was_given_up_is_told_anew_when_it_comes_back(desk: Desk) -> None:
    desk.learn(item := closed(incident(1)))
    for _ in range(2):
        assert fail(desk, never()) is SEND
        desk.now += 300
    assert desk.wait(7200) == []
    desk.restart()
    assert desk.settle(changed(item, 3, closed_at=None)) == [SEND]
    assert [post.failed for post in desk.posts.values()] == [""]


def test_what_an_earlier_release_gave_up_while_it_went_on_is_told_after_all(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.posts = {post.id: replace(post, message_id=None, failed="thrown out") for post in desk.posts.values()}
    desk.restart()
    assert desk.lane.waiting == 1
    assert desk.settle() == [SEND]
    assert desk.settle(closed(item)) == [EDIT]


def test_a_strike_that_can_never_succeed_is_dropped(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.learn(worse(item))
    desk.step()
    step = desk.lane.next(desk.now)
    assert step is not None
    assert step.kind is STRIKE
    desk.store(desk.lane.failed(step, never(), desk.now, 0))
    assert desk.wait(600) == []
    assert [post.failed for post in desk.posts.values()] == [""]


def test_a_failure_holds_the_lane_and_is_tried_again(desk: Desk) -> None:
    desk.learn(incident(1))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.failed(step, later(), desk.now, 17))
    desk.learn(incident(2, CRITICAL))
    assert desk.lane.due_at(desk.now) == desk.now + 17
    assert desk.lane.next(desk.now + 16.9) is None
    desk.now += 17
    assert desk.settle() == [SEND, SEND]
    assert [numbers for _, _, numbers in desk.steps] == [(2,), (1,)]
    assert len(desk.posts) == 2


def test_a_change_nobody_answered_may_have_been_made_and_is_taken_back(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.now += 20
    desk.learn(item := changed(item, 5))
    step = desk.lane.next(desk.now)
    assert step is not None
    assert step.notification is not None
    desk.chat.change(1, step.notification)
    desk.store(desk.lane.failed(step, later(), desk.now, 7))
    item = changed(item, 1)
    assert desk.wait(60, item) == [EDIT]
    assert desk.chat.texts == [f"living\n{line_of(item)}"]


def test_one_message_that_never_passes_does_not_stop_the_others(desk: Desk) -> None:
    desk.learn(incident(1, CRITICAL), incident(2))
    for _ in range(4):
        step = desk.lane.next(desk.now)
        assert step is not None
        if step.incidents[0].id == 2:
            desk.step()
            break
        desk.store(desk.lane.failed(step, later(), desk.now, 5))
        desk.now += 5
    assert desk.chat.living(2)
    desk.wait(60)
    assert desk.chat.living(1)


def test_a_clock_that_is_set_back_delays_nothing_for_long(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.learn(incident(2))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.failed(step, later(), desk.now, 20))
    desk.now -= 7200
    assert sorted(desk.wait(31, changed(item, 9))) == [EDIT, SEND]


# --- order


def test_the_worst_is_told_first_then_the_oldest_and_what_is_over_last(desk: Desk) -> None:
    items = [
        closed(incident(1, CRITICAL)),
        incident(2, WARNING, at=T0 + 2),
        incident(3, WARNING, at=T0 + 1),
        incident(4, CRITICAL, at=T0 + 9),
    ]
    assert desk.settle(*items) == [SEND] * 4
    assert [numbers[0] for _, _, numbers in desk.steps] == [4, 3, 2, 1]


def test_messages_come_before_changes_endings_before_other_changes_and_strikes_last(desk: Desk) -> None:
    desk.settle(one := incident(1), two := incident(2), three := incident(3))
    desk.now += 60
    kinds = desk.settle(changed(one, 9), closed(two), worse(three))
    assert kinds == [SEND, EDIT, EDIT, STRIKE]
    assert [numbers[0] for _, _, numbers in desk.steps[3:]] == [3, 2, 1, 3]


# --- storms


@pytest.mark.parametrize("size", [14, 100, 1000])
def test_a_storm_is_three_messages_and_a_digest_that_names_all_the_others(size: int) -> None:
    desk = Desk()
    items = [incident(number, CRITICAL if number == 7 else WARNING, at=T0 + number) for number in range(1, size + 1)]
    assert desk.settle(*items) == [SEND] * 4
    assert [numbers for _, _, numbers in desk.steps[:3]] == [(7,), (1,), (2,)]
    shown = desk.chat.messages[4]
    assert shown.form is Form.DIGEST
    assert set(shown.text.splitlines()[1:]) == lines(item for item in items if item.id not in {1, 2, 7})
    assert shown.attachment is not None
    items = [closed(item) for item in items]
    assert desk.wait(60, *items) == [EDIT] * 4
    assert desk.lane.due_at(desk.now) is None
    assert {line for text in desk.chat.texts for line in text.splitlines()[1:]} == lines(items)


def test_a_storm_that_grows_while_it_is_told_gets_no_further_messages(desk: Desk) -> None:
    desk.learn(*(incident(number) for number in range(1, 7)))
    for number in range(7, 60):
        desk.step()
        desk.learn(incident(number, at=T0 + number))
    desk.wait(60)
    assert len(desk.chat.messages) == 4
    assert sum(message.form is Form.DIGEST for message in desk.chat.messages.values()) == 1
    assert {number for message in desk.chat.messages.values() for number in message.incidents} == set(range(1, 60))


def test_up_to_ten_criticals_have_messages_of_their_own_more_are_folded() -> None:
    for criticals, own in ((10, 10), (11, 3)):
        desk = Desk()
        items = [incident(number, CRITICAL if number <= criticals else WARNING) for number in range(1, 16)]
        desk.settle(*items)
        assert [message.form for message in desk.chat.messages.values()] == [Form.LIVING] * own + [Form.DIGEST]


def test_criticals_of_which_few_are_left_while_they_are_told_have_messages_of_their_own(desk: Desk) -> None:
    items = [incident(number, CRITICAL) for number in range(1, 13)]
    desk.learn(*items)
    for _ in range(3):
        desk.step()
    desk.settle(*map(closed, items[3:10]))
    assert {message.incidents for message in desk.chat.messages.values() if message.form is Form.LIVING} == {
        (number,) for number in (1, 2, 3, 11, 12)
    }
    (digest,) = (message for message in desk.chat.messages.values() if message.form is Form.DIGEST)
    assert set(digest.incidents) == set(range(4, 11))


def test_newcomers_join_a_young_digest_under_pressure_and_criticals_do_not(desk: Desk) -> None:
    desk.settle(*(incident(number) for number in range(1, 9)))
    assert desk.wait(30, incident(20), incident(21), incident(22, CRITICAL)) == [SEND, EDIT]
    assert desk.chat.living(22) == [5]
    assert desk.chat.living(20) == desk.chat.living(21) == [4]
    assert desk.wait(30, incident(23)) == [SEND]  # alone it is no storm
    desk.restart()
    assert desk.wait(60) == []


def test_an_old_digest_takes_in_nobody(desk: Desk) -> None:
    desk.settle(*(incident(number) for number in range(1, 9)))
    desk.wait(601)
    assert desk.wait(60, *(incident(number) for number in range(20, 28))) == [SEND] * 4


def test_what_gets_worse_leaves_the_digest_for_a_message_of_its_own(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    assert desk.wait(30, worse(items[7])) == [SEND, EDIT]
    assert desk.chat.living(8) == [5]
    assert "#8" not in desk.chat.messages[4].text
    desk.restart()
    assert desk.wait(60) == []


def test_a_digest_that_everybody_leaves_is_struck_out(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 6)]
    desk.settle(*items)
    desk.wait(60, *(worse(item) for item in items if item.id in desk.chat.messages[4].incidents))
    assert desk.chat.messages[4].form is Form.SUPERSEDED
    assert all(len(desk.chat.living(number)) == 1 for number in range(1, 6))


def test_repeated_news_of_a_digest_are_one_new_digest_however_they_are_spread(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 15)]
    desk.settle(*items)
    desk.wait(4 * 3600)
    members = [item for item in items if item.id in desk.chat.messages[4].incidents]
    for item in members:
        desk.wait(7, news(item))
    desk.wait(60)
    assert [message.form for message in desk.chat.messages.values()][3:] == [Form.SUPERSEDED, Form.DIGEST]
    assert desk.lane.waiting == 0


def test_a_digest_ends_at_once_when_its_last_incident_does(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    assert desk.settle(*map(closed, items)) == [EDIT] * 4
    assert all("firing" not in text for text in desk.chat.texts)


def test_after_an_outage_what_is_over_is_one_digest_whatever_it_was(desk: Desk) -> None:
    stale = [closed(incident(number, CRITICAL)) for number in range(1, 31)]
    going_on = [incident(40), incident(41, CRITICAL)]
    assert desk.settle(*stale, *going_on) == [SEND] * 3
    assert [message.form for message in desk.chat.messages.values()] == [Form.LIVING, Form.LIVING, Form.DIGEST]
    assert [numbers[0] for _, _, numbers in desk.steps[:2]] == [41, 40]
    assert desk.lane.due_at(desk.now) is None


def test_a_digest_that_is_refused_is_told_later(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 31)]
    desk.learn(*items)
    while (step := desk.lane.next(desk.now)) is not None:
        desk.store(desk.lane.failed(step, never(), desk.now, 0))
    assert desk.lane.waiting == 30
    desk.wait(300)
    assert {number for message in desk.chat.messages.values() for number in message.incidents} == set(range(1, 31))
    assert len(desk.chat.messages) == 4
    assert desk.lane.waiting == 0


def test_where_nothing_can_be_changed_a_digest_is_told_again_at_intervals_and_when_all_is_over() -> None:
    desk = Desk(can_edit=False)
    items = [incident(number) for number in range(1, 9)]
    assert desk.settle(*items) == [SEND] * 4
    assert desk.wait(60, *(closed(item) for item in items[:6])) == [SEND] * 3
    assert desk.wait(600) == [SEND]
    assert desk.wait(60, closed(items[6])) == []
    assert desk.wait(60, closed(items[7])) == [SEND]
    assert desk.wait(60) == []
    desk.restart()
    assert desk.wait(60) == []


# --- pictures


def test_a_picture_follows_thirty_seconds_later_once() -> None:
    desk = Desk(pictures=True)
    desk.settle(item := incident(1), incident(2, topic="trunk_state"))
    assert desk.wait(29.9) == []
    assert desk.wait(0.1) == [PICTURE]
    desk.restart()
    assert desk.wait(60, closed(item)) == [EDIT]


def test_no_picture_of_a_digest_nor_of_what_happened_long_ago() -> None:
    desk = Desk(pictures=True)
    desk.settle(*(incident(number) for number in range(1, 9)))
    assert desk.wait(60) == [PICTURE] * 3
    desk.settle(incident(30))
    desk.now += 3600
    desk.restart()
    assert desk.wait(60) == []


def test_a_picture_that_cannot_be_sent_costs_no_text_any_time() -> None:
    desk = Desk(pictures=True)
    desk.settle(item := incident(1))
    desk.now += 30
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.learn(closed(item))
    desk.settle()
    desk.store(desk.lane.failed(step, later(), desk.now, 300))
    assert desk.wait(1, news(changed(closed(item), 8))) == [SEND, STRIKE]
    assert [post.picture_id for post in desk.posts.values()] == [0]


def test_before_the_end_of_the_program_changes_are_shown_at_once(desk: Desk) -> None:
    desk.settle(item := incident(1))
    assert desk.settle(item := changed(item, 9)) == []
    assert desk.settle(hasten=True) == [EDIT]
    assert desk.chat.texts == ["living\n" + line_of(item)]


def test_an_older_version_of_an_incident_is_passed_over(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.learn(new := changed(item, 5))
    assert desk.wait(60, item) == [EDIT]
    assert desk.chat.texts == ["living\n" + line_of(new)]


def test_an_incident_that_comes_back_is_shown_in_the_same_message(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.settle(over := closed(item))
    back = changed(over, 3, closed_at=None)
    assert desk.wait(60, back) == [EDIT]
    assert desk.chat.texts == ["living\n" + line_of(back)]


def test_flapping_news_is_news_once(desk: Desk) -> None:
    desk.settle(item := incident(1))
    assert desk.wait(60, item := news(item, NewsReason.FLAPPING)) == [SEND, STRIKE]
    assert desk.wait(60, changed(item, 5)) == [EDIT]


def test_news_of_what_was_refused_are_told_though_it_is_over_by_then(desk: Desk) -> None:
    desk.learn(item := incident(1))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.failed(step, never(), desk.now, 0))
    assert desk.settle(closed(worse(item)), incident(2)) == [SEND, SEND]
    assert desk.chat.texts == ["living\n#2 warning firing 1%", "living\n#1 critical over 1%"]


def test_a_deleted_message_of_what_goes_on_is_replaced_too(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.now += 60
    desk.learn(item := changed(item, 5))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.gone(step, desk.now))
    assert desk.settle() == [SEND]


def test_what_becomes_of_an_incident_that_ended_long_ago_is_no_new_message(desk: Desk) -> None:
    desk.settle(first := incident(1))
    desk.settle(first := closed(first))
    for number in range(2, 520):
        desk.now += 60
        desk.settle(item := incident(number, at=desk.now))
        desk.settle(closed(item, desk.now))
    first = changed(first)
    assert desk.settle(first) == []
    assert desk.lane.waiting == 0
    assert desk.settle(news(first)) == [SEND], "news of it is told"


def live(desk: Desk, item: Incident, seconds: int, *, deletes: bool = True) -> Incident:
    """Figures change every ten seconds, in a chat that deletes what the bot writes; return the newest revision."""
    for _ in range(seconds // 10):
        desk.now += 10
        desk.learn(item := changed(item, (item.members[0].alert.value or 0) + 1))
        while (step := desk.lane.next(desk.now)) is not None:
            if step.kind is StepKind.EDIT and deletes:
                desk.store(desk.lane.gone(step, desk.now))
            else:
                assert desk.step()
    return item


def test_where_messages_are_deleted_at_once_figures_alone_are_no_flood(desk: Desk) -> None:
    desk.settle(item := incident(1))
    item = live(desk, item, 600)
    assert len(desk.chat.messages) == 3
    desk.restart()
    item = live(desk, item, 12 * 3600)
    assert len(desk.chat.messages) < 3 + 6 + 12
    before = len(desk.chat.messages)
    item = worse(item)
    assert desk.settle(item)[0] is SEND, "news is told at once"
    item = live(desk, item, 20)
    desk.settle(closed(item, desk.now))
    assert len(desk.chat.messages) == before + 2, "and so is the end"
    assert "over" in desk.chat.texts[-1]
    assert desk.lane.waiting == 0


def test_a_message_that_lasted_is_replaced_at_once_however_often(desk: Desk) -> None:
    desk.settle(item := incident(1))
    for day in range(1, 4):
        item = live(desk, item, 24 * 3600, deletes=False)
        item = live(desk, item, 10)
        assert len(desk.chat.messages) == 1 + day


def test_whoever_joins_a_digest_that_is_deleted_again_and_again_is_told_at_once(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    live(desk, items[7], 60)
    before = len(desk.chat.messages)
    desk.now += 10
    desk.learn(*(incident(number, at=desk.now) for number in range(20, 28)))
    while (step := desk.lane.next(desk.now)) is not None:
        if step.kind is StepKind.EDIT:
            desk.store(desk.lane.gone(step, desk.now))
        else:
            assert desk.step()
    assert len(desk.chat.messages) > before
    assert all(desk.chat.living(number) for number in range(20, 28))


def test_a_deleted_digest_is_replaced_at_once(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    desk.now += 30
    desk.learn(changed(items[7], 5))
    step = desk.lane.next(desk.now)
    assert step is not None
    desk.store(desk.lane.gone(step, desk.now))
    assert desk.settle() == [SEND]
    assert desk.chat.messages[5].incidents == desk.chat.messages[4].incidents


def test_nobody_is_folded_alone(desk: Desk) -> None:
    desk.settle(*(incident(number, CRITICAL) for number in range(1, 5)), incident(5))
    assert [message.form for message in desk.chat.messages.values()] == [Form.LIVING] * 5


def test_a_digest_is_changed_at_leisure_whatever_becomes_of_one_of_many(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    assert desk.settle(*map(acknowledged, items[3:])) == []
    assert desk.wait(10) == [EDIT]


def test_who_was_to_join_a_digest_that_cannot_be_changed_is_told_elsewhere(desk: Desk) -> None:
    desk.settle(*(incident(number) for number in range(1, 9)))
    desk.now += 30
    desk.learn(incident(20), incident(21))
    assert fail(desk, never()) is EDIT
    assert desk.settle() == [SEND, SEND]


def test_what_got_worse_has_its_own_message_though_the_digest_showed_it_first(desk: Desk) -> None:
    items = [incident(number) for number in range(1, 9)]
    desk.settle(*items)
    desk.now += 700
    desk.learn(worse(items[7]))
    for _ in range(3):
        assert fail(desk, later(), 5) is SEND
        desk.now += 5
    assert desk.settle() == [EDIT]
    assert desk.wait(20) == [SEND, EDIT]
    assert [desk.chat.messages[key].incidents for key in desk.chat.living(8)] == [(8,)]


def test_every_older_message_is_struck_out(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.learn(item := worse(item))
    desk.step()
    assert desk.settle(news(item)) == [SEND, STRIKE, STRIKE]
    assert desk.chat.living(1) == [3]


def test_a_clock_set_back_does_not_keep_what_comes_back_from_being_shown(desk: Desk) -> None:
    desk.settle(item := incident(1))
    desk.settle(item := closed(item))
    desk.now -= 7200
    assert desk.wait(1) == []
    assert desk.wait(60, changed(item, 3, closed_at=None)) == [EDIT]


def test_a_picture_that_took_long_undoes_nothing() -> None:
    desk = Desk(pictures=True)
    desk.settle(item := incident(1))
    desk.now += 30
    step = desk.lane.next(desk.now)
    assert step is not None
    assert desk.settle(closed(item)) == [EDIT]
    desk.store(desk.lane.done(step, 77, desk.now))
    assert [(post.picture_id, post.told[0].closed) for post in desk.posts.values()] == [(77, True)]
    assert desk.wait(60) == []


def test_a_picture_waits_when_the_server_asks_for_a_pause() -> None:
    desk = Desk(pictures=True)
    desk.settle(incident(1))
    desk.now += 30
    assert fail(desk, later(retry_after_s=20), 20) is PICTURE
    assert desk.lane.next(desk.now + 19) is None
    assert desk.wait(60) == [PICTURE]
