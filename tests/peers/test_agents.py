"""User-Agents and addresses: what is learnt in silence, what is news, and what only looks like it."""

from __future__ import annotations

from dataclasses import replace

from qualitywatch.model import AgentRecord, AgentSeen, ChangeObservation
from qualitywatch.peers.agents import AgentTracker

YEALINK, CISCO, ZOIPER = "Yealink SIP-T46U 108.86.0.70", "Cisco-CP7960G/8.0", "Zoiper for Windows 2.43 r24984"
HOME, OFFICE = "37.110.158.23:5060", "192.168.1.9:5060"


def seen(
    agent: str | None, peer: str = "SIP/105", *, at: float = 100.0, address: str | None = HOME, listed: bool = False
) -> AgentSeen:
    return AgentSeen(at, peer, agent, address, listed=listed)


def learned(*known: AgentRecord) -> AgentTracker:
    return AgentTracker("office", known, learned=True)


def record(
    agent: str | None, peer: str = "SIP/105", *, address: str | None = HOME, others: tuple[str, ...] = ()
) -> AgentRecord:
    return AgentRecord("office", peer, agent, address, 1.0, others)


def news(tracker: AgentTracker, event: AgentSeen, *, contacts: int = 1) -> list[tuple[str, str | None, str]]:
    _, changes = tracker.observe(event, contacts=contacts)
    return [(change.attribute, change.old, change.new) for change in changes]


# --- One device --------------------------------------------------------------------------------------------------------


def test_another_agent_is_news_with_its_address() -> None:
    kept, changes = learned(record(YEALINK)).observe(seen(CISCO, at=500))
    assert changes == (ChangeObservation(500, "office", "SIP/105", "user_agent", YEALINK, CISCO, HOME),)
    assert kept == AgentRecord("office", "SIP/105", CISCO, HOME, 500)


def test_the_same_agent_is_none() -> None:
    assert learned(record(YEALINK)).observe(seen(YEALINK)) == (None, ())


def test_every_change_is_news_also_the_way_back() -> None:
    tracker = learned(record(YEALINK))
    assert [news(tracker, seen(agent)) for agent in (CISCO, YEALINK, CISCO)] == [
        [("user_agent", YEALINK, CISCO)],
        [("user_agent", CISCO, YEALINK)],
        [("user_agent", YEALINK, CISCO)],
    ]


def test_a_peer_without_an_agent_had_none() -> None:
    assert news(learned(record(None)), seen(CISCO)) == [("user_agent", "None", CISCO)]


def test_an_empty_answer_is_no_change_and_forgets_nothing() -> None:
    """chan_sip forgets agents when it restarts and learns them again at the next registration."""
    tracker = learned(record(YEALINK))
    assert tracker.observe(seen(None)) == (None, ())
    assert tracker.agent("SIP/105") == YEALINK
    assert news(tracker, seen(YEALINK)) == []
    assert news(tracker, seen(CISCO)) == [("user_agent", YEALINK, CISCO)]


# --- Somebody never seen before ----------------------------------------------------------------------------------------


def test_a_peer_never_seen_before_is_news_once_everybody_is_known() -> None:
    tracker = learned()
    assert news(tracker, seen(CISCO)) == [("user_agent", None, CISCO)]
    assert news(tracker, seen(CISCO)) == []


def test_a_peer_never_seen_before_without_an_agent_is_remembered_in_silence() -> None:
    tracker = learned()
    kept, changes = tracker.observe(seen(None))
    assert kept == AgentRecord("office", "SIP/105", None, HOME, 100, first_seen_at=100)
    assert changes == ()


def test_the_first_look_at_everybody_is_silent() -> None:
    tracker = AgentTracker("office")
    assert news(tracker, seen(CISCO, "SIP/105")) == []
    assert news(tracker, seen(YEALINK, "PJSIP/701", listed=True)) == []
    tracker.looked()
    assert tracker.learned
    assert news(tracker, seen(YEALINK, "SIP/106")) == [("user_agent", None, YEALINK)]


