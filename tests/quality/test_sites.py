"""Which site an address is of."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.quality.neighbours import host_of
from qualitywatch.quality.sites import SiteBook

NAMED = {
    "Head office": (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    "Branch North": (ip_network("10.20.0.0/16"), ip_network("2001:db8:20::/48")),
    "Gateway": (ip_network("127.0.0.2/32"),),
}


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("10.20.30.40:5060", "Branch North"),
        ("10.21.30.40:5060", "Head office"),
        ("10.20.30.40", "Branch North"),
        ("[2001:db8:20::7]:5060", "Branch North"),
        ("2001:db8:21::7", "Head office"),
        ("[::ffff:10.20.1.1]:4000", "Branch North"),
        ("203.0.113.77:16384", "203.0.113.0/24"),
        ("[2001:db9:1:2:3::7]:5060", "2001:db9:1:2::/64"),
        ("127.0.0.2:6000", "Gateway"),
        ("127.0.0.1:6000", None),
        ("[::1]:6000", None),
        ("[fe80::1%eth0]:6000", None),
        ("169.254.7.7:6000", None),
        ("0.0.0.0:0", None),
        ("phone.example:5060", None),
        ("", None),
        (None, None),
    ],
)
def test_the_narrowest_named_network_else_the_neighbourhood(address: str | None, site: str | None) -> None:
    book = SiteBook(NAMED)
    assert book.site_at(address) == site
    assert book.site_at(address) == site, "the same when it is asked again"


@settings(max_examples=100)
@given(st.ip_addresses(), st.integers(1, 65_535))
def test_two_addresses_are_of_one_site_when_their_networks_are_one(ip: object, port: int) -> None:
    text = f"[{ip}]" if ":" in str(ip) else str(ip)
    assert ip_address(host_of(f"{text}:{port}")) == ip == ip_address(host_of(str(ip)))
    site = SiteBook().site_at(f"{text}:{port}")
    assert site is None or ip_address(str(ip)) in ip_network(site) or "::ffff:" in str(ip)


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_any_text_is_an_answer_and_no_crash(text: str) -> None:
    assert SiteBook(NAMED).site_at(text) in {None, *NAMED} or "/" in str(SiteBook(NAMED).site_at(text))


def test_what_is_remembered_is_bounded() -> None:
    book = SiteBook()
    for number in range(25_000):
        book.site_at(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:5060")
    assert len(book._known) <= 10_000
