"""The languages, and what they count and measure: plural forms and durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.notify.words import Forms, Series, Words
from qualitywatch.notify.words_en import EN
from qualitywatch.notify.words_ru import RU
from qualitywatch.wording import check_template

__all__ = ["LANGUAGES", "Series", "Words", "check_template", "duration", "form", "number", "words_of"]

_WORDS: Final[Mapping[str, Words]] = {"en": EN, "ru": RU}
LANGUAGES: Final = tuple(_WORDS)


def words_of(language: str) -> Words:
    """Return the words of a language; English for one that is not known."""
    return _WORDS.get(language, EN)


def number(count: int, forms: Forms) -> str:
    """Return a count with its noun: 1 packet, 2 packets; 1 пакет, 2 пакета, 5 пакетов."""
    return f"{count} {form(count, forms)}"


def form(count: int, forms: Forms) -> str:
    """Return the form that goes with a count: of one (never changes), of two as in English, of three as in Russian."""
    if len(forms) < 3:
        return forms[0 if count == 1 else -1]
    tens, ones = count % 100 // 10, count % 10
    if tens == 1 or ones == 0 or ones > 4:
        return forms[2]
    return forms[0 if ones == 1 else 1]


def duration(seconds: float, words: Words) -> str:
    """Return a duration as people say it: at most two units, seconds only while they matter (below five minutes)."""
    day, hour, minute, second = words.units
    whole = max(0, round(seconds)) if abs(seconds) < 1e12 else 0
    if whole < 300:
        parts = (whole // 60, minute), (whole % 60, second)
    elif whole < 3600 - 30:
        parts = (round(whole / 60), minute), (0, second)
    elif whole < 86400 - 30:
        minutes = round(whole / 60)
        parts = (minutes // 60, hour), (minutes % 60, minute)
    else:
        hours = round(whole / 3600)
        parts = (hours // 24, day), (hours % 24, hour)
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown) or f"0 {second}"
