"""The chart of a recorded trouble, as it hangs below its alert; the picture of the README is made here."""

from __future__ import annotations

import asyncio
from datetime import UTC
from pathlib import Path

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.charts.drawing import draw
from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import Direction, HistoryPoint, Sample
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.loader import load_rules
from qualitywatch.shipped import shipped
from qualitywatch.store.backends.memory import MemorySeriesStore
from tests.conftest import CAPTURES

RECORDING = CAPTURES / "asterisk-20/sip-bridge-loss/input.ami"
PICTURE = Path(__file__).parent / "transcripts/sip-bridge-loss.png"
SUBJECT = "SIP/6118"


def lived_through() -> tuple[list[HistoryPoint], ChartRequest]:
    """What the store knows of the second phone of the call, and the chart that is drawn of it."""
    specs = load_rules([shipped("rules")])
    pipeline = Pipeline("office", specs)
    samples: list[Sample] = []
    fired_at = None
    for timed in read_recording(RECORDING.read_bytes()):
        for event in translate(timed.message, timed.at):
            effects = pipeline.feed(event)
            samples += effects.samples
            fired = [it.at for it in effects.transitions if it.alert.key.subject == SUBJECT and it.alert.fired_at is not None]
            fired_at = fired_at or next(iter(fired), None)

    async def remembered() -> list[HistoryPoint]:
        store = await MemorySeriesStore.open(Path(), MemorySeriesStore.Options(), now=samples[-1].at)
        await store.write(SeriesBatch(samples=tuple(samples)))
        return list(await store.history("office", SUBJECT, samples[0].at, samples[-1].at + 1))

    points = asyncio.run(remembered())
    since, until = points[0].at - 45, points[-1].at + points[-1].seconds + 45
    limits = tuple(limit for spec in specs for limit in spec.limits_for("office", SUBJECT))
    shaded = ((fired_at, None),) if fired_at is not None else ()
    return points, ChartRequest(
        f"User 6118 {SUBJECT}", tuple(points), since, until, "en", UTC.tzname(None), limits, shaded=shaded
    )


def test_the_chart_shows_what_was_injected(update_golden: bool) -> None:
    points, request = lived_through()
    heard = [point for point in points if point.direction is Direction.TO_PEER and point.loss_percent is not None]
    packets = sum(point.packets or 0 for point in heard)
    lost = sum((point.loss_percent or 0) * (point.packets or 0) for point in heard) / packets
    assert 8 < lost < 11, "9 % were injected on the way to this phone"
    assert request.shaded
    picture = draw(request)
    if update_golden:
        PICTURE.write_bytes(picture)
    assert picture[:8] == PICTURE.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
