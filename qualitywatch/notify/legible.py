"""Foreign text made safe to show: one line, no hidden characters, no longer than its reader allows.

Caller names, User-Agents and causes are written by strangers.  A newline could fake a second alert, a bidirectional override
could turn "loss" around, a lone surrogate (a byte that was not UTF-8) would make a message unsendable.  Lengths are counted in
UTF-16 code units, as Telegram counts them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ELLIPSIS: Final = "…"
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

# Unicode TR9 controls (marks, embeddings, overrides, isolates) and characters that are nothing but invisible.  The joiners
# U+200C and U+200D stay: Persian names and family emoji need them.
_HIDDEN: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BLANK: Final = re.compile(r"\s+")


def legible(text: str) -> str:
    """Return the text on one line, with nothing in it that a reader cannot see."""
    shown = _HIDDEN.sub("", text)
    return _BLANK.sub(" ", "".join(map(_shown, shown))).strip()


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if unicodedata.category(char) in {"Cc", "Zs", "Zl", "Zp"}:
        return " "
    code = ord(char)
    means_nothing = 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return REPLACEMENT if means_nothing else char  # an emoji newer than this Python is "unassigned" here, and stays


def utf16_units(text: str) -> int:
    """Return the length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """Return the text, cut to ``limit`` UTF-16 code units with an ellipsis when it was longer; never half a character."""
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * limit:
        return text
    return units[: 2 * (limit - len(ELLIPSIS))].decode("utf-16-le", "ignore").rstrip() + ELLIPSIS if limit > 0 else ""
