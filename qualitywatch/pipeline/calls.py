"""Calls as they go on: every tracker that follows channels and their reports, asked in the order in which they need each other.

Each step yields what is to be judged, one by one, so that whoever judges sees it between two trackers as it happened; what is
only to be stored goes straight into the effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from qualitywatch.ami.calls import OWN_CHANNEL
from qualitywatch.model import (
    CallRecord,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    CodecSeen,
    DialBegun,
    DialEnded,
    DialObservation,
    DialProgressed,
    Evaluation,
    LevelObservation,
    LogRecord,
    Metric,
    Observation,
    Resynced,
    RtcpReport,
    Sample,
)
from qualitywatch.model.observations import Observed, Whereabouts
from qualitywatch.peers.names import NameBook
from qualitywatch.pipeline.effects import UNMEASURED_LOG, Collected
from qualitywatch.quality.audio import AudioTracker
from qualitywatch.quality.coverage import REPORTED_AFTER_S, RTP_TECHNOLOGIES, coverage, unmeasured, watched_s
from qualitywatch.quality.hearing import Hearing
from qualitywatch.quality.legs import LegBook
from qualitywatch.quality.shared import SharedLoss
from qualitywatch.quality.sites import SiteBook, Sites
from qualitywatch.quality.streams import StreamTracker
from qualitywatch.trunks.dials import DialTracker
from qualitywatch.trunks.kpis import kpis
from qualitywatch.trunks.load import LoadTracker
from qualitywatch.trunks.traffic import Counted, TrafficTracker

CallEvent: TypeAlias = ChannelChanged | ChannelHeld | ChannelHungUp | CodecSeen | DialBegun | DialProgressed | DialEnded


class Calls:
    """The calls of one PBX; ``hearing`` is told of every call that is over."""

    def __init__(
        self,
        pbx: str,
        hearing: Hearing,
        names: NameBook,
        *,
        trunk_of: Callable[[str], str | None],
        address_of: Callable[[str], str | None],
        sites: Sites | None,
    ) -> None:
        self._pbx = pbx
        self._hearing = hearing
        self._names = names
        self.streams = StreamTracker(pbx)
        self.direct_media: set[str] = set()
        self._audio = AudioTracker(pbx)
        self._trunk_of = trunk_of
        self._traffic = TrafficTracker(pbx, carries=lambda peer: trunk_of(peer) is not None)
        self._legs = LegBook(trunk_of=self.line_of, address_of=address_of)
        self._shared = SharedLoss(pbx, SiteBook(sites), self._legs, trunk_of=self.line_of, address_of=address_of)
        self._dials = DialTracker(pbx, carries=self._traffic.carries, own=OWN_CHANNEL)
        self._load = LoadTracker(pbx, carries=self._traffic.carries)

    def configure(self, sites: Sites | None) -> None:
        """Go by other sites."""
        self._shared.configure(SiteBook(sites))

    def places_of(self, subject: str) -> tuple[str, ...]:
        """What may explain the bad sound of a peer: its site, or the registration that its calls go through."""
        return self._shared.places_of(subject)

    def site_of(self, subject: str) -> str | None:
        """The site a peer stands at."""
        return self._shared.site_of(subject)

    def line_of(self, subject: str) -> str | None:
        """The registration that a peer's calls go through, or itself, a trunk without one; None for a phone."""
        registration = self._trunk_of(subject)
        return subject if registration is None and self._traffic.carries(subject) else registration

    def explain(self, evaluation: Evaluation) -> Evaluation:
        """Add where on the way of a call it goes wrong."""
        return self._legs.explain(evaluation)

    def take(self, event: CallEvent, seen_since: float | None, out: Collected) -> Iterator[Observation]:
        """Take in one event; ``seen_since`` is since when we see the PBX."""
        match event:
            case ChannelChanged():
                self._legs.see(event.channel)
                yield from counted((*self._load.see(event), *self._traffic.see(event)), out)
                self._dials.see(event)
                if self.streams.see(event) and event.channel.name.startswith(RTP_TECHNOLOGIES):  # others have no jitter to tell
                    out.codec_polls.append(event.channel)
                yield from self._audio.see(event)
            case ChannelHungUp():
                yield from self._hang_up(event, seen_since, out)
            case CodecSeen():
                self.streams.learn_codec(event)
            case ChannelHeld():
                # A held call's counters stand still, and standing still is neither loss nor dead air.
                yield from self._audio.see(event)
            case DialBegun():
                self._traffic.begun(event)
                yield from self._dials.begun(event)
            case DialProgressed() | DialEnded():
                yield from counted(self._traffic.progress(event), out)

    def hear(
        self,
        report: RtcpReport,
        out: Collected,
        judge_voice: Callable[[Sample, float, Collected], None],
        judge: Callable[[Observation, float, Collected], None],
    ) -> None:
        """Take in one report; of ten events of a busy PBX six are these.  What there is to judge is handed out as found."""
        leg = None
        if report.channel is not None:
            self._names.hear_channel(report.channel)
            leg = self._legs.see(report.channel)
        self._shared.hear(report)
        samples = self.streams.observe(report)
        if samples:
            out.samples += samples
            if leg is not None:
                leg.is_measured = True
        for sample in samples:
            shares: Iterable[Observation] = ()
            if sample.metric is Metric.LOSS_PERCENT:
                # What it makes of the places of its peer.
                self._legs.observe(sample)
                shares, places = self._shared.observe(sample), self._shared.moved(sample.subject)
                if places is not None:
                    out.observed.append(Observed(sample.at, Whereabouts(sample.at, self._pbx, sample.subject, places)))
            judge_voice(sample, report.at, out)
            for share in shares:
                judge(share, report.at, out)
        for status in self._audio.observe(report):
            judge(status, report.at, out)

    def expire(self, now: float) -> None:
        """Release what has been idle beyond any use."""
        self.streams.expire(now)
        self._legs.expire(now)
        self._shared.expire(now)

    def connected(self) -> None:
        """We begin to hear again; which channels there are is told by the list that follows."""
        self._load.connected()

    def listed(self, event: Resynced, out: Collected) -> Iterator[Observation]:
        """Take in the list of channels, where there was one: all others are gone."""
        yield from counted(self._load.listed(event.at, event.channels), out)
        yield from self._dials.listed(event.at, event.channels)
        if event.channels is not None:
            self.streams.keep_only(event.channels)

    def forget(self) -> None:
        """What was counted and compared of calls in progress does not bridge a gap."""
        self._audio.forget()
        self._legs.forget()
        self._shared.forget()
        self._traffic.forget()
        self._load.forget()

    def drop(self, peer: str) -> None:
        """Let go of a peer that is no longer configured."""
        self.streams.paces.drop(peer)
        self.direct_media.discard(peer)

    def lost_sight(self) -> None:
        """Calls that leave by a trunk may end now without a word; the next list tells."""
        self._dials.doubt()

    def recall(self, call: DialObservation) -> None:
        """A call that an earlier run of ours knew to last; the next list tells whether it does."""
        self._dials.recall(call)

    def going_on(self) -> Iterable[Observation]:
        """What lasts and is known to: it is told again where all that was observed before is in doubt."""
        return self._dials.going_on()

    def restarted(self, at: float) -> Iterable[Observation]:
        """Asterisk began anew: what lasted is over."""
        return self._dials.end_all(at)

    def _hang_up(self, event: ChannelHungUp, seen_since: float | None, out: Collected) -> Iterator[Observation]:
        yield from self._audio.hang_up(event)
        yield from counted((*self._traffic.hang_up(event), *self._load.hang_up(event)), out)
        yield from self._dials.hang_up(event)
        self._legs.hang_up(event)
        call = self.streams.hang_up(event)
        if call is not None:
            out.calls.append(call)
            yield from self._look_for_reports(call, seen_since, out)

    def _look_for_reports(self, call: CallRecord, seen_since: float | None, out: Collected) -> Iterator[Observation]:
        """Silence must not pass for quality: say of a call that nobody reported on that nothing is known of it."""
        lasted_s = watched_s(call, seen_since)
        if lasted_s < REPORTED_AFTER_S:
            return
        direct_with = self._legs.bypassed_with(call.uniqueid)
        text = unmeasured(call, seen_since=seen_since, direct_with=direct_with)
        if text is not None:
            out.logs.append(LogRecord(call.ended_at, call.pbx, call.subject, UNMEASURED_LOG, text))
        if text is not None and direct_with is not None:
            self.direct_media.add(call.subject)
        else:
            self.direct_media.discard(call.subject)
        interval_s = self.streams.paces.interval_s(call.subject)
        yield from coverage(call, seen_since=seen_since, direct_with=direct_with, interval_s=interval_s)
        others = self._legs.others(call.uniqueid, call.ended_at)
        yield from self._hearing.call_over(call, others, lasted_s)


def counted(observations: Iterable[Counted | LevelObservation], out: Collected) -> Iterator[Observation]:
    """Yield what is also kept as a series."""
    for observation in observations:
        out.kpis.extend(kpis(observation))
        yield observation
