"""Which peers belong to which registration."""

from __future__ import annotations

import pytest

from qualitywatch.trunks.membership import is_registration, trunk_at

MANGO = "PJSIP/74995555@127.0.0.1:5080"
BEELINE = "PJSIP/74996666@sip.example.net"
OLD = "SIP/74993801@127.0.0.1"


@pytest.mark.parametrize(
    ("address", "technology", "trunks", "belongs_to"),
    [
        ("127.0.0.1:5080", "PJSIP", (MANGO, BEELINE, OLD), MANGO),
        ("127.0.0.1:5080", "SIP", (MANGO, BEELINE, OLD), None),  # another technology
        ("127.0.0.1:5060", "SIP", (MANGO, BEELINE, OLD), OLD),  # the port of SIP where none is named
        ("127.0.0.1", "SIP", (OLD,), OLD),
        ("SIP.example.net:5060", "PJSIP", (MANGO, BEELINE), BEELINE),
        ("192.0.2.7:40123", "PJSIP", (MANGO, BEELINE), None),
        (None, "PJSIP", (MANGO,), None),
        ("127.0.0.1:5080", "PJSIP", (MANGO, "PJSIP/74997777@127.0.0.1:5080"), None),  # two numbers at one provider
        ("[2001:db8::1]:5060", "PJSIP", ("PJSIP/7499@[2001:db8::1]",), "PJSIP/7499@[2001:db8::1]"),
    ],
)
def test_a_peer_belongs_to_the_only_trunk_at_its_address(
    address: str | None, technology: str, trunks: tuple[str, ...], belongs_to: str | None
) -> None:
    assert trunk_at(address, technology, trunks) == belongs_to


@pytest.mark.parametrize(
    ("trunk", "account", "host", "ours"),
    [
        ("SIP/74990000@127.0.0.1", "74990000", "127.0.0.1", True),
        ("PJSIP/100@127.0.0.1:5062", "100", "127.0.0.1", True),
        ("PJSIP/user@example@[2001:db8::1]:5060", "user@example", "2001:db8::1", True),
        ("SIP/74990000@127.0.0.1", "74990001", "127.0.0.1", False),
        ("SIP/74990000@provider.example", "74990000", "127.0.0.1", False),
        ("SIP/provider", "provider", "", False),
        ("SIP/@127.0.0.1", "100", "127.0.0.1", False),
    ],
)
def test_a_login_is_ours_by_its_name_and_its_host(trunk: str, account: str, host: str, ours: bool) -> None:
    assert is_registration(trunk, account, host) is ours
