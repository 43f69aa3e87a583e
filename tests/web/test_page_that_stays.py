"""A page that is open for long: what its reader called up stays while news come, and what it says is of the present."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from qualitywatch.model import PeerState, PeerStateSeen
from qualitywatch.ports import SeriesBatch
from tests.store.model_values import a_call, a_sample
from tests.web.browser import Visit, needs_browser, visit
from tests.web.house import House, house

pytestmark = [needs_browser, pytest.mark.slow]

PEER = "SIP/6118"
STATE = "import('/static/js/state.js').then(({{ state }}) => {0})"
GROWN = """async (number) => {
    const { state, changed } = await import("/static/js/state.js");
    const incident = state.incidents.find((each) => each.id === number);
    const [one] = incident.members;
    const members = Array.from({ length: 103 }, (_, index) => ({ ...one, alert: { ...one.alert, subject: `SIP/${index}` } }));
    state.incidents = [{ ...incident, members }];
    changed();
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    return document.querySelector(`#incident-${number} a[href^="#/silences"]`).getAttribute("href");
}"""


async def talk(home: House) -> None:
    """The peer has news, and so has its PBX."""
    for store in home.daemon._shift._keeper._series:
        await store.write(SeriesBatch((a_sample(at=home.daemon.watchers[0].now, subject=PEER),)))


async def had_calls(home: House, count: int) -> None:
    watcher = home.daemon.watchers[0]
    watcher.pipeline.feed(PeerStateSeen(watcher.now, PEER, PeerState.REACHABLE, "192.0.2.1:5060", 12.0))
    now = watcher.now - 60
    calls = tuple(
        replace(a_call(PEER, ended_at=now - number), uniqueid=f"{now:.0f}.{number}", linkedid=f"{now:.0f}.{number}")
        for number in range(count)
    )
    for store in home.daemon._shift._keeper._series:
        await store.write(SeriesBatch(calls=calls))


def asked(here: Visit, what: str) -> int:
    return sum(f"/api/v1/{what}?" in url for url in here.asked)


async def shown(here: Visit, count: int) -> None:
    await here.until(f"document.querySelectorAll('#calls tbody.call').length === {count}")


async def test_older_rows_stay_when_news_come(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as home:
        await had_calls(home, 50)
        async with visit(home.url) as here:
            await here.see("peer")
            await shown(here, 20)
            before = asked(here, "calls")
            for _ in range(15):
                await talk(home)
                await asyncio.sleep(0.4)
            assert 1 <= asked(here, "calls") - before <= 3, "as they come, but not every second"
            await here.page.get_by_role("button", name="Older").click()
            await shown(here, 40)
            before = asked(here, "series")
            for _ in range(8):
                await talk(home)
                await asyncio.sleep(0.5)
            assert asked(here, "series") > before, "it heard of the news"
            await shown(here, 40)
            await here.page.get_by_role("button", name="Older").click()
            await shown(here, 50)
            await here.page.get_by_role("button", name="1 h", exact=True).click()
            await shown(here, 20)  # another question has an answer from its beginning


async def test_a_silence_says_whom_it_leaves_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("overview")
        number = (await home.get("incidents", pbx="office"))["items"][0]["id"]
        await here.see(await here.page.evaluate(GROWN, number))
        await here.page.get_by_text("3 more of this incident do not fit in one silence").wait_for()
        subjects = await here.page.get_by_label("Peers or trunks", exact=True).input_value()
        assert subjects.split(",") == [f"SIP/{index}" for index in range(100)]
        await here.page.get_by_role("button", name="Silence", exact=True).click()
        await here.page.get_by_text("Silence 1 is in force.").wait_for()
        (made,) = home.daemon.room.silences()
        assert len(made.subjects) == 100


async def test_a_page_that_is_connected_again_marks_by_the_rules_of_now(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as home, visit(home.url) as here:
        await here.until(STATE.format("state.rules.length > 1"))
        await here.page.evaluate(STATE.format("{ state.rules = [{ name: 'of-before', limits: [] }] }"))
        await here.page.evaluate("import('/static/js/stream.js').then(({ connect }) => connect())")
        await here.until(STATE.format("state.rules.length > 1"))


async def test_the_zone_is_called_as_it_is_today(tmp_path: Path) -> None:
    # Liberia's clocks were 44 minutes and 30 seconds behind until 1972.
    async with house(tmp_path, is_played=False) as home, visit(home.url, timezone_id="Africa/Monrovia") as here:
        assert "shown in Greenwich Mean Time" in await here.text("footer")


async def test_a_lost_pbx_shows_a_dash_for_what_nobody_knows(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as home, visit(home.url) as here:
        await here.see("overview")
        card = here.page.locator("[data-pbx=office] .figures")
        assert (await card.locator("dd").all_inner_texts())[:3] == ["–", "–", "–"]
