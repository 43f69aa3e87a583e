"""The API over a real daemon that watches recorded PBXes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from qualitywatch.model import Gauge, LevelObservation
from qualitywatch.model.observations import Observed
from qualitywatch.ports import SeriesBatch
from tests.web.house import House, house

EVER = {"since": 0, "until": "2100-01-01T00:00:00Z"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """For those who only read."""
    async with house(tmp_path_factory.mktemp("lasting")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """For what does not depend on calls, and is refused."""
    async with house(tmp_path_factory.mktemp("idle"), is_played=False) as opened:
        yield opened


def has(count: int) -> Any:
    return lambda body: len(body["items"]) >= count


async def test_pbxes_are_told_as_configured(lasting: House) -> None:
    body = await lasting.until("pbxes", lambda body: all(pbx["is_seen"] or pbx["trouble"] for pbx in body["items"]))
    assert [pbx["name"] for pbx in body["items"]] == ["office", "branch"]
    now = body["items"][0]["now"]
    assert abs(datetime.fromisoformat(now["iso"]).timestamp() - now["unix"]) < 0.001, "the same instant, told twice"


async def test_peers_are_found_by_name_state_and_part(lasting: House) -> None:
    everybody = await lasting.until("peers", has(2), pbx="office")
    one = everybody["items"][0]
    assert one["pbx"] == "office"
    assert everybody["total"] == len(everybody["items"])
    same = await lasting.get("peers", subject=one["subject"], state=one["state"], pbx="office")
    assert [each["subject"] for each in same["items"]] == [one["subject"]]
    part = await lasting.get("peers", text=one["subject"].partition("/")[2].lower())
    assert one["subject"] in [each["subject"] for each in part["items"]]
    page = await lasting.get("peers", pbx="office", limit=1, offset=1)
    assert (page["offset"], page["items"][0]["subject"]) == (1, everybody["items"][1]["subject"])


async def test_a_call_is_told_with_both_legs_and_what_each_side_heard(lasting: House) -> None:
    body = await lasting.until("calls", has(1), **EVER, pbx="office")
    call = next(call for call in body["items"] if len(call["legs"]) == 2)
    assert {leg["subject"] for leg in call["legs"]} == {"SIP/6117", "SIP/6118"}
    assert any((leg["from_peer"]["loss_percent"] or 0) > 1 for leg in call["legs"]), "6 % were lost on the way in"
    for leg in call["legs"]:
        assert leg["started"]["unix"] <= leg["ended"]["unix"]
    again = await lasting.get("calls", **EVER, linkedid=call["linkedid"])
    assert again["items"] == [call]
    by_default = await lasting.get("calls", pbx="office")
    assert call in by_default["items"], "without a time it is the last day of the PBX's own clock"


async def test_series_are_for_charts(lasting: House) -> None:
    await lasting.until("calls", has(1), **EVER, pbx="office")
    body = await lasting.get("series", pbx="office", subject="SIP/6118")
    assert {"to_peer", "from_peer"} <= {point["direction"] for point in body["points"]}
    assert [point["at"] for point in body["points"]] == sorted(point["at"] for point in body["points"])
    assert any(limit["metric"] == "loss_percent" for limit in body["limits"])
    now = (await lasting.get("pbxes"))["items"][0]["now"]["unix"]
    long = await lasting.get("series", pbx="office", subject="SIP/6118", since=0, until=now + 60)
    assert long["since"]["unix"] == pytest.approx(now + 60 - 100 * 86_400), "a hundred days at a time"
    assert {point["seconds"] for point in long["points"]} == {3600.0}
    unknown = await lasting.get("series", pbx="office", subject="SIP/nobody")
    assert (unknown["points"], unknown["kpis"]) == ([], [])


async def test_alerts_incidents_and_events_tell_one_story(lasting: House) -> None:
    known = await lasting.until("incidents", has(1), state="all", pbx="branch")
    incident = known["items"][-1]
    member = incident["members"][0]
    assert member["alert"]["pbx"] == "branch"
    told = await lasting.get("events", **EVER, kind="alert", pbx="branch")
    assert member["alert"]["rule"] in " ".join(event["text"] for event in told["items"])
    assert [event["at"]["unix"] for event in told["items"]] == sorted(
        (event["at"]["unix"] for event in told["items"]), reverse=True
    )
    one = await lasting.get(f"incidents/{incident['id']}")
    assert one["id"] == incident["id"]


async def test_an_incident_is_taken_on_and_given_back(here: House) -> None:
    known = await here.until("incidents", has(1), pbx="office")
    number = known["items"][0]["id"]
    taken = await here.client.post(f"/api/v1/incidents/{number}/ack")
    assert (taken.status_code, taken.json()["ack"]["by"]) == (200, "token (web)")
    assert here.daemon.room.incident(number).ack.by == "token (web)"  # type: ignore[union-attr]
    back = await here.client.delete(f"/api/v1/incidents/{number}/ack")
    assert back.json()["ack"] is None
    missing = await here.client.post("/api/v1/incidents/999999/ack")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


async def test_a_silence_is_made_shown_and_ended(here: House) -> None:
    wish = {"duration_s": 3600, "subjects": ["SIP/61*"], "comment": "cables"}
    made = await here.client.post("/api/v1/silences", json=wish)
    assert made.status_code == 201
    assert (made.json()["by"], made.json()["subjects"], made.json()["is_in_force"]) == ("token (web)", ["SIP/61*"], True)
    listed = await here.get("silences")
    assert [each["id"] for each in listed["items"]] == [made.json()["id"]]
    ended = await here.client.delete(f"/api/v1/silences/{made.json()['id']}")
    assert (ended.status_code, ended.json()["is_in_force"]) == (200, False)
    assert (await here.get("silences"))["items"] == []


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"duration_s": 60}, "accident"),
        ({"ends_at": 1, "subjects": ["*"]}, "past"),
        ({"duration_s": 60, "subjects": ["/(/"]}, "silence"),
        ({"duration_s": 60, "subjects": ["/(a+)+$/"]}, "may take too long to match: use wildcards"),
        ({"subjects": ["*"]}, "ends_at"),
        ({"duration_s": 60, "ends_at": 1, "subjects": ["*"]}, "ends_at"),
        ({"duration_s": 60, "subject": ["*"]}, "Extra"),
        ({"ends_at": "tomorrow", "subjects": ["*"]}, "ISO 8601"),
    ],
)
async def test_a_silence_that_makes_no_sense_is_refused_with_the_reason(idle: House, wish: Any, word: str) -> None:
    refused = await idle.client.post("/api/v1/silences", json=wish)
    assert refused.status_code in {409, 422}
    assert word in refused.text


async def test_every_error_has_one_shape(lasting: House) -> None:
    for path in ("/api/v1/nothing", "/api/v1/peers?limit=0", "/api/v1/calls?since=soon", "/api/v1/silences/x", "/nothing"):
        error = (await lasting.client.get(path)).json()["error"]
        assert sorted(error) == ["code", "details", "message"], path
    wrong = (await lasting.client.get("/api/v1/calls?since=soon")).json()["error"]
    assert wrong["details"][0]["where"] == "query.since"


async def test_instants_are_taken_in_both_notations(lasting: House) -> None:
    await lasting.until("calls", has(1), **EVER, pbx="office")
    by_number = await lasting.get("events", since=0, until=4_000_000_000)
    by_text = await lasting.get("events", since="1970-01-01", until="2096-10-02T07:06:40+00:00")
    assert by_number == by_text


async def test_rules_in_force_are_told(lasting: House) -> None:
    body = await lasting.get("rules")
    loss = next(rule for rule in body["items"] if any(limit["metric"] == "loss_percent" for limit in rule["limits"]))
    assert loss["summary"]


async def test_prometheus_reads_every_line(lasting: House) -> None:
    await lasting.until("calls", has(1), **EVER, pbx="office")
    response = await lasting.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    events = {sample.labels["pbx"]: sample.value for sample in families["qualitywatch_events"].samples}
    assert events["office"] > 100
    assert {sample.labels["severity"] for sample in families["qualitywatch_alerts_firing"].samples} == {
        *("info", "warning", "critical")
    }
    trunks = {sample.labels["trunk"]: sample.value for sample in families["qualitywatch_trunk_up"].samples}
    assert set(trunks.values()) <= {0.0, 1.0}
    for name in ("qualitywatch_lag_seconds", "qualitywatch_outbox_waiting", "qualitywatch_pbx_up", "qualitywatch_build_info"):
        assert families[name].samples, name


async def test_a_pbx_that_was_lost_is_not_told_as_known(here: House) -> None:
    async def told() -> dict[str, set[str]]:
        text = (await here.client.get("/metrics")).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {pbx: {each.name for each in samples if each.labels.get("pbx") == pbx} for pbx in ("office", "branch")}

    of_now = {
        "qualitywatch_trunk_up",
        "qualitywatch_peers",
        "qualitywatch_peer_qualify_rtt_seconds",
        "qualitywatch_pbx_channels",
    }
    await here.until("pbxes", lambda body: all(pbx["is_seen"] for pbx in body["items"]))
    await here.until("trunks", lambda body: any(trunk["is_up"] for trunk in body["items"]), pbx="branch")
    before = await told()
    assert of_now <= before["branch"]
    await here.recorded["branch"].stop()
    body = await here.until("pbxes", lambda body: not body["items"][1]["is_seen"])
    assert not of_now & (await told())["branch"]
    assert await told() | {"branch": set()} == before | {"branch": set()}, "the other one is told as ever"
    office, branch = body["items"]
    assert isinstance(office["calls"], int)
    assert branch["calls"] is None
    assert branch["peers"] > 0 and branch["trunks"] > 0, "those that are known"


async def test_the_last_minute_of_a_peer_is_the_same_everywhere(lasting: House) -> None:
    def is_measured(body: Any) -> bool:
        return any(peer["to_peer"]["loss_percent"] for peer in body["items"])

    await lasting.until("calls", has(1), **EVER, pbx="office")  # nothing more is measured then
    worst = (await lasting.until("peers", is_measured, pbx="office", sort="loss"))["items"][0]
    assert worst["subject"] in {"SIP/6117", "SIP/6118"}
    assert worst["severity"] == "warning"
    families = {family.name: family for family in text_string_to_metric_families((await lasting.client.get("/metrics")).text)}
    firing = {sample.labels["severity"]: sample.value for sample in families["qualitywatch_alerts_firing"].samples}
    assert firing["warning"] >= 1
    loss = {
        (sample.labels["peer"], sample.labels["direction"]): sample.value
        for sample in families["qualitywatch_peer_loss_ratio"].samples
        if sample.labels["pbx"] == "office"
    }
    assert loss[worst["subject"], "to_peer"] == pytest.approx(worst["to_peer"]["loss_percent"] / 100)
    jitter = [sample.value for sample in families["qualitywatch_peer_jitter_seconds"].samples]
    assert jitter and max(jitter) < 1, "seconds, not milliseconds"
    quiet = await lasting.get("peers", sort="loss", state="unknown", limit=1000)
    assert all(peer["to_peer"]["loss_percent"] is None for peer in quiet["items"]), "nobody measured it: null, not 0"


async def test_queues_are_told_as_they_were_read_last(here: House) -> None:
    await here.until("pbxes", lambda body: body["items"][0]["is_seen"])
    now = here.daemon.watchers[0].now
    queues = {"support": now, "removed": now - 3600}
    for store in here.daemon._shift._keeper._series:
        for name, at in queues.items():
            read = LevelObservation(at, "office", name, {Gauge.QUEUE_CALLERS: 3.0, Gauge.QUEUE_LONGEST_HOLD_S: 61.0})
            await store.write(SeriesBatch(observed=(Observed(at, read),)))
    (queue,) = (await here.get("queues"))["items"]
    assert (queue["queue"], queue["callers"], queue["longest_hold_s"], queue["agents_available"]) == ("support", 3, 61, None)
    metrics = (await here.client.get("/metrics")).text
    assert 'qualitywatch_queue_callers{pbx="office",queue="support"} 3.0' in metrics
    assert 'queue="removed"' not in metrics, "what was read an hour ago is not now"


async def test_readiness_waits_for_nobody_for_ever(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here:
        assert (await here.client.get("/healthz")).json() == {"status": "ok"}
        body = await here.until("pbxes", lambda body: body["items"][0]["trouble"])
        assert "refused" in body["items"][0]["trouble"]
        assert [body["items"][0][name] for name in ("calls", "peers", "trunks")] == [None, None, None], "not 0: never seen"
        ready = await here.client.get("/readyz")
        assert (ready.status_code, ready.json()["pbxes"]["office"]) == (200, body["items"][0]["trouble"])
        anybody = await here.client.get("/readyz", headers={"Authorization": ""})
        assert anybody.json() == {"status": "ready"}, "names and addresses are for those who may come in"
