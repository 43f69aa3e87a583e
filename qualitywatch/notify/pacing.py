"""The limits of a bot, kept before the server has to say so: so many calls a second, fewer to one chat, fewer still to a group.

Sliding windows over the instants of past calls, not buckets: a bucket lets twice its size through around the instant it is full
again, and a server that counts over any minute would notice.  Telegram's figures, for what it does not publish exactly: 30 a
second overall, one a second to a chat, 20 a minute to a group (all topics of a group share its allowance).

One a second to a chat is meant as an average ("we may allow short bursts"), and use is made of that in one place: news need
not wait because a message was changed, or a picture hung up, just before.  The call that went ahead is made up for by the next
change, so that in any time there is one call more at most, and two pieces of news are never less than a second apart.

Instants are seconds of a clock that never steps, of the caller's choice.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

SECOND_S: Final = 1.0
MINUTE_S: Final = 60.0
ANSWERS_SHARE: Final = 0.4  # of a group's minute


class Pacer:
    """What one bot may send when.  Chats are ids, or "@name"; negative ids and names are groups."""

    def __init__(self, overall_per_s: int = 30, chat_interval_s: float = 1.0, group_per_minute: int = 20) -> None:
        if overall_per_s < 1 or group_per_minute < 1 or chat_interval_s < 0:
            raise ValueError("a bot that may send nothing at all")
        self._chat_interval_s = chat_interval_s
        self._group_per_minute = group_per_minute
        self._answers_per_minute = max(1, round(group_per_minute * ANSWERS_SHARE))
        self._answers: dict[int | str, deque[float]] = {}
        self._overall: deque[float] = deque(maxlen=overall_per_s)
        self._chats: dict[int | str, deque[float]] = {}  # the newest calls, as many as a window can hold
        self._news_at: dict[int | str, float] = {}
        self._even_at: dict[int | str, float] = {}  # when the last of the calls so far was due at an even pace
        self._held: dict[int | str | None, float] = {}  # until when; None: every chat

    def pause_s(self, chat: int | str, now: float, *, is_news: bool = False) -> float:
        """Return how long the next call to a chat must still wait; 0 when it may go now."""
        free_at = [self._held.get(None, now), self._held.get(chat, now)]
        if len(self._overall) == self._overall.maxlen:
            free_at.append(self._overall[0] + SECOND_S)
        if calls := self._chats.get(chat):
            interval_s = self._chat_interval_s
            if is_news:
                free_at += [self._even_at[chat] + interval_s, self._news_at.get(chat, -math.inf) + interval_s]
            else:
                free_at += [self._even_at[chat] + 2 * interval_s, calls[-1] + interval_s]
            if _is_group(chat) and len(calls) == self._group_per_minute:
                free_at.append(calls[0] + MINUTE_S)
        # Compared as instants: a pause that rounds to nothing must not let a call through before its window is over.
        latest = max(free_at)
        return 0.0 if latest <= now else max(latest - now, 1e-6)

    def may_answer(self, chat: int | str, now: float) -> bool:
        """Whether a question in a chat may be answered out of turn: what is left of a group's minute is for alerts."""
        answers = self._answers.get(chat)
        return answers is None or len(answers) < self._answers_per_minute or answers[0] + MINUTE_S <= now

    def spend(self, chat: int | str, now: float, *, is_answer: bool = False, is_news: bool = False) -> None:
        """Count a call that is made now."""
        if is_news:
            self._news_at[chat] = now
        interval_s = self._chat_interval_s
        # One call may be ahead, and an answer out of turn is not made up for by alerts.
        self._even_at[chat] = min(now, max(self._even_at.get(chat, -math.inf), now - 2 * interval_s) + interval_s)
        if is_answer and _is_group(chat):
            self._answers.setdefault(chat, deque(maxlen=self._answers_per_minute)).append(now)
        self._overall.append(now)
        calls = self._chats.get(chat)
        if calls is None:
            calls = self._chats[chat] = deque(maxlen=self._group_per_minute if _is_group(chat) else 1)
        calls.append(now)

    def hold(self, chat: int | str | None, until: float) -> None:
        """Let nothing through before an instant, because the server said so: to one chat, or with None to any."""
        self._held[chat] = max(until, self._held.get(chat, until))


def _is_group(chat: int | str) -> bool:
    return isinstance(chat, str) or chat < 0
