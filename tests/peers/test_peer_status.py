"""Peers: what a sequence of events and list items means, for chan_sip, PJSIP and IAX2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import PeerState, PeerStateSeen, StatusObservation
from qualitywatch.peers.status import PeerTracker

REGISTERED, UNREGISTERED = PeerState.REGISTERED, PeerState.UNREGISTERED
REACHABLE, LAGGED, UNREACHABLE = PeerState.REACHABLE, PeerState.LAGGED, PeerState.UNREACHABLE
UNKNOWN = PeerState.UNKNOWN

# One step: a state, or a state with the contact it is about; "list:" before it marks an item of a list.
Step = PeerState | tuple[str, ...]


def fed(tracker: PeerTracker, peer: str, *steps: Step, at: float = 100.0) -> list[StatusObservation | None]:
    said = []
    for number, step in enumerate(steps):
        parts = step if isinstance(step, tuple) else (step,)
        snapshot = parts[0] == "list"
        state, *address = parts[1:] if snapshot else parts[:]
        said.append(
            tracker.observe(
                PeerStateSeen(at + number, peer, PeerState(state), address=address[0] if address else None, snapshot=snapshot)
            )
        )
    return said


def state_after(peer: str, *steps: Step) -> PeerState:
    tracker = PeerTracker("office")
    fed(tracker, peer, *steps)
    return tracker.states()[peer]


LIST = "list"
A, B = "10.0.0.1:5060", "10.0.0.2:5060"


@pytest.mark.parametrize("peer", ["SIP/105", "IAX2/branch"])
@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([REGISTERED], REGISTERED),
        ([UNREGISTERED], UNREGISTERED),
        ([REACHABLE], REACHABLE),
        ([UNREACHABLE], UNREACHABLE),
        ([REGISTERED, REACHABLE], REACHABLE),
        ([REGISTERED, REACHABLE, LAGGED], LAGGED),
        ([REGISTERED, REACHABLE, LAGGED, REACHABLE], REACHABLE),
        ([REGISTERED, REACHABLE, UNREACHABLE], UNREACHABLE),
        # A re-registration does not heal an unreachable phone; nothing more is said until qualify changes.
        ([REGISTERED, REACHABLE, UNREACHABLE, REGISTERED], UNREACHABLE),
        ([REGISTERED, REACHABLE, UNREACHABLE, REGISTERED, REACHABLE], REACHABLE),
        # What was said of an expired registration means nothing to the next one.
        ([REGISTERED, REACHABLE, UNREACHABLE, UNREGISTERED], UNREGISTERED),
        ([REGISTERED, REACHABLE, UNREACHABLE, UNREGISTERED, REGISTERED], REGISTERED),
        ([REGISTERED, UNREGISTERED, REACHABLE], REACHABLE),
        ([REGISTERED, UNREGISTERED, UNREGISTERED], UNREGISTERED),
        # A list that does not know changes nothing.
        ([REGISTERED, REACHABLE, (LIST, UNKNOWN)], REACHABLE),
        ([REGISTERED, (LIST, UNKNOWN)], REGISTERED),
        ([(LIST, UNKNOWN)], UNKNOWN),
        ([(LIST, REACHABLE)], REACHABLE),
        ([(LIST, LAGGED)], LAGGED),
        ([(LIST, REGISTERED), UNREGISTERED], UNREGISTERED),
    ],
)
def test_registration_and_qualify_are_two_facts(peer: str, steps: list[Step], state: PeerState) -> None:
    assert state_after(peer, *steps) is state


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        # A phone that registers and is asked: as Asterisk 20 says it.
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A)], REACHABLE),
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A), UNREACHABLE, (UNREACHABLE, A)], UNREACHABLE),
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A), UNREACHABLE, (UNREACHABLE, A), REACHABLE, (REACHABLE, A)], REACHABLE),
        # It unregisters: the endpoint is said to be unreachable, then its contact to be gone.
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A), UNREACHABLE, (UNREGISTERED, A)], UNREGISTERED),
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A), (UNREGISTERED, A), UNREACHABLE], UNREGISTERED),
        ([(REGISTERED, A), REACHABLE, UNREACHABLE, (UNREGISTERED, A), (REGISTERED, B), REACHABLE], REACHABLE),
        # It was never asked.
        ([REACHABLE, (REGISTERED, A)], REGISTERED),
        # It never answered: the endpoint as a whole was never reachable.
        ([(REGISTERED, A), (UNREACHABLE, A)], UNREACHABLE),
        ([(REGISTERED, A), (UNREACHABLE, A), (UNREGISTERED, A)], UNREGISTERED),
        # It moves: the new contact comes before the old one goes.
        ([(REGISTERED, A), REACHABLE, (REACHABLE, A), (REGISTERED, B), (UNREGISTERED, A)], REGISTERED),
        ([(REGISTERED, A), (UNREACHABLE, A), (REGISTERED, B), (UNREGISTERED, A), (UNREACHABLE, B)], UNREACHABLE),
        # Two devices: the endpoint is as well as the better one.
        ([REACHABLE, (REACHABLE, A), (UNREACHABLE, B)], REACHABLE),
        ([REACHABLE, (REACHABLE, A), (UNREACHABLE, B), (UNREGISTERED, A), UNREACHABLE], UNREACHABLE),
        ([(LIST, REACHABLE, A), (LIST, UNREACHABLE, B)], REACHABLE),
        ([(LIST, UNREACHABLE, A), (LIST, REACHABLE, B)], REACHABLE),
        ([(LIST, UNREACHABLE, A), (LIST, UNREACHABLE, B)], UNREACHABLE),
        ([(LIST, REACHABLE, A), (LIST, REACHABLE, B), (UNREGISTERED, A)], REACHABLE),
        ([(LIST, REACHABLE, A), (LIST, REACHABLE, B), (UNREACHABLE, A)], REACHABLE),
        ([(LIST, REACHABLE, A), (LIST, REACHABLE, B), (UNREACHABLE, A), UNREACHABLE, (UNREACHABLE, B)], UNREACHABLE),
        # One of them is found again, the other is not, and the one that was is switched off.
        (
            [(REACHABLE, A), (REACHABLE, B), UNREACHABLE, (UNREACHABLE, A), (UNREACHABLE, B), REACHABLE, (REACHABLE, A)],
            REACHABLE,
        ),
        # A device nobody told us of (contacts cannot be listed without the right) keeps the endpoint alive.
        ([REACHABLE, (REACHABLE, A), (UNREGISTERED, A)], REACHABLE),
        ([REACHABLE, (REACHABLE, A), (UNREACHABLE, A)], REACHABLE),
        ([(REACHABLE, A), (UNREGISTERED, A)], REACHABLE),
        # Of an endpoint of which nothing else was ever heard, the loss of a contact is the best knowledge there is.
        ([(UNREGISTERED, A)], UNREGISTERED),
        # The endpoint as a whole has the last word.
        ([REACHABLE], REACHABLE),
        ([UNREACHABLE], UNREACHABLE),
        ([(REACHABLE, A), (REACHABLE, B), UNREACHABLE], UNREACHABLE),
        ([(LIST, UNKNOWN, A)], UNKNOWN),
    ],
)
def test_an_endpoint_is_as_well_as_its_best_contact(steps: list[Step], state: PeerState) -> None:
    assert state_after("PJSIP/701", *steps) is state


# --- What is said ------------------------------------------------------------------------------------------------------


def test_only_changes_are_said() -> None:
    tracker = PeerTracker("office")
    said = fed(tracker, "SIP/105", REGISTERED, REGISTERED, REACHABLE, REGISTERED, REACHABLE, UNREACHABLE, UNREACHABLE)
    assert [each.status if each is not None else None for each in said] == [
        "registered",
        None,
        "reachable",
        None,
        None,
        "unreachable",
        None,
    ]


def test_a_list_confirms_what_is_known_and_since_when() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "SIP/105", REGISTERED, REACHABLE, UNREACHABLE)
    (said,) = fed(tracker, "SIP/105", (LIST, UNREACHABLE), at=500)
    assert said == StatusObservation(500, "peer", "office", "SIP/105", UNREACHABLE, 102)


def test_a_cause_is_passed_on() -> None:
    tracker = PeerTracker("office")
    said = tracker.observe(PeerStateSeen(1.0, "SIP/105", UNREGISTERED, cause="Expired"))
    assert said is not None
    assert said.detail == "Expired"


# --- Spare accounts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["SIP/105", "IAX2/branch"])
def test_a_spare_account_in_a_list_is_no_outage(peer: str) -> None:
    tracker = PeerTracker("office")
    for _ in range(2):
        (said,) = fed(tracker, peer, (LIST, UNREGISTERED))
        assert said is not None
        assert said.status == UNKNOWN
        tracker.forget()


def test_a_phone_that_was_alive_is_missed() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "SIP/105", (LIST, REACHABLE))
    tracker.forget()
    (said,) = fed(tracker, "SIP/105", (LIST, UNREGISTERED))
    assert said is not None
    assert said.status == UNREGISTERED


def test_a_phone_that_unregisters_before_our_eyes_is_missed() -> None:
    assert state_after("SIP/105", (LIST, UNREGISTERED), UNREGISTERED) is UNREGISTERED


def test_a_phone_missed_before_a_restart_is_missed_after_it() -> None:
    tracker = PeerTracker("office", alive={"SIP/105"})
    assert tracker.states() == {}, "nothing is known of it yet"
    (said,) = fed(tracker, "SIP/105", (LIST, UNREGISTERED))
    assert said is not None
    assert (said.status, said.since_at) == (UNREGISTERED, 100)


# --- Gaps --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["SIP/105", "PJSIP/701"])
def test_after_a_gap_nothing_is_known(peer: str) -> None:
    tracker = PeerTracker("office")
    fed(tracker, peer, REACHABLE, UNREACHABLE)
    tracker.forget()
    assert tracker.states() == {peer: UNKNOWN}
    said = fed(tracker, peer, REACHABLE, at=500)[0]
    assert said is not None
    assert (said.status, said.since_at) == (REACHABLE, 500)


def test_after_a_gap_contacts_are_counted_anew() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "PJSIP/701", (LIST, REACHABLE, A), (LIST, REACHABLE, B))
    assert tracker.contacts("PJSIP/701") == 2
    tracker.forget()
    assert tracker.contacts("PJSIP/701") == 1
    fed(tracker, "PJSIP/701", (LIST, REACHABLE, A))
    assert tracker.contacts("PJSIP/701") == 1


def test_a_clock_set_back_leaves_no_state_in_the_future() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "SIP/105", REGISTERED, UNREGISTERED, at=5000)
    fed(tracker, "SIP/106", REGISTERED, at=300)
    now = {said.subject: (said.at, said.status, said.since_at) for said in tracker.clock_set_back(1000)}
    assert now == {"SIP/105": (1000, UNREGISTERED, 1000), "SIP/106": (1000, REGISTERED, 300)}


# --- Addresses and devices ---------------------------------------------------------------------------------------------


def test_the_address_is_the_last_one_in_use() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "SIP/105", (REGISTERED, A), REACHABLE)
    assert tracker.address("SIP/105") == A
    fed(tracker, "SIP/105", (REGISTERED, B))
    assert tracker.address("SIP/105") == B
    fed(tracker, "SIP/105", UNREGISTERED)
    assert tracker.address("SIP/105") == B
    assert tracker.address("SIP/999") is None


def test_a_contact_that_is_removed_is_nobody_s_address() -> None:
    tracker = PeerTracker("office")
    fed(tracker, "PJSIP/771", (REGISTERED, A), (REGISTERED, B), (UNREGISTERED, A))
    assert tracker.address("PJSIP/771") == B
    assert tracker.contacts("PJSIP/771") == 1


def test_devices_under_one_name_are_counted() -> None:
    tracker = PeerTracker("office")
    assert tracker.contacts("PJSIP/701") == 1
    fed(tracker, "PJSIP/701", (REGISTERED, A), (REACHABLE, A))
    assert tracker.contacts("PJSIP/701") == 1
    fed(tracker, "PJSIP/701", (REGISTERED, B))
    assert tracker.contacts("PJSIP/701") == 2


states = st.sampled_from(PeerState)
steps = st.lists(
    st.tuples(states, st.sampled_from([None, A, B]), st.booleans()).map(
        lambda drawn: PeerStateSeen(0.0, "PJSIP/701", drawn[0], address=drawn[1], snapshot=drawn[2])
    ),
    max_size=30,
)


@given(steps, st.sampled_from(["SIP/105", "PJSIP/701", "IAX2/x"]))
def test_what_is_said_is_what_is_known(events: list[PeerStateSeen], peer: str) -> None:
    tracker = PeerTracker("office")
    said_last: str = UNKNOWN
    for number, event in enumerate(events):
        said = tracker.observe(PeerStateSeen(float(number), peer, event.state, address=event.address, snapshot=event.snapshot))
        if said is not None:
            assert said.since_at <= number
            assert said.status != said_last or event.snapshot
            said_last = said.status
        assert tracker.states()[peer] == said_last
        assert tracker.contacts(peer) >= 1
