"""Pages of calls are the same from the disk as from memory, however long ago calls were and however late their legs began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import CallRecord, DirectionTotals
from qualitywatch.ports import CallQuery
from qualitywatch.store import rollup_tables
from qualitywatch.store.linked import linked, newest, page
from qualitywatch.store.past_tables import select_legs, select_newest
from qualitywatch.store.rollup_tables import LAYOUT, insert, prune_calls
from tests.store.model_values import a_call

START = 1_763_942_400
NOTHING = DirectionTotals()


def call(number: int, at: int, later_s: int, ahead_s: int, peer: int, form: str, pbx: str = "office") -> list[CallRecord]:
    """Two legs of one call: the second began ``later_s`` after the first, by a clock that is ``ahead_s`` before ours."""
    legs = []
    for nth, began_s in enumerate((at, at + later_s)):
        subject, uniqueid = f"SIP/{peer + nth}", f"{form}{began_s + ahead_s}.{number + nth}"
        leg = replace(a_call(), pbx=pbx, subject=subject, channel=f"{subject}-{number + nth:08x}", uniqueid=uniqueid)
        leg = replace(leg, linkedid=f"{form}{at + ahead_s}.{number}", to_peer=NOTHING, from_peer=NOTHING)
        legs.append(replace(leg, started_at=float(began_s), answered_at=None, ended_at=began_s + 30.0))
    return legs


_CALLS = st.builds(
    call,
    number=st.integers(1, 400).map(lambda number: number * 2),
    at=st.sampled_from([0, 10, 100, 5_000, 80_000, 9_000_000]).flatmap(lambda far: st.integers(START + far, START + far + 200)),
    later_s=st.sampled_from([0, 1, 59, 60, 61, 62, 500, 9_000]),
    ahead_s=st.sampled_from([0, -1, 100, -128, 128, 700]),
    peer=st.integers(1, 4),
    form=st.sampled_from(["", "", "", "pbx1-"]),
    pbx=st.sampled_from(["office", "home"]),
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(_CALLS, max_size=12, unique_by=lambda legs: (legs[0].pbx, legs[0].uniqueid)),
    st.sampled_from([0, START, START + 50, START + 4_999]),
    st.sampled_from([START + 120, START + 90_000, START + 10_000_000]),
    st.integers(0, 3),
    st.integers(1, 5),
    st.sampled_from([None, None, "SIP/2"]),
    st.sampled_from([None, None, "office"]),
)
def test_a_page_is_that_of_memory(
    calls: list[list[CallRecord]], since: int, until: int, offset: int, limit: int, subject: str | None, pbx: str | None
) -> None:
    legs = [leg for each in calls for leg in each]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        for statements in LAYOUT.migrations:
            for statement in statements:
                file.execute(statement)
        insert(file, legs)
        named = [legs[0].linkedid] if legs else []
        for linkedid in (None, *named):
            query = CallQuery(since, until, limit=limit, offset=offset, subject=subject, pbx=pbx, linkedid=linkedid)
            wanted = page(newest(legs, query), query)
            assert page(select_newest(file, query), query) == wanted
            assert linked(wanted, select_legs(file, wanted)) == linked(wanted, legs)


def test_what_is_deleted_leaves_no_names_behind() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        for statements in LAYOUT.migrations:
            for statement in statements:
                file.execute(statement)
        insert(file, [leg for at in (0, 1_000, 2_000) for leg in call(at + 2, START + at, 5, 0, 1, "pbx1-")])
        insert(file, call(8, START + 500, 5, 0, 1, ""))
        while prune_calls(file, START + 1_500):
            pass
        assert file.execute("SELECT start FROM leg ORDER BY start").fetchall() == [(START + 2_000,), (START + 2_005,)]
        assert file.execute("SELECT count(*) FROM leg_text").fetchone() == (2,)


@pytest.fixture
def file() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for statements in LAYOUT.migrations:
            for statement in statements:
                made.execute(statement)
        yield made


def test_no_leg_is_without_its_names_while_others_are_deleted(
    file: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup_tables, "PRUNE_CHUNK", 2)
    insert(file, [leg for place in range(8) for leg in call(place + 2, START + place, 5, 0, 1, "")])
    insert(file, [leg for place in range(4) for leg in call(place + 2, START + place, 5, 0, 3, "pbx1-")])
    query, left = CallQuery(0, START + 100, limit=50), 12
    while prune_calls(file, START + 100):
        assert file.execute("SELECT count(*) FROM call WHERE uniqueid IS NULL OR channel IS NULL").fetchone() == (0,)
        found = page(select_newest(file, query), query)
        assert len(found) <= left
        left = len(found)
    assert left == 0
    for table in ("leg", "leg_text"):
        assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_leg_that_comes_late_has_its_own_names(file: sqlite3.Connection) -> None:
    file.execute("INSERT INTO peer VALUES (1, 'office', 'SIP/1')")
    file.execute("INSERT INTO leg_text VALUES (1, ?, 0, 'deleted', 'deleted', 'SIP/1-deleted')", (START,))
    (leg, _) = call(2, START, 5, 0, 1, "pbx1-")
    insert(file, [leg])
    assert select_legs(file, [("office", leg.linkedid or "")]) == [leg]


@pytest.mark.parametrize(
    "linkedid",
    [
        *(f"{number}.1" for number in (2**62 - 1, 2**62, 2**63 - 400, 2**63 - 1, 2**63, "9" * 19, "9" * 5_000)),
        *(f"1.{number}" for number in (2**62 - 1, 2**62, 2**63 - 1, 2**64, "9" * 5_000)),
        f"{2**62 - 1}.{2**62 - 1}",
    ],
)
def test_a_call_may_have_any_linkedid(file: sqlite3.Connection, linkedid: str) -> None:
    query = CallQuery(0, START + 100, linkedid=linkedid)
    assert select_newest(file, query) == {}
    assert select_legs(file, [("office", linkedid)]) == []
    leg = replace(call(2, START, 5, 0, 1, "")[0], uniqueid=linkedid, linkedid=linkedid)
    insert(file, [leg])
    assert select_newest(file, query) == {("office", linkedid): START}
    assert select_legs(file, [("office", linkedid)]) == [leg]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 10**7))
def test_no_more_is_lost_than_was_sent(hundredths: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        for statements in LAYOUT.migrations:
            for statement in statements:
                made.execute(statement)
        packets = hundredths / 100
        (leg, _) = call(2, START, 5, 0, 1, "")
        insert(made, [replace(leg, to_peer=DirectionTotals(packets, 4.0, packets, 300_000.0))])
        ((found,),) = [[found.to_peer] for found in select_legs(made, [("office", leg.linkedid or "")])]
        assert (found.lost, found.expected) == (packets, packets)
