"""What an administrator hears of calls over a trunk that do not get through, by the shipped rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from qualitywatch.ami.events import translate
from qualitywatch.ami.message import Message
from qualitywatch.model import (
    Booted,
    Channel,
    ChannelChanged,
    ChannelHungUp,
    Connected,
    DialBegun,
    DialProgressed,
    Direction,
    NotifyReason,
    PbxEvent,
    ReportBlock,
    Resynced,
    RtcpReport,
    SenderInfo,
    Transition,
)
from qualitywatch.pipeline import Pipeline
from tests.accuracy.findings import SHIPPED

START = 1_795_400_000.0
TRUNK = "PJSIP/prov"


def told(*events: PbxEvent) -> list[str]:
    """Every message there would be, until three minutes after the last event."""
    pipeline = Pipeline("office", SHIPPED, trunk_peers={TRUNK: "PJSIP/74990@prov"})
    found: list[Transition] = []
    begun: list[PbxEvent] = [Connected(START - 5), Booted(START - 5, 10_000.0), Resynced(START - 4, frozenset())]
    for event in (*begun, *sorted(events, key=lambda each: each.at)):
        found += pipeline.feed(event).transitions
    found += pipeline.advance(pipeline.now + 180 if pipeline.now is not None else START).transitions
    return [
        f"{each.alert.severity} {each.alert.key.rule} {each.alert.key.subject} {each.reason}"
        for each in found
        if each.reason is not NotifyReason.NONE
    ]


def unanswered(
    at: float, number: str, cause: int, tech_cause: str | None, *, after_s: float = 3.0, sign: str | None = None
) -> Iterator[PbxEvent]:
    """A phone dials a number over the trunk; nobody answers."""
    caller = Channel("PJSIP/600-00000001", f"{at:.0f}.1", f"{at:.0f}.1", "Ring")
    called = Channel(f"{TRUNK}-00000002", f"{at:.0f}.2", f"{at:.0f}.1", "Down")
    yield ChannelChanged(at, caller)
    yield ChannelChanged(at, called)
    yield DialBegun(at, called, caller, number)
    if sign is not None:
        yield DialProgressed(at + 1.5, called, sign)
    yield ChannelHungUp(at + after_s, called, cause, tech_cause)
    yield ChannelHungUp(at + after_s + 0.1, caller, cause)


@pytest.mark.parametrize(("cause", "tech_cause"), [(20, "480"), (3, "404"), (28, "484"), (31, "486"), (20, None)])
def test_mobiles_that_are_off_and_numbers_that_do_not_exist_are_no_fault_of_the_trunk(
    cause: int, tech_cause: str | None
) -> None:
    calls = [each for n in range(6) for each in unanswered(START + 120 * n, f"7916111111{n}", cause, tech_cause)]
    assert told(*calls) == []


@pytest.mark.parametrize(("cause", "tech_cause"), [(34, "480"), (21, "403"), (127, "402"), (38, None)])
def test_a_trunk_that_refuses_every_number_is(cause: int, tech_cause: str | None) -> None:
    calls = [each for n in range(6) for each in unanswered(START + 120 * n, f"7916111111{n}", cause, tech_cause, after_s=0.3)]
    assert told(*calls)[:2] == [
        "warning trunk-delivery PJSIP/prov firing",
        "critical trunk-delivery PJSIP/prov severity_increased",
    ]


@pytest.mark.parametrize(
    ("numbers", "every_s"),
    [
        (("84951111111",), 60),
        (("84951111111",), 360),
        (("84951111111", "84952222222"), 60),
        (("84951111111", "84952222222"), 400),
    ],
)
def test_a_fax_and_an_alarm_panel_that_dial_barred_numbers_wake_nobody(numbers: tuple[str, ...], every_s: int) -> None:
    barred = [
        each for n in range(24) for each in unanswered(START + every_s * n, numbers[n % len(numbers)], 21, "403", after_s=0.3)
    ]
    assert told(*barred) == []
    third = unanswered(START + every_s * 23 + 30, "84953333333", 21, "403", after_s=0.3)
    assert told(*barred, *third) == (["warning trunk-delivery PJSIP/prov firing"] if len(numbers) == 2 else [])


@pytest.mark.parametrize(("sign", "alerts"), [("PROGRESS", []), (None, ["warning trunk-delivery PJSIP/prov firing"])])
def test_who_does_not_answer_to_the_ringing_tone_of_his_provider_is_no_fault_of_the_trunk(
    sign: str | None, alerts: list[str]
) -> None:
    calls = [each for n in range(4) for each in unanswered(START + 120 * n, f"8495111111{n}", 18, "408", after_s=61, sign=sign)]
    assert told(*calls)[:1] == alerts


def measured(at: float, called: Channel, number: int, lost: int, received: int) -> RtcpReport:
    """What the PBX heard of one leg; ``lost`` of 250 packets every 5 s."""
    sent = SenderInfo(at, received * 160, received, received * 160)
    block = ReportBlock(0x20 + number, 0, lost, received, 8, 1, 1.0)
    us, them = f"192.0.2.10:1000{number}", f"203.0.113.{number}:20000"
    return RtcpReport(at, Direction.FROM_PEER, called, 0x10 + number, sent, block, None, them, us, 1)


def test_a_trunk_without_a_registration_is_not_blamed_like_a_phone() -> None:
    pipeline = Pipeline("office", SHIPPED)
    trunk = Channel("PJSIP/prov-00000001", "7.2", "7.1", "Up", codec="alaw")
    phone = Channel("PJSIP/601-00000001", "7.1", "7.1", "Up", codec="alaw")
    events: list[PbxEvent] = [
        *(Connected(START - 5), Booted(START - 5, 10_000.0), Resynced(START - 4, frozenset())),
        DialBegun(START, replace(trunk, state="Down"), replace(phone, state="Ring"), "84951112233"),
        *(ChannelChanged(START + 2, trunk), ChannelChanged(START + 2, phone)),
    ]
    for n in range(1, 20):
        events += [
            measured(START + 2 + 5 * n, trunk, 1, 15 * n, 250 * n),
            measured(START + 2 + 5 * n, phone, 2, 0, 235 * n),
        ]
    fired = [each.alert for event in events for each in pipeline.feed(event).transitions if each.reason is NotifyReason.FIRING]
    (loss,) = (alert for alert in fired if alert.key.rule == "loss" and alert.key.subject == "PJSIP/prov")
    assert loss.details["segment"] == "trunk_up"
    assert pipeline.labels_of("PJSIP/prov") == {"trunk": "PJSIP/prov"}
    assert pipeline.places_of("PJSIP/prov") == ("PJSIP/prov",)
    assert pipeline.labels_of("PJSIP/601").get("trunk") is None


def test_a_phone_that_is_dialled_by_its_contact_and_declines_is_no_failing_trunk() -> None:
    pipeline = Pipeline("office", SHIPPED)
    found: list[Transition] = []
    for n in range(4):
        at = START + 400 * n
        dialled = (
            f"Event: DialBegin\r\nTimestamp: {at:.6f}\r\nChannel: PJSIP/102-0000000{n}\r\nUniqueid: {at:.0f}.1\r\n"
            f"Linkedid: {at:.0f}.1\r\nDestChannel: PJSIP/anna-0000000{n}\r\nDestUniqueid: {at:.0f}.2\r\n"
            f"DestLinkedid: {at:.0f}.1\r\nDialString: anna/sip:101@192.0.2.55:5060\r\n\r\n"
        )
        for event in translate(Message(dialled.encode()), at):
            found += pipeline.feed(event).transitions
        declined = Channel(f"PJSIP/anna-0000000{n}", f"{at:.0f}.2", f"{at:.0f}.1", "Down")
        found += pipeline.feed(ChannelHungUp(at + 0.4, declined, 21)).transitions
    found += pipeline.advance(START + 2000).transitions
    assert [each.alert.key for each in found] == []
    assert pipeline.labels_of("PJSIP/anna") == {}
