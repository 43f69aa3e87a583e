"""The whole alert desk without a network: PBXes that are judged, a desk, a store, and chats that may misbehave.

Only the rules in front of the lifecycle and the bot behind the lane are stand-ins.  Everything is driven by hand, so time is
whatever a test says, and the same steps give the same messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.app.keeper import Keeper
from qualitywatch.desk.change import DeskChange
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy, Inhibition, MaintenanceWindow, Matcher, Route
from qualitywatch.document import Hours, compile_selector
from qualitywatch.errors import MessageGoneError, NotifyError, StoreError
from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    Bulletin,
    Evaluation,
    Incident,
    Level,
    Member,
    Notification,
    NotifyReason,
    Post,
    Severity,
    Signal,
    Silence,
    Transition,
)
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.legible import utf16_units
from qualitywatch.notify.members import MARK_ENDED_UNSEEN, MARK_RESOLVED
from qualitywatch.notify.render import TEXT_LIMIT_UTF16, notification
from qualitywatch.notify.steps import Step, StepKind
from qualitywatch.notify.texts import words_of
from qualitywatch.pipeline import CLOCK_STEP_S, Effects
from qualitywatch.ports import StateChange, StateStore
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.store.backends.sqlite_state import SqliteStateStore
from qualitywatch.store.bounds import Bounds
from tests.notify.targets import T0, Chat, Clock

T = TypeVar("T")

BAD: Final = frozenset({"bad", "worse"})
LEVELS: Final = {  # per rule: topic, how long each severity must hold, and how long it must be calm
    "call-loss": ("loss_percent", {Severity.WARNING: 0.0, Severity.CRITICAL: 20.0}, 30.0),
    "jitter": ("jitter_ms", {Severity.WARNING: 20.0}, 0.0),
    "trunk-down": ("trunk_state", {Severity.CRITICAL: 10.0}, 10.0),
    "peer-down": ("peer_state", {Severity.INFO: 0.0, Severity.WARNING: 60.0}, 0.0),
    "blind": ("pbx_state", {Severity.CRITICAL: 0.0}, 0.0),
}
SUBJECTS: Final = {
    "call-loss": ("SIP/6101", "SIP/6102", "SIP/6103", "mango"),
    "jitter": ("SIP/6101", "SIP/6104"),
    "trunk-down": ("mango", "kiwi"),
    "peer-down": ("SIP/6102", "SIP/6105"),
}
TRUNKS: Final = {"SIP/6101": "mango", "SIP/6102": "kiwi"}
NAMES: Final = {
    "SIP/6101": "Анна <b>& Ко</b>",
    **{f"SIP/{number}": f"Отдел продаж 😀 {number} " + "x" * 60 for number in range(6300, 6380)},
}
INHIBITIONS: Final = (
    Inhibition(Matcher(rules=(compile_selector("blind"),)), Matcher()),
    Inhibition(Matcher(rules=(compile_selector("trunk-down"),)), Matcher(rules=(compile_selector("call-loss"),)), ("trunk",)),
)
WINDOW: Final = MaintenanceWindow(
    "works", Hours(22 * 60 + 5, 22 * 60 + 30, ZoneInfo("UTC")), match=Matcher(subjects=(compile_selector("SIP/6104"),))
)
GRACE_S: Final = 30.0
REPEAT_S: Final = 3600.0
ESCALATE_S: Final = 600.0
MANY: Final = 6  # fewer critical incidents are never told together
LANGUAGES: Final = {"ops": "en", "boss": "ru"}
PBX_AHEAD_S: Final = {"office": 0.0, "branch": 5000.0}  # its clock before ours
BOUNDS: Final = Bounds(closed_loaded=1)  # few, so that what is still to be told does not come back by chance


def policy(group_by: tuple[str, ...], flap_fires: int) -> DeskPolicy:
    """Ops hears everything, the boss what is critical at the office, and what nobody took on."""
    return DeskPolicy(
        audiences=(Audience("ops", Severity.INFO), Audience("boss", Severity.CRITICAL, ("office",))),
        routes=(Route(repeat_s=REPEAT_S, remind_s=2 * REPEAT_S, escalate_after_s=ESCALATE_S, escalate_to=("boss",)),),
        inhibitions=INHIBITIONS,
        windows=(WINDOW,),
        group_by=group_by,
        flap_fires=flap_fires,
    )


class Pbx:
    """One PBX: how its subjects really are, and the alerts made of that."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ahead_s = PBX_AHEAD_S[name]
        self.states: dict[AlertKey, str] = {}  # what rules would say: bad, worse, mild, clear, unknown, gone
        self.is_blind = False
        self.restart(())

    def restart(self, alerts: Sequence[Alert]) -> None:
        own = [alert for alert in alerts if alert.key.pbx == self.name]
        self.lifecycle = Lifecycle(own, name_of=NAMES.get)
        self.now: float | None = None
        self.blind_since: float | None = None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(self.lifecycle.active().values())

    @property
    def firing(self) -> dict[AlertKey, Alert]:
        return {alert.key: alert for alert in self.alerts if alert.state is AlertState.FIRING}

    def judge(self, at: float) -> list[Transition]:
        """What rules say at an instant of this PBX's clock."""
        if self.now is None or at < self.now - CLOCK_STEP_S:
            self.now = at
            self.blind_since = None if self.blind_since is None else min(self.blind_since, at)
        self.now = now = max(at, self.now)
        blind = AlertKey("blind", self.name, self.name)
        if self.is_blind and self.blind_since is None:
            self.blind_since = now
        elif not self.is_blind and self.blind_since is not None:
            self.lifecycle.skip(now - self.blind_since, topics_seen={"pbx_state"})
            self.blind_since = None
        states = {} if self.is_blind else dict(self.states)
        states[blind] = "worse" if self.is_blind else "clear"
        evaluations = [_evaluation(key, state, now) for key, state in states.items()]
        return [moved for each in evaluations if (moved := self.lifecycle.apply(each)) is not None]

    def happen(self, subject: str) -> Transition:
        """A User-Agent changed: a thing that happened, not a condition that lasts."""
        key = AlertKey("agent", self.name, subject)
        level = Level(Severity.INFO, Signal.BREACH, 0.0)
        details = {"old": "Yealink T46", "new": "friendly-scanner"}
        moved = self.lifecycle.apply(Evaluation(key, self.now or 0.0, (level,), None, 0.0, "user_agent", True, details))
        assert moved is not None
        return moved


