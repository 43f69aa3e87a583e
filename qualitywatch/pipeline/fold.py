"""The fold itself: what is observed is judged by the rules, what they say gives alerts their life.

    event -> Calls | Presence | ... -> Observation -> Engine -> Evaluation -> Lifecycle -> Transition

Strategy: there is one instance per PBX and time is the PBX's own.  Rules are asked when something was observed, and at
every full second for the alerts that are pending or firing; seconds that pass between two events are caught up before the
second of them is looked at.  So a recording gives the same alerts whether it is replayed in a blink or lived through. While
the PBX cannot be seen every alert stays as it is, but for the one that says so; while we do not run, that one too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TypeAlias

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.document import Selector
from qualitywatch.model import (
    VOICE_METRICS,
    AgentRecord,
    AgentSeen,
    Alert,
    AlertKey,
    Audited,
    Booted,
    CallOutcome,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    ClockAdvanced,
    CodecSeen,
    Connected,
    DialBegun,
    DialEnded,
    DialObservation,
    DialProgressed,
    DigitHeard,
    Disconnected,
    EndpointsAsked,
    Evaluation,
    LoginFailed,
    LogRecord,
    Metric,
    NotifyReason,
    Observation,
    PbxEvent,
    PbxState,
    PeerState,
    PeerStateSeen,
    QueuesListed,
    QueueSummarySeen,
    Reloaded,
    Resynced,
    RtcpReport,
    Sample,
    ShuttingDown,
    StatusObservation,
    Transition,
    TrunkStateSeen,
)
from qualitywatch.model.observations import Gap, Observed
from qualitywatch.peers.logins import LoginTracker
from qualitywatch.peers.settling import Settling, disturbs
from qualitywatch.pipeline.calls import Calls, counted
from qualitywatch.pipeline.crowd import Crowd
from qualitywatch.pipeline.effects import ALERT_LOG, BLIND_LOG, SEEN_LOG, Collected, Effects
from qualitywatch.pipeline.leaving import NOTE_EVERY_S, LeftOff
from qualitywatch.pipeline.presence import Presence
from qualitywatch.quality.hearing import NO_EVENTS, Hearing
from qualitywatch.quality.sites import Sites
from qualitywatch.queues.status import QueueTracker
from qualitywatch.rules.engine import Engine
from qualitywatch.rules.spec import RuleSpec

# A gap longer than this is not caught up second by second: nothing that was pending before it means anything after it.
CATCH_UP_LIMIT_S = 3600
# The PBX's clock was set back when an event is stamped so much earlier than its predecessor; less is scheduling.
CLOCK_STEP_S = 60.0
# Two boot times closer together than this are the same boot: FullyBooted counts whole seconds.
SAME_BOOT_S = 5.0

# Whether a missed endpoint is configured yet is asked after each look at the lists, and so often besides: one that is deleted
# from a database takes no reload.
DOUBT_EVERY_S = 3600

# An alert that waits for nothing is looked at so often.
LOOK_AGAIN_S = 60

PBX_TOPIC = "pbx_state"
PEER_TOPIC = "peer_state"
QUALITY_TOPICS = frozenset({*Metric, "audio_state"})

ConnectionEvent: TypeAlias = Booted | ShuttingDown | Reloaded | Connected | Disconnected | Resynced | Audited


class Pipeline:
    """Everything known of one PBX, and what follows from it."""

    def __init__(
        self,
        pbx: str,
        specs: Sequence[RuleSpec],
        *,
        names: Mapping[str, str] | None = None,
        alerts: Iterable[Alert] = (),
        left_off: LeftOff | None = None,
        agents: Iterable[AgentRecord] = (),
        agents_learned: bool = False,
        trunk_memories: Mapping[str, str] | None = None,
        rule_memories: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
        trunk_peers: Mapping[str, str] | None = None,
        sites: Sites | None = None,
        queues: Sequence[Selector] = (),
    ) -> None:
        """``alerts`` are those of an earlier run, ``left_off`` is how far it had lived."""
        self._pbx = pbx
        alerts = tuple(alert for alert in alerts if alert.key.pbx == pbx)
        self._presence = Presence(
            pbx,
            names=names or {},
            # A phone that is missed must have been there: an alert from before a restart tells it from a spare account.
            alive=(alert.key.subject for alert in alerts if alert.topic == PEER_TOPIC),
            # Whoever qualify asks is in the list of its driver; other phones of a database may be in none.
            listed=(alert.key.subject for alert in alerts if alert.details.get("state") == PeerState.UNREACHABLE),
            agents=agents,
            agents_learned=agents_learned,
            trunk_memories=trunk_memories or {},
            trunk_peers=trunk_peers or {},
        )
        self.names, self.peers, self.trunks = self._presence.names, self._presence.peers, self._presence.trunks
        self._hearing = Hearing(pbx)
        self._calls = Calls(
            *(pbx, self._hearing, self.names),
            trunk_of=self._presence.trunk_of,
            address_of=self.peers.address,
            sites=sites,
        )
        self.streams = self._calls.streams
        self._crowd = Crowd()
        self._logins = LoginTracker(pbx, is_ours=self._presence.registers)
        self._settling = Settling()
        self._queues = QueueTracker(pbx, queues)
        self._engine = Engine(specs)
        self._lifecycle = Lifecycle(alerts, name_of=self.names.name)
        self._engine.attend(self._lifecycle.active())
        self._engine.settle(zone, self._in_trouble)
        self._engine.recall(pbx, rule_memories or {})
        for observation, _ in (each for alert in alerts for each in self._engine.seen(alert.key)):
            if isinstance(observation, DialObservation):
                self._calls.recall(observation)
        self._left_off = left_off  # until the PBX, or that it cannot be reached, is heard of again
        self._noted_at, self._has_waited = -math.inf, True
        self._now: float | None = None
        self._booted_at: float | None = None
        self._blind_since: float | None = None
        self._seen_since: float | None = None
        self._is_deaf = False

    @property
    def direct_media(self) -> frozenset[str]:
        """Whose media may have gone past the PBX in the last call that could have been reported on: neither end was."""
        return frozenset(self._calls.direct_media)

    @property
    def alerts(self) -> Sequence[Alert]:
        """Pending and firing alerts, most urgent and oldest first."""
        return sorted(self._lifecycle.active().values(), key=lambda alert: alert.urgency)

    @property
    def now(self) -> float | None:
        """The PBX's own time as far as it was lived through; None before anything was heard."""
        return self._now

    @property
    def blind_since(self) -> float | None:
        """Since when the PBX cannot be seen; None while it can."""
        return self._blind_since

    def trunk_of(self, subject: str) -> str | None:
        """The registration whose calls go through a peer: the one that was configured, else the one at its address."""
        return self._presence.trunk_of(subject)

    def places_of(self, subject: str) -> tuple[str, ...]:
        """What may explain the bad sound of a peer: its site, or the registration that its calls go through."""
        return self._calls.places_of(subject)

    def labels_of(self, subject: str) -> dict[str, str]:
        """The registration that a peer's calls go through (or itself, a trunk without one) and its site, where known."""
        trunk, site = self._calls.line_of(subject), self._calls.site_of(subject)
        return {**({"trunk": trunk} if trunk else {}), **({"site": site} if site else {})}

    def agent(self, peer: str) -> str | None:
        """Last known User-Agent of a peer."""
        return self._presence.agent(peer)

    def opinion(self, key: AlertKey) -> Evaluation | None:
        """What its rule says of one alert now, for whoever asks why; None when it says nothing."""
        if self._now is None:
            return None
        found = next(iter(self._engine.evaluate([key], self._now)), None)
        return self._calls.explain(found) if found is not None else None

    def observed(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """What that opinion rests on, and whether each observation was counted."""
        return self._engine.seen(key)

    def observed_subjects(self) -> Iterable[str]:
        """Of whom rules have anything to judge by, as far as they can tell."""
        return sorted(self._engine.subjects())

    def renew(
        self,
        specs: Sequence[RuleSpec],
        *,
        names: Mapping[str, str],
        rule_memories: Mapping[str, str],
        zone: tzinfo,
        trunk_peers: Mapping[str, str],
        sites: Sites,
        queues: Sequence[Selector],
    ) -> Effects:
        """Go on by another configuration: what is known stays, alerts keep their rules by name; ``orphans`` follows."""
        self._presence.configure(names, trunk_peers)
        self._calls.configure(sites)
        self._queues.configure(queues)
        self._engine, keys = self._engine.renewed(
            specs, self._pbx, rule_memories, lambda engine: engine.settle(zone, self._in_trouble)
        )
        self._engine.attend(self._lifecycle.active())
        self._lifecycle.wake()
        out = Collected()
        if self._now is not None and self._blind_since is None:
            for evaluation in self._engine.evaluate(keys, self._now):
                self._note(self._lifecycle.apply(self._calls.explain(evaluation)), out)
        return out.freeze()

    def orphans(self) -> tuple[Alert, ...]:
        """Drop alerts of rules that are no longer loaded and return their inactive forms for the store."""
        gone = [key for key in self._lifecycle.active() if not self._engine.knows(key.rule)]
        return tuple(alert for key in gone if (alert := self._lifecycle.drop(key)) is not None)

    def farewell(self) -> Effects:
        """What is still to be remembered when nothing more comes."""
        return Effects(learned=self._engine.all_memories(), left_off=self._lived_until())

    def feed(self, event: PbxEvent) -> Effects:
        """Take in one event; ``event.at`` is the PBX's time and moves ours."""
        out = Collected()
        if self._now is not None and event.at < self._now - CLOCK_STEP_S:
            self._clock_set_back(event.at, out)
        if isinstance(event, ClockAdvanced):
            self._clock_set_forward(event, out)
        self._advance(event.at, out)
        self._go_on(event.at, out)
        for ended in self._crowd.see(event):
            self._take_in(ended, out)  # the PBX did not say so, which is no sign of hearing it
        self._handle(event, out)
        return out.freeze()

    def advance(self, now: float) -> Effects:
        """Let time pass without an event."""
        out = Collected()
        if self._presence.list_is_over(now):
            self._look_at_listed(out)
        self._advance(now, out)
        return out.freeze()

    def _advance(self, now: float, out: Collected) -> None:
        before = self._now
        if before is None:
            self._now = now
            if self._left_off is None:
                out.observed.append(Observed(now, Gap(now, self._pbx, self._pbx, begins=True)))
            return
        if now <= before:
            return
        self._now = now
        first, last = math.floor(before) + 1, math.floor(now)
        if first <= last and (self._lifecycle.active() or self._engine.waiting or self._is_waiting):
            for second in range(max(first, last - CATCH_UP_LIMIT_S), last + 1):
                self._tick(float(second), out)
        if first <= last:
            self._note_time(now, out)
            out.learned.update(self._engine.notes())
        self._engine.expire(now)
        out.learned.update(self._engine.memories(now))
        self._calls.expire(now)

    @property
    def _is_waiting(self) -> bool:
        watching = (self.trunks, self._hearing, self._settling)
        return any(each.waiting for each in watching)

    def _go_on(self, at: float, out: Collected) -> None:
        """Let holds go on from where an earlier run left them: nobody knows what was while we did not run."""
        if self._left_off is None:
            return
        before, self._left_off = self._left_off, None
        self._lifecycle.skip(before.at - before.seen_at, topics_seen={PBX_TOPIC})
        self._lifecycle.skip(max(0.0, at - before.at))
        out.observed.append(Observed(at, Gap(at, self._pbx, self._pbx, begins=True, left_at=before.at)))

    def _lived_until(self) -> LeftOff | None:
        """How far this run has lived; None while it knows no more than what an earlier one left."""
        if self._now is None or self._left_off is not None:
            return None
        return LeftOff(self._now, self._now if self._blind_since is None else min(self._blind_since, self._now))

    def _note_time(self, now: float, out: Collected) -> None:
        """While a hold runs, let it be stored how far it has come; once at the start too, and once when none runs any more."""
        if self._left_off is not None or 0 <= now - self._noted_at < NOTE_EVERY_S:
            return
        waits = any(each.is_waiting for each in self._lifecycle.active().values())
        if waits or self._has_waited or now < self._noted_at:
            out.left_off = self._lived_until()
        self._noted_at, self._has_waited = now, waits

    def _tick(self, now: float, out: Collected) -> None:
        if self._left_off is not None:
            return
        blind = self._blind_since is not None
        if not blind:
            for observation in (
                *self._settling.tick(now),
                *self.trunks.tick(now),
                *self._hearing.tick(now),
            ):
                self._judge(observation, now, out, by_tick=True)
        if now % LOOK_AGAIN_S == 0:
            self._lifecycle.wake()  # names of peers may have been learned
        if not blind and now % DOUBT_EVERY_S == 0:
            self._presence.doubt(self._alerted(), out)
        due = [alert.key for alert in self._lifecycle.due(now) if not blind or alert.topic == PBX_TOPIC]
        if not blind:
            due.extend(key for key in self._engine.due(now) if key not in self._lifecycle.active())
        for evaluation in self._engine.evaluate(due, now):
            self._apply(evaluation, out)

    def _judge(self, observation: Observation, now: float, out: Collected, *, by_tick: bool = False) -> None:
        if self._settling.holds(observation):
            return
        if not (isinstance(observation, Sample) and observation.metric in VOICE_METRICS):
            out.observed.append(Observed(now, observation, by_tick))
        for evaluation in self._engine.observe(observation, now):
            self._apply(evaluation, out)

    def _judge_voice(self, sample: Sample, now: float, out: Collected) -> None:
        """As ``_judge`` of what a report tells: nothing of it is ever held back, and it is kept apart."""
        for evaluation in self._engine.observe(sample, now):
            self._apply(evaluation, out)

    def _apply(self, evaluation: Evaluation, out: Collected) -> None:
        transition = self._lifecycle.apply(self._calls.explain(evaluation))
        self._note(transition, out)
        if transition is not None:
            out.learned.update(self._engine.notes())  # stored with the alert that goes by them
        self._lifecycle.rest(evaluation, self._engine.rests_until(evaluation.key, evaluation.at))

    @staticmethod
    def _note(transition: Transition | None, out: Collected) -> None:
        if transition is None:
            return
        out.transitions.append(transition)
        if transition.reason is not NotifyReason.NONE:
            key, severity = transition.alert.key, transition.alert.severity
            text = f"{transition.reason} {severity} {key.rule}"
            out.logs.append(LogRecord(transition.at, key.pbx, key.subject, ALERT_LOG, text))

    def _handle(self, event: PbxEvent, out: Collected) -> None:
        if isinstance(event, AgentSeen) and event.listed:
            self._presence.list_agent(event)
            return
        if self._presence.has_listed and not (isinstance(event, PeerStateSeen) and event.snapshot):
            self._look_at_listed(out)
        self._take_in(event, out)
        self._judge_all(self._hearing.take(event), event.at, out)
        self._look_for_deafness(event, out)

    def _take_in(self, event: PbxEvent, out: Collected) -> None:
        match event:
            case RtcpReport():
                self._calls.hear(event, out, self._judge_voice, self._judge)
            case ChannelChanged():
                self.names.hear_channel(event.channel)
                self._judge_all(self._calls.take(event, self._seen_since, out), event.at, out)
            case ChannelHungUp() | ChannelHeld() | CodecSeen() | DialBegun() | DialProgressed() | DialEnded():
                self._judge_all(self._calls.take(event, self._seen_since, out), event.at, out)
            case PeerStateSeen():
                self._judge_all(self._presence.see_peer(event, out), event.at, out)
            case TrunkStateSeen():
                self._judge(self.trunks.observe(event), event.at, out)
                out.memories[event.trunk] = self.trunks.memory(event.trunk)
            case AgentSeen():
                self._judge_all(self._presence.see_agent(event, out), event.at, out)
            case Booted() | ShuttingDown() | Reloaded() | Connected() | Disconnected() | Resynced() | Audited():
                self._handle_connection(event, out)
            case QueueSummarySeen() | QueuesListed():
                self._judge_all(counted(self._queues.observe(event), out), event.at, out)
            case EndpointsAsked():
                if self._blind_since is None:
                    self._let_go(self._presence.drop_unknown(event, self._alerted(), out), event.at, out)
            case LoginFailed():
                self._judge_all(self._logins.observe(event), event.at, out)
            case DigitHeard() | CallOutcome() | ClockAdvanced():
                pass  # for whoever made the call, not for judging; the clock was seen to before

    def _in_trouble(self, subject: str) -> bool:
        """Whether a subject has an alert that begins or fires about how its calls sound."""
        return subject in self._lifecycle.subjects and any(
            alert.topic in QUALITY_TOPICS for alert in self._lifecycle.of_subject(subject)
        )

    def _judge_all(self, observations: Iterable[Observation], now: float, out: Collected) -> None:
        for observation in observations:
            self._judge(observation, now, out)

    def _let_go(self, removed: Iterable[StatusObservation], now: float, out: Collected) -> None:
        """Forget, and say of, whoever is no longer configured."""
        for status in removed:
            if status.entity == "peer":
                self._calls.drop(status.subject)
            self._judge(status, now, out)

    def _look_at_listed(self, out: Collected) -> None:
        """Judge a list of contacts as a whole: only then is it known how many devices share a name."""
        for change in self._presence.look_at_listed(out):
            self._judge(change, change.at, out)

    def _handle_connection(self, event: ConnectionEvent, out: Collected) -> None:
        match event:
            case Audited():
                pass  # what follows from it is the hearing's business
            case Reloaded():
                self._handle_reload(event, out)
            case Booted():
                booted_at = event.at - event.uptime_s if event.uptime_s is not None else None
                if booted_at is not None and self._booted_at is not None and booted_at > self._booted_at + SAME_BOOT_S:
                    self._restarted(event.at, out)
                self._booted_at = booted_at if booted_at is not None else self._booted_at
            case ShuttingDown():
                out.logs.append(LogRecord(event.at, self._pbx, self._pbx, "shutdown", "restart" if event.restart else "stop"))
            case Connected():
                self._hearing.connect(event.at)
                self._regain_sight(event.at, out)
                self._calls.connected()
            case Disconnected():
                self._lose_sight(event.at, event.at, event.reason, out)
            case Resynced():
                self._judge_all(self._calls.listed(event, out), event.at, out)
                if event.booted:  # what is listed before that is not all
                    removed = self._presence.drop_removed(event.rosters, self._alerted(), event.at, out)
                    self._let_go(removed, event.at, out)
                    self._presence.doubt(self._alerted(), out)
                self._presence.looked(event.at, out)

    def _alerted(self) -> set[tuple[str, str]]:
        """Of whom a state is pending or firing: what sort of thing, and its name."""
        return {(alert.topic.removesuffix("_state"), alert.key.subject) for alert in self._lifecycle.active().values()}

    def _lose_sight(self, at: float, since_at: float, reason: str, out: Collected) -> None:
        """Freeze everything: what comes later has nothing to do with what was counted until now."""
        if self._blind_since is None:
            self._blind_since = since_at
            self.streams.forget_streams()
            self._forget_calls()
            self._calls.lost_sight()
            self._engine.forget()
            self._lifecycle.wake()
            self._settling.forget()
            out.logs.append(LogRecord(since_at, self._pbx, self._pbx, BLIND_LOG, reason))
        blind = StatusObservation(at, "pbx", self._pbx, self._pbx, PbxState.BLIND, self._blind_since, reason)
        self._judge(blind, at, out)

    def _regain_sight(self, at: float, out: Collected) -> None:
        """Go on with clean windows, and with states that are unknown until they are listed or told."""
        if self._blind_since is not None:
            self._lifecycle.skip(max(0.0, at - self._blind_since), topics_seen={PBX_TOPIC})
        self._blind_since, self._seen_since = None, at
        out.logs.append(LogRecord(at, self._pbx, self._pbx, SEEN_LOG, "the PBX is seen from here on"))
        self._presence.forget(at)
        self._judge(StatusObservation(at, "pbx", self._pbx, self._pbx, PbxState.SEEN, at), at, out)

    def _look_for_deafness(self, event: PbxEvent, out: Collected) -> None:
        """An open connection on which nothing is heard is as good as none; the first event ends that."""
        deaf_since = self._hearing.deaf_since
        if deaf_since is not None and not self._is_deaf:
            self._is_deaf = True
            self._lose_sight(event.at, deaf_since, NO_EVENTS, out)
        elif deaf_since is None and self._is_deaf:
            self._is_deaf = False
            if not isinstance(event, Connected | Disconnected):
                self._regain_sight(event.at, out)
                out.resync_wanted = True

    def _handle_reload(self, event: Reloaded, out: Collected) -> None:
        """Asterisk makes endpoints and registrations anew: what it says of them meanwhile may be gone in a minute."""
        out.logs.append(LogRecord(event.at, self._pbx, self._pbx, "reload", event.module))
        if disturbs(event.module):
            self._settling.begin(event.at)
            self.trunks.reloaded()
            out.resync_wanted = True

    def _restarted(self, at: float, out: Collected) -> None:
        """Asterisk began anew: its channels are gone and its uniqueids start over."""
        self._judge_all(self._calls.restarted(at), at, out)
        self.streams.forget()
        self._crowd.clear()
        self._forget_calls()
        self._engine.forget()
        self._lifecycle.wake()
        out.observed.append(Observed(at, Gap(at, self._pbx, self._pbx)))
        out.logs.append(LogRecord(at, self._pbx, self._pbx, "restart", "Asterisk was restarted"))

    def _forget_calls(self) -> None:
        """What was counted and compared of calls in progress does not bridge a gap."""
        self._calls.forget()
        self._queues.forget()

    def _clock_set_forward(self, event: ClockAdvanced, out: Collected) -> None:
        """A gap that nobody lived through: windows are of another time, and nothing has lasted any longer."""
        if self._now is None:
            return
        at = self._now = self._seen_since = self._now + event.by_s
        self._calls_are_of_another_time(at, out)
        self._lifecycle.skip(event.by_s)
        self._hearing.clock_set_forward(event.by_s)
        states = self._presence.clock_set_forward(at, event.by_s)
        if self._blind_since is None:
            for observation in states:
                self._judge(observation, at, out)
        else:
            self._blind_since += event.by_s
        out.logs.append(LogRecord(at, self._pbx, self._pbx, "clock", "the PBX's clock was set forward"))

    def _clock_set_back(self, at: float, out: Collected) -> None:
        """The windows are of another time now; how peers and trunks stand is as true as before, only since when is not."""
        self._now, self._seen_since = at, at
        self._calls_are_of_another_time(at, out)
        self._hearing.clock_set_back(at)
        states = self._presence.clock_set_back(at)
        if self._blind_since is None:
            for observation in states:
                self._judge(observation, at, out)
        else:
            self._blind_since = min(self._blind_since, at)
        out.logs.append(LogRecord(at, self._pbx, self._pbx, "clock", "the PBX's clock was set back"))

    def _calls_are_of_another_time(self, at: float, out: Collected) -> None:
        self.streams.forget_streams()
        self._forget_calls()
        self._engine.forget()
        self._lifecycle.wake()
        out.observed.append(Observed(at, Gap(at, self._pbx, self._pbx)))
        self._settling.forget()
        if self._blind_since is None:
            self._judge_all(self._calls.going_on(), at, out)
