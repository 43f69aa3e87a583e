"""Repeated failures, said once: the first of its kind and the recovery are log lines, the rest is detail."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


class Troubles:
    """What is wrong at present, by whom it befell."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, who: str) -> str | None:
        """What is wrong with somebody; None when nothing is."""
        return self._known.get(who)

    def report(self, who: str, text: str, remedy: str, *, level: int = logging.WARNING) -> None:
        """Log a failure, at DEBUG when it is the same as the last one of ``who``; ``remedy`` says what happens next."""
        level = logging.DEBUG if self._known.get(who) == text else level
        self._known[who] = text
        _log.log(level, "%s: %s; %s", who, text, remedy)

    def over(self, who: str) -> None:
        """Log the recovery, if anything was wrong with ``who``."""
        if self._known.pop(who, None) is not None:
            _log.info("%s: works again", who)
