"""Who loses at once, and what they share: made-up samples, and a count by hand of whatever hypothesis thinks of."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.model import Channel, Direction, Metric, RtcpReport, Sample, Share, ShareObservation, Verdict
from qualitywatch.quality.legs import LegBook
from qualitywatch.quality.shared import ALL_WELL_S, SharedLoss
from qualitywatch.quality.sites import SiteBook

TO, FROM = Direction.TO_PEER, Direction.FROM_PEER
NORTH = {f"SIP/{number}": f"10.20.0.{number}:5060" for number in range(1, 10)}
SOUTH = {f"SIP/{number}": f"10.30.0.{number}:5060" for number in range(11, 20)}
ADDRESSES = {**NORTH, **SOUTH, "SIP/lab": "127.0.0.1:5060"}
TRUNKS = {"SIP/mango": "SIP/user@mango", "SIP/kiwi": "SIP/user@kiwi"}


class Office:
    """Phones at two sites, two trunks, and what was last said of each place."""

    def __init__(self) -> None:
        sites = SiteBook({"North": (ip_network("10.20.0.0/16"),), "South": (ip_network("10.30.0.0/16"),)})
        self.legs = LegBook(trunk_of=TRUNKS.get, address_of=ADDRESSES.get)
        self.shared = SharedLoss("pbx", sites, self.legs, trunk_of=TRUNKS.get, address_of=ADDRESSES.get)
        self.said: dict[tuple[Share, str], ShareObservation] = {}
        self.count = 0

    def sample(
        self,
        subject: str,
        percent: float,
        direction: Direction = TO,
        *,
        at: float = 100.0,
        call: str | None = None,
        verdict: Verdict = Verdict.OK,
        packets: float = 250,
    ) -> list[ShareObservation]:
        channel = Channel(f"{subject}-1", f"{subject}.1", call or f"call of {subject}", "Up")
        self.legs.see(channel)
        sample = Sample(
            at, Metric.LOSS_PERCENT, percent, "pbx", subject, direction, channel.name, channel.uniqueid, verdict, packets
        )
        self.legs.observe(sample)
        found = self.shared.observe(sample)
        self.count += len(found)
        self.said.update({(each.share, each.subject): each for each in found})
        return found

    def lossy(self, share: Share, place: str) -> int | None:
        told = self.said.get((share, place))
        return None if told is None else told.lossy

    def counts(self, share: Share, place: str) -> tuple[int, int, int] | None:
        told = self.said.get((share, place))
        return None if told is None else (told.lossy, told.ruined, told.total)


def test_the_lossy_of_a_site_are_counted_among_those_who_talk() -> None:
    office = Office()
    for number, percent in enumerate((6.0, 12.0, 4.0, 0.0), 1):
        office.sample(f"SIP/{number}", percent)
    assert office.counts(Share.SITE_LOSS, "North") == (3, 1, 4)
    told = office.said[Share.SITE_LOSS, "North"]
    assert told.worst == ("SIP/2 12.0%", "SIP/1 6.0%", "SIP/3 4.0%")
    assert office.lossy(Share.PBX_LOSS, "pbx") == 0, "all of one site: it is the site"


def test_either_direction_makes_a_peer_lossy_and_it_stays_so_between_the_limits() -> None:
    office = Office()
    office.sample("SIP/1", 0.0)
    office.sample("SIP/1", 5.0, FROM)
    assert office.counts(Share.SITE_LOSS, "North") == (1, 0, 1)
    office.sample("SIP/1", 0.0, FROM, at=101)  # 2.5 % in all
    assert office.counts(Share.SITE_LOSS, "North") == (1, 0, 1)
    office.sample("SIP/1", 0.0, FROM, at=102)
    office.sample("SIP/1", 0.0, FROM, at=103)  # 1.25 %
    assert office.lossy(Share.SITE_LOSS, "North") == 0
    office.sample("SIP/1", 5.0, FROM, at=104)  # 2 %: not lossy anew
    assert office.lossy(Share.SITE_LOSS, "North") == 0


def test_who_was_not_heard_for_a_minute_is_not_active_any_more() -> None:
    office = Office()
    for subject in ("SIP/1", "SIP/2", "SIP/3"):
        office.sample(subject, 6.0)
    office.sample("SIP/4", 0.0, at=159)
    assert office.counts(Share.SITE_LOSS, "North") == (3, 0, 4)
    office.sample("SIP/4", 0.0, at=161)
    assert office.lossy(Share.SITE_LOSS, "North") == 0


def test_too_little_and_what_nobody_vouches_for_counts_for_nothing() -> None:
    office = Office()
    office.sample("SIP/1", 50.0, packets=100)
    office.sample("SIP/2", 50.0, verdict=Verdict.ABSURD)
    office.sample("SIP/3", 50.0, packets=0)
    assert office.said == {}


def test_where_most_elsewhere_lose_too_it_is_the_pbx() -> None:
    office = Office()
    for subject in ("SIP/1", "SIP/2", "SIP/3", "SIP/11"):
        office.sample(subject, 6.0)
    assert office.counts(Share.PBX_LOSS, "pbx") == (4, 0, 4)
    office.sample("SIP/12", 0.0, at=101)
    assert office.lossy(Share.PBX_LOSS, "pbx") == 0, "of two elsewhere one is clean"
    assert office.counts(Share.SITE_LOSS, "North") == (3, 0, 3)


def test_a_trunk_that_loses_like_the_phones_is_elsewhere() -> None:
    office = Office()
    for subject in ("SIP/1", "SIP/2", "SIP/3", "SIP/mango"):
        office.sample(subject, 6.0)
    assert office.counts(Share.PBX_LOSS, "pbx") == (4, 0, 4)
    clean = Office()
    for subject, percent in (("SIP/1", 6.0), ("SIP/2", 6.0), ("SIP/3", 6.0), ("SIP/mango", 0.0)):
        clean.sample(subject, percent)
    assert clean.lossy(Share.PBX_LOSS, "pbx") == 0


def test_peers_of_no_known_place_accuse_nobody() -> None:
    office = Office()
    for number in range(5):
        office.sample(f"SIP/x{number}", 9.0)
    office.sample("SIP/lab", 9.0)
    assert office.lossy(Share.PBX_LOSS, "pbx") == 0
    assert {share for share, _ in office.said} == {Share.PBX_LOSS}


def through_mango(office: Office, phone: str, *, own: float = 0.0, split: bool = False, trunk: float = 6.0) -> None:
    """A phone that hears the trunk's gaps, and the trunk's leg of the same call."""
    leg = Channel(f"SIP/mango-{phone}", f"mango.{phone}", phone, "Up")
    office.legs.see(leg)
    lost = Sample(100, Metric.LOSS_PERCENT, trunk, "pbx", "SIP/mango", FROM, leg.name, leg.uniqueid, Verdict.OK, 250)
    office.legs.observe(lost)
    office.shared.observe(lost)
    office.sample(phone, own, FROM, call=phone)
    office.sample(phone, 6.0, TO, call=phone, verdict=Verdict.OK if split else Verdict.NOT_SPLIT)


def test_gaps_that_cannot_be_told_from_the_trunk_s_are_the_trunk_s() -> None:
    office = Office()
    for phone in ("SIP/1", "SIP/2", "SIP/3"):
        through_mango(office, phone)
    assert office.counts(Share.TRUNK_LOSS, "SIP/user@mango") == (3, 0, 3)
    assert office.lossy(Share.SITE_LOSS, "North") == 0
    assert not office.lossy(Share.PBX_LOSS, "pbx")
    assert office.shared.places_of("SIP/1") == ("SIP/user@mango", "North")
    assert office.shared.places_of("SIP/mango") == ("SIP/user@mango",)


def test_but_not_where_the_phones_lose_by_themselves() -> None:
    for lossy in ({"own": 6.0}, {"split": True}, {"trunk": 0.0}):
        office = Office()
        for phone in ("SIP/1", "SIP/2", "SIP/3"):
            through_mango(office, phone, **lossy)
        assert office.lossy(Share.TRUNK_LOSS, "SIP/user@mango") == 0, lossy
        assert office.counts(Share.SITE_LOSS, "North") == (3, 0, 3), lossy
        assert office.shared.places_of("SIP/1") == ("North",)


def test_where_media_comes_from_goes_before_where_somebody_is_registered() -> None:
    office = Office()
    channel = Channel("SIP/1-1", "1.1", "1", "Up")
    assert office.shared.places_of("SIP/1") == ("North",)
    office.shared.hear(RtcpReport(1.0, TO, channel, None, None, None, None, "192.0.2.1:10", "10.30.0.5:4000"))
    assert office.shared.places_of("SIP/1") == ("South",)
    office.shared.hear(RtcpReport(2.0, FROM, channel, None, None, None, None, "10.20.0.5:10", "192.0.2.1:4000"))
    assert office.shared.places_of("SIP/1") == ("South",), "our own report names ourselves"
    office.shared.forget()
    assert office.shared.places_of("SIP/1") == ("South",)


def test_a_peer_that_moves_is_counted_where_it_is_now() -> None:
    office = Office()
    office.sample("SIP/1", 6.0)
    channel = Channel("SIP/1-1", "SIP/1.1", "call of SIP/1", "Up")
    office.shared.hear(RtcpReport(101.0, TO, channel, None, None, None, None, None, "10.30.0.5:4000"))
    office.sample("SIP/1", 6.0, at=101)
    office.sample("SIP/2", 0.0, at=101)
    assert office.counts(Share.SITE_LOSS, "South") == (1, 0, 1)
    assert office.lossy(Share.SITE_LOSS, "North") == 0


def test_while_all_is_well_little_is_said() -> None:
    office = Office()
    for second in range(300):
        for number in range(1, 10):
            office.sample(f"SIP/{number}", 0.0, at=100.0 + second)
    assert office.count <= 2 * (300 / ALL_WELL_S + 1) + 2


def test_what_is_idle_is_released() -> None:
    office = Office()
    for number in range(1, 10):
        office.sample(f"SIP/{number}", 6.0)
    office.shared.expire(100)
    assert office.shared._places
    office.shared.expire(200)
    assert not office.shared._places
    assert not office.shared._standings


STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ADDRESSES)), st.sampled_from([0.0, 2.0, 8.0, 40.0]), st.floats(0, 30)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_running_sums_are_what_a_count_by_hand_finds(steps: list[tuple[str, float, float]]) -> None:
    office, at = Office(), 100.0
    heard: dict[str, list[tuple[float, float]]] = {}
    lossy: dict[str, bool] = {}
    for subject, percent, pause in steps:
        at += pause
        office.sample(subject, percent, at=at)
        window = heard[subject] = [(then, each) for then, each in heard.get(subject, []) if then > at - 60] + [(at, percent)]
        mean = sum(each for _, each in window) / len(window)
        lossy[subject] = mean >= (1.5 if lossy.get(subject) else 3.0)
        active = [name for name, known in heard.items() if known[-1][0] > at - 60]
        for place, phones in (("North", NORTH), ("South", SOUTH)):
            told = office.counts(Share.SITE_LOSS, place)
            if subject in phones and told is not None and told[0]:
                assert (told[0], told[2]) == (
                    sum(lossy[name] for name in active if name in phones),
                    sum(name in phones for name in active),
                )
