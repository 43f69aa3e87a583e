"""Listens to one bot: commands and presses go to whoever answers them, and the answers go back to their chat.

Strategy: an own loop of long polls (Bot API, getUpdates), because the library's ends without a word when the token is refused.
Updates are handled one after the other and confirmed only afterwards: what a kill interrupts comes again.  Every update has a
limit of time, and a bug in answering one costs that answer.  A guard watches the loop: when it ended or gives no sign, its
connection is closed and a new loop begins.

What waited while nobody listened may be of last night, and is asked for first, without waiting for more.  Commands tell when
they were sent; of a press only Telegram knows, which takes an answer to it or does not.

Nothing here ends the daemon: every trouble is said once, with its remedy, and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from qualitywatch.backoff import Backoff
from qualitywatch.errors import NotifyError, StoreError
from qualitywatch.notify.boterrors import ConflictError, NotUnderstoodError, TokenRefusedError, WebhookSetError
from qualitywatch.notify.inbound import Answer, Command, Move, OnCommand, OnMove, OnPress, Press
from qualitywatch.notify.replies import say
from qualitywatch.ports import Clock

if TYPE_CHECKING:
    from qualitywatch.notify.botapi import BotApi
    from qualitywatch.notify.botupdates import Arrival

POLL_S: Final = 30.0
HANDLING_LIMIT_S: Final = 30.0
APOLOGY: Final = "⚠️ Something went wrong, it is in the log.\n⚠️ Что-то пошло не так, подробности в журнале."
_APOLOGY_LIMIT_S: Final = 10.0
_SILENT_POLLS: Final = 3
_TOO_OLD_S: Final = 600.0
_BATCH: Final = 100  # updates of one answer (Bot API)
_SAY_AGAIN_S: Final = 600.0
_UNREADABLE_ANSWERS: Final = 5
_DEFAULT_MENU: Final = "en"  # what readers of a language without a menu of its own see

Menus: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
Remember: TypeAlias = Callable[[int], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PollerStats:
    """What was heard since the start."""

    commands: int = 0
    presses: int = 0
    ignored: int = 0  # not for us, or nothing that can be answered
    too_old: int = 0  # commands and presses nobody waits for any more
    failed: int = 0  # answers that a bug or a limit of time prevented
    restarts: int = 0  # of the loop, by its guard


class Poller:
    """The ears of one bot.  There must be one for each token, here and anywhere else."""

    def __init__(
        self,
        api: BotApi,
        on_command: OnCommand,
        on_press: OnPress,
        *,
        bot_commands: Menus,
        clock: Clock,
        offset: int | None = None,
        remember: Remember | None = None,
        on_move: OnMove | None = None,
        poll_s: float = POLL_S,
        handling_limit_s: float = HANDLING_LIMIT_S,
        backoff: Backoff | None = None,
        chance: Random | None = None,
    ) -> None:
        """``bot_commands`` has (command, description) by language.

        ``remember`` is given the number of the next update after each that was handled; given back as ``offset``, it keeps a
        restart from answering a command twice.
        """
        self.stats = PollerStats()
        self._api = api
        self._on_command = on_command
        self._on_press = on_press
        self._menus = bot_commands
        self._clock = clock
        self._handled_before = offset
        self._remember = remember
        self._on_move = on_move
        self._poll_s = poll_s
        self._handling_limit_s = handling_limit_s
        self._backoff = backoff if backoff is not None else Backoff(limit_s=60.0)
        self._chance = chance if chance is not None else Random()  # noqa: S311 it spreads retries and guards nothing
        self._name: str | None = None
        self._offset: int | None = None
        self._catches_up = True
        self._failures = 0
        self._trouble = ""
        self._trouble_was_said = False
        self._said_at: dict[str, float] = {}
        self._polled_at: float | None = None
        self._sign_at = clock.monotonic()

    @property
    def polled_at(self) -> float | None:
        """Monotonic seconds of the last poll that Telegram answered; None before the first."""
        return self._polled_at

    async def run(self) -> NoReturn:
        """Listen until cancelled."""
        while True:
            await self._listen_guarded()
            self.stats.restarts += 1
            await self.close()
            await asyncio.sleep(self._backoff.pause_s(0, self._chance))

    async def close(self) -> None:
        """Close the listening connection; never raises."""
        try:
            await self._api.hang_up()
        except Exception as error:  # noqa: BLE001 a broken connection may break in any way, and is gone anyhow
            _log.debug("closing the connection to Telegram: %s", type(error).__name__)

    # --- the guard

    async def _listen_guarded(self) -> None:
        """Return when listening has ended or gives no sign any more."""
        self._sign(0.0)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            reason = await self._end_of(listening)
            _log.error("listening to Telegram %s; it begins again", reason)
            listening.cancel()

    async def _end_of(self, listening: asyncio.Task[None]) -> str:
        limit_s = _SILENT_POLLS * self._poll_s
        while (left_s := self._sign_at + limit_s - self._clock.monotonic()) > 0:
            ended, _ = await asyncio.wait({listening}, timeout=left_s)
            if ended:
                return "ended"
        return f"gave no sign for {limit_s:.0f} s"

    def _sign(self, busy_s: float) -> None:
        """Give a sign of life: whatever is going on now ends within ``busy_s``."""
        self._sign_at = self._clock.monotonic() + busy_s

    # --- the loop

    async def _listen(self) -> None:
        try:
            while True:
                await (self._introduce() if self._name is None else self._poll())
        except Exception as error:  # noqa: BLE001 a bug must not end the daemon: the guard begins again
            _log.error("%s in the poller at %s", type(error).__name__, place_of(error))

    async def _introduce(self) -> None:
        try:
            self._name = await self._api.name()
            if await self._api.remove_webhook():
                _log.warning("this bot told a web hook what it heard; the hook was removed, qualitywatch listens now")
        except NotifyError as error:
            self._name = None
            await self._stumble(error)
            return
        try:
            for language, menu in self._menus.items():
                await self._api.set_commands(menu, None if language == _DEFAULT_MENU else language)
        except NotifyError as error:
            _log.warning("%s; the menu of commands stays as it was", error)

    async def _poll(self) -> None:
        self._sign(0.0)
        try:
            arrivals = await self._api.get_updates(self._offset, 0.0 if self._catches_up else self._poll_s)
        except NotifyError as error:
            await self._stumble(error)
            return
        self._polled_at = self._clock.monotonic()
        self._recover()
        catches_up = self._catches_up
        self._catches_up = catches_up and len(arrivals) >= _BATCH  # there may be more of what waited
        dropped = 0
        for arrival in arrivals:
            self._sign(self._handling_limit_s + _APOLOGY_LIMIT_S)
            if self._was_handled(arrival):
                self.stats.ignored += 1
            elif catches_up and self._is_too_old(arrival):
                self.stats.too_old += 1
                dropped += 1
            else:
                await self._handle(arrival, catches_up=catches_up)
            await self._done_with(arrival)
        if dropped:
            _log.warning("%d commands from before %.0f min or more are not answered", dropped, _TOO_OLD_S / 60)

    def _was_handled(self, arrival: Arrival) -> bool:
        """Whether an earlier run did; only a little back, since Telegram begins anew at any number after a quiet week."""
        return self._handled_before is not None and self._handled_before - _BATCH <= arrival.id < self._handled_before

    def _is_too_old(self, arrival: Arrival) -> bool:
        return arrival.sent_at is not None and arrival.sent_at < self._clock.now() - _TOO_OLD_S

    async def _done_with(self, arrival: Arrival) -> None:
        self._offset = arrival.id + 1
        if self._remember is None:
            return
        try:
            await self._remember(self._offset)
        except StoreError as error:
            _log.warning("%s; after a restart a command may be answered twice", error)

    # --- troubles of the line

    async def _stumble(self, error: NotifyError) -> None:
        self._catches_up = True
        match error:
            case WebhookSetError():
                self._name = None  # the introduction removes it
                self._say("webhook", f"{error}; it will be removed")
            case ConflictError():
                text = "another program polls with this bot token: stop it or give qualitywatch a bot of its own"
                self._say("conflict", text)
            case TokenRefusedError():
                self._trouble = "token"  # said loudly where it was refused
            case NotUnderstoodError() if self._failures >= _UNREADABLE_ANSWERS:
                self._say("unreadable", f"{error}; what was said meanwhile is dropped")
                await self._drop_updates()
            case _:
                self._say("line", f"{error}; commands and buttons are not heard until it works again")
        pause_s = self._backoff.pause_s(self._failures, self._chance, error.retry_after_s)
        self._failures += 1
        self._sign(pause_s)
        await asyncio.sleep(pause_s)

    def _say(self, kind: str, text: str) -> None:
        """Log a trouble when it begins; one that comes and goes, at most every ten minutes."""
        now = self._clock.monotonic()
        if self._trouble != kind and now - self._said_at.get(kind, -math.inf) >= _SAY_AGAIN_S:
            self._said_at[kind] = now
            self._trouble_was_said = True
            _log.warning("%s", text)
        self._trouble = kind

    def _recover(self) -> None:
        if self._trouble_was_said or self._trouble == "token":
            _log.info("what is said in chats is heard again")
        self._trouble, self._trouble_was_said, self._failures = "", False, 0

    async def _drop_updates(self) -> None:
        try:
            await self._api.drop_updates()
        except NotifyError as error:
            _log.debug("%s", error)

    # --- updates

    async def _handle(self, arrival: Arrival, *, catches_up: bool) -> None:
        """Answer one update within the limit of time; never raises."""
        try:
            async with asyncio.timeout(self._handling_limit_s):
                await self._respond(arrival, catches_up=catches_up)
        except NotifyError as error:
            _log.warning("an answer did not arrive: %s", error)
        except Exception as error:  # noqa: BLE001 a bug in one answer costs that answer
            self.stats.failed += 1
            # Not the error's text: it may hold a secret.
            _log.error("%s while answering at %s", type(error).__name__, place_of(error))
            await self._apologise(arrival)

    async def _respond(self, arrival: Arrival, *, catches_up: bool) -> None:
        match arrival.what:
            case Command() as command if arrival.addressed_to.lower() in ("", (self._name or "").lower()):
                self.stats.commands += 1
                answer = await self._on_command(command)
                await say(self._api, command, arrival.message_id, answer)
            case Press() as press:
                if catches_up and not await self._api.answer_press(arrival.press_id, ""):
                    self.stats.too_old += 1
                    _log.warning("a button that was pressed while nobody listened does nothing: it was too long ago")
                    return
                self.stats.presses += 1
                told = await self._on_press(press)
                try:
                    if not catches_up:  # a press is answered once
                        await self._api.answer_press(arrival.press_id, told.text, is_alert=told.is_refusal)
                except NotifyError as error:
                    _log.warning("a thumb was not told: %s", error)
                if told.answer is not None:
                    await say(self._api, press, arrival.message_id, told.answer)
            case Move() as move if self._on_move is not None:
                await self._on_move(move)
            case _:
                self.stats.ignored += 1
                if arrival.press_id:
                    await self._api.answer_press(arrival.press_id, "")  # or the button spins for a minute

    async def _apologise(self, arrival: Arrival) -> None:
        try:
            async with asyncio.timeout(_APOLOGY_LIMIT_S):
                match arrival.what:
                    case Press():
                        await self._api.answer_press(arrival.press_id, APOLOGY, is_alert=True)
                    case Command() as command:
                        await say(self._api, command, arrival.message_id, Answer(APOLOGY, APOLOGY))
                    case _:
                        pass
        except (NotifyError, TimeoutError) as error:
            _log.debug("the apology did not arrive: %s", error)


def place_of(error: BaseException) -> str:
    """The line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
