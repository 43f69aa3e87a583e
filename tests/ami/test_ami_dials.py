"""Calls being placed: who is called, by what number, and how it ended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.dials import dialled_number
from qualitywatch.ami.events import WANTED_EVENTS, translate
from qualitywatch.model import DialBegun, DialEnded, PbxEvent

CAPTURES = Path(__file__).parents[1] / "captures"


def recorded(folder: str, name: str) -> list[PbxEvent]:
    messages = Decoder().feed((CAPTURES / folder / "input.ami").read_bytes())
    return [event for message in messages if message.name == name for event in translate(message, 5.0)]


def said(text: str) -> tuple[PbxEvent, ...]:
    return translate(Message(text.replace("\n", "\r\n").encode() + b"\r\n\r\n"), 5.0)


def test_a_recorded_call_tells_both_channels_and_the_number() -> None:
    begun = [event for event in recorded("asterisk-20/trunk-calls", "DialBegin") if isinstance(event, DialBegun)]
    assert [(event.dest.peer, event.number) for event in begun] == [
        (peer, number) for number in ("100", "404", "486", "503") for peer in ("SIP/provider", "PJSIP/trunk-pj")
    ]
    first = begun[0]
    assert (first.at, first.dest.uniqueid, first.dest.state) == (1795377713.635099, "1795377713.9", "Down")
    assert first.caller is not None
    assert (first.caller.peer, first.caller.caller_number) == ("SIP/6101", "6101")


def test_a_recorded_call_ends_with_what_the_dial_plan_believes() -> None:
    ended = [event for event in recorded("asterisk-20/trunk-calls", "DialEnd") if isinstance(event, DialEnded)]
    told = [(event.dest.peer, event.status) for event in ended]
    assert [status for peer, status in told if peer == "PJSIP/trunk-pj"] == ["NOANSWER"] * 4
    assert [status for peer, status in told if peer == "SIP/provider"] == ["ANSWER", "NOANSWER", "BUSY", "CONGESTION"]


def test_a_recorded_phone_is_called_by_no_number() -> None:
    (begun,) = recorded("asterisk-20/sip-bridge-loss", "DialBegin")
    assert isinstance(begun, DialBegun)
    assert (begun.dest.peer, begun.number) == ("SIP/6118", None)


@pytest.mark.parametrize(
    ("peer", "dial_string", "number"),
    [
        ("SIP/provider", "provider/74951234567", "74951234567"),
        ("SIP/provider", "+74951234567@provider", "+74951234567"),
        ("SIP/provider", "100:secret@provider", "100"),  # user:password@host
        ("SIP/provider", "provider/100!sip:x@y", "100"),
        ("SIP/6117", "6117", None),
        ("SIP/6117", "6117/6117", "6117"),
        ("PJSIP/trunk-pj", "100@trunk-pj", "100"),
        ("PJSIP/trunk-pj", "trunk-pj/sip:+7495@203.0.113.4:5060;transport=tcp", "+7495"),
        ("PJSIP/6117", "6117/sip:6117@192.0.2.5:5060", "6117"),
        ("PJSIP/6117", "6117/sip:bs3k2jq1@192.0.2.5:40112;transport=ws", None),  # a browser's contact
        ("PJSIP/anna", "anna@trunk", None),  # a name, no number
        ("IAX2/branch", "branch/202@from-branch", "202"),
        ("IAX2/branch", "user:secret@branch/202", "202"),
        ("IAX2/branch", "100@branch", None),  # a user name
        ("DAHDI/1", "g1/5551234", "5551234"),
        ("SIP/provider", "", None),
        ("SIP/provider", None, None),
        ("SIP/provider", "provider/٣٤", None),
        ("PJSIP/prov", "prov/sip:00882-16123456@203.0.113.4", "0088216123456"),
        ("PJSIP/prov", "00882-16123456@prov", "0088216123456"),
        ("PJSIP/prov", "+882.16.123456@prov", "+88216123456"),
        ("SIP/provider", "provider/00 (882) 16-12-34-56", "0088216123456"),
        ("SIP/provider", "provider/" + "0088216" * 100, ("0088216" * 100)[:64]),
    ],
)
def test_where_the_number_stands(peer: str, dial_string: str | None, number: str | None) -> None:
    assert dialled_number(peer, dial_string) == number


@given(st.text(max_size=60), st.sampled_from(["SIP/a", "PJSIP/a", "IAX2/a", "", "Local/1@x"]))
def test_nothing_but_a_telephone_number_ever_leaves(dial_string: str, peer: str) -> None:
    found = dialled_number(peer, dial_string)
    assert found is None or (set(found) <= set("+*#0123456789") and found in re.sub(r"[\s.()-]", "", dial_string))


@pytest.mark.parametrize(("dial_string", "is_unreadable"), [("trunk", False), ("100@trunk", False), ("anna@trunk", True)])
def test_what_is_no_number_is_told_from_the_peer_itself(dial_string: str, is_unreadable: bool) -> None:
    (begun,) = said(f"Event: DialBegin\nDestChannel: PJSIP/trunk-01\nDestUniqueid: 1.1\nDialString: {dial_string}")
    assert isinstance(begun, DialBegun)
    assert begun.is_unreadable is is_unreadable


def test_a_call_that_the_pbx_itself_places_has_no_caller() -> None:
    begun = said("Event: DialBegin\nDestChannel: PJSIP/trunk-01\nDestUniqueid: 1.1\nDialString: 100@trunk")
    assert [(event.caller, event.number) for event in begun if isinstance(event, DialBegun)] == [(None, "100")]


@pytest.mark.parametrize(
    "text",
    [
        "Event: DialBegin\nChannel: SIP/1-1\nUniqueid: 1.1\nDialString: 100@trunk",
        "Event: DialEnd\nChannel: SIP/1-1\nUniqueid: 1.1\nDialStatus: BUSY",
        "Event: DialEnd\nDestChannel: SIP/1-1\nDestUniqueid: 1.1",
    ],
)
def test_without_a_called_channel_or_an_outcome_nothing_is_said(text: str) -> None:
    assert said(text) == ()


def test_both_are_read_from_the_wire() -> None:
    assert {"DialBegin", "DialEnd"} <= WANTED_EVENTS
