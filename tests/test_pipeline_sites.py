"""From reports to one message: a site that loses, a trunk whose gaps everybody hears, the PBX itself; and recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml

from qualitywatch.ami.events import translate
from qualitywatch.commands.transcripts import Transcripts
from qualitywatch.model import Direction, NotifyReason, PbxEvent, RtcpReport, Transition
from qualitywatch.notify.transcript import Line
from qualitywatch.pipeline import Pipeline
from qualitywatch.quality.sites import Sites
from qualitywatch.testing import calls
from qualitywatch.testing.calls import Call, messages
from tests.accuracy.findings import SHIPPED, events_of
from tests.conftest import CAPTURES

RECORDINGS = sorted(path.parent for path in CAPTURES.glob("*/*/input.ami"))
IDS = [f"{path.parent.name}/{path.name}" for path in RECORDINGS]
START = 1_767_603_600.0
PLACES = {"site-loss", "trunk-loss", "pbx-loss"}
LAB: Sites = {"Lab": (ip_network("127.0.0.0/8"),)}


class Office:
    """A PBX, the default desk, and one chat."""

    def __init__(self, language: str = "en", *, sites: Sites | None = None, trunk_peers: dict[str, str] | None = None) -> None:
        self.pipeline = Pipeline("office", SHIPPED, sites=sites, trunk_peers=trunk_peers)
        self.chat = Transcripts(None, SHIPPED, language, UTC)
        self.chat.watch(self.pipeline)
        self.moves: list[Transition] = []
        self.lines: list[Line] = []
        self._now = 0.0

    def live(self, events: Iterable[PbxEvent], until: float | None = None) -> None:
        for event in events:
            self._take(self.pipeline.feed(event).transitions, event.at)
        if until is not None:
            for second in range(int(self._now - START) + 1, int(until) + 1):
                self._take(self.pipeline.advance(START + second).transitions, START + second)
        self.lines += self.chat.close()

    def _take(self, moves: Sequence[Transition], now: float) -> None:
        self._now = max(self._now, now)
        self.moves += moves
        self.lines += self.chat.step("office", moves, self.pipeline.alerts, now)

    @property
    def fired(self) -> list[tuple[str, str, str]]:
        told = [move.alert for move in self.moves if move.reason is NotifyReason.FIRING and move.alert.key.rule in PLACES]
        return [(alert.key.rule, alert.key.subject, str(alert.severity)) for alert in told]

    @property
    def new(self) -> list[str]:
        return [line.text for line in self.lines if line.new]

    @property
    def heads(self) -> list[str]:
        """The first line of every message and change, each once."""
        return list(dict.fromkeys(line.text.splitlines()[0] for line in self.lines))


def phone(
    number: int, *, to: float = 0.0, back: float = 0.0, site: str = "10.20.30", lasts: float = 120.0, call: str | None = None
) -> Call:
    line = calls.Line(loss_to=to, loss_from=back)
    return Call(f"PJSIP/{number}", lasts, (line,), address=f"{site}.{number % 200}:4000", linkedid=call)


def told(*story: tuple[float, Call]) -> list[PbxEvent]:
    said = [one for number, (at, call) in enumerate(story) for one in messages(call, number, START + at)]
    return [event for at, message in sorted(said, key=lambda pair: pair[0]) for event in translate(message, at)]


def at_once(*phones: Call) -> list[PbxEvent]:
    return told(*((0.0, each) for each in phones))


SITE = (phone(201, to=9), phone(202, to=6), phone(203, back=4), phone(204))


def test_a_site_with_a_name_is_one_message_in_english() -> None:
    office = Office(sites={"Branch North": (ip_network("10.20.0.0/16"),)})
    office.live(at_once(*SITE), until=400)
    assert office.fired == [("site-loss", "Branch North", "warning")]
    (message,) = office.new
    assert message.splitlines()[0] == (
        "🟡 site Branch North: 3 of 4 active peers lose packets (PJSIP/201 9.0%, PJSIP/202 6.0%, PJSIP/203 4.0%)"
    )
    assert any("also affected: loss to PJSIP/201 9.00%, loss to PJSIP/202 6.00%" in line.text for line in office.lines)
    assert office.heads[-1].startswith("⚪ packet loss at site Branch North: no more calls to judge, ended after ")


def test_and_in_russian() -> None:
    office = Office("ru", sites={"Филиал": (ip_network("10.20.0.0/16"),)})
    office.live(at_once(*SITE), until=400)
    (message,) = office.new
    assert message.splitlines()[0] == (
        "🟡 Площадка Филиал: потери пакетов у 3 из 4 активных пиров (PJSIP/201 9.0%, PJSIP/202 6.0%, PJSIP/203 4.0%)"
    )
    assert office.heads[-1].startswith("⚪ Потери на площадке Филиал: звонков для оценки больше нет, завершено через ")


def test_a_phone_that_is_worse_than_its_site_is_not_lost_in_its_message() -> None:
    office = Office()
    office.live(at_once(phone(201, to=12), *SITE[1:]), until=60)
    assert [message.splitlines()[0][:40] for message in office.new] == [
        "🟡 site 10.20.30.0/24: 3 of 4 active peers"[:40],
        "🔴 2 alerts, worst: loss to PJSIP/201 12.00%"[:40],
    ]
    assert "🟡 site 10.20.30.0/24: 3 of 4 active peers lose packets" in office.new[1]
    assert "rules loss, site-loss, now critical" in office.new[1], "one incident, which became worse"


def test_more_than_five_are_counted_and_the_worst_are_named() -> None:
    office = Office()
    office.live(at_once(*(phone(200 + number, to=4 + number) for number in range(8))), until=60)
    assert office.new[0].splitlines()[0] == (
        "🟡 site 10.20.30.0/24: 8 of 8 active peers lose packets (PJSIP/207 11.0%, PJSIP/206 10.0%, PJSIP/205 9.0%, "
        "PJSIP/204 8.0%, PJSIP/203 7.0%, and 3 more)"
    )


def test_phones_first_and_the_site_some_seconds_later_is_still_one_message() -> None:
    office = Office()
    office.live(told((0, phone(201, to=6)), (2, phone(202, to=5)), (25, phone(203, to=4, lasts=100))), until=70)
    assert office.fired == [("site-loss", "10.20.30.0/24", "warning")]
    assert len(office.new) == 1
    assert office.heads[0].startswith("🟡 loss to PJSIP/201")
    assert office.heads[-1].startswith("🟡 site 10.20.30.0/24: 3 of 3 active peers lose packets")


def test_two_sites_at_a_time_are_two_sites_in_one_message() -> None:
    clean = [phone(230 + number, site="10.20.32") for number in range(6)]
    lossy = [phone(200 + number, to=6) for number in range(4)] + [
        phone(210 + number, to=6, site="10.20.31") for number in range(3)
    ]
    office = Office()
    office.live(at_once(*lossy, *clean), until=60)
    assert {subject for rule, subject, _ in office.fired if rule == "site-loss"} == {"10.20.30.0/24", "10.20.31.0/24"}
    assert len(office.new) == 1
    assert office.heads[-1] == "🟡 packet loss at 2 sites"


def test_where_everybody_loses_it_is_the_pbx_and_nobody_else_is_told() -> None:
    lossy = [phone(200 + number, to=6) for number in range(4)] + [
        phone(210 + number, to=5, site="10.20.31") for number in range(3)
    ]
    for language, head in (
        ("en", "🟡 PBX office or its network: 7 of 8 active peers lose packets, at more than one site (PJSIP/200 6.0%, "),
        ("ru", "🟡 АТС office или её сеть: потери пакетов у 7 из 8 активных пиров на разных площадках (PJSIP/200 6.0%, "),
    ):
        office = Office(language)
        office.live(at_once(*lossy, phone(230, site="10.20.32")), until=60)
        assert len(office.new) == 1
        (first,) = office.new
        assert first.startswith(head.replace("PJSIP/200", first.split("(")[1].split()[0]))


# --- A trunk whose gaps are heard -------------------------------------------------------------------------------------


def unsplit(events: Iterable[PbxEvent]) -> Iterator[PbxEvent]:
    """As a PBX tells it that does not say how much it sent."""
    for event in events:
        if isinstance(event, RtcpReport) and event.direction is Direction.FROM_PEER:
            yield replace(event, sender=None)
        else:
            yield event


def over_the_trunk(number: int, *, back: float = 0.0) -> tuple[Call, Call]:
    leg = Call("PJSIP/mango", 120.0, (calls.Line(loss_from=6),), address="203.0.113.1:4000", linkedid=f"call-{number}")
    return phone(number, to=6, back=back, call=f"call-{number}"), leg


TRUNK = "PJSIP/user@mango.example:5060"


def test_gaps_of_a_trunk_that_cannot_be_told_from_the_phones_own_are_the_trunk_s() -> None:
    for language, head in (
        ("en", f"🟡 trunk {TRUNK}: 3 of 3 peers that talk over it hear its gaps, their own lines are clean (PJSIP/"),
        ("ru", f"🟡 Транк {TRUNK}: его потери слышны у 3 из 3 говорящих через него, их линии чистые (PJSIP/"),
    ):
        office = Office(language, trunk_peers={"PJSIP/mango": TRUNK})
        office.live(unsplit(at_once(*(leg for number in (201, 202, 203) for leg in over_the_trunk(number)))), until=110)
        assert office.fired == [("trunk-loss", TRUNK, "warning")]
        assert [message.splitlines()[0].startswith(head) for message in office.new] == [True]
        assert len(office.lines) > 1, "the phones and the trunk's own leg are listed in the same message"


def test_phones_whose_uplink_is_bad_as_well_are_a_site() -> None:
    office = Office(trunk_peers={"PJSIP/mango": TRUNK})
    legs = [leg for number in (201, 202, 203) for leg in over_the_trunk(number, back=8)]
    office.live(unsplit(at_once(*legs, *(phone(230 + number, site="10.20.32") for number in range(3)))), until=60)
    assert ("site-loss", "10.20.30.0/24", "warning") in office.fired
    assert not [rule for rule, _, _ in office.fired if rule == "trunk-loss"]


def test_three_calls_of_one_trunk_that_lose_are_one_loss_and_no_place() -> None:
    office = Office(trunk_peers={"PJSIP/mango": TRUNK})
    office.live(at_once(*(over_the_trunk(number)[1] for number in (201, 202, 203))), until=60)
    assert office.fired == []
    assert [text.splitlines()[0] for text in office.new] == ["🟡 loss from PJSIP/mango 6.00%"]


# --- Recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_no_recording_has_a_place_that_loses(recording: Path) -> None:
    office = Office()
    office.live(events_of(recording))
    assert office.fired == [], "all phones of the bench share the loopback address, which is no site"


@pytest.mark.parametrize("recording", RECORDINGS, ids=IDS)
def test_with_the_bench_as_a_site_only_three_or_more_are_one(recording: Path) -> None:
    truth = yaml.safe_load((recording / "truth.yml").read_text(encoding="utf-8"))
    lossy = {fault["peer"] for fault in truth.get("injected", []) if fault.get("loss_percent")}
    office = Office(sites=LAB)
    office.live(events_of(recording))
    if "storm" in recording.name:
        assert office.fired == [("site-loss", "Lab", "critical")]
        assert len(office.new) == 1
        assert office.new[0].startswith("🔴 site Lab: 14 of 20 active peers lose packets (SIP/61")
    elif len(lossy) < 3:
        assert office.fired == []
