"""The texts of answers, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.chat.texts_en import EN
from qualitywatch.chat.texts_ru import RU
from qualitywatch.chat.vocabulary import Texts

__all__ = ["LANGUAGES", "Texts", "texts_of"]

_TEXTS: Final[Mapping[str, Texts]] = {"en": EN, "ru": RU}
LANGUAGES: Final = tuple(_TEXTS)


def texts_of(language: str) -> Texts:
    """Return the texts of a language; English for one that is not known."""
    return _TEXTS.get(language, EN)
