"""Numbers as people dial them, and which prefix decides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.rules.numbering import Destinations, Number, Numbering

RUSSIA = Numbering(international=("810",), national=("8",))
AMERICA = Numbering(international=("011",), national=("1",))
OUTSIDE = Numbering(strip=("9", "*67"))
DIGITS = st.text("0123456789", min_size=1, max_size=15)
PREFIXES = st.text("0123456789", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("numbering", "dialled", "international"),
    [
        (Numbering(), "+88216123456", "88216123456"),
        (Numbering(), "0088216123456", "88216123456"),
        (Numbering(), "+882 (16) 123-456", "88216123456"),
        (Numbering(), "#31#0088216123456", "88216123456"),
        (Numbering(), "*31#+88216123456", "88216123456"),
        (Numbering(), "88216123456", "88216123456"),  # eleven digits: the bare country code
        (Numbering(), "8821612345", None),  # ten: a number at home as well as one abroad
        (Numbering(), "088216123456", None),
        (Numbering(bare_digits=0), "882161234567", None),
        (Numbering(), "112", None),
        (Numbering(), "+", ""),
        (RUSSIA, "81088216123456", "88216123456"),
        (RUSSIA, "88121234567", None),  # Saint Petersburg
        (RUSSIA, "74951112233", "74951112233"),
        (AMERICA, "01188216123456", "88216123456"),
        (AMERICA, "8705551234", None),  # Arkansas, not Inmarsat
        (OUTSIDE, "90088216123456", "88216123456"),
        (OUTSIDE, "9+88216123456", "88216123456"),
        (OUTSIDE, "*670088216123456", "88216123456"),
        (OUTSIDE, "9", None),
    ],
)
def test_a_number_is_international_however_it_is_dialled(numbering: Numbering, dialled: str, international: str | None) -> None:
    assert numbering.read(dialled).international == international


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("+882", (True, "882")),
        ("+882 16", (True, "88216")),
        ("00882", (True, "882")),
        ("882", (False, "882")),
        ("0900", (False, "0900")),
        ("*98", (False, "*98")),
        ("+", (True, "")),
        ("", None),
        ("++882", None),
        ("882x", None),
        ("anna", None),
    ],
)
def test_a_prefix_says_whether_it_is_a_country_code(written: str, prefix: tuple[bool, str] | None) -> None:
    assert Numbering().read_prefix(written) == prefix


@settings(max_examples=200)
@given(abroad=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), separators=st.lists(st.sampled_from(" -/.()"), max_size=6))
def test_all_ways_to_write_one_number_are_one_number(abroad: str, separators: list[str]) -> None:
    spread = "".join(f"{digit}{''.join(separators[at : at + 1])}" for at, digit in enumerate(abroad))
    for numbering, before in ((Numbering(), "+"), (Numbering(), "00"), (RUSSIA, "810"), (OUTSIDE, "900"), (OUTSIDE, "9+")):
        assert numbering.read(before + spread).international == abroad, before


@settings(max_examples=300)
@given(text=st.text("+0123456789*# -", max_size=30))
def test_whatever_is_dialled_can_be_read_and_shown(text: str) -> None:
    for numbering in (Numbering(), RUSSIA, OUTSIDE):
        number = numbering.read(text)
        shown = str(number)
        assert set(shown) <= set("+0123456789*#")
        if number.international is not None:  # else digits may be left that would be taken for those of an outside line (99+1)
            assert numbering.read(shown).international == number.international


@settings(max_examples=300)
@given(
    number=DIGITS,
    abroad=st.booleans(),
    deny=st.lists(PREFIXES, max_size=8, unique=True),
    allow=st.lists(PREFIXES, max_size=8, unique=True),
)
def test_the_longest_prefix_decides(number: str, abroad: bool, deny: list[str], allow: list[str]) -> None:
    table = dict.fromkeys(allow, False) | dict.fromkeys(deny, True)
    destinations = Destinations(international=table, plain={}, otherwise=not deny)
    told = destinations.denies(Number(number, number if abroad else None))
    fits = sorted((prefix for prefix in table if number.startswith(prefix)), key=len) if abroad else []
    assert told is (table[fits[-1]] if fits else not deny)


@settings(max_examples=200)
@given(number=DIGITS, prefix=PREFIXES)
def test_a_prefix_without_plus_fits_either_form_and_one_with_it_the_international_one(number: str, prefix: str) -> None:
    fits = number.startswith(prefix)
    plain = Destinations(plain={prefix: True}, otherwise=False)
    international = Destinations(international={prefix: True}, otherwise=False)
    assert plain.denies(Number(number)) is fits
    assert plain.denies(Number(f"00{number}", number)) is (fits or f"00{number}".startswith(prefix))
    assert international.denies(Number(number)) is False
    assert international.denies(Number(f"00{number}", number)) is fits


def test_plus_alone_is_any_number_abroad() -> None:
    destinations = Destinations(international={"": True, "49": False}, otherwise=False)
    read = Numbering().read
    assert [destinations.denies(read(number)) for number in ("+88216123", "004930123", "030123", "112")] == [
        True,
        False,
        False,
        False,
    ]
