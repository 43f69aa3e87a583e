"""States and User-Agents of peers, from all drivers and all ways of asking."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import translate
from qualitywatch.model import AgentSeen, PbxEvent, PeerState, PeerStateSeen

CAPTURES = Path(__file__).parents[1] / "captures"


def recorded(folder: str, name: str) -> list[PbxEvent]:
    messages = Decoder().feed((CAPTURES / folder / "input.ami").read_bytes())
    return [event for message in messages if message.name == name for event in translate(message, 5.0)]


def said(text: str) -> tuple[PbxEvent, ...]:
    return translate(Message(text.replace("\n", "\r\n").encode() + b"\r\n\r\n"), 5.0)


def story(folder: str, name: str, peer: str) -> list[tuple[str, str | None, float | None]]:
    return [
        (str(seen.state), seen.address, seen.rtt_ms)
        for seen in recorded(folder, name)
        if isinstance(seen, PeerStateSeen) and seen.peer == peer
    ]


def test_a_chan_sip_phone_comes_freezes_thaws_and_freezes_again() -> None:
    """Trap: waiting for ``Time`` on Reachable."""
    assert story("asterisk-20/peer-reachability-user-agent", "PeerStatus", "SIP/6102") == [
        ("registered", "127.0.0.1:6202", None),
        ("reachable", None, None),
        ("unreachable", None, None),
        ("reachable", None, None),
        ("unreachable", None, None),
    ]


def test_a_pjsip_phone_tells_its_round_trip_when_it_changes() -> None:
    assert story("asterisk-20/peer-reachability-user-agent", "ContactStatus", "PJSIP/705") == [
        ("registered", "127.0.0.1:7105", None),
        ("reachable", "127.0.0.1:7105", 0.419),
        ("unreachable", "127.0.0.1:7105", None),
        ("reachable", "127.0.0.1:7105", 1904.094),
        ("unreachable", "127.0.0.1:7105", None),
    ]


def test_an_expired_registration_tells_its_cause() -> None:
    expired = [
        e
        for e in recorded("asterisk-20/peer-reachability-user-agent", "PeerStatus")
        if isinstance(e, PeerStateSeen) and e.cause
    ]
    assert expired == [PeerStateSeen(1795377874.65003, "SIP/6101", PeerState.UNREGISTERED, cause="Expired")]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Registered", PeerState.REGISTERED),
        ("Unregistered", PeerState.UNREGISTERED),
        ("Reachable", PeerState.REACHABLE),
        ("Lagged", PeerState.LAGGED),
        ("Unreachable", PeerState.UNREACHABLE),
        ("Something new", PeerState.UNKNOWN),
    ],
)
def test_words_of_peer_status(status: str, state: PeerState) -> None:
    assert said(f"Event: PeerStatus\nChannelType: IAX2\nPeer: IAX2/branch\nPeerStatus: {status}") == (
        PeerStateSeen(5.0, "IAX2/branch", state),
    )


def test_somebody_failing_to_log_in_does_not_change_the_state_of_the_peer() -> None:
    assert (
        said(
            "Event: PeerStatus\nPeer: SIP/6104\nPeerStatus: Rejected\nCause: AUTH_SECRET_FAILED\nAddress: 192.0.2.1\nPort: 5060"
        )
        == ()
    )


def test_an_item_of_a_status_list_is_a_snapshot_with_a_round_trip() -> None:
    assert said("Event: PeerStatus\nActionID: 7\nPeer: SIP/provider\nPeerStatus: Reachable\nTime: 12") == (
        PeerStateSeen(5.0, "SIP/provider", PeerState.REACHABLE, rtt_ms=12.0, snapshot=True),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Reachable", PeerState.REACHABLE),
        ("Unreachable", PeerState.UNREACHABLE),
        ("Removed", PeerState.UNREGISTERED),
        ("NonQualified", PeerState.REGISTERED),
        ("Created", PeerState.REGISTERED),
        ("Unknown", PeerState.UNKNOWN),
    ],
)
def test_words_of_contact_status(status: str, state: PeerState) -> None:
    text = f"Event: ContactStatus\nURI: sip:prov.example:5060\nContactStatus: {status}\nEndpointName: trunk-a\nRoundtripUsec: 0"
    assert said(text) == (PeerStateSeen(5.0, "PJSIP/trunk-a", state, address="prov.example:5060"),)


def test_a_contact_belongs_to_its_endpoint_or_else_to_its_address_of_record() -> None:
    text = (
        "Event: ContactStatus\nURI: sip:1@192.0.2.1\nContactStatus: Reachable\nAOR: aor\nEndpointName: {}\nRoundtripUsec: 41873"
    )
    assert said(text.format("trunk-a")) == (PeerStateSeen(5.0, "PJSIP/trunk-a", PeerState.REACHABLE, "192.0.2.1", 41.873),)
    assert said(text.format("")) == (PeerStateSeen(5.0, "PJSIP/aor", PeerState.REACHABLE, "192.0.2.1", 41.873),)
    assert said("Event: ContactStatus\nURI: sip:1@192.0.2.1\nContactStatus: Reachable") == ()


def test_the_recorded_list_of_chan_sip_peers() -> None:
    assert recorded("asterisk-20/action-responses", "PeerEntry") == [
        PeerStateSeen(5.0, "SIP/100", PeerState.REACHABLE, "127.0.0.1:5070", 1.0, snapshot=True),
        PeerStateSeen(5.0, "SIP/6117", PeerState.UNREGISTERED, snapshot=True),
        PeerStateSeen(5.0, "SIP/6118", PeerState.UNREGISTERED, snapshot=True),
        PeerStateSeen(5.0, "SIP/provider", PeerState.REACHABLE, "127.0.0.1:5070", 2.0, snapshot=True),
    ]


@pytest.mark.parametrize(
    ("status", "address", "dynamic", "state", "rtt_ms"),
    [
        ("OK (12 ms)", "192.0.2.1", "yes", PeerState.REACHABLE, 12.0),
        ("LAGGED (2300 ms)", "192.0.2.1", "yes", PeerState.LAGGED, 2300.0),
        ("UNREACHABLE", "192.0.2.1", "yes", PeerState.UNREACHABLE, None),
        ("UNKNOWN", "192.0.2.1", "yes", PeerState.UNKNOWN, None),
        ("UNKNOWN", "-none-", "yes", PeerState.UNREGISTERED, None),
        ("UNKNOWN", "-none-", "no", PeerState.UNKNOWN, None),
        ("Unmonitored", "192.0.2.1", "yes", PeerState.REGISTERED, None),
        ("Unmonitored", "-none-", "yes", PeerState.UNREGISTERED, None),
        ("Unmonitored", "(null)", "no", PeerState.UNKNOWN, None),
        ("", "192.0.2.1", "yes", PeerState.UNKNOWN, None),
    ],
)
def test_states_of_listed_peers(status: str, address: str, dynamic: str, state: PeerState, rtt_ms: float | None) -> None:
    peer = "Event: PeerEntry\nChanneltype: SIP\nObjectName: 6117"
    text = f"{peer}\nIPaddress: {address}\nIPport: 5060\nDynamic: {dynamic}\nStatus: {status}"
    expected = None if address in ("-none-", "(null)") else f"{address}:5060"
    assert said(text) == (PeerStateSeen(5.0, "SIP/6117", state, expected, rtt_ms, snapshot=True),)


def test_an_expired_phone_is_gone_and_not_unreachable() -> None:
    text = (
        "Event: PeerEntry\nChanneltype: SIP\nObjectName: 6101\nIPaddress: -none-\nIPport: 0\nDynamic: yes\nStatus: UNREACHABLE"
    )
    (seen,) = said(text)
    assert isinstance(seen, PeerStateSeen)
    assert seen.state is PeerState.UNREGISTERED


def test_listed_iax_peers_are_called_as_in_events() -> None:
    """IAXpeerlist says ``IAX`` and ``Port``."""
    text = "Event: PeerEntry\nChanneltype: IAX\nObjectName: branch\nIPaddress: 192.0.2.1\nPort: 4569\nStatus: OK (7 ms)"
    assert said(text) == (PeerStateSeen(5.0, "IAX2/branch", PeerState.REACHABLE, "192.0.2.1:4569", 7.0, snapshot=True),)
    assert said("Event: PeerEntry\nChanneltype: IAX\nStatus: OK (7 ms)") == ()


@pytest.mark.parametrize("name", ["ContactStatusDetail", "ContactList"])
def test_both_recorded_contact_lists_say_the_same(name: str) -> None:
    """Trap: expecting UserAgent in ContactStatus."""
    agent = "PJSUA/v2.17 Linux-6.18.44 x86_64 glibc-2.36"
    assert recorded("asterisk-22/pjsip-bridge-loss", name)[:2] == [
        PeerStateSeen(5.0, "PJSIP/701", PeerState.REACHABLE, "127.0.0.1:7101", 1.013, snapshot=True),
        AgentSeen(5.0, "PJSIP/701", agent, "127.0.0.1:7101", listed=True, transport="udp"),
    ]


def test_a_contact_that_never_registered_has_no_user_agent() -> None:
    contact = "Event: ContactList\nObjectName: trunk-a@@6a1\nUri: sip:prov.example:5060"
    text = contact + "\nUserAgent: {}\nStatus: NonQualified\nRoundtripUsec: N/A"
    for nothing in ("", "-"):
        assert said(text.format(nothing)) == (
            PeerStateSeen(5.0, "PJSIP/trunk-a", PeerState.REGISTERED, "prov.example:5060", snapshot=True),
            AgentSeen(5.0, "PJSIP/trunk-a", None, "prov.example:5060", listed=True, transport="udp"),
        )
    assert said("Event: ContactList\nUri: sip:prov.example:5060") == ()


def test_user_agents_of_a_chan_sip_phone_change_four_times() -> None:
    agents = [e for e in recorded("asterisk-20/peer-reachability-user-agent", "Success") if isinstance(e, AgentSeen)]
    agent = "Zoiper for Windows 2.43 r24984"
    assert agents[0] == AgentSeen(5.0, "SIP/6103", agent, "127.0.0.1:6303", "User 6103", transport="udp")
    assert [agent.user_agent for agent in agents] == [
        "Zoiper for Windows 2.43 r24984",
        "Cisco-CP7960G/8.0",
        "Yealink SIP-T46U 108.86.0.70",
        "friendly-scanner",
    ]


def test_a_chan_sip_peer_that_is_away_has_no_user_agent_and_no_address() -> None:
    text = (
        'Response: Success\nChanneltype: SIP\nObjectName: 6117\nCallerid: "Anna" <6117>\nAddress-IP: (null)\nAddress-Port: 0\n'
        "SIP-Useragent: "
    )
    assert said(text) == (AgentSeen(5.0, "SIP/6117", None, None, "Anna"),)


@pytest.mark.parametrize(
    ("variable", "value", "events"),
    [
        ("PJSIP_CONTACT(101;@0a1b,user_agent)", "Yealink", (AgentSeen(5.0, "PJSIP/101", "Yealink"),)),
        ("PJSIP_CONTACT(trunk-a@@0a1b,user_agent)", "", (AgentSeen(5.0, "PJSIP/trunk-a", None),)),
        ("PJSIP_CONTACT(101;@0a1b,user_agent)", "-", (AgentSeen(5.0, "PJSIP/101", None),)),
        ("PJSIP_CONTACT(101;@0a1b,rtt)", "12", ()),
        ("PJSIP_AOR(101,contact)", "101;@0a1b", ()),
        ("CHANNEL(audioreadformat)", "ulaw", ()),
    ],
)
def test_user_agents_without_the_system_right(variable: str, value: str, events: tuple[PbxEvent, ...]) -> None:
    assert said(f"Response: Success\nActionID: 1\nVariable: {variable}\nValue: {value}") == events
