"""Registrations under one name, whichever driver and whichever list tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import translate
from qualitywatch.model import PbxEvent, TrunkState, TrunkStateSeen

CAPTURES = Path(__file__).parents[1] / "captures"


def recorded(folder: str, *names: str) -> list[TrunkStateSeen]:
    messages = Decoder().feed((CAPTURES / folder / "input.ami").read_bytes())
    events = [event for message in messages if message.name in names for event in translate(message, 5.0)]
    return [event for event in events if isinstance(event, TrunkStateSeen)]


def said(text: str) -> tuple[PbxEvent, ...]:
    return translate(Message(text.replace("\n", "\r\n").encode() + b"\r\n\r\n"), 5.0)


def test_an_outage_as_chan_sip_and_pjsip_tell_it() -> None:
    """Trap: ``Request Sent`` is not harmless; PJSIP names itself by two URIs."""
    seen = recorded("asterisk-20/trunk-outage", "Registry")
    assert {trunk.trunk for trunk in seen} == {
        "SIP/74993801@127.0.0.1",
        "PJSIP/74995555@127.0.0.1:5080",
        "PJSIP/100@127.0.0.1:5060",
    }
    by_trunk = {name: {trunk.state for trunk in seen if trunk.trunk == name} for name in {trunk.trunk for trunk in seen}}
    assert by_trunk == {
        "SIP/74993801@127.0.0.1": {TrunkState.REGISTERED, TrunkState.RETRYING},
        "PJSIP/74995555@127.0.0.1:5080": {TrunkState.REGISTERED, TrunkState.REJECTED},
        "PJSIP/100@127.0.0.1:5060": {TrunkState.REGISTERED},
    }


def test_the_lists_use_the_names_of_the_events() -> None:
    assert recorded("asterisk-20/action-responses", "RegistryEntry", "OutboundRegistrationDetail") == [
        TrunkStateSeen(5.0, "SIP/74993801@127.0.0.1", TrunkState.REGISTERED, refresh_s=44.0, snapshot=True),
        TrunkStateSeen(5.0, "SIP/74990000@127.0.0.1", TrunkState.RETRYING, refresh_s=30.0, snapshot=True),
        TrunkStateSeen(5.0, "PJSIP/100@127.0.0.1:5060", TrunkState.REGISTERED, refresh_s=30.0, snapshot=True),
    ]
    event, *_ = recorded("asterisk-20/action-responses", "Registry")
    assert event == TrunkStateSeen(1795376961.534453, "SIP/74990000@127.0.0.1", TrunkState.RETRYING)
    (listed,) = recorded("asterisk-13/sip-bridge-loss", "RegistryEntry")
    assert listed.trunk == recorded("asterisk-13/sip-bridge-loss", "Registry")[0].trunk == "SIP/74993801@127.0.0.1"


def test_a_chan_sip_registration_with_its_own_domain_keeps_its_name() -> None:
    """The event's Domain is the host; the list's Domain is the domain of the From header."""
    (event,) = said("Event: Registry\nChannelType: SIP\nUsername: 7499\nDomain: prov.example\nStatus: Registered")
    (item,) = said(
        "Event: RegistryEntry\nHost: prov.example\nPort: 5060\nUsername: 7499\nDomain: customer.example\nState: Registered"
    )
    assert isinstance(event, TrunkStateSeen)
    assert isinstance(item, TrunkStateSeen)
    assert event.trunk == item.trunk == "SIP/7499@prov.example"


def test_a_dead_iax_registrar_shows_in_the_list_only() -> None:
    """Trap: expecting an event when an IAX2 registrar dies."""
    item = "Event: RegistryEntry\nHost: 192.0.2.1:4569\nDNSmanager: N\nUsername: branch"
    text = f"{item}\nPerceived: <Unregistered>\nRefresh: 60\nState: Timeout"
    assert said(text) == (
        TrunkStateSeen(5.0, "IAX2/branch@192.0.2.1:4569", TrunkState.RETRYING, refresh_s=60.0, snapshot=True),
    )
    event = "Event: Registry\nChannelType: IAX2\nUsername: branch\nDomain: 192.0.2.1:4569\nStatus: Rejected\nCause: {}"
    assert said(event.format("<unknown>")) == (TrunkStateSeen(5.0, "IAX2/branch@192.0.2.1:4569", TrunkState.REJECTED),)
    assert said(event.format("Registration Refused")) == (
        TrunkStateSeen(5.0, "IAX2/branch@192.0.2.1:4569", TrunkState.REJECTED, cause="Registration Refused"),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Registered", TrunkState.REGISTERED),
        ("Request Sent", TrunkState.RETRYING),
        ("Auth. Sent", TrunkState.RETRYING),
        ("Timeout", TrunkState.RETRYING),
        ("Rejected", TrunkState.REJECTED),
        ("No Authentication", TrunkState.REJECTED),
        ("Failed", TrunkState.FAILED),
        ("Stopped", TrunkState.FAILED),
        ("Unregistered", TrunkState.UNREGISTERED),
        ("Unknown", TrunkState.UNKNOWN),
        ("Something new", TrunkState.UNKNOWN),
    ],
)
def test_words_of_registrations(status: str, state: TrunkState) -> None:
    text = f"Event: Registry\nChannelType: PJSIP\nUsername: sip:7499@prov.example\nDomain: sip:prov.example\nStatus: {status}"
    assert said(text) == (TrunkStateSeen(5.0, "PJSIP/7499@prov.example", state),)


@pytest.mark.parametrize(("refresh", "seconds"), [("105", 105.0), ("0", None), ("-1", None), ("", None), ("soon", None)])
def test_an_unknown_refresh_is_none(refresh: str, seconds: float | None) -> None:
    text = (
        f"Event: RegistryEntry\nHost: prov.example\nUsername: 7499\nDomain: prov.example\nRefresh: {refresh}\nState: Registered"
    )
    assert said(text) == (
        TrunkStateSeen(5.0, "SIP/7499@prov.example", TrunkState.REGISTERED, refresh_s=seconds, snapshot=True),
    )


def test_a_registration_without_a_name_is_nothing() -> None:
    assert said("Event: Registry\nChannelType: SIP\nStatus: Registered") == ()
