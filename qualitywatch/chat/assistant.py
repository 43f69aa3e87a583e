"""Answers from the chat: who may ask is decided here, what is answered in the handlers of ``chat.registry``.

Elsewhere than in listed chats nothing is answered: a bot can be added to any group by anybody.  What was refused is counted and
audited, and a chat that is not listed is told to the administrator once, with the id that is needed to list it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Final

from qualitywatch.chat.access import Access, shown_name
from qualitywatch.chat.asking import Asking, Paint
from qualitywatch.chat.misread import Misread, Problem, near
from qualitywatch.chat.parsing import split_command
from qualitywatch.chat.presses import press
from qualitywatch.chat.registry import COMMANDS, HIDDEN, CommandEntry, examples_of
from qualitywatch.model import AuditRow
from qualitywatch.notify.inbound import Answer, Command, Press, PressAnswer
from qualitywatch.notify.legible import clip, legible
from qualitywatch.room import Room

__all__ = ["Access", "Assistant"]

_AUDIT_UNITS: Final = 100  # of what a stranger wrote
_MAX_STRANGERS: Final = 1000  # chats that are remembered as told of; strangers must not fill our memory
_ENTRIES: Final = {entry.name: entry for entry in COMMANDS}


class Assistant:
    """Answers commands and presses of all chats of one bot."""

    def __init__(
        self,
        room: Room,
        access: Access,
        *,
        language_of: Callable[[int], str | None],
        default_language: str,
        zone: tzinfo,
        morning: tuple[int, int] = (8, 0),
        paint: Paint | None,
        remember: Callable[[int, str], Awaitable[None]],
        warn: Callable[[str], None] | None = None,
        mark: str = "",
    ) -> None:
        """``language_of`` tells what a listed chat reads at present, ``morning`` is an hour and a minute in ``zone``.

        ``paint`` draws charts, None where it cannot; ``remember`` stores a chat's choice of language; ``warn`` takes a line for
        the log; ``mark`` is that of the state, which its buttons bear.
        """
        self._room = room
        self._access = access
        self._language_of = language_of
        self._chosen: dict[int, str] = {}  # by chats of which nobody else knows a language
        self._default_language = default_language
        self._zone = zone
        self._morning = morning
        self._paint = paint
        self._remember = remember
        self._warn = warn
        self._mark = mark
        self._strangers: set[int] = set()
        self._refused = 0
        self._unheard = 0

    @property
    def refused(self) -> int:
        """How many commands and presses were refused, for the want of a listed user."""
        return self._refused

    @property
    def unheard(self) -> int:
        """How many commands came from chats that are not listed."""
        return self._unheard

    async def command(self, command: Command) -> Answer:
        """Answer a command; an empty answer means to say nothing."""
        if not self._access.hears(command.chat_id):
            await self._ignore(command)
            return Answer()
        asking = self._asking(command.chat_id, command.user_id)
        entry: CommandEntry | None = None
        try:
            name, words = split_command(command.text)
            entry = _ENTRIES.get(HIDDEN.get(name, name))
            if entry is None:
                raise Misread(Problem.NO_SUCH_COMMAND, name, near(name, tuple(_ENTRIES), 3))
            if entry.needs_user and not asking.by:
                await self._refuse(command, f"/{entry.name}")
                return _said(asking, asking.texts.refused.format(id=command.user_id))
            return await entry.handler(self._asking(command.chat_id, command.user_id, words))
        except Misread as problem:
            return _corrected(asking, problem, entry)

    async def press(self, pressed: Press) -> PressAnswer:
        """Answer a press of a button."""
        asking = self._asking(pressed.chat_id, pressed.user_id)
        if not asking.by:
            await self._refuse(pressed, pressed.data)
            return PressAnswer(asking.texts.refused_press.format(id=pressed.user_id), is_refusal=True)
        return await press(asking, pressed.data, self._mark)

    def _asking(self, chat_id: int, user_id: int, words: tuple[str, ...] = ()) -> Asking:
        async def set_language(chosen: str) -> None:
            self._chosen[chat_id] = chosen
            await self._remember(chat_id, chosen)
            by = self._access.name(user_id)
            await self._room.note(AuditRow(self._room.now(), by, "language", f"{chosen}, chat {chat_id}"))

        return Asking(
            self._room,
            words,
            self._language_of(chat_id) or self._chosen.get(chat_id, self._default_language),
            self._zone,
            self._morning,
            self._access.name(user_id),
            user_id,
            self._paint,
            set_language,
        )

    async def _refuse(self, asked: Command | Press, what: str) -> None:
        self._refused += 1
        await self._note(asked, what)

    async def _ignore(self, command: Command) -> None:
        self._unheard += 1
        if command.chat_id in self._strangers or len(self._strangers) >= _MAX_STRANGERS:
            return
        self._strangers.add(command.chat_id)
        if self._warn is not None:
            self._warn(f"chat {command.chat_id} is not listed and gets no answer; list it to have its commands answered")
        await self._note(command, "first command of a chat that is not listed")

    async def _note(self, asked: Command | Press, what: str) -> None:
        by = f"{shown_name(asked.user_name, asked.user_id)} ({asked.user_id})"
        told = f"{clip(legible(what), _AUDIT_UNITS)}, chat {asked.chat_id}"
        await self._room.note(AuditRow(self._room.now(), by, "refused", told))


def _said(asking: Asking, text: str) -> Answer:
    page = asking.page()
    page.line(text)
    return page.answer()


def _corrected(asking: Asking, problem: Misread, entry: CommandEntry | None) -> Answer:
    """What was wrong, what is near to it, and what would have worked."""
    texts, page = asking.texts, asking.page()
    page.line(texts.problems[problem.problem].format(word=clip(legible(problem.word), _AUDIT_UNITS)))
    if problem.problem is Problem.SEVERAL:
        page.line(texts.choose)
        for name in problem.near:
            page.line(name)
    elif problem.near:
        names = f"/{', /'.join(problem.near)}" if entry is None else ", ".join(problem.near)
        page.line(texts.nearest.format(names=names))
    page.line(texts.works)
    meant = problem.near[0] if problem.problem is Problem.NO_SUCH_PEER and problem.near else None
    for example in examples_of(entry, asking, meant) if entry is not None else ("/help",):
        page.line(example)
    return page.answer()
