"""Reports are sums: against a recording watched by a real daemon, against made-up hours, and as files somebody opens."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.cli import main
from qualitywatch.errors import StoreError
from qualitywatch.model import Direction, DirectionTotals, KpiRecord, LogRecord, Metric, Tally, TallyObservation
from qualitywatch.model.observations import Observed
from qualitywatch.ports import SeriesBatch
from qualitywatch.reports.chat import as_message
from qualitywatch.reports.layout import blocks
from qualitywatch.reports.page import as_html
from qualitywatch.reports.report import compared
from qualitywatch.reports.sheet import as_csv, harmless
from qualitywatch.reports.source import Found, known_since, read
from qualitywatch.reports.tally import Calls, Subject, Voice
from qualitywatch.reports.text import as_text
from qualitywatch.reports.words import EN, WORDS
from qualitywatch.store.backends.rollup import ROLLUP_FILE, RollupOptions, RollupStore
from tests.conftest import CAPTURES
from tests.e2e.processes import Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.store.model_values import NOW, a_call, a_sample

TRUNK = "SIP/provider"
HOUR = NOW // 3600 * 3600
WEEK_S = 7 * 86_400

_VOICES = st.builds(
    Voice, st.floats(0, 100), st.floats(100, 9000), st.integers(0, 9), st.floats(0, 99), st.integers(0, 9), st.floats(0, 40)
)


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """An hour with a phone and a trunk, and the hour a week before."""
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    loss = [
        a_sample(10.0, weight=100, subject=TRUNK, at=HOUR + 5),
        a_sample(0.0, weight=3900, subject=TRUNK, at=HOUR + 65),
        replace(a_sample(2.0, weight=1000, subject=TRUNK, at=HOUR + 3605), direction=Direction.FROM_PEER),
        a_sample(1.0, weight=2000, at=HOUR + 5),
        a_sample(0.5, weight=2000, at=HOUR + 5 - WEEK_S),
        a_sample(4.0, metric=Metric.MOS, at=HOUR + 5),
        a_sample(9.0, weight=100, at=HOUR - 1),
    ]
    tallies = [(1, None), (1, None), (0, "34 congestion, SIP 503"), (0, "17 user busy, SIP 486"), (0, "34 congestion, SIP 503")]
    kpis, observed = [], []
    for number, (good, detail) in enumerate(tallies):
        at = HOUR + 60 * number
        kpis.append(KpiRecord(at, "office", TRUNK, Tally.ANSWERED, good))
        kpis.append(KpiRecord(at, "office", TRUNK, Tally.DELIVERED, float(detail is None or detail.startswith("17"))))
        observed.append(Observed(at, TallyObservation(at, Tally.ANSWERED, "office", TRUNK, good, 1, detail)))
    kpis += [KpiRecord(HOUR + 9, "office", TRUNK, "call_duration_s", seconds) for seconds in (60.0, 120.0)]
    logs = (LogRecord(HOUR, "", "ours", "x", "daemon"),)
    await store.write(SeriesBatch(tuple(loss), (a_call(),), logs, tuple(observed), tuple(kpis)))
    await store.close(NOW + 9000)
    return tmp_path


async def test_every_figure_is_a_sum_over_a_sum(directory: Path) -> None:
    found = read(directory, HOUR, HOUR + 7200)
    (trunk,) = found.trunks
    assert (trunk.name, trunk.to_peer.lost, trunk.to_peer.packets) == (TRUNK, 10.0, 4000.0)
    assert trunk.to_peer.loss_percent == 0.25, "a mean of percents would be 5"
    assert trunk.from_peer.loss_percent == 2.0
    calls = trunk.calls
    assert (calls.attempts, calls.asr_percent, calls.ner_percent, calls.acd_s) == (5, 40.0, 60.0, 90.0)
    assert trunk.causes == {"34 congestion, SIP 503": 2, "17 user busy, SIP 486": 1}
    assert set(trunk.hours) == {HOUR, HOUR + 3600}
    (phone,) = found.peers
    assert (phone.name, phone.to_peer.loss_percent, phone.calls.legs) == ("SIP/6117", 1.0, 1), "the hour before is not its"
    assert phone.calls.coverage_percent == 100.0


async def test_the_report_compares_with_the_time_before(directory: Path) -> None:
    now, before = read(directory, HOUR, HOUR + WEEK_S), read(directory, HOUR - WEEK_S, HOUR)
    text = as_text(blocks(compared(now, before), EN, UTC))
    row = next(line.split() for line in text.splitlines() if line.startswith("SIP/6117"))
    before_loss = 100 * (0.5 * 20 + 9) / 2100
    assert row == ["SIP/6117", "1.00", "-", "4.00", "1", f"{1 - before_loss:+.2f}"]
    assert re.search(rf"^{TRUNK} +5 +40\.0 +60\.0 +90 +0\.25 +2\.00 ", text, re.MULTILINE)
    assert "34 congestion, SIP 503" in text


async def test_everybody_is_told_by_name(directory: Path) -> None:
    names = {"SIP/6117": "Anna", TRUNK: "Mango office"}
    found = compared(read(directory, HOUR, HOUR + 7200), None, name_of=lambda _, subject: names.get(subject))
    text = as_text(blocks(found, EN, UTC))
    assert f"Mango office {TRUNK}: Why calls were not answered" in text
    assert any(line.startswith(f"Mango office {TRUNK} ") and "40.0" in line for line in text.splitlines())
    assert any(line.startswith("Anna SIP/6117 ") for line in as_message(found, "ru", UTC, is_weekly=True).plain.splitlines())
    evidence = compared(read(directory, HOUR, HOUR + 7200), None, "mango", name_of=lambda _, subject: names.get(subject))
    assert [line.subject.name for line in evidence.trunks] == [TRUNK]


async def test_evidence_is_of_one_trunk_and_nothing_else(directory: Path) -> None:
    now = read(directory, HOUR, HOUR + 7200)
    text = as_text(blocks(compared(now, None, "PROVIDER"), EN, UTC, is_evidence=True))
    assert TRUNK in text and "6117" not in text
    assert "No calls were recorded." in as_text(blocks(compared(now, None, "nobody"), EN, UTC, is_evidence=True))


@pytest.mark.parametrize("language", WORDS)
async def test_all_formats_hold_the_same_cells(directory: Path, language: str) -> None:
    told = blocks(compared(read(directory, HOUR, HOUR + 7200), None), WORDS[language], UTC)
    cells = [cell for block in told for row in block.table for cell in row]
    rows = list(csv.reader(io.StringIO(as_csv(told))))
    assert [cell.removeprefix("'") for row in rows for cell in row if cell.removeprefix("'") in cells]
    seen = _Seen()
    document = as_html(told, language)
    seen.feed(document)
    assert [cell for cell in cells if cell] == seen.cells
    assert not seen.asked, "self-contained"
    assert len({len(block.table[0]) for block in told if block.table}) > 1


def test_a_few_lost_packets_do_not_lead_those_who_really_lost() -> None:
    """One packet of ten lost by a phone that else only listened, beside one that hears nothing but gaps."""
    whole, gaps, faint = Voice(0, 180_000), Voice(7200, 180_000), Voice(1, 10)
    listener = Subject("office", "SIP/601", whole, faint, Calls(1, 1), hours={int(HOUR): (whole, faint)})
    sufferer = Subject("office", "SIP/602", gaps, whole, Calls(1, 1), hours={int(HOUR): (gaps, whole)})
    trunk = Subject("office", TRUNK, gaps, whole, Calls(1, 1), hours={0: (whole, faint), int(HOUR): (gaps, whole)})
    now = Found(HOUR, HOUR + 3600, (sufferer, listener), (trunk,))
    text = as_text(blocks(compared(now, replace(now, peers=(replace(listener, from_peer=whole),))), EN, UTC))
    assert [line.split()[0] for line in text.splitlines() if line.startswith("SIP/60")] == ["SIP/602"]
    hours = text.partition(EN.hours)[2]
    assert re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d +(\S+) +(\S+)$", hours, re.MULTILINE) == [("4.00", "0.00")]


async def test_only_what_could_be_measured_counts_as_not_measured(tmp_path: Path) -> None:
    """Ways through the dialplan and lines without RTP have no reports to miss, nor has a call that is over before the first."""
    silent = replace(a_call(), to_peer=DirectionTotals())
    brief = replace(silent, answered_at=NOW - 4)
    unheard = replace(silent, subject="SIP/6119", channel="SIP/6119-00000003")
    elsewhere = [replace(silent, subject=name, channel=f"{name}-1") for name in ("Local/101@office", "IAX2/branch", "DAHDI/1")]
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    await store.write(SeriesBatch(calls=(a_call(), replace(brief, uniqueid="1700000000.2"), *elsewhere)))
    assert "4 legs, 4 answered, 100.00 % of those over 15 s measured" in await said(store, tmp_path)
    await store.write(SeriesBatch(calls=(unheard,)))
    assert "5 legs, 5 answered, 50.00 % of those over 15 s measured" in await said(store, tmp_path)
    await store.close(NOW + 60)


async def said(store: RollupStore, directory: Path) -> str:
    await store.flush(NOW + 60)
    return as_text(blocks(compared(read(directory, HOUR - 3600, HOUR + 7200), None), EN, UTC))


async def test_a_phone_that_was_heard_for_a_moment_is_not_listed_first(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    heard = [a_sample(0.0, weight=9000, subject="SIP/601"), a_sample(4.0, weight=9000, subject="SIP/602")]
    moment = replace(a_sample(10.0, weight=10, subject="SIP/601"), direction=Direction.FROM_PEER)
    await store.write(SeriesBatch((*heard, moment)))
    await store.close(NOW + 60)
    assert [subject.name for subject in read(tmp_path, HOUR, HOUR + 7200).peers] == ["SIP/602", "SIP/601"]


class _Seen(HTMLParser):
    """Cells of tables, and whatever would make a browser ask for something."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.asked: list[str] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_cell = tag in ("td", "th")
        if tag in ("script", "img", "link", "iframe") or any(name in ("src", "href", "onload") for name, _ in attrs):
            self.asked.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells.append(data)


