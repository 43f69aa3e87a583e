"""Section ``sites``: names and their networks, and what is told of those that cannot be meant."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tests.config.conftest import ONE_PBX, Problems, Read


def test_a_site_has_one_network_or_several(read: Read) -> None:
    config = read(ONE_PBX + 'sites:\n  Branch North: [10.20.0.0/16, "2001:db8:20::/48"]\n  Warehouse: 192.0.2.7\n')
    assert config.sites == {
        "Branch North": (ip_network("10.20.0.0/16"), ip_network("2001:db8:20::/48")),
        "Warehouse": (ip_network("192.0.2.7/32"),),
    }


@pytest.mark.parametrize("section", ["", "sites:\n", "sites: {}\n"])
def test_without_names_there_are_none(read: Read, section: str) -> None:
    assert read(ONE_PBX + section).sites == {}


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("{North: [10.20.0.0/33]}", "North: 10.20.0.0/33: must be a network such as 10.1.0.0/16 or 2001:db8::/48"),
        ("{North: ten}", "North: ten: must be a network such as 10.1.0.0/16 or 2001:db8::/48"),
        ("{North: [10.20.0.0/16], South: [10.20.7.7/16]}", "South: 10.20.7.7/16 is of North already"),
        ("{North: }", "North: is empty; fill it in or remove it"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(problems: Problems, section: str, problem: str) -> None:
    assert problems(f"{ONE_PBX}sites: {section}\n") == [f"2: sites.{problem}"]
