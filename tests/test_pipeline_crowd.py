"""A PBX that announces channels without end, or never says that one is over, does not fill our memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.model import Audited, Channel, ChannelChanged, ChannelHungUp, Connected, DialBegun, PbxEvent, Resynced
from qualitywatch.pipeline.crowd import Crowd

MOST = 5
NUMBERS = st.integers(0, 30)


def channel(number: int) -> Channel:
    return Channel(f"SIP/{number}-1", f"1.{number}", f"1.{number}", "Up")


EVENTS = st.one_of(
    NUMBERS.map(lambda number: ChannelChanged(1.0, channel(number))),
    NUMBERS.map(lambda number: ChannelHungUp(1.0, channel(number), 16)),
    st.tuples(NUMBERS, NUMBERS).map(lambda pair: DialBegun(1.0, channel(pair[0]), channel(pair[1]), None)),
    st.frozensets(NUMBERS).map(lambda alive: Resynced(1.0, frozenset(f"1.{number}" for number in alive), True, True)),
)


@given(st.lists(EVENTS))
def test_there_are_never_more_than_fit_and_the_oldest_go_first(events: list[PbxEvent]) -> None:
    crowd, there = Crowd(MOST), list[str]()
    for event in events:
        if isinstance(event, Resynced):
            crowd.see(Connected(1.0))  # whoever is not on the first list was hung up while nobody looked
        ended = [end.channel.uniqueid for end in crowd.see(event)]
        if isinstance(event, ChannelChanged):
            there += [event.channel.uniqueid] * (event.channel.uniqueid not in there)
        elif isinstance(event, DialBegun):
            for each in (event.caller, event.dest):
                if each is not None and each.uniqueid not in there:
                    there.append(each.uniqueid)
        elif isinstance(event, ChannelHungUp):
            there = [uniqueid for uniqueid in there if uniqueid != event.channel.uniqueid]
        elif isinstance(event, Resynced) and event.channels is not None:
            there = [uniqueid for uniqueid in there if uniqueid in event.channels]
        assert ended == there[: max(0, len(there) - MOST)]
        there = there[len(ended) :]
        assert len(crowd) == len(there) <= MOST


@given(st.lists(st.one_of(EVENTS, st.frozensets(NUMBERS)), max_size=60))
def test_whoever_two_lists_do_not_name_is_hung_up_once_and_nobody_else(events: list[PbxEvent | frozenset[int]]) -> None:
    crowd, there, missing = Crowd(), set[str](), set[str]()
    for event in events:
        if isinstance(event, Resynced):
            continue
        if not isinstance(event, frozenset):
            assert not crowd.see(event)
            seen = (event.caller, event.dest) if isinstance(event, DialBegun) else (event.channel,)  # type: ignore[union-attr]
            uniqueids = {each.uniqueid for each in seen if each is not None}
            there = there - uniqueids if isinstance(event, ChannelHungUp) else there | uniqueids
            missing &= there
            continue
        listed = {f"1.{number}" for number in event}
        ended = {end.channel.uniqueid for end in crowd.see(Audited(1.0, tuple(channel(number) for number in event)))}
        assert ended == missing - listed
        there -= ended
        missing = there - listed
        assert len(crowd) == len(there)


def test_a_list_in_the_middle_of_a_connection_counts_as_one_of_the_two() -> None:
    crowd = Crowd()
    for event in (Connected(1.0), Resynced(2.0, frozenset()), ChannelChanged(3.0, channel(1))):
        assert not crowd.see(event)
    assert not crowd.see(Resynced(4.0, frozenset()))
    assert crowd.see(Audited(5.0, ())) == [ChannelHungUp(5.0, channel(1), None)]
    assert not crowd.see(Audited(6.0, ()))


def test_an_asterisk_that_began_anew_has_nobody() -> None:
    crowd = Crowd(MOST)
    crowd.see(ChannelChanged(1.0, channel(1)))
    crowd.clear()
    assert len(crowd) == 0