@given(st.text())
def test_no_name_becomes_a_formula_or_a_tag(name: str) -> None:
    voice = Voice(100, 9000)
    subject = Subject("office", name, voice, voice, causes={name: 1}, hours={int(HOUR): (voice, voice)})
    told = blocks(compared(Found(HOUR, HOUR + 3600, (subject,), (subject,)), None), EN, UTC)
    for row in csv.reader(io.StringIO(as_csv(told))):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"[+-]?\d+(\.\d+)?|-", cell), cell
    seen = _Seen()
    seen.feed(as_html(told, "en"))
    assert not seen.asked
    as_text(told)


def test_a_formula_is_shown_and_not_carried_out() -> None:
    assert harmless("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert harmless("-1.25") == "-1.25"
    assert harmless("-1+1") == "'-1+1"


@given(st.lists(_VOICES, min_size=1, max_size=9))
def test_sums_do_not_depend_on_how_they_are_grouped(voices: list[Voice]) -> None:
    whole = Voice()
    for voice in voices:
        whole += voice
    for cut in range(len(voices)):
        left, right = Voice(), Voice()
        for voice in voices[:cut]:
            left += voice
        for voice in voices[cut:]:
            right += voice
        both = left + right
        assert both.loss_percent == pytest.approx(whole.loss_percent)
        assert both.jitter_ms == pytest.approx(whole.jitter_ms)
        assert both.mos == pytest.approx(whole.mos)
    losses = [voice.loss_percent or 0 for voice in voices]
    assert min(losses) - 1e-9 <= (whole.loss_percent or 0) <= max(losses) + 1e-9


async def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no history yet"):
        read(tmp_path, 0, 1)


async def test_a_file_of_an_older_version_is_one_clear_line(tmp_path: Path) -> None:
    await (await RollupStore.open(tmp_path, RollupOptions(), now=NOW)).close(NOW)
    with closing(sqlite3.connect(tmp_path / ROLLUP_FILE)) as file:
        file.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="written by an older qualitywatch; the daemon brings it up to date when it starts"):
        read(tmp_path, 0, 1)


