"""Foreign text made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qualitywatch.notify.legible import clip, legible, utf16_units

# Every code point, lone surrogates included: what ``surrogateescape`` and strangers can produce.
ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("Anna", "Anna"),
        ("Анна 👩‍👧", "Анна 👩‍👧"),
        ("a\nb\r\nc\td", "a b c d"),
        ("  a\x00b\x1b[31mc  ", "a b [31mc"),
        ("abc\u202edef\u202c\u2066x\u2069\u200e\u200f", "abcdefx"),
        ("a\u2028b\u2029c", "a b c"),
        ("caf\udce9", "caf\N{REPLACEMENT CHARACTER}"),
        ("\ufdd0\uffff", "\N{REPLACEMENT CHARACTER}" * 2),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\u00a0b", "a b"),
        ("\u0007\u200f", ""),
    ],
)
def test_what_cannot_be_seen_is_not_shown(given_text: str, shown: str) -> None:
    assert legible(given_text) == shown


@given(ANY_TEXT)
@example("\ud83d\ude00")
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    shown = legible(text)
    assert shown == shown.strip()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    assert not any(
        unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for char in shown
    )
    shown.encode("utf-8")
    assert legible(shown) == shown


@given(ANY_TEXT.map(legible), st.integers(min_value=0, max_value=80))
def test_a_cut_text_fits_and_is_a_marked_beginning(text: str, limit: int) -> None:
    cut = clip(text, limit)
    assert utf16_units(cut) <= limit
    cut.encode("utf-8")
    if utf16_units(text) <= limit:
        assert cut == text
    elif limit:
        assert cut.endswith("…")
        assert text.startswith(cut.removesuffix("…"))


def test_a_character_of_two_units_is_not_cut_in_half() -> None:
    assert clip("a😀😀", 4) == "a😀…"
    assert clip("a😀😀", 3) == "a…"
