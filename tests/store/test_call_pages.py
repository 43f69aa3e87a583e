"""Pages of calls are the same from the disk as from memory, however long ago calls were and however late their legs began."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import CallRecord, DirectionTotals
from qualitywatch.ports import CallQuery
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
