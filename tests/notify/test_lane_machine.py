"""Whatever incidents, people, chats and restarts do: every incident ends as one living message that shows its latest."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qualitywatch.errors import MessageGoneError
from qualitywatch.model import Form, Incident, NewsReason, Post, Severity
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.steps import Step, StepKind
from tests.notify.targets import T0, Chat, acknowledged, changed, closed, incident, later, line_of, never, news, worse

OUTCOMES = st.sampled_from(["taken", "taken", "taken", "later", "never", "taken but not answered", "taken but not stored"])


class LaneMachine(RuleBasedStateMachine):
    """A desk that changes its incidents, a chat that misbehaves, a program that is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.incidents: dict[int, Incident] = {}
        self.posts: dict[int, Post] = {}
        self.last_change: dict[int, float] = {}
        self.shown: dict[int, dict[int, Incident]] = {}
        self.orphans: set[int] = set()  # messages nobody knows the id of: the one duplicate that is accepted
        self.ghosts: set[tuple[int, int]] = set()  # the same of an incident that a digest took in
        self.given_up: set[int] = set()  # messages the chat refused to have changed
        self.numbers = count(1)

    @initialize(can_edit=st.booleans())
    def begin(self, can_edit: bool) -> None:
        self.chat = Chat(can_edit=can_edit)
        self.start()

    def start(self) -> None:
        ids = count(1 + max(self.posts, default=0))
        self.lane = Lane("ops", self.chat, self.incidents.values(), self.posts.values(), new_id=ids.__next__)

    def learn(self, *items: Incident) -> None:
        self.incidents.update({item.id: item for item in items})
        self.lane.learn(items)

    # --- the desk

    @rule(severities=st.lists(st.sampled_from(Severity), min_size=1, max_size=12), is_news=st.booleans())
    def open(self, severities: list[Severity], is_news: bool) -> None:
        self.learn(*(incident(next(self.numbers), severity, news=int(is_news), at=self.now) for severity in severities))

    @precondition(lambda self: self.incidents)
    @rule(data=st.data(), what=st.sampled_from(["value", "worse", "news", "close", "ack", "reopen", "unmuted"]))
    def change(self, data: st.DataObject, what: str) -> None:
        some = data.draw(st.lists(st.sampled_from(sorted(self.incidents)), min_size=1, max_size=5, unique=True))
        for item in (self.incidents[number] for number in some):
            match what:
                case "value":
                    self.learn(changed(item, (item.members[0].alert.value or 0) + 0.5))
                case "worse" if item.is_open and item.news:
                    self.learn(worse(item))
                case "news" | "unmuted" if item.is_open:
                    self.learn(news(item, NewsReason.UNMUTED if item.news == 0 else NewsReason.REPEATED))
                case "close" if item.is_open:
                    self.learn(closed(item, self.now))
                case "reopen" if item.news:
                    self.learn(changed(item, closed_at=None))
                case "ack":
                    self.learn(acknowledged(item, f"Anna{item.revision}"))
                case _:
                    pass

    # --- the world

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0, 40.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.start()

    @precondition(lambda self: self.chat.can_edit and self.chat.messages)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.chat.deleted.add(data.draw(st.sampled_from(sorted(self.chat.messages))))

    # --- the carrier

    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=12))
    def carry(self, outcomes: list[str]) -> None:
        for outcome in outcomes:
            step = self.lane.next(self.now)
            if step is not None:
                self.perform(step, outcome)

    def perform(self, step: Step, outcome: str) -> None:
        if outcome == "later":
            self.store(self.lane.failed(step, later(), self.now, 7.0))
            return
        if outcome == "never" and step.kind is not StepKind.NOTE:
            is_strike = step.kind is StepKind.STRIKE
            posts = self.lane.failed(step, never(), self.now, 0.0)
            if is_strike:
                self.given_up.add(step.message_id or 0)
            elif any(post.failed for post in posts):
                self.given_up |= {*step.post.superseded, step.post.message_id or 0}
            self.store(posts)
            return
        message_id = step.message_id
        try:
            if step.kind is StepKind.SEND:
                assert step.notification is not None
                message_id = self.chat.post(step.notification, step.reply_to)
            elif step.kind in {StepKind.EDIT, StepKind.STRIKE}:
                assert step.notification is not None
                assert message_id is not None
                self.check_pace(step, message_id)
                self.chat.change(message_id, step.notification)
        except MessageGoneError:
            self.store(self.lane.gone(step, self.now))
            return
        if outcome != "taken" and message_id is not None:
            joined = {item.id for item in step.incidents} - {told.incident for told in step.post.told}
            self.ghosts |= {(message_id, number) for number in joined}
        if outcome == "taken but not answered":
            if step.kind is StepKind.SEND:
                self.orphans.add(max(self.chat.messages))
            self.store(self.lane.failed(step, later(), self.now, 7.0))
            return
        if outcome == "taken but not stored":  # killed
            if step.kind is StepKind.SEND:
                self.orphans.add(max(self.chat.messages))
            self.start()
            return
        if step.kind in {StepKind.SEND, StepKind.EDIT}:
            key = max(self.chat.messages) if message_id is None else message_id
            self.last_change[key] = self.now
            self.shown[key] = {item.id: item for item in step.incidents}
        self.store(self.lane.done(step, message_id, self.now))

    def store(self, posts: tuple[Post, ...]) -> None:
        self.posts.update({post.id: post for post in posts})

    def check_pace(self, step: Step, message_id: int) -> None:
        """At most one change of a message in ten seconds, but for what somebody waits for."""
        if step.kind is not StepKind.EDIT or self.now - self.last_change.get(message_id, 0) >= 10:
            return
        assert self.now - self.last_change[message_id] >= 0
        before = self.shown[message_id]
        is_over = not any(item.is_open for item in step.incidents)
        just_over = is_over and any(old.is_open for old in before.values())
        pressed = len(step.incidents) == 1 and before[step.incidents[0].id].ack != step.incidents[0].ack
        assert just_over or pressed or not before.keys() >= {item.id for item in step.incidents}

    # --- what must hold

    @invariant()
    def no_incident_has_two_posts(self) -> None:
        told = [told.incident for post in self.posts.values() for told in post.told]
        assert len(told) == len(set(told))

    def teardown(self) -> None:
        if not hasattr(self, "chat"):
            return
        for _ in range(3000):
            step = self.lane.next(self.now)
            if step is not None:
                self.perform(step, "taken")
            elif (due_at := self.lane.due_at(self.now)) is not None:
                self.now = due_at
            else:
                break
        else:
            pytest.fail("it never comes to rest")
        assert self.lane.waiting == 0
        post_of = {told.incident: post for post in self.posts.values() for told in post.told}
        for item in self.incidents.values():
            post = post_of.get(item.id)
            if item.news == 0:
                assert not self.chat.living(item.id)
                continue
            assert post is not None, "an incident was forgotten"
            assert post.told[[told.incident for told in post.told].index(item.id)].news == item.news
            assert not (post.failed and item.is_open), "what goes on was given up"
            if not post.failed:
                self.check_living(item, post)
        self.start()
        assert self.lane.next(self.now) is None, "a restart repeats something"

    def check_living(self, item: Incident, post: Post) -> None:
        living = self.messages(item)
        if not self.chat.can_edit:
            assert living
            assert item.is_open or any(f"#{item.id} {item.severity} over" in self.chat.messages[key].text for key in living)
            return
        assert post.message_id is not None
        if post.message_id in self.chat.deleted:
            return  # deleted after its last change: nobody can know
        assert living == [post.message_id]
        message = self.chat.messages[post.message_id]
        assert message.form is (Form.DIGEST if post.is_digest else Form.LIVING)
        assert line_of(item) in message.text.splitlines()

    def messages(self, item: Incident) -> list[int]:
        ghosts = {key for key, number in self.ghosts if number == item.id}
        post = next(post for post in self.posts.values() if item.id in {told.incident for told in post.told})
        return [
            key
            for key in self.chat.living(item.id)
            if key == post.message_id or key not in self.orphans | self.given_up | ghosts
        ]


TestLaneMachine = LaneMachine.TestCase
TestLaneMachine.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


class LongLaneMachine(LaneMachine):
    """The same for longer."""


TestLongLaneMachine = pytest.mark.slow(pytest.mark.timeout(600)(LongLaneMachine.TestCase))
TestLongLaneMachine.settings = settings(max_examples=1000, stateful_step_count=60, deadline=None)
