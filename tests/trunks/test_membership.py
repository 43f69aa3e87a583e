"""Which peers belong to which registration."""

from __future__ import annotations

import pytest

from qualitywatch.trunks.membership import trunk_at

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
