"""Calls and events read back: one suite for every series store, before its rows are written, after, and in between."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.errors import StoreError
from qualitywatch.model import CallRecord, LogRecord
from qualitywatch.ports import CallQuery, EventQuery, SeriesBatch
from qualitywatch.store.registry import STORES, SeriesBackend
from tests.store.model_values import NOW, a_call, a_log

EVER = (NOW - 86_400, NOW + 86_400)


@pytest.fixture(params=sorted(STORES))
async def series(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SeriesBackend]:
    backend = STORES[request.param]
    opened = await backend.open(tmp_path, backend.Options(), now=NOW)
    yield opened
    await opened.close(NOW)


def a_leg(subject: str, number: int, call: int, *, at: float = NOW, pbx: str = "office") -> CallRecord:
    """A leg with instants in whole seconds, which is what every store keeps."""
    return replace(
        a_call(subject),
        pbx=pbx,
        uniqueid=f"1700000000.{number}",
        linkedid=f"1700000000.{call}",
        started_at=at,
        answered_at=at + 5,
        ended_at=at + 45,
    )


async def test_a_call_is_told_with_both_legs_whichever_was_asked_for(series: SeriesBackend) -> None:
    caller, called = a_leg("SIP/6117", 1, 1), a_leg("PJSIP/trunk", 2, 1, at=NOW + 1)
    await series.write(SeriesBatch(calls=(called,)))
    await series.flush(NOW + 120)
    await series.write(SeriesBatch(calls=(caller, a_leg("SIP/6118", 3, 3))))
    for query in (
        CallQuery(*EVER, subject="SIP/6117"),
        CallQuery(*EVER, subject="PJSIP/trunk"),
        CallQuery(*EVER, linkedid="1700000000.1"),
    ):
        (call,) = await series.calls(query)
        assert (call.pbx, call.linkedid, call.legs) == ("office", "1700000000.1", (caller, called))
    await series.flush(NOW + 240)
    assert [call.linkedid for call in await series.calls(CallQuery(*EVER))] == ["1700000000.1", "1700000000.3"]


async def test_a_leg_linked_to_nothing_is_a_call_of_its_own(series: SeriesBackend) -> None:
    alone = replace(a_leg("SIP/6117", 1, 1), linkedid=None)
    await series.write(SeriesBatch(calls=(alone,)))
    await series.flush(NOW + 120)
    (call,) = await series.calls(CallQuery(*EVER, linkedid="1700000000.1"))
    assert (call.linkedid, call.legs) == ("1700000000.1", (alone,))


async def test_pbxes_that_number_alike_are_kept_apart(series: SeriesBackend) -> None:
    await series.write(SeriesBatch(calls=(a_leg("SIP/1", 1, 1), a_leg("SIP/1", 1, 1, pbx="branch"))))
    await series.flush(NOW + 120)
    assert sorted(call.pbx for call in await series.calls(CallQuery(*EVER))) == ["branch", "office"]
    assert [len(call.legs) for call in await series.calls(CallQuery(*EVER, pbx="branch"))] == [1]


async def test_calls_begin_within_the_time_asked_for(series: SeriesBackend) -> None:
    await series.write(SeriesBatch(calls=tuple(a_leg("SIP/1", n, n, at=NOW + n) for n in range(4))))
    await series.flush(NOW + 120)
    found = await series.calls(CallQuery(NOW + 1, NOW + 3))
    assert [call.legs[0].started_at for call in found] == [NOW + 2, NOW + 1]


async def test_pages_of_calls_are_what_sorting_everything_would_give(series: SeriesBackend) -> None:
    chance = random.Random(6)
    legs: list[CallRecord] = []
    for number in range(200):
        at = NOW + chance.randrange(60)
        legs.append(
            a_leg(f"SIP/{chance.randrange(5)}", number, chance.randrange(60), at=at, pbx=chance.choice(("office", "branch")))
        )
    for start in range(0, len(legs), 25):
        await series.write(SeriesBatch(calls=tuple(legs[start : start + 25])))
        if chance.random() < 0.6:
            await series.flush(NOW + 600)
    for _ in range(40):
        subject, pbx = chance.choice((None, "SIP/1", "SIP/4")), chance.choice((None, "office"))
        since, until = NOW + chance.randrange(40), NOW + chance.randrange(20, 70)
        meant: dict[tuple[str, str | None], float] = {}
        for leg in legs:
            if since <= leg.started_at < until and subject in (None, leg.subject) and pbx in (None, leg.pbx):
                key = (leg.pbx, leg.linkedid)
                meant[key] = max(meant.get(key, 0.0), leg.started_at)
        expected = sorted(meant, key=lambda key: (-meant[key], key))
        limit, offset = chance.randrange(1, 20), chance.randrange(20)
        found = await series.calls(CallQuery(since, until, pbx, subject, None, limit, offset))
        assert [(call.pbx, call.linkedid) for call in found] == expected[offset : offset + limit]
        for call in found:
            assert sorted(leg.uniqueid for leg in call.legs) == sorted(
                leg.uniqueid for leg in legs if (leg.pbx, leg.linkedid) == (call.pbx, call.linkedid)
            )


async def test_events_are_told_newest_first_and_in_pages(series: SeriesBackend) -> None:
    written: list[LogRecord] = []
    for number in range(30):
        entry = a_log(str(number), at=NOW + number // 3)
        written.append(entry)
        await series.write(SeriesBatch(logs=(entry,)))
        if number % 7 == 0:
            await series.flush(NOW + 600)
    expected = written[::-1]
    assert list(await series.events(EventQuery(*EVER))) == expected
    assert list(await series.events(EventQuery(*EVER, limit=7, offset=5))) == expected[5:12]
    assert [entry.text for entry in await series.events(EventQuery(NOW + 2, NOW + 3))] == ["8", "7", "6"]


async def test_events_are_told_by_kind_subject_and_pbx(series: SeriesBackend) -> None:
    down, agent = a_log("down"), LogRecord(NOW, "office", "SIP/6117", "user_agent", "Yealink -> Snom")
    abroad = replace(down, pbx="branch")
    await series.write(SeriesBatch(logs=(down, agent)))
    await series.flush(NOW + 120)
    await series.write(SeriesBatch(logs=(abroad,)))
    assert list(await series.events(EventQuery(*EVER, kinds=("user_agent",)))) == [agent]
    assert list(await series.events(EventQuery(*EVER, kinds=("trunk_state", "user_agent"), pbx="office"))) == [agent, down]
    assert list(await series.events(EventQuery(*EVER, subject="SIP/provider"))) == [abroad, down]


async def test_nothing_is_no_error(series: SeriesBackend) -> None:
    assert list(await series.calls(CallQuery(*EVER))) == []
    assert list(await series.events(EventQuery(*EVER))) == []


async def test_a_closed_file_cannot_be_read(tmp_path: Path) -> None:
    rollup = STORES["rollup"]
    store = await rollup.open(tmp_path, rollup.Options(), now=NOW)
    await store.close(NOW)
    with pytest.raises(StoreError):
        await store.calls(CallQuery(*EVER))