def test_the_first_look_is_silent_of_two_devices_under_one_name() -> None:
    tracker = AgentTracker("office")
    assert news(tracker, seen(CISCO, "PJSIP/701", listed=True), contacts=2) == []
    assert news(tracker, seen(ZOIPER, "PJSIP/701", listed=True), contacts=2) == []


def test_a_look_that_found_nobody_is_none() -> None:
    tracker = AgentTracker("office")
    tracker.looked()
    assert not tracker.learned


def test_who_registers_before_our_eyes_is_news_even_while_others_are_being_learnt() -> None:
    tracker = AgentTracker("office")
    tracker.registered("SIP/105")
    tracker.registered("PJSIP/701")
    assert news(tracker, seen(CISCO, "SIP/105")) == [("user_agent", None, CISCO)]
    assert news(tracker, seen(YEALINK, "PJSIP/701", listed=True)) == [], "a list is of everybody"


# --- Restarts ----------------------------------------------------------------------------------------------------------


def test_records_given_back_after_a_restart_go_on() -> None:
    first = learned()
    kept = [first.observe(seen(CISCO))[0], first.observe(seen(YEALINK, "SIP/106"))[0]]
    again = learned(*(each for each in kept if each is not None))
    assert news(again, seen(CISCO)) == []
    assert news(again, seen(CISCO, "SIP/106")) == [("user_agent", YEALINK, CISCO)]


def test_another_pbx_s_records_are_not_ours() -> None:
    tracker = learned(AgentRecord("branch", "SIP/105", YEALINK, HOME, 1.0))
    assert tracker.agent("SIP/105") is None


# --- Several devices under one name ------------------------------------------------------------------------------------


def test_two_devices_do_not_take_turns_in_being_news() -> None:
    tracker = learned(record(CISCO, "PJSIP/701"))
    assert news(tracker, seen(ZOIPER, "PJSIP/701"), contacts=2) == [("user_agent", CISCO, ZOIPER)]
    for agent in (CISCO, ZOIPER, CISCO, ZOIPER):
        assert news(tracker, seen(agent, "PJSIP/701"), contacts=2) == []


def test_a_device_that_comes_and_goes_beside_another_is_not_news_each_time() -> None:
    """A softphone is closed for the night: the desk phone under the same name is not a new one, nor is it in the morning."""
    tracker = learned(record(ZOIPER, "PJSIP/701", others=(CISCO,)))
    kept, changes = tracker.observe(seen(CISCO, "PJSIP/701", address=OFFICE, at=200), contacts=1)
    assert changes == ()
    assert kept == AgentRecord("office", "PJSIP/701", CISCO, OFFICE, 200, (ZOIPER,))
    assert news(tracker, seen(CISCO, "PJSIP/701", address=OFFICE), contacts=2) == []
    assert news(tracker, seen(ZOIPER, "PJSIP/701"), contacts=2) == []


def test_a_stranger_beside_two_known_devices_is_news() -> None:
    tracker = learned(record(ZOIPER, "PJSIP/701", others=(CISCO,)))
    assert news(tracker, seen("friendly-scanner", "PJSIP/701"), contacts=3) == [("user_agent", ZOIPER, "friendly-scanner")]
    assert news(tracker, seen("friendly-scanner", "PJSIP/701"), contacts=3) == []


def test_a_stranger_in_place_of_two_known_devices_is_news() -> None:
    tracker = learned(record(ZOIPER, "PJSIP/701", others=(CISCO,)))
    assert news(tracker, seen("friendly-scanner", "PJSIP/701")) == [("user_agent", ZOIPER, "friendly-scanner")]


def test_answers_of_one_round_are_of_several_devices_though_nobody_could_count_them() -> None:
    """Without the right to list contacts they are asked for one by one, within a moment, and how many there are is unknown."""
    tracker = AgentTracker("office")
    for at in (100, 900, 1700):
        assert news(tracker, seen(CISCO, "PJSIP/701", at=at)) == []
        assert news(tracker, seen(ZOIPER, "PJSIP/701", at=at + 0.05)) == []
        tracker.looked()
    assert news(tracker, seen(YEALINK, "PJSIP/701", at=2500)) == [("user_agent", CISCO, YEALINK)]


