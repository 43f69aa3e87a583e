"""What alerts are about, told on the page as in messages: missing sound, whole sites, where it arises, what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from qualitywatch.model import Direction, Metric
from qualitywatch.web.telling import alert_told
from tests.store.model_values import an_alert
from tests.web.browser import needs_browser, visit
from tests.web.house import house

STORM = {"office": "asterisk-20/loss-storm", "branch": "asterisk-20/one-way-audio"}
SITES = {"sites": {"Branch North": ["127.0.0.0/8"]}}  # where every recorded phone stands
LOSS_ONLY = {"office": "asterisk-20/sip-bridge-loss"}
OWN_RULE = """
rules:
  - name: one-way-audio
    kind: state
    entity: audio
    bad: [hears_nothing, sends_nothing, dead]
    warning: {for: 0s}
    clear_hold: 60s
    remedies:
      - {action: dbput, family: route, key: "{subject}", value: relay}
"""


@needs_browser
@pytest.mark.slow
async def test_sound_that_is_missing_is_told_in_the_readers_language(tmp_path: Path) -> None:
    async with house(tmp_path, captures=STORM) as home, visit(home.url) as here:
        await here.see("overview")
        card = here.page.locator("#incidents .incident").filter(has_text="branch")
        await card.get_by_text("hears nothing: our packets do not get there").wait_for()
        assert "One-way audio: 2 peers" in await card.inner_text()
        assert "PJ 707 PJSIP/707 is not heard: no packets come from there" in await card.inner_text()
        await here.page.locator("#language").click()
        await card.get_by_text("не слышит собеседника, наши пакеты не доходят").wait_for()
        await card.get_by_role("link", name="PJ 706 PJSIP/706").click()
        await here.page.locator("#peer-alerts").get_by_text("не слышит собеседника").wait_for()


@needs_browser
@pytest.mark.slow
async def test_a_site_is_one_incident_and_leads_to_who_is_there(tmp_path: Path) -> None:
    async with house(tmp_path, captures=STORM, more=SITES) as home, visit(home.url) as here:
        await here.see("overview")
        card = here.page.locator("#incidents .incident").filter(has_text="office")
        await card.get_by_text("14 of 20 active peers lose packets").wait_for()
        assert "Site Branch North: 14 of 20" in await card.inner_text()
        assert "SIP/6112 20." not in await card.inner_text(), "those it explains are out of the way"
        await card.get_by_text("14 more are affected").click()
        assert "Loss to User 6112 (SIP/6112)" in await card.inner_text()
        await card.get_by_role("link", name="Branch North").first.click()
        await here.page.locator("#filter-site").wait_for()
        assert await here.page.locator("#filter-site").input_value() == "Branch North"
        names = await here.page.locator("#peers tbody tr").all_inner_texts()
        assert names and all("Branch North" in name for name in names)
        await here.see("#/peer/office/SIP%2F6112")
        assert "Where: its downlink (PBX to SIP/6112), 1 of 1 calls" in await here.text("#peer-alerts")
        await here.page.get_by_role("link", name="Branch North").click()
        await here.page.locator("#filter-site").wait_for()


@needs_browser
@pytest.mark.slow
async def test_many_that_lose_for_one_reason_are_told_where_once(tmp_path: Path) -> None:
    async with house(tmp_path, captures=LOSS_ONLY) as home, visit(home.url) as here:
        await here.see("overview")
        card = here.page.locator("#incidents .incident").filter(has_text="Loss to").first
        await card.get_by_text("Where:").first.wait_for()
        text = await card.inner_text()
        assert "its downlink (PBX to SIP/6118)" in text and "other leg SIP/6117" in text, text


@needs_browser
@pytest.mark.slow
async def test_what_was_done_is_told_below_what_happened(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yml").write_text(OWN_RULE, encoding="utf-8")
    more = {"rules": {"directory": str(rules)}, "remedies": {"enabled": True, "dry_run": True}}
    async with house(tmp_path, captures={"branch": STORM["branch"]}, more=more) as home, visit(home.url) as here:
        await here.see("overview")
        remedies = here.page.locator("#incidents .incident .remedies")
        await remedies.get_by_text("would have turned DB route/PJSIP/706 to relay (dry run)").wait_for()
        await here.page.locator("#language").click()
        await remedies.get_by_text("пробный режим, следовало бы переключить DB route/PJSIP/706 на relay").wait_for()
        (incident,) = (await home.get("incidents"))["items"]
        assert [each["outcome"] for each in incident["remedies"]] == ["would", "would"]


@pytest.mark.slow
async def test_the_api_tells_of_sites_and_whole_incidents(tmp_path: Path) -> None:
    async with house(tmp_path, captures=STORM, more=SITES) as home:
        there = await home.get("peers", pbx="office", site="Branch North", limit=500)
        assert len(there["items"]) > 14 and {each["site"] for each in there["items"]} == {"Branch North"}
        assert (await home.get("peers", site="Elsewhere"))["items"] == []
        (one,) = (await home.get("incidents", pbx="office", subject="Branch North"))["items"]
        assert one["text"]["en"].startswith("site Branch North: 14 of 20")
        assert one["text"]["ru"].startswith("Площадка Branch North: ")
        explained = [each for each in one["members"] if each["alert"]["subject"] == "SIP/6112"]
        assert explained[0]["alert"]["where"]["en"] == "where: its downlink (PBX to SIP/6112), 1 of 1 calls"
        assert explained[0]["mute"]["kind"] == "inhibited"


def test_what_is_unusual_for_a_peer_is_told_with_what_is_usual() -> None:
    alert = an_alert("SIP/6112")
    key = replace(alert.key, direction=Direction.TO_PEER)
    unusual = replace(alert, key=key, topic=Metric.JITTER_MS, value=9.0, details={"usual": "2.5", "hour": "any"}, texts={})
    told = alert_told(unusual, UTC)
    assert "usual" in told["en"] and "2.5 ms" in told["en"]
    assert "2.5 мс" in told["ru"]
    own = alert_told(replace(unusual, texts={"en": "Call {peer}!"}), UTC)
    assert own["en"] == "Call Anna SIP/6112!"
