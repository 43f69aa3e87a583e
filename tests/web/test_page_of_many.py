"""The status page with a thousand peers: how long a reader waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from qualitywatch.model import Direction, Metric, PeerState, PeerStateSeen, Sample, Verdict
from qualitywatch.ports import SeriesBatch
from tests.web.browser import Visit, needs_browser, visit
from tests.web.house import House, house

pytestmark = [needs_browser, pytest.mark.slow]

PEERS = 1000
DRAWN_MS = 1000.0  # what a reader takes for at once; measured 60 to 120 ms on two busy cores
FILTERED_MS = 500.0
BLOCKED_MS = 500.0  # the longest the page does not react while everything changes

DRAWN = """async ([hash, wanted]) => {
    const begun = performance.now();
    location.hash = hash;
    while (document.querySelectorAll("#peers tbody tr").length < wanted) await new Promise(requestAnimationFrame);
    document.body.getBoundingClientRect();
    return performance.now() - begun;
}"""
FILTERED = """async () => {
    const field = document.querySelector("#filter-text");
    const begun = performance.now();
    field.value = "0999";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    while (document.querySelectorAll("#peers tbody tr").length !== 1) await new Promise(requestAnimationFrame);
    return performance.now() - begun;
}"""
WATCH = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
    }).observe({ type: "longtask" });
}"""
TO_THE_END = "scrollTo(0, document.body.scrollHeight)"
FIRST_IS_AWAY = "document.querySelector('#peers tbody').innerText.trim() === ''"


def samples(now: float, loss: float) -> tuple[Sample, ...]:
    """Everybody talks."""
    return tuple(
        Sample(now, metric, value, "office", f"PJSIP/{number:04}", direction, "c", "u", Verdict.OK, 500)
        for number in range(PEERS)
        for direction in Direction
        for metric, value in ((Metric.LOSS_PERCENT, loss + number / 100), (Metric.JITTER_MS, 4.0), (Metric.MOS, 4.3))
    )


async def everybody_talks(home: House, loss: float) -> None:
    watcher = home.daemon.watchers[0]
    for store in home.daemon._shift._keeper._series:
        await store.write(SeriesBatch(samples(watcher.now, loss)))


async def test_a_thousand_peers_are_drawn_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as home:
        watcher = home.daemon.watchers[0]
        for number in range(PEERS):
            seen = PeerStateSeen(watcher.now, f"PJSIP/{number:04}", PeerState.REACHABLE, f"192.0.2.{number % 250}:5060", 12.0)
            watcher.pipeline.feed(seen)
        await everybody_talks(home, 0.0)
        async with visit(home.url) as here:
            drawn_ms = await here.page.evaluate(DRAWN, ["#/peers", 50])
            assert await here.text("#count") == f"{PEERS} peers"
            filtered_ms = await here.page.evaluate(FILTERED)
            await here.page.get_by_label("Name, address or User-Agent").fill("")
            await here.page.get_by_role("button", name="Loss to").click()
            first = here.page.locator("#peers tbody tr").first
            await first.get_by_text("PJSIP/0999").wait_for()
            last = here.page.locator("#peers tbody tr").last
            for _ in range(80):  # to the end: rows come as somebody scrolls
                await here.page.evaluate("scrollTo(0, document.body.scrollHeight)")
                if "PJSIP/0000" in await last.inner_text():
                    break
                await asyncio.sleep(0.05)
            assert "PJSIP/0000" in await last.inner_text()
            await here.page.evaluate(WATCH)
            await everybody_talks(home, 5.0)
            await last.get_by_text("2.50 %").first.wait_for()  # the mean of both, also for who reads the end
            await everybody_talks(home, 10.0)
            await here.page.evaluate("scrollTo(0, 0)")
            await first.get_by_text("14.99 %").first.wait_for()
            longest_ms = await here.page.evaluate("window.longest")
        print(
            f"{PEERS} peers: drawn in {drawn_ms:.0f} ms, filtered in {filtered_ms:.0f} ms; "
            f"with all {PEERS} rows and figures changed the page blocked for {longest_ms:.0f} ms at most"
        )
        assert drawn_ms < DRAWN_MS
        assert filtered_ms < FILTERED_MS
        assert longest_ms < BLOCKED_MS


ROWS = 250
COUNT_ON_PAPER = """() => addEventListener("beforeprint", () => {
    window.onPaper = document.querySelectorAll("#peers tbody a.open").length;
})"""
FLING = """async () => {
    for (let times = 0; times < 60; times++) {
        scrollTo(0, times % 2 ? document.body.scrollHeight : 0);
        await new Promise(requestAnimationFrame);
        const until = performance.now() + (times % 7) * 10;
        while (performance.now() < until);  // whoever else works in the page
    }
}"""
LINK = "name => [...document.querySelectorAll('#peers tbody a.open')].find((link) => link.innerText === name)"


@asynccontextmanager
async def scrolled_to_the_end(tmp_path: Path) -> AsyncIterator[Visit]:
    """The list of some hundred peers, all of which have been in the page."""
    async with house(tmp_path, is_played=False) as home:
        watcher = home.daemon.watchers[0]
        for number in range(ROWS):
            watcher.pipeline.feed(PeerStateSeen(watcher.now, f"PJSIP/{number:04}", PeerState.REACHABLE, None, 12.0))
        async with visit(home.url) as here:
            await here.see("peers")
            await here.until(f"{TO_THE_END}, document.querySelectorAll('#peers tbody').length === {ROWS // 50}")
            await here.until(f"{TO_THE_END}, document.querySelector('#peers').innerText.includes('PJSIP/{ROWS - 1:04}')")
            await here.until(FIRST_IS_AWAY)
            yield here


async def test_all_rows_that_were_shown_are_printed(tmp_path: Path) -> None:
    async with scrolled_to_the_end(tmp_path) as here:
        await here.page.evaluate(COUNT_ON_PAPER)
        await here.page.pdf()
        assert await here.page.evaluate("window.onPaper") == ROWS
        await here.until(FIRST_IS_AWAY)


async def test_a_list_keeps_its_length_however_fast_it_is_scrolled(tmp_path: Path) -> None:
    async with scrolled_to_the_end(tmp_path) as here:
        length_px = await here.page.evaluate("document.body.scrollHeight")
        await here.page.evaluate(FLING)
        await here.until(f"Math.abs(document.body.scrollHeight - {length_px}) < {length_px / 10}")


async def test_the_next_row_is_the_next_however_far_somebody_scrolled(tmp_path: Path) -> None:
    async with scrolled_to_the_end(tmp_path) as here:
        await here.page.evaluate("scrollTo(0, 0)")
        await here.until(f"({LINK})('PJSIP/0049') !== undefined")
        await here.page.evaluate(f"({LINK})('PJSIP/0049').focus()")
        await here.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await here.until(f"document.querySelector('#peers').innerText.includes('PJSIP/{ROWS - 1:04}')")
        await here.page.keyboard.press("j")
        assert await here.page.evaluate("document.activeElement.innerText") == "PJSIP/0050"
        await here.page.keyboard.press("k")
        assert await here.page.evaluate("document.activeElement.innerText") == "PJSIP/0049"