async def test_it_is_known_since_when_anything_was_recorded(tmp_path: Path) -> None:
    store = await RollupStore.open(tmp_path, RollupOptions(), now=NOW)
    assert known_since(tmp_path) is None
    await store.write(SeriesBatch(logs=(LogRecord(NOW, "office", "office", "seen", "the PBX is seen"),)))
    await store.close(NOW)
    assert known_since(tmp_path) == int(NOW)


async def test_a_recording_is_reported_as_its_own_minutes_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/sip-bridge-loss", speed=0) as (server, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        async with running(config) as daemon:
            await telegram.wait_sent(1, timeout_s=30)
            await server.finished.wait()
            assert await daemon.stop() == 0
    path = tmp_path / "state" / ROLLUP_FILE
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as file:
        first, last = file.execute("SELECT min(ts), max(ts) FROM r1m").fetchone()
        sums = file.execute(
            """SELECT name, 100 * sum(lost) FILTER (WHERE dir = 1) / sum(packets) FILTER (WHERE dir = 1),
            100 * sum(lost) FILTER (WHERE dir = 2) / sum(packets) FILTER (WHERE dir = 2)
            FROM r1m JOIN peer ON peer.id = peer GROUP BY name HAVING sum(packets) > 1500"""
        ).fetchall()
    day = ["report", "--config", str(config), "--since", _date(first), "--until", _date(last + 3600)]
    assert main(day) == 0
    text = capsys.readouterr().out
    assert sums
    for name, to_peer, from_peer in sums:
        row = next(line for line in text.splitlines() if line.startswith(name))
        assert [f"{to_peer:.2f}", f"{from_peer:.2f}"] == row.split()[1:3], row
    for form in ("csv", "html"):
        assert main([*day, "--format", form, "--language", "ru"]) == 0
        assert "SIP/6118" in capsys.readouterr().out
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump(document | {"names": {"SIP/6118": "Anna"}}), encoding="utf-8")
    assert main(day) == 0
    assert "\nAnna SIP/6118 " in capsys.readouterr().out
    assert path.read_bytes() == before, "only read"
    assert main([*day[:3], "--since", "yesterday"]) == 1
    assert "--since must be like 7d" in capsys.readouterr().err


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