def test_a_phone_of_chan_sip_that_changes_at_once_is_still_one_phone() -> None:
    tracker = learned(record(CISCO))
    assert news(tracker, seen(ZOIPER, at=100)) == [("user_agent", CISCO, ZOIPER)]
    assert news(tracker, seen(CISCO, at=100.5)) == [("user_agent", ZOIPER, CISCO)]


# --- Addresses ---------------------------------------------------------------------------------------------------------


def test_another_host_is_news_another_port_is_nat_at_work() -> None:
    tracker = learned(record(CISCO))
    assert news(tracker, seen(CISCO, address="37.110.158.23:61234")) == []
    assert news(tracker, seen(CISCO, address="37.110.158.24:61234")) == [
        ("address", "37.110.158.23:61234", "37.110.158.24:61234")
    ]


def test_another_port_is_remembered() -> None:
    kept, _ = learned(record(CISCO)).observe(seen(CISCO, address="37.110.158.23:61234"))
    assert kept is not None
    assert kept.address == "37.110.158.23:61234"


def test_addresses_of_version_6() -> None:
    tracker = learned(record(CISCO, address="[2001:db8::1]:5060"))
    assert news(tracker, seen(CISCO, address="[2001:db8::1]:5080")) == []
    assert news(tracker, seen(CISCO, address="[2001:db8::2]:5060")) == [("address", "[2001:db8::1]:5080", "[2001:db8::2]:5060")]


def test_an_unknown_address_is_no_change() -> None:
    tracker = learned(record(CISCO))
    assert tracker.observe(seen(CISCO, address=None)) == (None, ())
    kept, changes = learned(record(CISCO, address=None)).observe(seen(CISCO))
    assert changes == ()
    assert kept is not None
    assert kept.address == HOME


def test_a_changed_agent_is_told_with_the_last_known_address() -> None:
    (change,) = learned(record(YEALINK)).observe(seen(CISCO, address=None))[1]
    assert change.address == HOME


def test_several_devices_have_no_one_address() -> None:
    tracker = learned(record(CISCO, "PJSIP/701", others=(ZOIPER,)))
    assert news(tracker, seen(ZOIPER, "PJSIP/701", address=OFFICE), contacts=2) == []
    assert news(tracker, seen(CISCO, "PJSIP/701", address=HOME), contacts=2) == []


# --- Transports, and since when a peer is known --------------------------------------------------------------------------


def test_another_transport_is_news() -> None:
    tracker = learned(replace(record(CISCO), transport="tls"))
    kept, changes = tracker.observe(replace(seen(CISCO), transport="udp"))
    assert [(change.attribute, change.old, change.new) for change in changes] == [("transport", "tls", "udp")]
    assert kept is not None
    assert kept.transport == "udp"
    assert news(tracker, replace(seen(CISCO), transport="udp")) == []


def test_a_transport_that_was_or_is_unknown_is_no_change() -> None:
    """Records of earlier versions have none, and not every answer tells it."""
    tracker = learned(record(CISCO))
    assert news(tracker, replace(seen(CISCO), transport="tls")) == []
    assert news(tracker, seen(CISCO)) == []
    assert news(tracker, replace(seen(CISCO), transport="udp")) == [("transport", "tls", "udp")]


def test_several_devices_have_no_one_transport() -> None:
    tracker = learned(replace(record(CISCO, "PJSIP/701", others=(ZOIPER,)), transport="udp"))
    assert news(tracker, replace(seen(ZOIPER, "PJSIP/701"), transport="tls"), contacts=2) == []
    assert news(tracker, replace(seen(CISCO, "PJSIP/701"), transport="udp"), contacts=2) == []


def test_a_change_says_since_when_the_peer_is_known() -> None:
    tracker = learned()
    tracker.observe(seen(CISCO, at=100))
    kept, (change,) = tracker.observe(seen(YEALINK, at=900))
    assert change.known_since == 100
    assert kept is not None
    assert learned(kept).observe(seen(CISCO, at=950))[1][0].known_since == 100, "also after a restart"
    assert learned(record(YEALINK)).observe(seen(CISCO))[1][0].known_since is None, "earlier versions did not note it"
