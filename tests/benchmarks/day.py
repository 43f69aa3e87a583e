"""A day of a PBX as rows of ``rollup.db``: 300 peers, 200 reports a second in the busiest hour, or all day long.

What follows from the rate: a leg gives a report of each direction every 5 s (RFC 3550 section 6.2), so 200 a second are 500
legs at once: 250 calls, each of a phone and a trunk.  Of 300 peers 20 are trunks, so 250 of 280 phones talk at that moment:
an office does so in its busiest hour, a dialler perhaps all day.  A call lasts three minutes on average (lognormal), and one
attempt in four is not answered.  One leg in ten loses packets, one call in fifty is bad.  Rows are made the way the daemon's
own aggregators do, but from calls instead of single reports: 17 million would take too long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from qualitywatch.model import (
    CallRecord,
    Direction,
    DirectionTotals,
    LogRecord,
    Metric,
    Sample,
    Tally,
    TallyObservation,
    Verdict,
)
from qualitywatch.model.observations import DialObservation, Observed
from qualitywatch.store.detail import DetailCollector
from qualitywatch.store.journal import pack
from qualitywatch.store.kpis import KpiFigures, KpiKey, KpiRow
from qualitywatch.store.rollup import HOUR_S, MINUTE_S, Figures, Rollup, RollupKey
from qualitywatch.store.rollup_tables import Row

DAY_S: Final = 86_400
START_AT: Final = 1_763_942_400  # a Monday, midnight UTC
PEERS, TRUNKS = 300, 20
REPORTS_PER_S: Final = 200
REPORT_EVERY_S: Final = 5
LEGS_AT_ONCE: Final = REPORTS_PER_S * REPORT_EVERY_S // 2
CALLS_AT_ONCE: Final = LEGS_AT_ONCE // 2
MEAN_CALL_S: Final = 180
PACKETS: Final = 250  # a report, at 20 ms a packet, and now and then one more or less
RINGING_S: Final = 8
PBX: Final = "office"
ROUND_THE_CLOCK: Final = (1.0,) * 24
OFFICE: Final = (*[0.01] * 7, 0.1, 0.35, 0.75, 1.0, 1.0, 0.75, 0.5, 0.7, 0.95, 0.95, 0.65, 0.3, 0.12, 0.08, 0.05, 0.03, 0.02)
"""The busiest hour of an office holds between a tenth and a seventh of the day's calls; here it is an eighth."""
SIDES: Final = (Direction.TO_PEER, Direction.FROM_PEER)


@dataclass(slots=True)
class _Voice:
    """What one leg is like in one direction."""

    loss_share: float
    jitter_ms: float
    mos: float
    passed_on: bool  # net packets are fractions then


@dataclass(slots=True)
class _Call:
    phone: int
    trunk: int
    number: int
    begins_s: float
    ends_s: float
    voices: dict[tuple[int, Direction], _Voice] = field(default_factory=dict)


def name(peer: int) -> str:
    """Trunks first, then phones."""
    return f"SIP/provider{peer}" if peer < TRUNKS else f"SIP/{6000 + peer}"


