"""Which lists tell who is configured, and what tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.answers import Answer, PendingAnswer
from qualitywatch.ami.codec import Decoder
from qualitywatch.ami.rosters import roster
from qualitywatch.model import Roster
from tests.fakes.scripted_manager import DENIED, UNKNOWN, listing, wire

CAPTURES = Path(__file__).parents[1] / "captures"
TRUNK = {"Host": "sip.example", "Username": "7499", "Refresh": "105", "State": "Registered"}
IAX_TRUNK = {"Host": "192.0.2.1:4569", "Username": "branch", "Perceived": "<Unregistered>", "Refresh": "60", "State": "Timeout"}
PJSIP_TRUNK = {"ObjectName": "out", "ClientUri": "sip:100@192.0.2.1", "ServerUri": "sip:192.0.2.1:5060", "Status": "Rejected"}


def answered(action: str, data: bytes) -> list[Answer]:
    """What a session makes of all answers in some bytes, whatever else is said between them."""
    pending, found = dict[str, PendingAnswer](), []
    for message in Decoder().feed(data):
        if message.action_id is not None:
            answer = pending.setdefault(message.action_id, PendingAnswer(action, 10.0, 0.0)).take(message, 0.0)
            found += [answer] if answer is not None else []
    return found


def said(action: str, text: str) -> Roster | None:
    (answer,) = answered(action, wire(text.replace("{id}", "1").replace("{name}", action)))
    return roster(answer)


@pytest.mark.parametrize(
    ("action", "entity", "technology", "names"),
    [
        ("SIPpeers", "peer", "SIP", {"SIP/100", "SIP/6117", "SIP/6118", "SIP/provider"}),
        ("SIPshowregistry", "trunk", "SIP", {"SIP/74993801@127.0.0.1", "SIP/74990000@127.0.0.1"}),
        ("PJSIPShowRegistrationsOutbound", "trunk", "PJSIP", {"PJSIP/100@127.0.0.1:5060"}),
    ],
)
def test_recorded_lists_name_everybody(action: str, entity: str, technology: str, names: set[str]) -> None:
    recorded = answered(action, (CAPTURES / "asterisk-20/action-responses/input.ami").read_bytes())
    found = [each for each in map(roster, recorded) if each is not None and each.names]
    assert found == [Roster(entity, technology, frozenset(names))]


def test_the_others_as_asterisk_writes_them() -> None:
    peer = {"Channeltype": "IAX", "ObjectName": "branch", "IPaddress": "(null)", "IPport": "0", "Status": "UNREACHABLE"}
    assert said("IAXpeerlist", listing("PeerEntry", [peer], "PeerlistComplete")) == Roster(
        "peer", "IAX2", frozenset({"IAX2/branch"})
    )
    assert said("IAXregistry", listing("RegistryEntry", [IAX_TRUNK], "RegistrationsComplete")) == Roster(
        "trunk", "IAX2", frozenset({"IAX2/branch@192.0.2.1:4569"})
    )


def test_peers_from_a_database_are_told_from_those_of_the_file() -> None:
    phones = [
        {"Channeltype": "SIP", "ObjectName": name, "IPaddress": "192.0.2.5", "IPport": "5060", "Status": "OK (4 ms)"}
        | {"RealtimeDevice": realtime}
        for name, realtime in (("6117", "yes"), ("6118", "no"))
    ]
    found = said("SIPpeers", listing("PeerEntry", phones, "PeerlistComplete"))
    assert found == Roster("peer", "SIP", frozenset({"SIP/6117", "SIP/6118"}), passing=frozenset({"SIP/6117"}))


def test_a_whole_list_of_nobody_says_that_there_is_nobody() -> None:
    assert said("SIPshowregistry", listing("RegistryEntry", [], "RegistrationsComplete")) == Roster("trunk", "SIP", frozenset())


def test_secrets_among_the_registrations_are_nobody() -> None:
    text = listing("OutboundRegistrationDetail", [PJSIP_TRUNK], "OutboundRegistrationDetailComplete")
    mixed = text.replace(
        "Event: OutboundRegistrationDetail\n",
        "Event: AuthDetail\nActionID: {id}\nUsername: x\n\nEvent: OutboundRegistrationDetail\n",
    )
    found = said("PJSIPShowRegistrationsOutbound", mixed)
    assert found == Roster("trunk", "PJSIP", frozenset({"PJSIP/100@192.0.2.1:5060"}))


LIST = listing("RegistryEntry", [TRUNK], "RegistrationsComplete")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DENIED, id="denied"),
        pytest.param(UNKNOWN, id="absent"),
        pytest.param("Response: Error\nActionID: {id}\nMessage: No registrations found\n\n", id="empty because of an error"),
        pytest.param(LIST.replace("ListItems: 1", "ListItems: 2"), id="partial"),
        pytest.param(LIST.replace("ListItems: 1\n", ""), id="not counted"),
        pytest.param(LIST.replace("Username: 7499\n", "").replace("Host: sip.example\n", ""), id="an item that cannot be read"),
        pytest.param(LIST.replace("Refresh: 105", "Perceived: x"), id="of another driver"),
    ],
)
def test_what_is_no_whole_list_tells_nothing(text: str) -> None:
    assert said("SIPshowregistry", text) is None


def test_a_list_that_was_broken_off_tells_nothing() -> None:
    pending = PendingAnswer("SIPshowregistry", 10.0, 0.0)
    for message in Decoder().feed(wire(LIST.partition("Event: RegistrationsComplete")[0])):
        assert pending.take(message, 0.0) is None
    assert roster(pending.given_up()) is None


def test_the_contacts_of_pjsip_are_no_list_of_its_peers() -> None:
    """An endpoint that is configured, and has no contact now, is not in it."""
    action = "PJSIPShowRegistrationInboundContactStatuses"
    row = {"AOR": "701", "URI": "sip:701@192.0.2.7", "Status": "Reachable"}
    assert said(action, listing("ContactStatusDetail", [row], "ContactStatusDetailComplete")) is None