def _evaluation(key: AlertKey, state: str, at: float) -> Evaluation:
    topic, holds, clear_hold_s = LEVELS[key.rule]
    plain = {"mild": Signal.KEEP, "clear": Signal.CLEAR, "unknown": Signal.UNKNOWN, "gone": Signal.GONE}
    worst = max(holds, key=lambda severity: severity.rank)
    levels = []
    for severity, hold_s in holds.items():
        breached = state == "worse" or (state == "bad" and (severity is not worst or len(holds) == 1))
        levels.append(Level(severity, Signal.BREACH if breached else plain.get(state, Signal.CLEAR), hold_s))
    values = {"bad": 5.0, "worse": 25.0, "mild": 2.0, "clear": 0.1}
    is_series = topic in {"loss_percent", "jitter_ms"}
    details = {} if is_series else {"state": "rejected" if topic == "trunk_state" else "unreachable"}
    return Evaluation(key, at, tuple(levels), values.get(state) if is_series else None, clear_hold_s, topic, details=details)


class DeskChat(Chat):
    """A strict chat that shows what the real renderer makes, and has something else to do now and then."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target
        self.words = words_of(LANGUAGES[target])
        self.bulletins: dict[int, Bulletin] = {}
        self.outcomes: list[str] = []
        self.stale: set[int] = set()  # messages whose id nobody learnt, one for each kill or missing answer
        self.ghosts: set[tuple[int, int]] = set()  # the same of an incident that a digest took in
        self.refused: set[int] = set()  # messages that must not be changed any more
        self.refused_posts: set[int] = set()

    def render(self, bulletin: Bulletin) -> Notification:
        shown = notification(bulletin, LANGUAGES[self.target], show_pbx=True, zone=UTC)
        assert utf16_units(shown.plain) <= TEXT_LIMIT_UTF16
        shown.payload.update(  # type: ignore[attr-defined]
            form=bulletin.form, incidents=tuple(incident.id for incident in bulletin.incidents), bulletin=bulletin
        )
        return shown

    def post(self, notification: Notification, reply_to: int | None = None) -> int | None:
        message_id = super().post(notification, reply_to)
        assert message_id is not None
        bulletin = notification.payload["bulletin"]
        assert isinstance(bulletin, Bulletin)
        self.bulletins[message_id] = bulletin
        return message_id

    def change(self, message_id: int, notification: Notification) -> None:
        super().change(message_id, notification)
        self.bulletins[message_id] = self.bulletins.pop(max(self.bulletins))

    def duplicates(self, number: int) -> set[int]:
        """Messages that may go on speaking of an incident, because nobody knows better or can do better."""
        return self.stale | self.refused | {key for key, ghost in self.ghosts if ghost == number}

    def says_firing(self, message_id: int, key: AlertKey) -> bool:
        """Whether a reader finds this alert among what is going on."""
        message = self.messages[message_id]
        lists = self.words.lists
        past = (MARK_RESOLVED, MARK_ENDED_UNSEEN, *(form.partition("{")[0] for form in (lists.over, lists.affected_over)))
        lines = [line.removeprefix("· ") for line in message.text.splitlines()]
        if any(key.subject in line and not line.startswith(past) for line in lines):
            return True
        return message.attachment is not None and key.subject in message.attachment.content.decode()


class InMemory:
    """A store that outlives the program because the test holds it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.store = MemoryStateStore(BOUNDS, T0)

    def open(self) -> StateStore:
        return self.store

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.close()


