"""What the chat shows, as its readers see it: everything a living message states about alerts, with the instant it first did.

Strategy: a message is sent once and edited many times, and one message may speak of many alerts.  So each version of a message
is taken apart into statements, one for each alert; each distinct statement counts from the first version that showed it.  Names
in a list ("also: ...") become the sentences that the lines above would have been.  What a message repeats of others is passed
over: first lines that sum up, those struck out in favour of a newer message, and what another alert explains.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.fakes.fake_telegram import Call, FakeTelegram
from tests.fakes.telegram_html import visible_text

_MARKS: Final = ("🔴 ", "🟡 ", "🔵 ", "🟢 ", "⚪ ")
_CONTINUED: Final = "continued below"
# "loss: 14 peers, worst ...", "2 trunks are not registered", "3 alerts, worst: ...", "Anna SIP/6117: loss 9.20%, jitter 80 ms".
_SUMMARY: Final = re.compile(
    r"\d+ (?:peers?|trunks?|alerts?|incidents?)\b|[^:/]+: \d+ (?:peers?|trunks?)\b"
    r"|(?:\S+ )*\S+/\S+: (?!no more|nothing more|no longer)"
)
_SERIES: Final = "loss|reported loss|jitter|round trip|MOS|R factor"
_ABOUT: Final = re.compile(rf"(?P<noun>{_SERIES})~? (?P<direction>to|from) ")
_NAME: Final = re.compile(
    rf"(?:(?P<noun>{_SERIES}) )?(?:(?P<direction>to|from) )?(?P<who>(?:\S+ )*?\S+/\S+)(?: (?P<noun_after>{_SERIES}))?"
    r"(?: (?P<rest>\S.*))?"
)
_LIST: Final = re.compile(r"(?:(?:· )?(?P<kind>also|over): |· (?!also affected))(?P<names>.*)")
_UNNAMED: Final = re.compile(r"and \d+ more in the attached list")
_FIGURE: Final = re.compile(r" \d+(?:\.\d+)?(?:%| ms)?$| after .*")


@dataclass(frozen=True, slots=True)
class Line:
    """What one message states about one alert; ``at`` is the event loop's time at which readers first saw it."""

    at: float
    text: str
    message_id: int = 0

    @property
    def what(self) -> str:
        """The statement without its figures, which change with every edit."""
        return _FIGURE.sub("", self.text)


@dataclass(frozen=True, slots=True)
class Version:
    """One message as it looked from an instant on."""

    at: float
    message_id: int
    is_new: bool
    text: str


@dataclass(slots=True)
class Living:
    """One message with all its looks, the present one last."""

    message_id: int
    at: float
    texts: list[str] = field(default_factory=list)


class Chat:
    """One chat of the fake Bot API."""

    def __init__(self, server: FakeTelegram, chat_id: int = 1) -> None:
        self._server, self._chat_id = server, chat_id
        self._read_sent = self._read_calls = 0
        self._unanswered: list[Call] = []  # edits that were asked for, and not accepted yet
        self._versions: list[Version] = []
        self._lines: dict[tuple[int, str], Line] = {}

    def versions(self) -> list[Version]:
        """Everything readers saw, in order."""
        self._read()
        return list(self._versions)

    def lines(self) -> list[Line]:
        """All statements so far, oldest first."""
        self._read()
        return list(self._lines.values())

    def messages(self, naming: str, since: float) -> list[Living]:
        """Messages that were sent since an instant and of which some version matches, oldest first."""
        found: dict[int, Living] = {}
        for version in self.versions():
            if version.is_new and version.at >= since:
                found[version.message_id] = Living(version.message_id, version.at)
            if version.message_id in found:
                found[version.message_id].texts.append(version.text)
        return [living for living in found.values() if any(re.search(naming, text) for text in living.texts)]

    async def wait(self, pattern: str, since: float, timeout_s: float) -> Line | None:
        """Return the first statement since an instant that matches, or None when none came in time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        seen = 0
        while True:
            lines = self.lines()
            for line in lines[seen:]:
                if line.at >= since and re.search(pattern, line.text):
                    return line
            seen = len(lines)
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            try:
                await self._server.wait(lambda: self._count() > seen, timeout_s=left_s)  # noqa: B023 asked before the next turn
            except TimeoutError:
                continue

    def _count(self) -> int:
        self._read()
        return len(self._lines)

    def _read(self) -> None:
        """Take in what the server has accepted since the last look."""
        sent, calls = self._server.sent[self._read_sent :], self._server.calls[self._read_calls :]
        if not (sent or calls or self._unanswered):
            return
        self._read_sent, self._read_calls = len(self._server.sent), len(self._server.calls)
        fresh = [Version(each.at, each.message_id, True, each.text) for each in sent if each.chat_id == self._chat_id]
        self._unanswered += [call for call in calls if _is_edit(call, self._chat_id)]
        if self._unanswered:
            shown = {it.message_id: (*it.history, it.text) for it in self._server.living(self._chat_id)}
            asked, self._unanswered = self._unanswered, []
            for call in asked:
                message_id, text = int(call.params["message_id"]), _text_of(call)
                if text in shown.get(message_id, ()):
                    fresh.append(Version(call.at, message_id, False, text))
                else:
                    self._unanswered.append(call)
        for version in sorted(fresh, key=lambda version: version.at):
            self._versions.append(version)
            for text in statements(version.text):
                self._lines.setdefault((version.message_id, text), Line(version.at, text, version.message_id))


def statements(text: str) -> list[str]:
    """Return what a message states, a sentence for each alert.

    Names that found no room in the message are a statement too ("and 12 more in the attached list"): nobody expects that one.
    """
    rows = text.splitlines()
    if rows[-1] == _CONTINUED:
        return []
    marked = [row[2:] for row in rows if row.startswith(_MARKS)] or rows[:1]
    told = [row for row in marked if not _SUMMARY.match(row)]
    about = next((found for found in map(_ABOUT.match, told) if found), None)
    noun, direction = (about["noun"], about["direction"]) if about else ("", "")
    for row in rows:
        listed = _LIST.match(row)
        if listed is not None:
            told += _named(listed["names"], noun, direction, is_over=listed["kind"] == "over")
        elif _UNNAMED.match(row):
            told.append(row)
    return told


def _named(names: str, noun: str, direction: str, *, is_over: bool) -> Iterator[str]:
    """The sentences that names in a list stand for; what all members share is left out of the names."""
    for name in re.split("[,;] ", names):
        found = _NAME.fullmatch(name)
        if found is None:
            if name != "…":
                yield name
            continue
        rest = "is over" if is_over else found["rest"] or ""
        if found["rest"] and not found["rest"][0].isdigit():  # a state
            yield f"{found['who']} is {found['rest']}"
        else:
            about = found["noun"] or found["noun_after"] or noun, found["direction"] or direction
            yield " ".join(part for part in (*about, found["who"], rest) if part)


def _is_edit(call: Call, chat_id: int) -> bool:
    return call.method == "editMessageText" and call.params.get("chat_id") == str(chat_id)


def _text_of(call: Call) -> str:
    raw = call.params.get("text", "")
    try:
        return visible_text(raw) if call.params.get("parse_mode") == "HTML" else raw
    except ValueError:  # refused by the server
        return raw
