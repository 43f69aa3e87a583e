"""What was wrong with a wish, and what is near to it."""

from __future__ import annotations

from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from qualitywatch.errors import QualitywatchError

NAME_CHARS: Final = 100  # more of a word is never compared


class Problem(StrEnum):
    """What was wrong with what was asked; ``chat.texts`` has a sentence for each."""

    NO_SUCH_COMMAND = "no_such_command"
    NO_SUCH_PEER = "no_such_peer"
    NO_PEER = "no_peer"
    NO_SUCH_METRIC = "no_such_metric"
    NO_SUCH_KEY = "no_such_key"
    NO_SUCH_PBX = "no_such_pbx"
    NO_SUCH_SILENCE = "no_such_silence"
    NO_SUCH_LANGUAGE = "no_such_language"
    BAD_SELECTOR = "bad_selector"
    BAD_SPAN = "bad_span"
    BAD_UNTIL = "bad_until"
    PAST = "past"
    NO_END = "no_end"
    NO_WHAT = "no_what"
    NO_SILENCE_ID = "no_silence_id"
    SEVERAL = "several"
    REFUSED_BY_DESK = "refused_by_desk"
    NO_BUTTON = "no_button"


class Misread(QualitywatchError):
    """A wish that could not be read: what was wrong, at which word, and what is near to it."""

    def __init__(self, problem: Problem, word: str = "", near: tuple[str, ...] = ()) -> None:
        super().__init__(f"{problem}: {word}" if word else str(problem))
        self.problem = problem
        self.word = word
        self.near = near


def near(word: str, known: tuple[str, ...], count: int = 5) -> tuple[str, ...]:
    """Return the names nearest to a word, nearest first, without regard to case."""
    by_folded = {name.casefold(): name for name in reversed(known)}
    return tuple(by_folded[found] for found in get_close_matches(word.casefold()[:NAME_CHARS], by_folded, count, 0.5))