class OnDisk:
    """The real store, opened anew after each kill."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runner = asyncio.Runner()
        self.store: StateStore | None = None

    def open(self) -> StateStore:
        if self.store is not None:
            self.run(self.store.close())
        self.store = self.run(SqliteStateStore.open(self._directory, now=T0, bounds=BOUNDS))
        return self.store

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        if self.store is not None:
            self.run(self.store.close())
        self._runner.close()


class FullDisk:
    """A store in front of another that refuses a few commits of what a step wants remembered."""

    def __init__(self, store: StateStore, full_for: int = 0) -> None:
        self.full_for = full_for
        self.load, self.audit, self.close = store.load, store.audit, store.close
        self._store = store

    async def commit(self, change: StateChange) -> None:
        if self.full_for and change and not change.posts:
            self.full_for -= 1
            raise StoreError("state.db: the disk is full")
        await self._store.commit(change)


@dataclass
class World:
    """Everything joined.  ``time`` is the true one; each clock shows it more or less right."""

    rules: DeskPolicy
    home: InMemory | OnDisk
    time: float = T0
    wall_ahead_s: float = 0.0
    fate: str = ""  # where the next step of the desk is cut short by a kill
    known: dict[int, Incident] = field(default_factory=dict)  # all that were ever stored
    posts: dict[int, Post] = field(default_factory=dict)
    silences: dict[int, Silence] = field(default_factory=dict)
    firing: set[AlertKey] = field(default_factory=set)  # what fires, as it was stored
    ever_fired: set[AlertKey] = field(default_factory=set)
    ever_loud: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pbxes = {name: Pbx(name) for name in PBX_AHEAD_S}
        self.chats = {target: DeskChat(target) for target in LANGUAGES}
        self.restart()

    @property
    def wall(self) -> float:
        return self.time + self.wall_ahead_s

    def restart(self) -> None:
        """Drop everything that was in memory, and go on from the store."""
        self.fate = ""
        self.is_dead = False
        self.store = FullDisk(self.home.open())
        stored = self.home.run(self.store.load())
        for pbx in self.pbxes.values():
            pbx.restart(stored.alerts)
        assert {key for pbx in self.pbxes.values() for key in pbx.firing} == self.firing, "an alert was not stored"
        self._before = dict(self.known)
        self.silences = {silence.id: silence for silence in stored.silences}
        self.desk = Desk(
            self.rules,
            incidents=stored.incidents,
            silences=stored.silences,
            trunk_of=lambda pbx, subject: TRUNKS.get(subject),
        )
        self.keeper = Keeper(self.store, (), Clock())
        self.keeper.tell = self._tell
        ids = count(1 + max((post.id for post in stored.posts), default=0))
        assert all(self.posts[post.id] == post for post in stored.posts)
        self.lanes = {
            target: Lane(target, chat, stored.incidents, stored.posts, new_id=ids.__next__)
            for target, chat in self.chats.items()
        }
        self._failed_lately: dict[str, set[int]] = {target: set() for target in self.chats}

    # --- the desk -------------------------------------------------------------------------------------------------------

    def look(self, pbx: Pbx, *extra: Callable[[], Transition]) -> None:
        """Judge one PBX now and let the desk draw the consequences."""
        transitions = pbx.judge(self.time + pbx.ahead_s) + [happen() for happen in extra]
        self.ever_fired |= {each.alert.key for each in transitions if each.reason is not NotifyReason.NONE}
        assert pbx.now is not None
        change = self.desk.step(pbx.name, transitions, pbx.alerts, pbx.now, self.wall)
        self._check_news(change, transitions)
        if self.fate == "before it is stored":
            self.restart()
            return
        self._keep(self.keeper.keep(pbx.name, [Effects(transitions=tuple(transitions))], change, pbx.alerts))

    def look_at_all(self) -> None:
        for pbx in self.pbxes.values():
            self.look(pbx)

    def press(self, act: Callable[[], DeskChange]) -> None:
        """Somebody does something; it is stored before he is answered."""
        change = act()
        self.silences.update({silence.id: silence for silence in change.silences})
        self._check_news(change, ())
        stored = StateChange(incidents=change.incidents, silences=change.silences, audit=change.audit)
        if stored:
            self._keep(self.keeper.keep_change(stored))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        self.home.run(work)
        if not self.keeper.waiting:
            self.firing = {key for pbx in self.pbxes.values() for key in pbx.firing}
        if self.is_dead:
            self.restart()

    def _tell(self, incidents: Sequence[Incident]) -> None:
        for incident in incidents:
            before = self.known.get(incident.id)
            assert before is None or (incident.revision > before.revision and incident.news >= before.news)
            assert before is None or incident.targets[: len(before.targets)] == before.targets
            self.known[incident.id] = incident
        if self.fate == "before it is told":
            self.is_dead = True
        if not self.is_dead:
            for lane in self.lanes.values():
                lane.learn(incidents)

    def _check_news(self, change: DeskChange, transitions: Sequence[Transition]) -> None:
        """What is muted is no news.  Between two looks it may have spoken before it became worse, and was muted for that."""
        were = {member.key: member.alert.severity for each in self._before.values() for member in each.members}
        for incident in change.incidents:
            known = self._before.get(incident.id)
            self._before[incident.id] = incident
            if incident.news == (0 if known is None else known.news):
                continue
            members = {member.key: member for member in (*(known.members if known else ()), *incident.members)}
            loud = [
                member
                for member in members.values()
                if not all(
                    self.is_muted(member.key, severity)
                    for severity in {member.alert.severity, were.get(member.key, member.alert.severity)}
                )
            ]
            assert loud, f"told of what is muted: {incident}"
            if not transitions:
                assert any(member.mute is None for member in incident.firing), f"nothing happened, and all is muted: {incident}"
            self.ever_loud.add(incident.id)

    # --- what is to be expected -----------------------------------------------------------------------------------------

    def is_muted(self, key: AlertKey, severity: Severity) -> bool:
        """Whether somebody asked for quiet about an alert, or maintenance is on."""

        def matches(selectors: tuple[str, ...], text: str) -> bool:
            return not selectors or text in selectors or "*" in selectors

        asked = any(
            silence.expired_at is None
            and (silence.starts_at is None or silence.starts_at <= self.wall)
            and self.wall < silence.ends_at
            and matches(silence.rules, key.rule)
            and matches(silence.subjects, key.subject)
            and matches(silence.pbxes, key.pbx)
            and matches(silence.severities, severity)
            for silence in self.silences.values()
        )
        return asked or (key.subject == "SIP/6104" and WINDOW.hours.ends_at(self.wall) is not None)

    def explanations(self, key: AlertKey) -> list[AlertKey]:
        """Firing alerts that may explain another."""
        firing = self.pbxes[key.pbx].firing
        return [
            other
            for other in firing
            if other != key
            and (
                other.rule == "blind"
                or (
                    (other.rule, key.rule) == ("trunk-down", "call-loss")
                    and other.subject in {key.subject, TRUNKS.get(key.subject)}
                )
            )
        ]

    def audience(self, alert: Alert) -> set[str]:
        """Who must be told of an alert whatever else there is."""
        boss = alert.severity is Severity.CRITICAL and alert.key.pbx == "office"
        return {"ops", "boss"} if boss else {"ops"}

    def members(self) -> Iterator[tuple[Incident, Member]]:
        """All that fires, as the desk sees it."""
        for incident in self.desk.open_incidents():
            for member in incident.firing:
                yield incident, member

    # --- the chats ------------------------------------------------------------------------------------------------------

    def carry(self, calls: int) -> None:
        """Let each chat take so many messages and changes."""
        for target in self.chats:
            for _ in range(calls):
                step = self.lanes[target].next(self.wall)
                if step is None:
                    break
                self._perform(target, step)

    def _perform(self, target: str, step: Step) -> None:
        chat, lane = self.chats[target], self.lanes[target]
        if step.kind is StepKind.NOTE:
            self._store(lane.done(step, None, self.wall))
            return
        assert step.notification is not None
        self._check_step(target, step)
        outcome = chat.outcomes.pop(0) if chat.outcomes else "taken"
        if outcome in {"away", "slow down"}:
            self._fail(
                target, step, NotifyError(outcome, permanent=False, retry_after_s=90.0 if outcome == "slow down" else None)
            )
            return
        if outcome == "refused":
            chat.refused |= {step.message_id or 0} if step.kind is StepKind.STRIKE else {*step.post.superseded}
            chat.refused |= set() if step.kind is StepKind.STRIKE else {step.post.message_id or 0}
            chat.refused_posts.add(step.post.id)
            self._fail(target, step, NotifyError("refused", permanent=True))  # it rests, and lets the others pass
            return
        message_id = step.message_id
        try:
            if message_id is None:
                message_id = chat.post(step.notification, step.reply_to)
            else:
                chat.change(message_id, step.notification)
        except MessageGoneError:
            self._store(lane.gone(step, self.wall))
            return
        assert message_id is not None
        if outcome == "taken":
            self._store(lane.done(step, message_id if step.kind is StepKind.SEND else None, self.wall))
            self._failed_lately[target] -= {incident.id for incident in step.incidents}
            return
        if step.kind is StepKind.SEND:
            chat.stale.add(message_id)
        else:
            joined = {item.id for item in step.incidents} - {told.incident for told in step.post.told}
            chat.ghosts |= {(message_id, number) for number in joined}
        if outcome == "killed":
            self.restart()
        else:
            self._fail(target, step, NotifyError("no answer", permanent=False))

    def _fail(self, target: str, step: Step, error: NotifyError) -> None:
        self._failed_lately[target] |= {incident.id for incident in step.incidents}
        self._store(self.lanes[target].failed(step, error, self.wall, error.retry_after_s or 7.0))

    def _store(self, posts: tuple[Post, ...]) -> None:
        if posts:
            self.home.run(self.store.commit(StateChange(posts=posts)))
        self.posts.update({post.id: post for post in posts})

    def posts_of(self, target: str) -> dict[int, Post]:
        """By incident, what speaks for it."""
        found: dict[int, Post] = {}
        for post in self.posts.values():
            for told in post.told if post.target == target else ():
                assert told.incident not in found, "two messages speak for one incident"
                found[told.incident] = post
        return found

    def _check_step(self, target: str, step: Step) -> None:
        """What is shown is true, and the most urgent is shown first."""
        for incident in step.incidents:
            assert incident == self.known[incident.id], "older than what is known"
            assert incident.id in self.ever_loud, "told, though it was never news"
            assert target in incident.targets
            for member in incident.members:
                assert member.key in self.ever_fired
            if not incident.is_open:
                assert not incident.firing
        if step.kind is not StepKind.SEND or step.post.told:
            return
        posts = self.posts_of(target)
        joins = any(post.is_digest and post.message_id is not None for post in posts.values())
        rest = [
            incident
            for incident in self.known.values()
            if incident.is_open
            and incident.news
            and target in incident.targets
            and incident.id not in posts
            and incident not in step.incidents
            and incident.id not in self._failed_lately[target]
            and not (joins and incident.severity is not Severity.CRITICAL)  # told by a change of the digest there is
        ]
        if step.post.is_digest and any(item.is_open and item.severity is Severity.CRITICAL for item in step.incidents):
            assert len(step.incidents) >= MANY, "a critical trouble has no message of its own"
        first = [incident.severity.rank for incident in step.incidents if incident.is_open]
        if rest and not self.keeper.waiting:
            assert first, "history before what is going on"
            assert max(first) >= max(incident.severity.rank for incident in rest), "the lesser trouble first"
