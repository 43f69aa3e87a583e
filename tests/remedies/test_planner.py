"""The planner against a database it does not see: whatever fires, ends and dies in whatever order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import (
    Alert,
    AlertKey,
    AlertState,
    NotifyReason,
    Remedy,
    RemedyAction,
    RemedyNote,
    RemedyOutcome,
    RemedyReason,
    Severity,
    Transition,
    Undo,
    UndoKind,
)
from qualitywatch.remedies.deeds import Deed, Memory
from qualitywatch.remedies.planner import FRESH_S, HOUR_S, RETRY_S, Planner
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.remedies.steps import Job
from qualitywatch.store.codec import dumps, loads

PBX = "office"
NOW = 1_700_000_000.0
ON = RemedyPolicy(enabled=True, max_per_hour=1000)
HANG_UP = Remedy(RemedyAction.HANGUP, {"channel": "{channel}", "cause": ""})
CALL = Remedy(
    RemedyAction.ORIGINATE,
    {"to": "PJSIP/100", "context": "", "exten": "", "sound": "alarm", "caller_id": "qw <100>", "ring_ms": "30000"},
)


def put(value: str, place: str = "main", undo: Undo = Undo(UndoKind.BEFORE)) -> Remedy:  # noqa: B008
    return Remedy(RemedyAction.DBPUT, {"family": "trunk", "key": place, "value": value}, undo=undo)


def alert(
    rule: str, *, subject: str = "SIP/6117", severity: Severity = Severity.WARNING, channels: Sequence[str] = ()
) -> Alert:
    key = AlertKey(rule, PBX, subject)
    return Alert(key, AlertState.FIRING, severity, "trunk_state", NOW, {severity: NOW}, fired_at=NOW, channels=tuple(channels))


@dataclass
class World:
    """A PBX and the daemon in front of it, as ``app.remedies`` moves it."""

    remedies: Mapping[str, Sequence[Remedy]]
    policy: RemedyPolicy = ON
    db: dict[str, str] = field(default_factory=dict)
    now: float = NOW  # of the PBX, and monotonic
    set_by_s: float = 0.0  # how far the wall clock was set
    refuses: bool = False  # to take anything back
    firing: dict[AlertKey, Alert] = field(default_factory=dict)
    notes: list[RemedyNote] = field(default_factory=list)
    sent: list[tuple[float, str]] = field(default_factory=list)
    stored: str = field(default_factory=lambda: dumps(Memory()))

    def __post_init__(self) -> None:
        self.restart()

    @property
    def wall(self) -> float:
        return self.now + self.set_by_s

    def restart(self) -> None:
        self.planner = Planner(self.policy, self.remedies, loads(Memory, self.stored))

    def fire(self, one: Alert) -> None:
        self.firing[one.key] = one
        change = Transition(self.now, one, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.FIRING)
        self.planner.take([change], self.now)

    def happen(self, one: Alert) -> None:
        change = Transition(self.now, one, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.HAPPENED)
        self.planner.take([change], self.now)

    def end(self, one: Alert) -> None:
        if self.firing.pop(one.key, None) is not None:
            over = replace(one, state=AlertState.INACTIVE)
            change = Transition(self.now, over, AlertState.FIRING, AlertState.INACTIVE, NotifyReason.RESOLVED)
            self.planner.take([change], self.now)

    def settle(self, dies: str = "") -> None:
        """Do all that is due; with ``dies`` the daemon dies at the first thing that it does: before or after it is sent."""
        for _ in range(200):
            step = self.planner.next(PBX, list(self.firing.values()), self.now, self.wall, self.now)
            if step is None:
                return
            if step.job is Job.SAY:
                self._note(step.note)
            elif step.job is Job.UNDO:
                self._undo(step.deed)
            elif self._do(step.deed, dies):
                self.restart()
                return
        raise AssertionError("it never comes to rest")

    def _do(self, deed: Deed, dies: str) -> bool:
        undo = deed.undo
        if self.planner.reads_first(deed):
            found = self.db.get(_place(deed))
            undo = Undo(UndoKind.DELETE) if found is None else Undo(UndoKind.VALUE, found)
        before = len(self.planner.memory.started_at)
        deed = self.planner.begin(deed, undo, 1, self.wall)
        if len(self.planner.memory.started_at) > before:
            self.sent.append((self.wall, deed.action))
        self._store()
        if dies == "before":
            return True
        if deed.action is RemedyAction.DBPUT:
            self.db[_place(deed)] = deed.values["value"]
        if dies == "after":
            return True
        self._note(self.planner.done(deed, self.wall))
        return False

    def _undo(self, deed: Deed) -> None:
        found = self.db.get(_place(deed))
        if (found or "") != deed.values["value"]:
            self._note(self.planner.found(deed, found, self.wall))
            return
        if self.refuses:
            self._note(self.planner.not_undone(deed, RemedyReason.REFUSED, "", self.wall, self.now))
            return
        if deed.undo.kind is UndoKind.DELETE:
            self.db.pop(_place(deed), None)
        else:
            self.db[_place(deed)] = deed.undo.value
        self._note(self.planner.undone(deed, self.wall))

    def _note(self, note: RemedyNote | None) -> None:
        self.notes += [note] if note is not None else []
        self._store()

    def _store(self) -> None:
        self.stored = dumps(self.planner.memory)

    def outcomes(self) -> list[RemedyOutcome]:
        return [note.outcome for note in self.notes]


def _place(deed: Deed) -> str:
    return f"{deed.values['family']}/{deed.values['key']}"


RULES = {
    "a": (put("backup"),),
    "b": (put("backup"),),
    "c": (put("other"), put("on", "night")),
    "d": (replace(put("last"), severity=Severity.CRITICAL),),
}
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("fire"), st.sampled_from("abcd")),
        st.tuples(st.just("end"), st.sampled_from("abcd")),
        st.tuples(st.just("settle"), st.sampled_from(["", "", "before", "after"])),
        st.tuples(st.just("restart"), st.just("")),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(MOVES, st.sampled_from([{}, {"trunk/main": "mango"}, {"trunk/main": "mango", "trunk/night": "off"}]))
def test_when_all_is_over_everything_is_as_it_was(moves: list[tuple[str, str]], before: dict[str, str]) -> None:
    """Whatever fired, ended and died in between, and each thing that was done is taken back once at most."""
    world = World(RULES, db=dict(before))
    for move, what in moves:
        world.now += 1
        if move == "fire":
            world.fire(alert(what, severity=Severity.CRITICAL))
        elif move == "end":
            world.end(alert(what))
        elif move == "settle":
            world.settle(what)
        else:
            world.restart()
    for key in list(world.firing):
        world.end(alert(key.rule))
    world.now += FRESH_S
    world.settle()
    assert world.db == before
    assert world.planner.memory.deeds == ()
    assert world.outcomes().count(RemedyOutcome.UNDONE) <= len(world.sent)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=20))
def test_a_switch_stands_as_the_last_who_wants_it_wants_it(moves: list[tuple[bool, str]]) -> None:
    world = World(RULES, db={"trunk/main": "mango"})
    wanted: dict[str, str] = {}
    for fires, rule in moves:
        world.now += 1
        if fires:
            world.fire(alert(rule))
            wanted.setdefault(rule, "other" if rule == "c" else "backup")
        else:
            world.end(alert(rule))
            wanted.pop(rule, None)
        world.settle()
        assert world.db["trunk/main"] == [*wanted.values(), "mango"][len(wanted) - 1 if wanted else 0]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 30.0, 600.0, 3000.0]), st.integers(0, 9), st.booleans()), max_size=40),
    st.booleans(),
)
def test_no_more_than_the_limit_in_any_hour(most: int, moves: list[tuple[float, int, bool]], dry: bool) -> None:
    """Restarts, dry runs and calls without end included."""
    policy = replace(ON, max_per_hour=most, dry_run=dry)
    world = World({"a": (put("backup"), HANG_UP, CALL)}, policy)
    for pause_s, peer, restarts in moves:
        world.now += pause_s
        one = alert("a", subject=f"SIP/{peer}", channels=[f"SIP/{peer}-{n}" for n in range(3)])
        if one.key in world.firing:
            world.end(one)
        else:
            world.fire(replace(one, fired_at=world.now))
        world.settle()
        if restarts:
            world.restart()
    done = [note.at for note in world.notes if note.outcome in {RemedyOutcome.DONE, RemedyOutcome.WOULD}]
    assert all(sum(at <= other < at + HOUR_S for other in done) <= most for at in done)
    assert not (dry and world.sent)


@settings(max_examples=50, deadline=None)
@given(MOVES)
def test_nothing_is_done_where_nothing_is_allowed(moves: list[tuple[str, str]]) -> None:
    for policy in (RemedyPolicy(), RemedyPolicy(enabled=True, only=frozenset({RemedyAction.HANGUP}))):
        world = World(RULES, policy, db={"trunk/main": "mango"})
        for move, what in moves:
            if move in {"fire", "end"}:
                (world.fire if move == "fire" else world.end)(alert(what, severity=Severity.CRITICAL))
            world.settle()
        assert world.db == {"trunk/main": "mango"}
        assert world.notes == []


def test_a_switch_whose_next_holder_died_twice_before_it_was_sent_is_still_taken_back() -> None:
    world = World(RULES, db={"trunk/main": "mango"})
    world.fire(alert("a"))
    world.settle()
    world.fire(alert("c"))
    world.settle(dies="before")
    world.end(alert("a"))
    world.settle(dies="before")
    world.end(alert("c"))
    world.settle()
    assert world.db == {"trunk/main": "mango"}


def test_what_waited_for_the_hour_to_pass_is_done_then_and_told_once() -> None:
    world = World({"a": (put("backup"),), "b": (put("on", "night"),)}, replace(ON, max_per_hour=1))
    world.fire(alert("a"))
    world.fire(alert("b"))
    world.settle()
    world.now += 10
    world.settle()
    assert world.outcomes() == [RemedyOutcome.DONE, RemedyOutcome.NOT_DONE]
    assert (world.notes[1].why, world.notes[1].detail) == (RemedyReason.LIMIT, "1")
    world.now += HOUR_S
    world.settle()
    assert world.db == {"trunk/main": "backup", "trunk/night": "on"}
    world.end(alert("a"))
    world.end(alert("b"))
    world.settle()
    assert world.db == {}


def test_a_remedy_waits_for_its_severity() -> None:
    world = World(RULES)
    world.fire(alert("d"))
    world.settle()
    assert world.db == {}
    world.fire(alert("d", severity=Severity.CRITICAL))
    world.settle()
    assert world.db == {"trunk/main": "last"}


def test_a_channel_that_joins_is_dealt_with_and_one_that_was_is_not_again() -> None:
    world = World({"a": (HANG_UP,)})
    world.fire(alert("a", channels=["SIP/6117-1"]))
    world.settle()
    world.now += 10 * FRESH_S
    world.fire(alert("a", channels=["SIP/6117-1", "SIP/6117-2"]))
    world.settle()
    assert [note.values["channel"] for note in world.notes] == ["SIP/6117-1", "SIP/6117-2"]


def test_a_name_that_asterisk_would_take_for_a_pattern_is_never_sent() -> None:
    world = World({"a": (HANG_UP,)})
    world.fire(alert("a", channels=["/SIP.*/", "SIP/x\r\nAction: Reload", "no-slash"]))
    world.settle()
    assert [note.why for note in world.notes] == [RemedyReason.UNFIT] * 3
    assert world.sent == []


def test_after_a_restart_channels_of_long_ago_are_left_alone_and_switches_are_not() -> None:
    """Its name may be another call's by now; the trunk is still down."""
    world = World({"a": (HANG_UP, CALL, put("backup"))})
    old = alert("a", channels=["SIP/6117-1"])
    world.firing[old.key] = old  # from the store: nobody heard it fire
    world.now += 10 * FRESH_S
    world.settle()
    assert [note.what for note in world.notes] == ["dbput"]


