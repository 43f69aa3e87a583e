"""What is stored of what was counted and measured: one shape for shares, figures and levels."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.model import KpiRecord, LevelObservation, Sample, TallyObservation


def kpis(observation: Sample | TallyObservation | LevelObservation) -> Iterator[KpiRecord]:
    """Return what an observation adds to the series of its subject."""
    at, pbx, subject = observation.at, observation.pbx, observation.subject
    match observation:
        case Sample():
            yield KpiRecord(at, pbx, subject, observation.metric, observation.value)
        case TallyObservation():
            yield KpiRecord(at, pbx, subject, observation.tally, observation.good, observation.total)
        case LevelObservation():
            for gauge, value in observation.levels.items():
                yield KpiRecord(at, pbx, subject, gauge, value)
