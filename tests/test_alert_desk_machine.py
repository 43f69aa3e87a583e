"""The whole alert desk, whatever happens: every trouble is told, told once, told truly, and told to its end.

Rules say what they say, PBXes go blind, people press, chats misbehave, users delete, clocks go back, the program is killed.  At
any moment no chat may show what is not so; and once everybody has had the time, each chat shows exactly what is going on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qualitywatch.desk.change import DeskChange
from qualitywatch.model import AlertKey, Bulletin, Form, Incident, MemberState, NewsReason, Post, Severity
from qualitywatch.notify.members import MARK_ENDED_UNSEEN, MARK_RESOLVED, MARKS
from qualitywatch.notify.steps import urgency
from qualitywatch.room import SilenceRequest
from tests.desk_world import (
    ESCALATE_S,
    GRACE_S,
    LANGUAGES,
    PBX_AHEAD_S,
    REPEAT_S,
    SUBJECTS,
    DeskChat,
    InMemory,
    OnDisk,
    World,
    policy,
)

ALERTS = [(rule, subject) for rule, subjects in SUBJECTS.items() for subject in subjects]
STATES = ["bad", "bad", "worse", "worse", "clear", "clear", "mild", "unknown", "gone"]
OUTCOMES = ["taken", "away", "slow down", "refused", "no answer", "killed"]
SUBJECT_SELECTORS = ["SIP/6101", "SIP/6102", "SIP/6104", "mango", "*"]
pbxes = st.sampled_from(list(PBX_AHEAD_S))
targets = st.sampled_from(list(LANGUAGES))
FOR_EVER = 2000
PAUSES_S = 200.0  # the longest that a chat has asked for, or a message stands aside


class AlertDesk(RuleBasedStateMachine):
    """Two PBXes, two chats, one store in memory."""

    def open_home(self) -> InMemory | OnDisk:
        return InMemory()

    @initialize(group_by=st.sampled_from([(), (), ("rule",), ("severity",)]), flap_fires=st.sampled_from([0, 3]))
    def begin(self, group_by: tuple[str, ...], flap_fires: int) -> None:
        self.world = World(policy(group_by, flap_fires), self.open_home())
        self.world.look_at_all()

    # --- the PBXes ------------------------------------------------------------------------------------------------------

    @rule(name=pbxes, which=st.lists(st.sampled_from(ALERTS), min_size=1, max_size=3), state=st.sampled_from(STATES))
    def judge(self, name: str, which: list[tuple[str, str]], state: str) -> None:
        pbx = self.world.pbxes[name]
        pbx.states.update({AlertKey(kind, name, subject): state for kind, subject in which})
        self.world.look(pbx)

    @rule(
        name=pbxes,
        first=st.sampled_from([0, 0, 4]),
        several=st.sampled_from([2, 5, 14, 60]),
        state=st.sampled_from(["bad", "bad", "worse", "clear"]),
    )
    def storm(self, name: str, first: int, several: int, state: str) -> None:
        pbx, numbers = self.world.pbxes[name], range(6300 + first, 6300 + first + several)
        pbx.states.update({AlertKey("call-loss", name, f"SIP/{number}"): state for number in numbers})
        self.world.look(pbx)

    @rule(name=pbxes)
    def heal(self, name: str) -> None:
        pbx = self.world.pbxes[name]
        pbx.states = dict.fromkeys(pbx.states, "clear")
        self.world.look(pbx)

    @rule(name=pbxes)
    def lose_or_see(self, name: str) -> None:
        pbx = self.world.pbxes[name]
        pbx.is_blind = not pbx.is_blind
        self.world.look(pbx)

    @rule(name=pbxes, subject=st.sampled_from(["SIP/6101", "SIP/6104"]))
    def happen(self, name: str, subject: str) -> None:
        pbx = self.world.pbxes[name]
        self.world.look(pbx, lambda: pbx.happen(subject))

    # --- time -----------------------------------------------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([0.5, 5.0, 10.0, 31.0, 61.0, 300.0, 900.0, 3700.0, 20_000.0]),
        looks=st.integers(1, 3),
        calls=st.sampled_from([0, 1, 2, 5, 50]),
    )
    def wait(self, seconds: float, looks: int, calls: int) -> None:
        for _ in range(looks):
            self.world.time += seconds / looks
            self.world.look_at_all()
            self.world.carry(calls)

    @rule(seconds=st.sampled_from([30.0, 60.0, 90.0]), whose=st.sampled_from(["ours", *PBX_AHEAD_S]))
    def set_back(self, seconds: float, whose: str) -> None:
        if whose == "ours":
            self.world.wall_ahead_s -= seconds
        else:
            self.world.pbxes[whose].ahead_s -= seconds
        self.world.look_at_all()

    # --- people ---------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.desk.open_incidents())
    @rule(data=st.data(), button=st.sampled_from(["ack", "unack", "mute", "unmute"]))
    def press(self, data: st.DataObject, button: str) -> None:
        world, desk = self.world, self.world.desk
        number = data.draw(st.sampled_from([incident.id for incident in desk.open_incidents()]))
        acts: dict[str, Callable[[], DeskChange]] = {
            "ack": lambda: desk.acknowledge(number, "Anna", world.wall),
            "unack": lambda: desk.unacknowledge(number, "Anna", world.wall),
            "mute": lambda: desk.mute_incident(number, world.wall + 3600, "Anna", world.wall),
            "unmute": lambda: desk.unmute_incident(number, "Anna", world.wall),
        }
        world.press(acts[button])

    @rule(
        subject=st.sampled_from(SUBJECT_SELECTORS),
        severity=st.sampled_from([(), ("warning",)]),
        seconds=st.sampled_from([60.0, 5000.0]),
        starts_in_s=st.sampled_from([None, None, 30.0]),
    )
    def silence(self, subject: str, severity: tuple[str, ...], seconds: float, starts_in_s: float | None) -> None:
        wall = self.world.wall
        starts_at = None if starts_in_s is None else wall + starts_in_s
        request = SilenceRequest(wall + seconds, starts_at, subjects=(subject,), severities=severity, comment="<works> & co")
        self.world.press(lambda: self.world.desk.silence(request, "Anna", wall)[1])

    @rule(number=st.integers(1, 4))
    def expire(self, number: int) -> None:
        self.world.press(lambda: self.world.desk.expire_silence(number, "Anna", self.world.wall))

    @rule(whose=targets, newest=st.integers(0, 3))
    def delete(self, whose: str, newest: int) -> None:
        chat = self.world.chats[whose]
        chat.deleted.update(sorted(chat.messages, reverse=True)[newest : newest + 1])

    # --- trouble --------------------------------------------------------------------------------------------------------

    @rule(whose=targets, outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4), calls=st.integers(0, 4))
    def misbehave(self, whose: str, outcomes: list[str], calls: int) -> None:
        self.world.chats[whose].outcomes = outcomes
        self.world.carry(calls)

    @rule(what=st.sampled_from(["killed now", "before it is stored", "before it is told", "disk full"]))
    def break_down(self, what: str) -> None:
        match what:
            case "killed now":
                self.world.restart()
            case "disk full":
                self.world.store.full_for = 2
            case _:
                self.world.fate = what

    # --- what must hold at any moment -----------------------------------------------------------------------------------

    @invariant()
    def what_fires_is_in_one_open_incident(self) -> None:
        if not hasattr(self, "world"):
            return
        firing = sorted(key for pbx in self.world.pbxes.values() if pbx.now is not None for key in pbx.firing)
        seen = {name for name, pbx in self.world.pbxes.items() if pbx.now is not None}
        assert sorted(member.key for _, member in self.world.members() if member.key.pbx in seen) == firing

    @invariant()
    def one_living_message(self) -> None:
        if not hasattr(self, "world"):
            return
        for target, chat in self.world.chats.items():
            posts = self.world.posts_of(target)
            dying = {old for post in self.world.posts.values() if post.target == target for old in post.superseded}
            left = {  # a digest that an incident has left, and that is still to be changed
                post.message_id
                for post in self.world.posts.values()
                if post.target == target and post.is_digest and any(told.revision == 0 for told in post.told)
            }
            for number in self.world.known:
                living = set(chat.living(number)) - dying - left - chat.duplicates(number)
                post = posts.get(number)
                assert living <= ({post.message_id} if post is not None else set()), f"incident {number} at {target}"

    # --- what must hold once everybody has had the time -----------------------------------------------------------------

    @rule()
    def settle(self) -> None:
        self.come_to_rest()
        self.check_mutes()
        self.check_nagging()
        self.check_alerts()
        for target, chat in self.world.chats.items():
            posts = self.world.posts_of(target)
            for incident in self.world.known.values():
                self.check_incident(incident, chat, posts.get(incident.id))
            for post in {post.id: post for post in posts.values() if not post.failed}.values():
                self.check_message(post, chat)

    def come_to_rest(self) -> None:
        world = self.world
        world.fate, world.store.full_for = "", 0
        for chat in world.chats.values():
            chat.outcomes.clear()
        quiet_at = world.time + PAUSES_S
        for _ in range(2):  # figures are taken over every ten seconds
            world.time += 11
            world.look_at_all()
        for _ in range(FOR_EVER):
            world.carry(FOR_EVER)
            if world.time > quiet_at:
                self.check_that_the_worst_is_told()
            due = [at for lane in world.lanes.values() if (at := lane.due_at(world.wall)) is not None]
            if not due:
                break
            world.time += max(0.001, min(due) - world.wall)
            world.look_at_all()
        else:
            pytest.fail("it never comes to rest")
        assert not any(lane.waiting for lane in world.lanes.values())
        assert not world.keeper.waiting

    def check_that_the_worst_is_told(self) -> None:
        """However much there is to tell: what got critical waits for nothing."""
        for target in self.world.chats:
            for number, post in self.world.posts_of(target).items():
                incident = self.world.known[number]
                if incident.is_open and incident.news_reason is NewsReason.WORSE and incident.severity is Severity.CRITICAL:
                    assert incident.news == next(told.news for told in post.told if told.incident == number)

    def check_nagging(self) -> None:
        """What nobody takes on is told again, and to others."""
        for incident in self.world.desk.open_incidents():
            now = self.world.pbxes[incident.pbx].now
            assert now is not None
            if incident.ack is None and any(member.mute is None for member in incident.firing):
                waits_since = incident.waits_since if incident.waits_since is not None else incident.first_news_at
                assert waits_since is not None
                assert "boss" in incident.targets or now < waits_since + ESCALATE_S
                assert incident.flapping or now < incident.news_at + REPEAT_S

    def check_mutes(self) -> None:
        """What is muted has a reason, and what has a reason is muted; what is over is not kept open."""
        world = self.world
        assert all(incident.firing or incident.flapping for incident in world.desk.open_incidents())
        for _, member in world.members():
            key, mute = member.key, member.mute
            if world.is_muted(key, member.alert.severity):
                assert mute is not None
            elif not world.explanations(key):
                now = world.pbxes[key.pbx].now
                assert now is not None
                assert mute is None or (mute.until is not None and now < mute.until <= now + GRACE_S), (
                    f"muted for ever: {member}"
                )
            elif any(other.rule == "blind" for other in world.explanations(key)):
                assert mute is not None

    def check_alerts(self) -> None:
        """Whatever fires and is not muted is found, as something that goes on, by each whom it concerns."""
        world = self.world
        for incident, member in world.members():
            if member.mute is not None:
                continue
            for target in world.audience(member.alert):
                assert target in incident.targets
                chat, post = world.chats[target], world.posts_of(target).get(incident.id)
                assert post is not None, f"{target} was never told of {member.key}"
                if post.failed or post.message_id in chat.deleted:
                    continue  # judged with the incident
                assert post.message_id is not None
                text = chat.messages[post.message_id].text
                assert chat.says_firing(post.message_id, member.key), text
                if not post.is_digest:
                    loud = [each.alert.severity for each in incident.firing if each.mute is None]
                    assert text.startswith(MARKS[max(loud, key=lambda severity: severity.rank)]), text

    def check_incident(self, incident: Incident, chat: DeskChat, post: Post | None) -> None:
        if not incident.news or chat.target not in incident.targets:
            assert post is None
            assert not chat.living(incident.id)
            return
        assert post is not None, "an incident was forgotten"
        (told,) = [told for told in post.told if told.incident == incident.id]
        assert told.news == incident.news
        if post.failed:
            assert post.id in chat.refused_posts
            return
        assert told.closed is not incident.is_open
        assert post.message_id is not None
        assert not post.superseded
        living = set(chat.living(incident.id))
        assert living - chat.duplicates(incident.id) <= {post.message_id}
        if post.message_id not in chat.deleted:  # after its last change: nobody can know
            assert post.message_id in living
        text = chat.messages[post.message_id].text
        if not post.is_digest:
            ended = any(member.state is MemberState.RESOLVED for member in incident.members)
            assert text.startswith((MARK_RESOLVED, MARK_ENDED_UNSEEN)) is (ended and not incident.firing), text
            if incident.ack is not None and incident.firing:
                assert "Anna" in text

    def check_message(self, post: Post, chat: DeskChat) -> None:
        """It shows what is so now."""
        assert post.message_id is not None
        items = sorted((self.world.known[told.incident] for told in post.told), key=urgency)
        form = Form.DIGEST if post.is_digest else Form.LIVING
        message = chat.messages[post.message_id]
        assert message.form is form
        assert message.text == chat.render(Bulletin(form, tuple(items))).plain

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.settle()
            self.check_that_a_restart_says_nothing()
        finally:
            self.world.home.close()

    def check_that_a_restart_says_nothing(self) -> None:
        world = self.world
        seen = {target: set(chat.messages) for target, chat in world.chats.items()}
        known = set(world.known)
        world.restart()
        world.look_at_all()
        world.carry(FOR_EVER)
        for target, chat in world.chats.items():
            is_complete = not chat.deleted  # else a change of a figure may find a message missing
            # Time stands still while a clock is a little behind, and goes on by it after a start: what was pending may fire.
            new = {post.message_id for incident, post in world.posts_of(target).items() if incident not in known}
            assert set(chat.messages) - new == seen[target] or not is_complete, "a restart repeats something"


class AlertDeskOnDisk(AlertDesk):
    """The same with the store that is used."""

    def open_home(self) -> OnDisk:
        self.folder = TemporaryDirectory()
        return OnDisk(Path(self.folder.name))

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "folder"):
                self.folder.cleanup()


class LongAlertDesk(AlertDesk):
    """The same for longer."""


TestAlertDesk = AlertDesk.TestCase
TestAlertDesk.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)

TestAlertDeskOnDisk = AlertDeskOnDisk.TestCase
TestAlertDeskOnDisk.settings = settings(max_examples=5, stateful_step_count=20, deadline=None)

TestLongAlertDesk = pytest.mark.slow(pytest.mark.timeout(900)(LongAlertDesk.TestCase))
TestLongAlertDesk.settings = settings(max_examples=400, stateful_step_count=50, deadline=None)