def test_what_could_not_be_done_for_long_is_told_and_not_done_late() -> None:
    world = World({"a": (HANG_UP,)})
    world.fire(alert("a", channels=["SIP/6117-1"]))
    world.now += 2 * FRESH_S  # the PBX could not be seen
    world.settle()
    assert [note.why for note in world.notes] == [RemedyReason.LATE]


@pytest.mark.parametrize("set_by_s", [0.0, -HOUR_S, HOUR_S])
def test_what_was_refused_is_taken_back_in_five_minutes_whatever_the_clock_is_set_to(set_by_s: float) -> None:
    world = World({"a": (put("backup"),)}, db={"trunk/main": "mango"}, refuses=True)
    world.fire(alert("a"))
    world.settle()
    world.end(alert("a"))
    world.settle()
    assert world.db == {"trunk/main": "backup"}
    world.set_by_s, world.refuses = set_by_s, False
    world.now += RETRY_S - 1
    world.settle()
    assert world.db == {"trunk/main": "backup"}
    world.now += 1
    world.settle()
    assert world.db == {"trunk/main": "mango"}


@pytest.mark.parametrize("set_by_s", [0.0, -HOUR_S])
def test_a_channel_of_half_an_hour_ago_is_left_alone_whatever_the_clock_is_set_to(set_by_s: float) -> None:
    """Its name may be another call's by now."""
    world = World({"a": (HANG_UP,)})
    world.fire(alert("a", channels=["SIP/6117-1"]))
    world.now += 1800  # the PBX could not be seen
    world.set_by_s = set_by_s
    world.settle()
    assert [note.why for note in world.notes] == [RemedyReason.LATE]
    assert world.sent == []


