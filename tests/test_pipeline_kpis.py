"""What a pipeline hands to the store of calls over trunks and of peers' answers, on made-up events and on recordings."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.model import (
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    Disconnected,
    KpiRecord,
    PbxEvent,
    PeerState,
    PeerStateSeen,
    Resynced,
    Transition,
)
from qualitywatch.notify.render import headline
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from tests.accuracy.findings import SHIPPED
from tests.conftest import CAPTURES

RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
START = 1_700_000_000.0


def kept(recording: Path, specs: tuple[RuleSpec, ...] = SHIPPED) -> tuple[list[KpiRecord], list[Transition]]:
    pipeline = Pipeline("office", specs)
    kpis: list[KpiRecord] = []
    moves: list[Transition] = []
    for timed in read_recording((recording / "input.ami").read_bytes()):
        for event in translate(timed.message, timed.at):
            effects = pipeline.feed(event)
            kpis += effects.kpis
            moves += effects.transitions
    return kpis, moves


def test_what_became_of_the_recorded_calls_is_stored_by_trunk() -> None:
    kpis, _ = kept(CAPTURES / "asterisk-20/trunk-calls")
    sums: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for kpi in kpis:
        sums[kpi.subject, str(kpi.kpi)][0] += kpi.total
        sums[kpi.subject, str(kpi.kpi)][1] += kpi.count
    assert sums["SIP/provider", "answered"] == [1, 4]
    assert sums["SIP/provider", "delivered"] == [3, 4]
    assert sums["SIP/provider", "call_duration_s"] == [pytest.approx(8, abs=0.5), 1]
    assert sums["PJSIP/trunk-pj", "answered"] == [0, 4]
    assert max(kpi.total for kpi in kpis if kpi.kpi == "concurrent_calls") == 1


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_lines_in_use_are_never_negative_and_none_are_left_of_calls_that_ended(recording: Path) -> None:
    kpis, _ = kept(recording)
    assert all(kpi.total >= 0 and kpi.count > 0 for kpi in kpis)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_rule_on_the_answers_of_peers_names_nobody_in_a_recording(recording: Path, tmp_path: Path) -> None:
    rule = "rules: [{name: q, kind: threshold, metric: qualify_rtt_ms, window: 30m, min_count: 3, info: {enter: 1000}}]"
    (tmp_path / "rule.yml").write_text(rule, encoding="utf-8")
    _, moves = kept(recording, load_rules([tmp_path]))
    assert moves == []


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "qualify time of PJSIP/701 1400 ms"), ("ru", "Время ответа PJSIP/701 на qualify 1400 мс")],
)
def test_a_peer_that_is_slow_to_answer_is_told_and_its_figures_are_kept(tmp_path: Path, language: str, told: str) -> None:
    rule = "rules: [{name: q, kind: threshold, metric: qualify_rtt_ms, min_count: 3, warning: {enter: 1000, clear: 500}}]"
    (tmp_path / "rule.yml").write_text(rule, encoding="utf-8")
    pipeline = Pipeline("office", load_rules([tmp_path]))
    moves: list[Transition] = []
    kpis: list[KpiRecord] = []
    for number, rtt_ms in enumerate((1400.0, 20.0, 1500.0, None, 1400.0)):
        at = START + 60 * number
        effects = pipeline.feed(PeerStateSeen(at, "PJSIP/701", PeerState.REACHABLE, "192.0.2.7:5060", rtt_ms, snapshot=True))
        moves += effects.transitions
        kpis += effects.kpis
    assert [headline(move, language) for move in moves][:1] == [told]
    assert [(str(kpi.kpi), kpi.total) for kpi in kpis] == [("qualify_rtt_ms", each) for each in (1400.0, 20.0, 1500.0, 1400.0)]


@pytest.mark.parametrize(
    ("cause", "language", "told"),
    [
        ("Expired", "en", "SIP/6117 is not registered (its registration expired)"),
        ("Expired", "ru", "SIP/6117: нет регистрации (истёк срок, телефон её не продлил)"),
        ("Rejected", "en", "SIP/6117 is not registered (Rejected)"),
        (None, "en", "SIP/6117 is not registered"),
    ],
)
def test_a_registration_that_expired_is_said_to_have_expired(cause: str | None, language: str, told: str) -> None:
    pipeline = Pipeline("office", SHIPPED)
    pipeline.feed(PeerStateSeen(START, "SIP/6117", PeerState.REGISTERED, "192.0.2.7:5060"))
    gone = pipeline.feed(PeerStateSeen(START + 1, "SIP/6117", PeerState.UNREGISTERED, "192.0.2.7:5060", cause=cause))
    (move,) = gone.transitions
    assert headline(move, language) == told


FULL = "rules: [{name: full, kind: level, gauge: concurrent_calls, warning: {enter: 3, clear: 2}}]"


def line(number: int, at: float, *, listed: bool = False) -> ChannelChanged:
    return ChannelChanged(at, Channel(f"PJSIP/provider-{number}", f"1.{number}", state="Up"), listed=listed)


@pytest.mark.parametrize(
    ("language", "begins", "ends"),
    [
        ("en", "concurrent calls over PJSIP/provider 3", "concurrent calls over PJSIP/provider are fewer again"),
        (
            "ru",
            "Одновременных звонков по транку PJSIP/provider 3",
            "Одновременных звонков по транку PJSIP/provider снова меньше",
        ),
    ],
)
def test_a_full_trunk_is_told_also_after_a_gap_in_what_we_saw(tmp_path: Path, language: str, begins: str, ends: str) -> None:
    (tmp_path / "rule.yml").write_text(FULL, encoding="utf-8")
    pipeline = Pipeline("office", load_rules([tmp_path]), trunk_peers={"PJSIP/provider": "PJSIP/user@provider.example"})
    moves: list[Transition] = []
    events: list[PbxEvent] = [
        *(Connected(START), Resynced(START, frozenset()), line(1, START + 1), line(2, START + 2), line(3, START + 3)),
        Disconnected(START + 10, "connection was cut"),
        *(Connected(START + 20), line(1, START + 20, listed=True), line(3, START + 20, listed=True)),
        *(line(4, START + 20, listed=True), Resynced(START + 21, frozenset({"1.1", "1.3", "1.4"}))),
        ChannelHungUp(START + 30, line(1, 0).channel, 16),
        ChannelHungUp(START + 31, line(3, 0).channel, 16),
    ]
    for event in events:
        moves += pipeline.feed(event).transitions
    moves += pipeline.advance(START + 60).transitions
    told = [(move.at - START, headline(move, language)) for move in moves]
    assert told[0] == (3, begins.format("PJSIP/provider"))
    assert len(told) == 2, told
    assert told[1][0] == 31
    assert told[1][1].startswith(ends.format("PJSIP/provider"))
