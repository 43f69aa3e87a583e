"""What hangs below an alert where the library that draws is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from qualitywatch.app.pictures import SPAN_S, Pictures
from qualitywatch.charts.painter import Painter
from qualitywatch.model import HistoryPoint
from tests.charts.build import FROM, minute
from tests.charts.build import SINCE as POINTS_SINCE
from tests.chat.room import MemoryRoom
from tests.notify.told import bulletin


async def drawn(points: list[HistoryPoint], target: str = "ops") -> bytes | str | None:
    """What becomes of an incident of SIP/6117 when its half hour is over."""
    (incident,) = bulletin().incidents
    room = MemoryRoom(POINTS_SINCE + SPAN_S, points={("office", "SIP/6117"): points})
    incident = replace(incident, opened_at=POINTS_SINCE + SPAN_S)  # of a PBX nobody sees: there the chart ends
    return await Pictures(Painter(), room, {"ops": "en", "boss": "ru"}.__getitem__, UTC).of_incident(incident, target)


@pytest.fixture(autouse=True)
def _without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Painter, "available", property(lambda painter: False))


async def test_in_place_of_a_picture_there_are_lines_of_blocks() -> None:
    lines = await drawn([minute(1, loss=0.0, worst=0.0, jitter=4.0), minute(20, loss=8.0, worst=12.4), minute(3, FROM, loss=1)])
    assert isinstance(lines, str)
    first, *rest = lines.splitlines()
    assert first.startswith("loss to it ")
    assert "█" in first
    assert first.endswith("max 12.4%")
    assert [line.partition(" it ")[0] for line in rest] == ["loss from", "jitter to"]


async def test_where_nothing_was_measured_nothing_hangs_below() -> None:
    assert await drawn([]) is None
    assert await drawn([minute(1)]) is None


async def test_every_chat_reads_them_in_its_own_language() -> None:
    lines = await drawn([minute(20, loss=8.0, worst=12.4)], "boss")
    assert isinstance(lines, str)
    assert lines.startswith("потери")
