"""What was asked: words of a command and data of a button into values.

Strategy: total functions on text that people typed with one thumb; whatever cannot be read is ``Misread``, which says what was
wrong and what would have worked.  No known name is looked up here (see ``chat.subjects``), no clock is read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from qualitywatch.chat.misread import NAME_CHARS, Misread, Problem, near
from qualitywatch.document import Selector, compile_selector, parse_duration_s
from qualitywatch.model import Metric
from qualitywatch.notify.buttons import ButtonData, parse_button

MIN_SPAN_S: Final = 60.0
MAX_SPAN_S: Final = 31 * 86_400.0
_MAX_WILDCARDS: Final = 3
_CYRILLIC_UNITS: Final = (("мин", "m"), ("дн", "d"), ("м", "m"), ("ч", "h"), ("д", "d"), ("с", "s"))
ALL: Final = frozenset({"all", "everything", "*", "все", "всё"})
_ID: Final = re.compile(r"#?(\d{1,15})", re.ASCII)
_METRICS: Final = {
    "loss": Metric.LOSS_PERCENT,
    "jitter": Metric.JITTER_MS,
    "mos": Metric.MOS,
    "rtt": Metric.RTT_MS,
    "потери": Metric.LOSS_PERCENT,
    "джиттер": Metric.JITTER_MS,
    "задержка": Metric.RTT_MS,
}


@dataclass(frozen=True, slots=True)
class PeerWish:
    """/peer: who, and over how long."""

    who: str
    span_s: float


@dataclass(frozen=True, slots=True)
class WorstWish:
    """/worst: by which metric, over how long."""

    metric: Metric
    span_s: float


def split_command(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the command's name, in lower case, without its slash and ``@name_of_the_bot``, and the words after it."""
    words = text.split()
    if not words:
        raise Misread(Problem.NO_SUCH_COMMAND)
    return words[0].removeprefix("/").partition("@")[0].lower(), tuple(words[1:])


def span_s(word: str) -> float | None:
    """Return the seconds of ``30m``, ``1h``, ``24h``, ``7d``, ``2ч``; None when the word is not a time span."""
    folded = word.casefold()
    for cyrillic, latin in _CYRILLIC_UNITS:
        folded = folded.replace(cyrillic, latin)
    return parse_duration_s(folded)


def read_peer(words: tuple[str, ...], default_span_s: float) -> PeerWish:
    """Read ``6117 [1h]``; a display name may be several words."""
    if not words:
        raise Misread(Problem.NO_PEER)
    if len(words) > 1 and (seconds := span_s(words[-1])) is not None:
        return PeerWish(" ".join(words[:-1]), bounded(words[-1], seconds))
    return PeerWish(" ".join(words), default_span_s)


def read_worst(words: tuple[str, ...], default_span_s: float) -> WorstWish:
    """Read ``[loss|jitter|mos|rtt] [24h]``, in any order."""
    wish = WorstWish(Metric.LOSS_PERCENT, default_span_s)
    for word in words:
        seconds = span_s(word)
        metric = _METRICS.get(word.casefold())
        if metric is not None:
            wish = WorstWish(metric, wish.span_s)
        elif seconds is not None:
            wish = WorstWish(wish.metric, bounded(word, seconds))
        elif word[:1].isdigit():
            raise Misread(Problem.BAD_SPAN, word)
        else:
            raise Misread(Problem.NO_SUCH_METRIC, word, near(word, tuple(_METRICS), 1))
    return wish


def read_span(words: tuple[str, ...], default_span_s: float) -> float:
    """Read ``[24h]``."""
    if not words:
        return default_span_s
    seconds = span_s(words[0])
    if seconds is None or len(words) > 1:
        raise Misread(Problem.BAD_SPAN, " ".join(words))
    return bounded(words[0], seconds)


def read_silence_ids(words: tuple[str, ...]) -> tuple[int, ...] | None:
    """Read ``3``, ``#3 #4`` or ``all`` (None)."""
    if not words:
        raise Misread(Problem.NO_SILENCE_ID)
    if len(words) == 1 and words[0].casefold() in ALL:
        return None
    found = []
    for word in words:
        read = _ID.fullmatch(word.rstrip(","))
        if read is None:
            raise Misread(Problem.NO_SUCH_SILENCE, word)
        found.append(int(read[1]))
    return tuple(dict.fromkeys(found))


def read_language(words: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Read ``ru`` or ``en``."""
    word = words[0].casefold() if len(words) == 1 else " ".join(words)
    if word not in known:
        raise Misread(Problem.NO_SUCH_LANGUAGE, word, known)
    return word


def read_button(data: str) -> ButtonData:
    """Read what a button held: ``ack:12:5f0c9a3e``."""
    read = parse_button(data)
    if read is None:
        raise Misread(Problem.NO_BUTTON, data)
    return read


def is_pattern(word: str) -> bool:
    """Whether a word has wildcards, and so is no name."""
    return "*" in word or "?" in word


def pattern(word: str) -> Selector:
    """Return the selector of a word with or without wildcards.

    Regular expressions, and more than a few wildcards, are for the configuration: matching some of them takes for ever, and
    here they would come from a chat into the running daemon.
    """
    if (word.startswith("/") and word.endswith("/")) or word.count("*") > _MAX_WILDCARDS or len(word) > NAME_CHARS:
        raise Misread(Problem.BAD_SELECTOR, word)
    try:
        return compile_selector(word)
    except ValueError as exc:
        raise Misread(Problem.BAD_SELECTOR, word) from exc


def bounded(word: str, seconds: float) -> float:
    """Return the seconds of a span that is neither too short nor too long to make sense."""
    if not math.isfinite(seconds) or not MIN_SPAN_S <= seconds <= MAX_SPAN_S:
        raise Misread(Problem.BAD_SPAN, word)
    return seconds
