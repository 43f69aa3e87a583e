"""The fold: one PBX's events in, effects out.  Pure; the shell (``app.py``, ``replay``) performs the effects.

    event -> StreamTracker | TrunkTracker | PeerTracker | AgentTracker -> Observation -> Engine -> Evaluation -> Lifecycle
          -> Transition

Strategy: there is one instance per PBX and time is the PBX's own.  Rules are asked when something was observed, and at
every full second for the alerts that are pending or firing; seconds that pass between two events are caught up before the
second of them is looked at.  So a recording gives the same alerts whether it is replayed in a blink or lived through. While
the PBX cannot be seen every alert stays as it is, but for the one that says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import TypeAlias

from qualitywatch.alerts.lifecycle import Lifecycle
from qualitywatch.ami.calls import OWN_CHANNEL
from qualitywatch.document import Selector
from qualitywatch.model import (
    VOICE_METRICS,
    AgentRecord,
    AgentSeen,
    Alert,
    AlertKey,
    AlertState,
    Audited,
    Booted,
    CallOutcome,
    CallRecord,
    ChangeObservation,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    CodecSeen,
    Connected,
    DialBegun,
    DialEnded,
    DialProgressed,
    DigitHeard,
    Disconnected,
    Evaluation,
    KpiRecord,
    LevelObservation,
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
    Verdict,
)
from qualitywatch.model.observations import Belonging, Gap, Observed, Whereabouts
from qualitywatch.peers.agents import AgentTracker
from qualitywatch.peers.logins import LoginTracker
from qualitywatch.peers.names import NameBook
from qualitywatch.peers.settling import Settling, disturbs
from qualitywatch.peers.status import PeerTracker
from qualitywatch.quality.audio import AudioTracker
from qualitywatch.quality.coverage import DIRECT_MEDIA, coverage, unmeasured, watched_s
from qualitywatch.quality.hearing import NO_EVENTS, Hearing
from qualitywatch.quality.legs import LegBook
from qualitywatch.quality.shared import SharedLoss
from qualitywatch.quality.sites import SiteBook, Sites
from qualitywatch.quality.streams import StreamTracker
from qualitywatch.queues.status import QueueTracker
from qualitywatch.rules.engine import Engine
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.trunks.dials import DialTracker
from qualitywatch.trunks.kpis import kpis
from qualitywatch.trunks.load import LoadTracker
from qualitywatch.trunks.membership import is_registration, trunk_at
from qualitywatch.trunks.status import TrunkTracker
from qualitywatch.trunks.traffic import Counted, TrafficTracker

# A gap longer than this is not caught up second by second: nothing that was pending before it means anything after it.
CATCH_UP_LIMIT_S = 3600
# The PBX's clock was set back when an event is stamped so much earlier than its predecessor; less is scheduling.
CLOCK_STEP_S = 60.0
# Two boot times closer together than this are the same boot: FullyBooted counts whole seconds.
SAME_BOOT_S = 5.0
# A list of contacts in which nothing came for so long is over; a shorter pause is the network's.
LIST_PAUSE_S = 2.0

PBX_TOPIC = "pbx_state"
PEER_TOPIC = "peer_state"
QUALITY_TOPICS = frozenset({*Metric, "audio_state"})
ALERT_LOG = "alert"
UNMEASURED_LOG = "unmeasured"
BLIND_LOG, SEEN_LOG = "blind", "seen"  # of the PBX itself: between the two nothing is known


ConnectionEvent: TypeAlias = Booted | ShuttingDown | Reloaded | Connected | Disconnected | Resynced | Audited


@dataclass(frozen=True, slots=True)
class Effects:
    """What one step wants done: stored, told, asked."""

    samples: tuple[Sample, ...] = ()
    transitions: tuple[Transition, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    agents: tuple[AgentRecord, ...] = ()
    agents_learned: bool = False
    polls: tuple[str, ...] = ()  # peers whose User-Agent is worth asking for now
    codec_polls: tuple[Channel, ...] = ()  # answered channels whose codec nobody told
    resync_wanted: bool = False  # how peers and trunks stand is worth asking for now
    kpis: tuple[KpiRecord, ...] = ()  # what became of calls over trunks
    memories: Mapping[str, str] = field(default_factory=dict)  # what to give back as ``trunk_memories`` after a restart
    learned: Mapping[str, str] = field(default_factory=dict)  # the same of ``rule_memories``; an empty text: forget it
    observed: tuple[Observed, ...] = ()  # all that was judged beside the samples, for ``backtest``


class _Collected:
    """Effects while they are being collected."""

    __slots__ = (
        "agents",
        "agents_learned",
        "calls",
        "codec_polls",
        "kpis",
        "learned",
        "logs",
        "memories",
        "observed",
        "polls",
        "resync_wanted",
        "samples",
        "transitions",
    )

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.transitions: list[Transition] = []
        self.calls: list[CallRecord] = []
        self.logs: list[LogRecord] = []
        self.agents: list[AgentRecord] = []
        self.polls: list[str] = []
        self.codec_polls: list[Channel] = []
        self.kpis: list[KpiRecord] = []
        self.memories: dict[str, str] = {}
        self.learned: dict[str, str] = {}
        self.observed: list[Observed] = []
        self.agents_learned = False
        self.resync_wanted = False

    def freeze(self) -> Effects:
        return Effects(
            tuple(self.samples),
            tuple(self.transitions),
            tuple(self.calls),
            tuple(self.logs),
            tuple(self.agents),
            self.agents_learned,
            tuple(self.polls),
            tuple(self.codec_polls),
            self.resync_wanted,
            tuple(self.kpis),
            self.memories,
            self.learned,
            tuple(self.observed),
        )


class Pipeline:
    """Everything known of one PBX, and what follows from it."""

    def __init__(
        self,
        pbx: str,
        specs: Sequence[RuleSpec],
        *,
        names: Mapping[str, str] | None = None,
        alerts: Iterable[Alert] = (),
        agents: Iterable[AgentRecord] = (),
        agents_learned: bool = False,
        trunk_memories: Mapping[str, str] | None = None,
        rule_memories: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
        trunk_peers: Mapping[str, str] | None = None,
        sites: Sites | None = None,
        queues: Sequence[Selector] = (),
    ) -> None:
        self._pbx = pbx
        self.names = NameBook(names or {})
        self.streams = StreamTracker(pbx)
        self.trunks = TrunkTracker(pbx)
        self.trunks.recall(trunk_memories or {})
        self._trunk_peers = trunk_peers or {}
        alerts = tuple(alert for alert in alerts if alert.key.pbx == pbx)
        # A phone that is missed must have been there: an alert from before a restart tells it from a spare account.
        self.peers = PeerTracker(pbx, alive=(alert.key.subject for alert in alerts if alert.topic == PEER_TOPIC))
        self._audio = AudioTracker(pbx)
        self._legs = LegBook(trunk_of=self.trunk_of, address_of=self.peers.address)
        book = SiteBook(sites)
        self._shared = SharedLoss(pbx, book, self._legs, trunk_of=self.trunk_of, address_of=self.peers.address)
        self._traffic = TrafficTracker(pbx, carries=lambda peer: self.trunk_of(peer) is not None)
        self._dials = DialTracker(pbx, carries=self._traffic.carries, own=OWN_CHANNEL)
        self._load = LoadTracker(pbx, carries=self._traffic.carries)
        self._agents = AgentTracker(pbx, agents, learned=agents_learned)
        self._logins = LoginTracker(pbx, is_ours=self._registers)
        self._hearing = Hearing(pbx)
        self._settling = Settling()
        self._queues = QueueTracker(pbx, queues)
        self._engine = Engine(specs)
        self._lifecycle = Lifecycle(alerts, name_of=self.names.name)
        self._engine.settle(zone, self._in_trouble)
        self._engine.recall(pbx, rule_memories or {})
        self._listed_agents: list[AgentSeen] = []
        self._now: float | None = None
        self._booted_at: float | None = None
        self._blind_since: float | None = None
        self._seen_since: float | None = None
        self._direct_media: set[str] = set()
        self._is_deaf = False
        self._belongs: dict[str, str] = {}

    @property
    def direct_media(self) -> frozenset[str]:
        """Whose media went past the PBX in the last call that could have been reported on."""
        return frozenset(self._direct_media)

    @property
    def alerts(self) -> Sequence[Alert]:
        """Pending and firing alerts, most urgent and oldest first."""
        active = self._lifecycle.active().values()
        return sorted(active, key=lambda alert: (alert.state is not AlertState.FIRING, -alert.severity.rank, alert.since_at))

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
        if subject in self._trunk_peers:
            return self._trunk_peers[subject]
        technology, _, _ = subject.partition("/")
        return trunk_at(self.peers.address(subject), technology, self.trunks.states())

    def places_of(self, subject: str) -> tuple[str, ...]:
        """What may explain the bad sound of a peer: its site, or the registration that its calls go through."""
        return self._shared.places_of(subject)

    def _registers(self, account: str, host: str) -> bool:
        return any(is_registration(trunk, account, host) for trunk in self.trunks.states())

    def agent(self, peer: str) -> str | None:
        """Last known User-Agent of a peer."""
        return self._agents.agent(peer)

    def opinion(self, key: AlertKey) -> Evaluation | None:
        """What its rule says of one alert now, for whoever asks why; None when it says nothing."""
        if self._now is None:
            return None
        found = next(iter(self._engine.evaluate([key], self._now)), None)
        return self._legs.explain(found) if found is not None else None

    def observed(self, key: AlertKey) -> Iterable[tuple[Observation, bool]]:
        """What that opinion rests on, and whether each observation was counted."""
        return self._engine.seen(key)

    def observed_subjects(self) -> Iterable[str]:
        """Of whom rules have anything to judge by, as far as they can tell."""
        return sorted(self._engine.subjects())

    def orphans(self) -> tuple[Alert, ...]:
        """Drop alerts of rules that are no longer loaded and return their inactive forms for the store."""
        gone = [key for key in self._lifecycle.active() if not self._engine.knows(key.rule)]
        return tuple(alert for key in gone if (alert := self._lifecycle.drop(key)) is not None)

    def farewell(self) -> Effects:
        """What is still to be remembered when nothing more comes."""
        return Effects(learned=self._engine.all_memories())

    def feed(self, event: PbxEvent) -> Effects:
        """Take in one event; ``event.at`` is the PBX's time and moves ours."""
        out = _Collected()
        if self._now is not None and event.at < self._now - CLOCK_STEP_S:
            self._clock_set_back(event.at, out)
        self._advance(event.at, out)
        self._handle(event, out)
        return out.freeze()

    def advance(self, now: float) -> Effects:
        """Let time pass without an event."""
        out = _Collected()
        if self._listed_agents and now - self._listed_agents[-1].at >= LIST_PAUSE_S:
            self._look_at_listed(out)
        self._advance(now, out)
        return out.freeze()

    def _advance(self, now: float, out: _Collected) -> None:
        before = self._now
        if before is None:
            self._now = now
            out.observed.append(Observed(now, Gap(now, self._pbx, self._pbx, begins=True)))
            return
        if now <= before:
            return
        self._now = now
        if self._lifecycle.active() or self.trunks.waiting or self._audio.waiting or self._engine.waiting or self._is_waiting:
            first, last = math.floor(before) + 1, math.floor(now)
            for second in range(max(first, last - CATCH_UP_LIMIT_S), last + 1):
                self._tick(float(second), out)
        self._engine.expire(now)
        out.learned.update(self._engine.memories(now))
        self.streams.expire(now)
        self._legs.expire(now)
        self._shared.expire(now)

    @property
    def _is_waiting(self) -> bool:
        return self._hearing.waiting or self._settling.waiting

    def _tick(self, now: float, out: _Collected) -> None:
        blind = self._blind_since is not None
        if not blind:
            for observation in (
                *self._settling.tick(now),
                *self.trunks.tick(now),
                *self._audio.tick(now),
                *self._hearing.tick(now),
            ):
                self._judge(observation, now, out, by_tick=True)
        due = [key for key, alert in self._lifecycle.active().items() if not blind or alert.topic == PBX_TOPIC]
        if not blind:
            due.extend(key for key in self._engine.due(now) if key not in self._lifecycle.active())
        for evaluation in self._engine.evaluate(due, now):
            self._note(self._lifecycle.apply(self._legs.explain(evaluation)), out)

    def _judge(self, observation: Observation, now: float, out: _Collected, *, by_tick: bool = False) -> None:
        if self._settling.holds(observation):
            return
        if not (isinstance(observation, Sample) and observation.metric in VOICE_METRICS):
            out.observed.append(Observed(now, observation, by_tick))
        for evaluation in self._engine.observe(observation, now):
            self._note(self._lifecycle.apply(self._legs.explain(evaluation)), out)

    @staticmethod
    def _note(transition: Transition | None, out: _Collected) -> None:
        if transition is None:
            return
        out.transitions.append(transition)
        if transition.reason is not NotifyReason.NONE:
            key, severity = transition.alert.key, transition.alert.severity
            text = f"{transition.reason} {severity} {key.rule}"
            out.logs.append(LogRecord(transition.at, key.pbx, key.subject, ALERT_LOG, text))

    def _handle(self, event: PbxEvent, out: _Collected) -> None:
        if isinstance(event, AgentSeen) and event.listed:
            self._listed_agents.append(event)
            return
        if not (isinstance(event, PeerStateSeen) and event.snapshot):
            self._look_at_listed(out)
        self._take_in(event, out)
        self._judge_all(self._hearing.take(event), event.at, out)
        self._look_for_deafness(event, out)

    def _take_in(self, event: PbxEvent, out: _Collected) -> None:
        match event:
            case RtcpReport():
                if event.channel is not None:
                    self.names.hear_channel(event.channel)
                    self._legs.see(event.channel)
                self._shared.hear(event)
                for sample in self.streams.observe(event):
                    self._measure(sample, out)
                self._judge_all(self._audio.observe(event), event.at, out)
            case ChannelChanged() | ChannelHeld() | ChannelHungUp() | CodecSeen():
                self._handle_channel(event, out)
            case PeerStateSeen():
                self._handle_peer(event, out)
            case TrunkStateSeen():
                self._judge(self.trunks.observe(event), event.at, out)
                out.memories[event.trunk] = self.trunks.memory(event.trunk)
            case AgentSeen():
                self._handle_agent(event, out)
            case Booted() | ShuttingDown() | Reloaded() | Connected() | Disconnected() | Resynced() | Audited():
                self._handle_connection(event, out)
            case DialBegun():
                self._traffic.begun(event)
                self._judge_all(self._dials.begun(event), event.at, out)
            case DialProgressed() | DialEnded() | QueueSummarySeen() | QueuesListed():
                self._count(self._counted(event), event.at, out)
            case LoginFailed():
                self._judge_all(self._logins.observe(event), event.at, out)
            case DigitHeard() | CallOutcome():
                pass  # for whoever made the call, not for judging

    def _counted(
        self, event: DialProgressed | DialEnded | QueueSummarySeen | QueuesListed
    ) -> Iterable[Counted | LevelObservation]:
        if isinstance(event, DialProgressed | DialEnded):
            return self._traffic.progress(event)
        return self._queues.observe(event)

    def _measure(self, sample: Sample, out: _Collected) -> None:
        """Judge what a report tells, and what it makes of the places of its peer."""
        out.samples.append(sample)
        self._legs.observe(sample)
        shares, places = self._shared.observe(sample), self._shared.moved(sample.subject)
        if places is not None:
            out.observed.append(Observed(sample.at, Whereabouts(sample.at, self._pbx, sample.subject, places)))
        self._judge(sample, sample.at, out)
        self._judge_all(shares, sample.at, out)

    def _handle_channel(self, event: ChannelChanged | ChannelHeld | ChannelHungUp | CodecSeen, out: _Collected) -> None:
        match event:
            case ChannelChanged():
                self.names.hear_channel(event.channel)
                self._legs.see(event.channel)
                self._count((*self._load.see(event), *self._traffic.see(event)), event.at, out)
                self._dials.see(event)
                if self.streams.see(event):
                    out.codec_polls.append(event.channel)
                self._judge_all(self._audio.see(event), event.at, out)
            case ChannelHungUp():
                self._judge_all(self._audio.hang_up(event), event.at, out)
                self._count((*self._traffic.hang_up(event), *self._load.hang_up(event)), event.at, out)
                self._judge_all(self._dials.hang_up(event), event.at, out)
                self._legs.hang_up(event)
                record = self.streams.hang_up(event)
                if record is not None:
                    out.calls.append(record)
                    self._look_for_reports(record, out)
            case CodecSeen():
                self.streams.learn_codec(event)
            case ChannelHeld():
                # A held call's counters stand still, and standing still is neither loss nor dead air.
                self._judge_all(self._audio.see(event), event.at, out)

    def _look_for_reports(self, call: CallRecord, out: _Collected) -> None:
        """Silence must not pass for quality: say of a call that nobody reported on that nothing is known of it."""
        direct_with = self._legs.bypassed_with(call.uniqueid)
        text = unmeasured(call, seen_since=self._seen_since, direct_with=direct_with)
        if text is not None:
            out.logs.append(LogRecord(call.ended_at, call.pbx, call.subject, UNMEASURED_LOG, text))
        counted = coverage(call, seen_since=self._seen_since, direct_with=direct_with)
        for tally in counted:
            (self._direct_media.add if tally.detail == DIRECT_MEDIA else self._direct_media.discard)(call.subject)
        self._judge_all(counted, call.ended_at, out)
        if counted:
            others = self._legs.others(call.uniqueid, call.ended_at)
            self._judge_all(self._hearing.call_over(call, others, watched_s(call, self._seen_since)), call.ended_at, out)

    def _in_trouble(self, subject: str) -> bool:
        """Whether a subject has an alert that begins or fires about how its calls sound."""
        active = self._lifecycle.active()
        return bool(active) and any(key.subject == subject and active[key].topic in QUALITY_TOPICS for key in active)

    def _count(self, observations: Iterable[Counted | LevelObservation], now: float, out: _Collected) -> None:
        """Judge what is also kept as a series."""
        for observation in observations:
            out.kpis.extend(kpis(observation))
            self._judge(observation, now, out)

    def _judge_all(self, observations: Iterable[Observation], now: float, out: _Collected) -> None:
        for observation in observations:
            self._judge(observation, now, out)

    def _handle_peer(self, event: PeerStateSeen, out: _Collected) -> None:
        if event.rtt_ms is not None:
            took = Sample(
                *(event.at, Metric.QUALIFY_RTT_MS, event.rtt_ms, self._pbx, event.peer, None), "", "", Verdict.OK, weight=1.0
            )
            self._count((took,), event.at, out)
        status = self.peers.observe(event)
        self._look_for_trunk(event.peer, event.at, out)
        if status is not None:
            self._judge(status, event.at, out)
            if not event.snapshot:
                out.logs.append(LogRecord(event.at, self._pbx, event.peer, "peer", status.status))
        if not event.snapshot and event.state in {PeerState.REGISTERED, PeerState.REACHABLE}:
            self._agents.registered(event.peer)
            out.polls.append(event.peer)

    def _look_for_trunk(self, peer: str, at: float, out: _Collected) -> None:
        """Note when a peer's calls begin or cease to go through one of our registrations."""
        trunk = self.trunk_of(peer)
        if trunk != self._belongs.get(peer):
            out.observed.append(Observed(at, Belonging(at, self._pbx, peer, trunk)))
            if trunk is None:
                del self._belongs[peer]
            else:
                self._belongs[peer] = trunk

    def _look_at_listed(self, out: _Collected) -> None:
        """Judge a list of contacts as a whole: only then is it known how many devices share a name."""
        listed, self._listed_agents = self._listed_agents, []
        for event in listed:
            self._handle_agent(event, out)

    def _handle_agent(self, event: AgentSeen, out: _Collected) -> None:
        self.names.hear_agent(event)
        if event.address is None:
            event = replace(event, address=self.peers.address(event.peer))
        record, changes = self._agents.observe(event, contacts=self.peers.contacts(event.peer))
        if record is not None:
            out.agents.append(record)
        for change in changes:
            self._judge(change, event.at, out)
            out.logs.append(_change_log(change))

    def _handle_connection(self, event: ConnectionEvent, out: _Collected) -> None:
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
                self._load.connected()
            case Disconnected():
                self._lose_sight(event.at, event.at, event.reason, out)
            case Resynced():
                self._count(self._load.listed(event.at, event.channels), event.at, out)
                if event.channels is not None:
                    self.streams.keep_only(event.channels)
                for peer in self.peers.states():  # registrations are listed after the peers
                    self._look_for_trunk(peer, event.at, out)
                self._agents.looked()
                out.agents_learned = self._agents.learned

    def _lose_sight(self, at: float, since_at: float, reason: str, out: _Collected) -> None:
        """Freeze everything: what comes later has nothing to do with what was counted until now."""
        if self._blind_since is None:
            self._blind_since = since_at
            self.streams.forget_streams()
            self._forget_calls()
            self._engine.forget()
            self._settling.forget()
            out.logs.append(LogRecord(since_at, self._pbx, self._pbx, BLIND_LOG, reason))
        blind = StatusObservation(at, "pbx", self._pbx, self._pbx, PbxState.BLIND, self._blind_since, reason)
        self._judge(blind, at, out)

    def _regain_sight(self, at: float, out: _Collected) -> None:
        """Go on with clean windows, and with states that are unknown until they are listed or told."""
        if self._blind_since is not None:
            self._lifecycle.skip(max(0.0, at - self._blind_since), topics_seen={PBX_TOPIC})
        self._blind_since, self._seen_since = None, at
        out.logs.append(LogRecord(at, self._pbx, self._pbx, SEEN_LOG, "the PBX is seen from here on"))
        self.trunks.forget(at)
        self.peers.forget()
        self._judge(StatusObservation(at, "pbx", self._pbx, self._pbx, PbxState.SEEN, at), at, out)

    def _look_for_deafness(self, event: PbxEvent, out: _Collected) -> None:
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

    def _handle_reload(self, event: Reloaded, out: _Collected) -> None:
        """Asterisk makes endpoints and registrations anew: what it says of them meanwhile may be gone in a minute."""
        out.logs.append(LogRecord(event.at, self._pbx, self._pbx, "reload", event.module))
        if disturbs(event.module):
            self._settling.begin(event.at)
            self.trunks.reloaded()
            out.resync_wanted = True

    def _restarted(self, at: float, out: _Collected) -> None:
        """Asterisk began anew: its channels are gone and its uniqueids start over."""
        self.streams.forget()
        self._forget_calls()
        self._engine.forget()
        out.observed.append(Observed(at, Gap(at, self._pbx, self._pbx)))
        out.logs.append(LogRecord(at, self._pbx, self._pbx, "restart", "Asterisk was restarted"))

    def _forget_calls(self) -> None:
        """What was counted and compared of calls in progress does not bridge a gap."""
        self._audio.forget()
        self._legs.forget()
        self._shared.forget()
        self._traffic.forget()
        self._dials.forget()
        self._load.forget()
        self._queues.forget()

    def _clock_set_back(self, at: float, out: _Collected) -> None:
        """The windows are of another time now; how peers and trunks stand is as true as before, only since when is not."""
        self._now, self._seen_since = at, at
        self.streams.forget_streams()
        self._forget_calls()
        self._engine.forget()
        out.observed.append(Observed(at, Gap(at, self._pbx, self._pbx)))
        self._settling.forget()
        self._hearing.clock_set_back(at)
        states = [*self.trunks.clock_set_back(at), *self.peers.clock_set_back(at)]
        if self._blind_since is None:
            for observation in states:
                self._judge(observation, at, out)
        else:
            self._blind_since = min(self._blind_since, at)
        out.logs.append(LogRecord(at, self._pbx, self._pbx, "clock", "the PBX's clock was set back"))


def _change_log(change: ChangeObservation) -> LogRecord:
    return LogRecord(change.at, change.pbx, change.subject, change.attribute, f"{change.old or 'New peer'} -> {change.new}")
