"""The status page as its readers see it, in a real browser and with recorded PBXes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qualitywatch.model import PeerState, PeerStateSeen
from tests.web.browser import AXE, VIEWS, Visit, needs_browser, visit
from tests.web.house import House, house

pytestmark = [needs_browser, pytest.mark.slow]

OVERFLOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def rows(here: Visit, table: str) -> list[str]:
    return [await row.inner_text() for row in await here.page.locator(f"#{table} tbody tr").all()]


async def lossy_incident(home: House) -> int:
    """The number of the open one about two phones: PBXes are heard in any order."""
    (found,) = [each for each in (await home.get("incidents", pbx="office"))["items"] if len(each["members"]) == 2]
    return int(found["id"])


async def test_what_happens_is_seen_without_a_reload(tmp_path: Path) -> None:
    async with house(tmp_path, speed=10) as home, visit(home.url) as here:
        await here.page.evaluate("() => { window.isSamePage = true }")
        await here.see("overview")
        await here.page.locator("#overview-trunks").get_by_text("no answer").first.wait_for()
        await here.page.locator("#incidents .incident.critical").first.wait_for()
        await here.page.locator("#incidents").get_by_text("Loss to User 6118").first.wait_for()
        await here.page.locator("#worst").get_by_text("User 6118").wait_for()
        assert re.match(r"\([1-9]\d*\) Overview", await here.page.title())
        assert await here.page.evaluate("window.isSamePage"), "and the page was never loaded again"


async def test_charts_are_zoomed_by_dragging_keys_and_buttons(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("peer")
        figure = here.page.locator("#chart-loss")
        await figure.locator("canvas").wait_for()
        assert "warning 3 %, critical 10 %" in await figure.inner_text(), "limits of the rules in force"
        spoken = await figure.locator("canvas").get_attribute("aria-label") or ""
        assert re.search(r"to the peer from \d+\.\d\d % to 9\.\d\d %", spoken), spoken
        before = await span_s(here)
        box = await figure.locator(".u-over").bounding_box()
        assert box is not None
        await here.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 50)
        await here.page.mouse.down()
        await here.page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 60, steps=5)
        await here.page.mouse.up()
        await here.page.locator("#now").wait_for()
        assert await span_s(here) == pytest.approx(before * 0.3, rel=0.05)
        await here.page.keyboard.press("-")
        assert await span_s(here) == pytest.approx(before * 0.6, rel=0.05)
        await here.page.get_by_role("button", name="Zoom in").click()
        assert await span_s(here) == pytest.approx(before * 0.3, rel=0.05)
        await here.page.keyboard.press("0")
        await here.page.locator("#now").wait_for(state="detached")
        await here.page.get_by_role("button", name="24 h").click()
        await here.page.get_by_role("button", name="24 h", pressed=True).wait_for()  # drawn with the next frame
        await figure.get_by_text("Figures as a table").click()
        assert await figure.locator("tbody tr").count() >= 2


async def span_s(here: Visit) -> float:
    """How much time the loss chart shows, in seconds."""
    script = "() => { const { min, max } = document.querySelector('#chart-loss qw-chart').plot.scales.x; return max - min }"
    return float(await here.page.evaluate(f"new Promise((done) => requestAnimationFrame(() => done(({script})())))"))


async def test_peers_are_filtered_and_sorted(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("peers")
        assert await here.text("#count") == "6 peers"
        await here.page.get_by_role("button", name="Loss to").click()
        await here.page.locator("#peers tbody tr").first.get_by_text("SIP/6118").wait_for()  # the worst first
        heading = here.page.locator("#peers th[aria-sort]:not([aria-sort=none])")
        assert await heading.get_attribute("aria-sort") == "descending"
        await here.page.get_by_label("Name, address or User-Agent").fill("6117")
        await here.page.locator("#count").get_by_text("1 peer", exact=True).wait_for()
        assert "User 6117" in (await rows(here, "peers"))[0]
        assert "text=6117" in here.page.url, "a link to what is seen"
        await here.page.get_by_label("Name, address or User-Agent").fill("nobody is called so")
        await here.page.get_by_text("No peer matches.").wait_for()
        await here.page.get_by_label("Name, address or User-Agent").fill("")
        await here.page.get_by_label("With alerts only").check()
        await here.page.locator("#count").get_by_text("2 peers", exact=True).wait_for()


async def test_a_call_is_shown_with_both_legs(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("calls")
        legs = await rows(here, "calls")
        assert len(legs) == 2
        assert "6.52 %" in legs[0]
        assert "9.57 %" in legs[1] and "reported 15.26 %" in legs[1]


async def test_a_silence_is_made_seen_and_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("silences")
        await here.page.get_by_role("button", name="Silence", exact=True).click()
        await here.page.get_by_role("alert").get_by_text("Say what").wait_for()
        await here.page.get_by_label("Peers or trunks", exact=True).fill("SIP/61*, /^PJSIP\\/(1|2),3$/")
        await here.page.get_by_label("For", exact=True).select_option("4 h")
        await here.page.get_by_label("Why", exact=True).fill("new <b>switch</b>")
        await here.page.get_by_role("button", name="Silence", exact=True).click()
        await here.page.get_by_text("Silence 1 is in force.").wait_for()
        await here.page.locator("#silences tbody").get_by_text("new <b>switch</b>").wait_for()
        (made,) = home.daemon.room.silences()
        assert made.subjects == ("SIP/61*", "/^PJSIP\\/(1|2),3$/")
        assert made.by == "token (web)"
        assert made.ends_at - made.created_at == pytest.approx(4 * 3600, abs=1)
        await here.page.get_by_role("button", name="End silence 1 now").click()
        await here.page.get_by_text("Nothing is silenced.").wait_for()
        assert not home.daemon.room.silences()


async def test_an_incident_is_taken_on_and_given_back(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        number = await lossy_incident(home)
        card = here.page.locator(f"#incident-{number}")
        await card.get_by_role("button", name="Acknowledge").click()
        await card.get_by_text("taken on by token (web)").wait_for()
        incident = home.daemon.room.incident(number)
        assert incident is not None and incident.ack is not None
        await card.get_by_role("button", name="Give back").click()
        await card.get_by_role("button", name="Acknowledge").wait_for()
        await card.get_by_role("link", name="Silence").click()
        assert await here.page.get_by_label("Peers or trunks").input_value() == "SIP/6117,SIP/6118"


async def test_history_tells_of_alerts_and_of_everything_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("alerts")
        assert any("trunk-down is over" in row for row in await rows(here, "events"))
        count = len(await rows(here, "events"))
        await here.page.locator("#filter-kind").select_option("all")
        await here.until(f"document.querySelectorAll('#events tbody tr').length > {count}")
        assert any("Peer: unreachable" in row for row in await rows(here, "events"))
        assert "19:59:33 to 20:00:04" in await here.text("main"), "when an incident began and ended"


async def test_the_language_is_switched_and_remembered(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        keys = await here.page.evaluate(
            """async () => {
                const { EN } = await import("/static/js/words_en.js");
                const { RU } = await import("/static/js/words_ru.js");
                return [Object.keys(EN).sort(), Object.keys(RU).sort()];
            }"""
        )
        assert keys[0] == keys[1], "one dictionary says what the other does not"
        await here.page.get_by_role("button", name="Switch to Russian").click()
        await here.page.locator("html[lang=ru]").wait_for()
        await here.page.locator("main[data-language=ru]").wait_for()
        for view in VIEWS:
            await here.see(view)
            text = await here.text("body")
            assert re.search("[а-я]{4}", text)
            assert not set(re.findall(r"[a-z_]+(?:\.[a-z_]+)+", text)) & set(keys[0]), "a key instead of a text"
            for key in ("peers.caption", "overview.worst", "silence.explained", "alerts.history"):
                english = await here.page.evaluate("key => import('/static/js/words_en.js').then(({ EN }) => EN[key])", key)
                assert english not in text
        await here.page.reload()
        await here.see("peers")
        assert await here.text("h1") == "Пиры"


async def test_colours_follow_the_system_or_the_reader(tmp_path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    async with house(tmp_path) as home, visit(home.url, color_scheme="dark") as here:
        dark = await here.page.evaluate(ground)
        await here.page.emulate_media(color_scheme="light")
        light = await here.page.evaluate(ground)
        assert dark != light
        await here.page.keyboard.press("d")
        await here.page.keyboard.press("d")
        await here.until(f"{ground} === '{dark}'")
        await here.page.reload()
        await here.until("document.querySelector('main h1') !== null")
        assert await here.page.evaluate(ground) == dark, "remembered"


async def test_everything_is_reached_by_keyboard(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        press = here.page.keyboard.press
        await press("?")
        await here.page.locator("dialog[open]").get_by_text("Next and previous row").wait_for()
        await press("Escape")
        await press("2")
        await here.until("document.querySelector('h1').textContent === 'Peers'")
        await press("/")
        await here.page.keyboard.type("6118d")  # no key acts while somebody types
        await here.page.get_by_text("No peer matches.").wait_for()
        assert await here.page.locator("html").get_attribute("data-theme") is None
        await press("Backspace")
        await here.page.locator("#count").get_by_text("1 peer", exact=True).wait_for()
        await press("Escape")
        await press("j")
        await press("Enter")
        await here.until("document.querySelector('h1').textContent.includes('SIP/6118')")
        assert await here.page.evaluate("document.activeElement.tagName") == "H1", "a screen reader is told where it is"
        await here.page.evaluate("document.body.focus(); scrollTo(0, 0)")
        await here.page.locator(".skip").focus()
        await press("Enter")
        assert await here.page.evaluate("document.activeElement.id") == "main"
        await press("?")
        await here.page.get_by_label("Shortcuts of one key").uncheck()
        await press("Escape")
        await press("1")
        assert "SIP/6118" in await here.text("h1"), "switched off"


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
async def test_no_rule_of_accessibility_is_broken(tmp_path: Path, colours: str, width: int) -> None:
    found: dict[str, Any] = {}
    shape = {"width": width, "height": 800}
    async with house(tmp_path) as home, visit(home.url, color_scheme=colours, viewport=shape) as here:
        await here.page.evaluate(AXE.read_text(encoding="utf-8"))
        for view in VIEWS:
            await here.see(view)
            result = await here.page.evaluate(
                "axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', "
                "'best-practice'] })"
            )
            for violation in result["violations"]:
                found[f"{view}: {violation['id']}"] = [node["html"][:200] for node in violation["nodes"][:3]]
    assert not found, json.dumps(found, indent=1)


async def test_a_phone_is_wide_enough_for_every_view(tmp_path: Path) -> None:
    shape = {"width": 375, "height": 740}
    async with house(tmp_path) as home, visit(home.url, viewport=shape, has_touch=True, is_mobile=True) as here:
        for language in ("en", "ru"):
            for view in VIEWS:
                await here.see(view)
                assert not await here.page.evaluate(OVERFLOW), f"{view} in {language} is wider than the screen"
            await here.page.locator("#language").tap()
        await here.see("overview")
        button = await here.page.get_by_role("button", name="Acknowledge").first.bounding_box()
        assert button is not None and button["height"] >= 44


async def test_what_a_pbx_sends_is_text(tmp_path: Path) -> None:
    evil = "PJSIP/<img src=x onerror=document.title='broken'>"
    async with house(tmp_path, is_played=False) as home:
        watcher = home.daemon.watchers[0]
        watcher.pipeline.feed(PeerStateSeen(watcher.now, evil, PeerState.REACHABLE, "192.0.2.1:5060", 12.0))
        async with visit(home.url) as here:
            await here.see("peers")
            assert evil in (await rows(here, "peers"))[0]
            await here.page.locator("#peers a.open").click()
            await here.until("document.querySelector('h1').textContent.includes('onerror')")
            assert await here.text("h1") == evil
            await here.settled()
            assert await here.page.locator("main img").count() == 0


async def test_a_page_says_when_it_hears_nothing_more(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url, is_quiet=False) as here:
        home.stop.set()
        await here.page.locator("#link.lost").wait_for()
        assert "connection lost" in await here.text("#link")
        assert "User 6118" in await here.text(), "what was known stays"


async def test_a_page_says_when_its_reader_is_no_longer_let_in(tmp_path: Path) -> None:
    # Where users may log in by name, the browser itself asks for one.
    async with house(tmp_path, users=None) as home, visit(home.url, is_quiet=False) as here:
        await here.page.context.clear_cookies()
        number = await lossy_incident(home)
        await here.page.locator(f"#incident-{number}").get_by_role("button", name="Acknowledge").click()
        await here.page.get_by_text("You are no longer logged in").wait_for()
        incident = home.daemon.room.incident(number)
        assert incident is not None and incident.ack is None


async def test_what_was_typed_for_one_peer_is_not_left_for_the_next(tmp_path: Path) -> None:
    async with house(tmp_path) as home, visit(home.url) as here:
        await here.see("peer")
        field = here.page.get_by_label("Peers or trunks", exact=True)
        await field.fill("SIP/6118, SIP/6119")
        await here.see("#/peer/office/SIP%2F6117")
        await here.until("document.querySelector('h1').textContent.includes('SIP/6117')")
        await here.page.locator("#peer-silence").wait_for()
        assert await field.input_value() == "SIP/6117"