class Day:
    """Makes the rows of one minute after the other."""

    def __init__(self, shape: Sequence[float], seed: int = 6) -> None:
        """``shape`` tells for each hour what share of the busiest hour's calls there are."""
        self._shape = shape
        self._chance = Random(seed)
        self._running: list[_Call] = []
        self._idle = list(range(TRUNKS, PEERS))
        self._numbered = 0
        self._detail = DetailCollector()
        self.reports = 0
        self.legs = 0

    def minutes(self, until_s: int = DAY_S) -> Iterator[tuple[int, list[Row]]]:
        """The end of each minute and what is written at it; hours' rows are added to, as they are in the daemon."""
        for minute in range(until_s // MINUTE_S):
            begins_s = float(minute * MINUTE_S)
            yield START_AT + (minute + 1) * MINUTE_S, self._minute(begins_s, begins_s + MINUTE_S)

    def _minute(self, begins_s: float, ends_s: float) -> list[Row]:
        ended = [call for call in self._running if call.ends_s < ends_s]
        talking = list(self._running)
        self._running = [call for call in self._running if call.ends_s >= ends_s]
        self._idle += [call.phone for call in ended]
        while len(self._running) < CALLS_AT_ONCE * self._shape[int(begins_s // HOUR_S)]:
            call = self._new_call(begins_s + self._chance.random() * MINUTE_S)
            talking.append(call)
            (ended if call.ends_s < ends_s else self._running).append(call)
            if call.ends_s < ends_s:
                self._idle.append(call.phone)
        at = START_AT + int(begins_s)
        rows: list[Row] = [*self._voice(talking, at, begins_s, ends_s)]
        rows += self._calls(ended)
        rows += self._counts(ended, at)
        if self._chance.random() < 0.5:
            rows.append(LogRecord(at, PBX, name(self._chance.randrange(PEERS)), "peer", "unreachable"))
        return rows

    def _new_call(self, begins_s: float) -> _Call:
        chance = self._chance
        phone = self._idle.pop(chance.randrange(len(self._idle)))
        length_s = chance.lognormvariate(4.69, 1.0)  # exp(4.69 + 1/2) = 180
        call = _Call(phone, int(TRUNKS * chance.random() ** 2), self._numbered, begins_s, begins_s + max(length_s, 4.0))
        self._numbered += 2
        bad = chance.random() < 0.02
        for peer in (call.phone, call.trunk):
            for side in SIDES:
                lossy = chance.random() < 0.1
                share = chance.uniform(0.02, 0.08) if bad and side is Direction.TO_PEER else chance.uniform(0, 0.008) * lossy
                jitter = chance.uniform(20, 45) if bad else chance.lognormvariate(0.7, 0.7)
                call.voices[(peer, side)] = _Voice(share, jitter, 3.4 if bad else 4.37, passed_on=lossy)
        return call

    def _voice(self, talking: list[_Call], at: int, begins_s: float, ends_s: float) -> Iterator[Row]:
        chance, late = self._chance, START_AT + ends_s + 10
        rows: dict[RollupKey, Figures] = {}
        for call in talking:
            reports = round((min(call.ends_s, ends_s) - max(call.begins_s, begins_s)) / REPORT_EVERY_S)
            if reports <= 0:
                continue
            for (peer, side), voice in call.voices.items():
                self.reports += reports
                lost = 25.0 * sum(chance.random() < voice.loss_share for _ in range(reports * 10))
                expected = reports * PACKETS + chance.randrange(-reports, reports + 1)
                packets = expected - (chance.random() * 3 if voice.passed_on else 0.0)
                net = lost * 0.97 if voice.passed_on else lost  # a part was passed on from the other leg
                jitters = [voice.jitter_ms * chance.uniform(0.6, 1.5) for _ in range(reports)]
                scores = [voice.mos - chance.random() / 50 for _ in range(reports)]
                worst = 100 * min(1.0, lost / PACKETS)
                key = RollupKey(at, PBX, name(peer), side)
                figures = Figures(
                    n=reports,
                    calls=1,
                    lost=net,
                    packets=packets,
                    lost_reported=lost,
                    packets_reported=expected,
                    loss_max=worst,
                    jitter_n=reports,
                    jitter_sum=sum(jitters),
                    jitter_max=max(jitters),
                    mos_n=reports,
                    mos_sum=sum(scores),
                    mos_min=min(scores),
                )
                rows[key] = rows[key] + figures if key in rows else figures
                if side is Direction.TO_PEER:
                    rtts = [chance.uniform(15, 70) for _ in range(reports)]
                    key = RollupKey(at, PBX, name(peer), None)
                    figures = Figures(calls=1, rtt_n=reports, rtt_sum=sum(rtts), rtt_max=max(rtts))
                    rows[key] = rows[key] + figures if key in rows else figures
                self._detail.add(self._samples(call, peer, side, voice, at, reports))
        for key, figures in rows.items():
            yield Rollup(MINUTE_S, key, figures)
            yield Rollup(HOUR_S, RollupKey(at // HOUR_S * HOUR_S, *(key.pbx, key.subject, key.direction)), figures)
        yield from self._detail.take(late)()

    def _samples(self, call: _Call, peer: int, side: Direction, voice: _Voice, at: int, reports: int) -> Iterator[Sample]:
        """Single reports, of those alone whose minute is kept, and of some that might have been."""
        if voice.jitter_ms < 18 and voice.loss_share == 0:
            return
        chance, unique = self._chance, f"{START_AT + int(call.begins_s)}.{call.number}"
        for report in range(reports):
            when = at + report * REPORT_EVERY_S + chance.random()
            loss = round(chance.random() * 2 * voice.loss_share * PACKETS) / PACKETS * 100
            for metric, value in (
                (Metric.LOSS_PERCENT, loss),
                (Metric.LOSS_PERCENT_REPORTED, loss),
                (Metric.JITTER_MS, round(voice.jitter_ms * chance.uniform(0.6, 1.5) * 8) / 8),
                (Metric.R_FACTOR, 93.2 - loss * 4 - chance.random()),
            ):
                yield Sample(when, metric, value, PBX, name(peer), side, "", unique, Verdict.OK, PACKETS, "alaw")

    def _calls(self, ended: list[_Call]) -> Iterator[Row]:
        for call in ended:
            rung_at = START_AT + call.begins_s - RINGING_S
            link = f"{int(rung_at)}.{call.number}"
            for offset, peer in enumerate((call.phone, call.trunk)):
                self.legs += 1
                yield CallRecord(
                    pbx=PBX,
                    subject=name(peer),
                    channel=f"{name(peer)}-{call.number + offset:08x}",
                    uniqueid=f"{int(rung_at + offset)}.{call.number + offset}",
                    linkedid=link,
                    started_at=rung_at + offset,
                    answered_at=rung_at + RINGING_S,
                    ended_at=START_AT + call.ends_s,
                    cause=16,
                    codec="alaw",
                    to_peer=self._totals(call, call.voices[(peer, Direction.TO_PEER)]),
                    from_peer=self._totals(call, call.voices[(peer, Direction.FROM_PEER)]),
                    rtt_max_ms=self._chance.uniform(30, 90),
                )
            if self._chance.random() < 1 / 3:  # of four attempts one is not answered
                nothing, number = DirectionTotals(), self._numbered
                self._numbered += 2
                for offset, peer in enumerate((call.phone, call.trunk)):
                    self.legs += 1
                    begun_at, unique = rung_at + offset, f"{int(rung_at + offset)}.{number + offset}"
                    channel = f"{name(peer)}-{number + offset:08x}"
                    ids = (channel, unique, f"{int(rung_at)}.{number}", begun_at, None, rung_at + 12, 17, None)
                    yield CallRecord(PBX, name(peer), *ids, nothing, nothing, None)

    def _totals(self, call: _Call, voice: _Voice) -> DirectionTotals:
        reports = max(1, round((call.ends_s - call.begins_s) / REPORT_EVERY_S))
        expected = reports * PACKETS + self._chance.randrange(-reports, reports + 1)
        lost = round(expected * voice.loss_share)
        net = expected - self._chance.random() * 5 if voice.passed_on else float(expected)
        return DirectionTotals(float(lost), float(lost), net, float(expected), voice.jitter_ms * 1.5, voice.mos - 0.0173)

    def _counts(self, ended: list[_Call], at: int) -> Iterator[Row]:
        """What was counted of trunks' calls, as figures and as it was judged."""
        figures: dict[KpiKey, KpiFigures] = {}
        observed = []

        def add(trunk: int, kpi: str, total: float) -> None:
            key, one = KpiKey(at, PBX, name(trunk), kpi), KpiFigures(1.0, total, total, total)
            figures[key] = figures[key] + one if key in figures else one

        for call in ended:
            trunk, when = call.trunk, START_AT + call.ends_s
            add(trunk, Tally.ANSWERED, 1.0)
            add(trunk, Tally.DELIVERED, 1.0)
            add(trunk, Metric.CALL_DURATION_S, call.ends_s - call.begins_s)
            add(trunk, Metric.POST_DIAL_DELAY_S, self._chance.uniform(0.5, 4))
            add(trunk, "concurrent_calls", float(self._chance.randrange(5, 30)))
            ids = (f"+7495{self._chance.randrange(10**7):07}", name(trunk), f"{name(call.phone)}-{call.number:08x}")
            unique = f"{int(START_AT + call.begins_s)}.{call.number}"
            for over in (False, True):
                what = DialObservation(when, PBX, name(call.phone), *ids, unique, True, over)
                observed.append(Observed(when, what))
            observed += [
                Observed(when, TallyObservation(when, tally, PBX, name(trunk), 1, 1))
                for tally in (Tally.ANSWERED, Tally.DELIVERED)
            ]
        for key, each in figures.items():
            yield KpiRow(MINUTE_S, key, each)
            yield KpiRow(HOUR_S, KpiKey(key.start_at // HOUR_S * HOUR_S, key.pbx, key.subject, key.kpi), each)
        journals = pack(observed)
        self._detail.count_others(sum(len(journal.packed) for journal in journals))
        yield from journals
