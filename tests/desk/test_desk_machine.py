"""The desk as a state machine: whatever fires, whoever asks for quiet, with restarts and clocks set back in between."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qualitywatch.desk.inhibition import GRACE_S
from qualitywatch.desk.policy import MaintenanceWindow, Matcher, Route
from qualitywatch.document import Hours, compile_selector
from qualitywatch.model import AlertKey, Incident, Member, MemberState, MuteKind, NewsReason, Severity, Transition
from qualitywatch.room import SilenceRequest
from tests.desk.scene import BLIND, T0, TRUNK_DOWN, Scene, policy

ALERTS = (
    ("loss", "SIP/1"),
    ("loss", "SIP/2"),
    ("loss", "mango"),
    ("jitter", "SIP/1"),
    ("trunk-down", "mango"),
    ("trunk-down", "kiwi"),
    ("blind", "office"),
)
TRUNKS = {"SIP/1": "mango", "SIP/2": "kiwi"}
WINDOW = MaintenanceWindow(
    "works",
    Hours(int(T0 // 60 + 3) % 1440, int(T0 // 60 + 8) % 1440, ZoneInfo("UTC")),
    match=Matcher(subjects=(compile_selector("kiwi"),)),
)
alerts = st.sampled_from(ALERTS)
severities = st.sampled_from(Severity)
waits = st.sampled_from([0.0, 0.0, 0.5, 5.0, 29.0, 31.0, 61.0, 200.0, 700.0])


class DeskLife(RuleBasedStateMachine):
    """``scene`` is restarted now and then; ``twin`` lives through the same and never is."""

    @initialize(
        group_by=st.sampled_from([(), ("rule",), ("severity",)]),
        flap_fires=st.sampled_from([0, 2, 3]),
        refresh_s=st.sampled_from([0.0, 10.0]),
        inhibits=st.booleans(),
    )
    def begin(self, group_by: tuple[str, ...], flap_fires: int, refresh_s: float, *, inhibits: bool) -> None:
        rules = policy(
            group_by=group_by,
            flap_fires=flap_fires,
            refresh_s=refresh_s,
            inhibitions=(BLIND, TRUNK_DOWN) if inhibits else (),
            windows=(WINDOW,),
            routes=(Route(targets=("noc",), repeat_s=300.0, remind_s=400.0, escalate_after_s=250.0, escalate_to=("boss",)),),
        )
        self.scene = Scene(rules, trunks=TRUNKS)
        self.before: dict[int, Incident] = {}

    # --- what happens ---------------------------------------------------------------------------------------------------

    def _step(self, *transitions: Transition) -> None:
        self._look_before()
        self.scene.tell(*transitions)
        self._check_news(transitions)
        self._check_opinions()

    def _look_before(self) -> None:
        self.before = dict(self.scene.incidents)

    def _fires(self, which: tuple[str, str]) -> bool:
        return AlertKey(which[0], "office", which[1]) in self.scene.alerts

    @rule(which=alerts, severity=severities, wait_s=waits)
    def fire_or_resolve(self, which: tuple[str, str], severity: Severity, wait_s: float) -> None:
        self.wait(wait_s, 1)
        if self._fires(which):
            self._step(self.scene.resolved(*which))
        else:
            self._step(self.scene.fired(*which, severity))

    @rule(several=st.lists(st.tuples(alerts, severities, st.sampled_from([0.0, 1.0, 20.0, 40.0])), min_size=2, max_size=5))
    def much_at_once(self, several: list[tuple[tuple[str, str], Severity, float]]) -> None:
        transitions = []
        for which, severity, wait_s in several:
            if self._fires(which):
                transitions.append(self.scene.resolved(*which, after_s=wait_s))
            else:
                transitions.append(self.scene.fired(*which, severity, after_s=wait_s))
        self._step(*transitions)

    @rule(which=alerts, severity=severities, wait_s=waits)
    def another_severity(self, which: tuple[str, str], severity: Severity, wait_s: float) -> None:
        if self._fires(which):
            self.wait(wait_s, 1)
            self._look_before()
            self.scene.severity(*which, severity)
            self._check_news(())
            self.wait(self.scene.policy.refresh_s, 1)  # downwards waits with the figures

    @rule(which=alerts, value=st.floats(0, 100))
    def measure(self, which: tuple[str, str], value: float) -> None:
        if self._fires(which):
            self.scene.measure(*which, value)

    @rule(subject=st.sampled_from(["SIP/1", "SIP/2"]), name=st.sampled_from(["agent", "loss"]), wait_s=waits)
    def happen(self, subject: str, name: str, wait_s: float) -> None:
        if not self._fires((name, subject)):
            self._look_before()
            self.scene.happen(name, subject, after_s=wait_s)

    @rule(which=alerts)
    def drop(self, which: tuple[str, str]) -> None:
        self.scene.alerts.pop(AlertKey(which[0], "office", which[1]), None)
        self._step()

    @rule(seconds=st.sampled_from([0.5, 10.0, 30.0, 60.0, 250.0, 600.0]), times=st.integers(1, 4))
    def wait(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self._look_before()
            self.scene.wait(seconds)
            self._check_news(())
        self._check_opinions()

    @rule(seconds=st.sampled_from([60.0, 3600.0]))
    def set_back(self, seconds: float) -> None:
        self.scene.now -= seconds
        self._step()

    # --- what people do -------------------------------------------------------------------------------------------------

    @rule(
        subjects=st.lists(st.sampled_from(["SIP/1", "mango", "*"]), max_size=2),
        kinds=st.lists(st.sampled_from(["warning", "critical"]), max_size=1),
        seconds=st.sampled_from([20.0, 400.0]),
    )
    def silence(self, subjects: list[str], kinds: list[str], seconds: float) -> None:
        request = SilenceRequest(self.scene.wall + seconds, subjects=tuple(subjects), severities=tuple(kinds))
        if subjects or kinds:
            self._look_before()
            self.scene.keep(self.scene.desk.silence(request, "Anna", self.scene.wall)[1])

    @rule(number=st.integers(1, 5))
    def expire(self, number: int) -> None:
        self._look_before()
        self.scene.keep(self.scene.desk.expire_silence(number, "Anna", self.scene.wall))
        assert not self.scene.desk.expire_silence(number, "Anna", self.scene.wall)

    @rule(number=st.integers(1, 4), press=st.sampled_from(["ack", "unack", "mute", "unmute"]))
    def press(self, number: int, press: str) -> None:
        self._look_before()
        wall = self.scene.wall
        desk = self.scene.desk
        actions = {
            "ack": lambda: desk.acknowledge(number, "Anna", wall),
            "unack": lambda: desk.unacknowledge(number, "Anna", wall),
            "mute": lambda: desk.mute_incident(number, wall + 100, "Anna", wall),
            "unmute": lambda: desk.unmute_incident(number, "Anna", wall),
        }
        change = self.scene.keep(actions[press]())
        assert bool(change.audit) is bool(change)
        assert not actions[press](), "the second press changes nothing"

    @rule()
    def restart(self) -> None:
        told = {incident.id: incident.news for incident in self.scene.incidents.values()}
        self._look_before()
        self.scene.restart()
        self.scene.tell()
        assert {incident.id: incident.news for incident in self.scene.incidents.values()} == told, "told twice, or anew"

    # --- what must hold -------------------------------------------------------------------------------------------------

    def _check_news(self, transitions: tuple[Transition, ...]) -> None:
        """Nobody is told of what is muted."""
        if len(transitions) > 1:
            return
        for incident in self.scene.incidents.values():
            before = self.before.get(incident.id)
            if incident.news > (0 if before is None else before.news):
                assert any(member.mute is None for member in incident.firing)
                assert incident.news_reason is not NewsReason.REPEATED or incident.ack is None
                assert not incident.flapping or incident.news_reason in {NewsReason.FLAPPING, NewsReason.WORSE}

    def _check_opinions(self) -> None:
        for incident in self.scene.desk.open_incidents():
            loud = [member.alert.severity for member in incident.firing if member.mute is None]
            if loud:
                assert incident.severity is max(loud, key=lambda each: each.rank)

    @invariant()
    def what_was_handed_out_only_grows(self) -> None:
        if not hasattr(self, "scene"):
            return
        for number, before in self.before.items():
            now = self.scene.incidents[number]
            assert now.news >= before.news
            assert now.revision >= before.revision
            assert now.worst.rank >= before.worst.rank
            assert now.targets[: len(before.targets)] == before.targets
            if not before.is_open:
                assert not now.is_open
                only_happened = all(member.state is MemberState.HAPPENED for member in now.members)
                assert now == before or only_happened

    @invariant()
    def what_fires_is_in_one_open_incident(self) -> None:
        if not hasattr(self, "scene"):
            return
        opened = self.scene.desk.open_incidents()
        assert {incident.id for incident in opened} == {each.id for each in self.scene.incidents.values() if each.is_open}
        holding = [member.key for incident in opened for member in incident.firing]
        assert sorted(holding) == sorted(self.scene.alerts)
        for incident in self.scene.incidents.values():
            assert incident == self.scene.desk.incident(incident.id)
            if not incident.is_open:
                assert not incident.firing
                assert not incident.flapping
            elif not incident.firing:
                assert incident.flapping, "open though nothing fires"

    @invariant()
    def what_is_heard_is_told(self) -> None:
        if not hasattr(self, "scene"):
            return
        for incident in self.scene.desk.open_incidents():
            for member in incident.firing:
                self._check_mute(incident, member)
                if member.mute is None:
                    assert incident.news >= 1
                    assert "noc" in incident.targets

    def _check_mute(self, incident: Incident, member: Member) -> None:
        """A mute has a reason, and what has a reason is muted."""
        scene, key = self.scene, member.key
        asked = self._is_silenced(key, member.alert.severity)
        mute = member.mute
        assert (mute is not None and mute.kind is MuteKind.SILENCE) is asked
        if not asked:
            assert (mute is not None and mute.kind is MuteKind.MAINTENANCE) is self._is_in_window(key)
        if mute is not None and mute.kind is MuteKind.INHIBITED:
            assert mute.parent is not None
            if mute.until is None:
                assert self._explains(mute.parent, key)
            else:
                assert not any(self._explains(other, key) for other in scene.alerts)
                assert scene.now < mute.until <= scene.now + GRACE_S
        elif mute is None:
            explaining = [other for other in scene.alerts if self._explains(other, key)]
            assert all(self._is_quiet_for_being_milder(other, member.alert.severity) for other in explaining)

    def _is_silenced(self, key: AlertKey, severity: Severity) -> bool:
        return any(
            each.expired_at is None
            and self.scene.wall < each.ends_at
            and (not each.subjects or "*" in each.subjects or key.subject in each.subjects)
            and (not each.severities or severity in each.severities)
            and (not each.keys or key in each.keys)
            for each in self.scene.silences.values()
        )

    def _is_in_window(self, key: AlertKey) -> bool:
        return key.subject == "kiwi" and WINDOW.hours.ends_at(self.scene.wall) is not None

    def _is_quiet_for_being_milder(self, key: AlertKey, severity: Severity) -> bool:
        milder = self.scene.alerts[key].severity
        is_quiet = self._is_silenced(key, milder) and not self._is_silenced(key, severity)
        return is_quiet and severity.rank > milder.rank and not self._is_in_window(key)

    def _explains(self, source: AlertKey, target: AlertKey) -> bool:
        if source not in self.scene.alerts or source == target or not self.scene.policy.inhibitions:
            return False
        if source.rule == "blind":
            return True
        same = source.subject in {target.subject, TRUNKS.get(target.subject)}
        return source.rule == "trunk-down" and target.rule == "loss" and same and not self._is_explained(source)

    def _is_explained(self, key: AlertKey) -> bool:
        """Also for some time after what explained it is over."""
        (member,) = [each for every in self.scene.desk.open_incidents() for each in every.firing if each.key == key]
        return member.mute is not None and member.mute.parent is not None

    @precondition(lambda self: hasattr(self, "scene"))
    @invariant()
    def numbers_are_given_once(self) -> None:
        assert list(self.scene.incidents) == sorted(self.scene.incidents)


DeskLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDeskLife = DeskLife.TestCase