def test_a_hangup_that_was_never_answered_is_not_repeated_where_nobody_knows_how_old_it_is() -> None:
    world = World({"a": (HANG_UP,)})
    world.fire(alert("a", channels=["SIP/6117-1"]))
    world.settle(dies="before")
    world.now, world.set_by_s = world.now + 1800, -HOUR_S
    world.settle()
    assert [(note.outcome, note.why) for note in world.notes] == [(RemedyOutcome.NOT_DONE, RemedyReason.SILENT)]


def test_a_call_is_not_repeated_after_a_kill_and_a_hangup_is() -> None:
    for remedy, expected in ((CALL, (RemedyOutcome.NOT_DONE, RemedyReason.SILENT)), (HANG_UP, (RemedyOutcome.DONE, ""))):
        world = World({"a": (remedy,)})
        world.fire(alert("a", channels=["SIP/6117-1"]))
        world.settle(dies="after")
        world.settle()
        assert [(note.outcome, note.why) for note in world.notes] == [expected]
        assert len(world.sent) == 1


def test_what_happens_and_does_not_last_is_answered_once_and_never_taken_back() -> None:
    world = World({"a": (put("backup"), CALL)})
    world.happen(alert("a"))
    world.settle()
    world.settle()
    assert [note.what for note in world.notes] == ["dbput", "originate"]
    assert world.db == {"trunk/main": "backup"}
    assert world.planner.memory.deeds == ()


def test_a_remedy_that_is_taken_out_of_its_rule_is_undone_and_another_one_takes_its_place() -> None:
    world = World(RULES, db={"trunk/main": "mango"})
    world.fire(alert("a"))
    world.settle()
    world.remedies = {"a": (put("third"),)}
    world.restart()
    world.settle()
    assert world.db == {"trunk/main": "third"}
    world.end(alert("a"))
    world.settle()
    assert world.db == {"trunk/main": "mango"}


def test_fields_of_the_alert_are_filled_in() -> None:
    templates = {"family": "down", "key": "{subject}", "value": "{rule} {severity} {name} {trunk} {pbx}"}
    world = World({"a": (Remedy(RemedyAction.DBPUT, templates, undo=Undo(UndoKind.BEFORE)),)})
    world.planner = Planner(ON, world.remedies, trunk_of=lambda pbx, subject: "SIP/mango")
    world.fire(replace(alert("a"), display_name="Ivan"))
    world.settle()
    assert world.db == {"down/SIP/6117": "a warning Ivan SIP/mango office"}


def test_a_storm_does_not_bury_what_was_done_under_what_was_not() -> None:
    """A thousand phones at once: ten remedies, a few lines about the limit, and the next ten an hour later."""
    world = World({"a": (put("away", "{subject}"),)}, replace(ON, max_per_hour=10))
    for number in range(1000):
        world.fire(alert("a", subject=f"SIP/{number}"))
    world.settle()
    assert world.outcomes() == [RemedyOutcome.DONE] * 10 + [RemedyOutcome.NOT_DONE] * 5
    world.now += HOUR_S
    world.settle()
    assert world.outcomes().count(RemedyOutcome.DONE) == 20
    assert len(world.db) == 20
