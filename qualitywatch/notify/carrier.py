"""Carries the steps of one lane to its target, one after the other, each stored before the next.

Pictures are drawn beside the lane and hung up when no text waits, beside it too: to upload one takes longer than many texts.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol, TypeAlias, runtime_checkable

from qualitywatch.backoff import Backoff
from qualitywatch.errors import MessageGoneError, NotifyError
from qualitywatch.model import Incident, Post
from qualitywatch.notify.lane import Lane
from qualitywatch.notify.legible import legible
from qualitywatch.notify.memory import Memory
from qualitywatch.notify.progress import Progress
from qualitywatch.notify.steps import Step, StepKind
from qualitywatch.notify.troubles import Troubles
from qualitywatch.ports import Clock, Notifier, StateChange

ATTEMPTS_WITH_A_BUG: Final = 5
REST_AFTER_A_BUG_S: Final = 60.0
_MOVES_IN_A_ROW: Final = 2

Picture: TypeAlias = bytes | str  # PNG, or lines of text in its place
Draw: TypeAlias = Callable[[Incident, str], Awaitable[Picture | None]]


@runtime_checkable
class Movable(Protocol):
    """A notifier whose chat may get a new id."""

    def moved(self, new_chat_id: int) -> Mapping[str, str]:
        """Use the new id from now on; return what must be remembered across restarts."""
        ...


@dataclass(slots=True)
class DispatcherStats:
    """What became of messages since the start."""

    delivered: int = 0  # new messages
    edited: int = 0  # changes of messages
    failed_attempts: int = 0  # of what is tried again
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """What all carriers share.  ``draw`` makes a chart of an incident for a target, or None where nothing can be drawn."""

    clock: Clock
    memory: Memory
    backoff: Backoff
    chance: Random
    progress: Progress
    troubles: Troubles
    stats: DispatcherStats
    delivery_limit_s: float
    draw: Draw | None


class Carrier:
    """Works for one target."""

    def __init__(self, target: str, notifier: Notifier, lane: Lane, means: Means) -> None:
        self.lane = lane
        self._notifier = notifier
        self._means = means
        self._who = f'target "{target}"'
        self._failures = 0  # in a row
        self._moves = 0  # in a row
        self._hasten = 0  # how many wait for it to be through
        self._drawn: list[tuple[Step, Picture | None]] = []
        self._hangs_up = False  # a picture is on its way
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    @property
    def trouble(self) -> str | None:
        """Why the target takes nothing at present, with its name; None while it does."""
        trouble = self._means.troubles.of(self._who)
        return f"{self._who}: {trouble}" if trouble is not None else None

    def learn(self, incidents: list[Incident]) -> None:
        """Take in new versions of incidents."""
        self.lane.learn(incidents)
        self._look_again()

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Carry until cancelled; drawings run as tasks of their own."""
        while True:
            self._wake.clear()
            try:
                pause_s = await self._turn(tasks)
            except Exception as error:  # noqa: BLE001 a bug in one lane must not silence the others
                self._means.troubles.report(self._who, _bug(error), "nothing is told there for now", level=logging.ERROR)
                self._idle.set()
                pause_s = REST_AFTER_A_BUG_S
            if pause_s == 0:
                continue
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def through(self) -> None:
        """Return when everything that can be shown now has been; changes are not saved up meanwhile."""
        self._hasten += 1
        try:
            self._look_again()
            await self._idle.wait()
        finally:
            self._hasten -= 1
            self._wake.set()  # what was left out meanwhile has its time again

    def _look_again(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _turn(self, tasks: asyncio.TaskGroup) -> float | None:
        """Do the next thing; return how long to rest unless something new is learnt, None for ever."""
        now = self._means.clock.now()
        hasten = self._hasten > 0
        self._drawn = [drawn for drawn in self._drawn if drawn[0].post.place == self._notifier.place]
        step = self.lane.next(now, hasten=hasten)
        if step is not None and step.kind is StepKind.PICTURE:
            tasks.create_task(self._make_picture(step))
            return 0
        if step is None and (self._hangs_up or not self._drawn):
            if not self._hangs_up:
                self._idle.set()
            due_at = self.lane.due_at(now, hasten=hasten)
            return None if due_at is None else max(due_at - now, 0.001)
        picture = None
        if step is None:
            step, picture = self._drawn[0]
        is_news = step.kind is StepKind.SEND
        if self._hangs_up and not is_news and step.kind is not StepKind.NOTE:
            return None  # the picture may not have had its turn yet: whoever waits for the same one would make news wait
        if step.kind is not StepKind.NOTE and (pause_s := self._notifier.pause_s(is_news=is_news)) > 0:
            if not is_news:
                return pause_s  # unless something new is learnt: news passes changes
            await asyncio.sleep(pause_s)  # whatever is learnt meanwhile is looked at together
            return 0
        if step.kind is StepKind.PICTURE:
            del self._drawn[0]
            self._hangs_up = True
            tasks.create_task(self._hang_up(step, picture))
        else:
            await self._carry(step, picture)
        return 0

    async def _hang_up(self, step: Step, picture: Picture | None) -> None:
        try:
            await self._carry(step, picture)
        except Exception as error:  # noqa: BLE001 as in ``run``
            self._means.troubles.report(self._who, _bug(error), "the message stays without a picture", level=logging.ERROR)
        finally:
            self._hangs_up = False
            self._look_again()

    async def _carry(self, step: Step, picture: Picture | None = None) -> None:
        """Carry out one step and store what became of it."""
        if step.bug is not None:
            self._means.troubles.report(f"{self._who}: text", _bug(step.bug), "told in bare words", level=logging.ERROR)
        result = await self._attempt(step, picture)
        if await self._follow_move(step, result):
            return
        now = self._means.clock.now()
        if not isinstance(result, NotifyError):
            posts = self.lane.done(step, result, now)
            if step.notification is not None or picture is not None:
                self._succeeded(step)
        elif isinstance(result, MessageGoneError) and (step.kind is not StepKind.SEND or step.reply_to is not None):
            posts = self.lane.gone(step, now)
        else:
            posts = self._failed(step, result, now)
        await self._keep(posts)

    async def _attempt(self, step: Step, picture: Picture | None) -> int | NotifyError | None:
        limit_s = self._means.delivery_limit_s
        try:
            with self._means.progress.step():
                async with asyncio.timeout(limit_s):
                    return await self._perform(step, picture)
        except NotifyError as error:
            return error
        except TimeoutError:
            return NotifyError(f"no end of it after {limit_s:.0f} s", permanent=False)
        except Exception as error:  # noqa: BLE001 a bug in one channel must not silence the others
            return NotifyError(_bug(error), permanent=step.post.attempts + 1 >= ATTEMPTS_WITH_A_BUG)

    async def _perform(self, step: Step, picture: Picture | None) -> int | None:
        if picture is not None and step.message_id is not None:
            return await self._notifier.send_picture(picture, _caption(step.incidents[0]), reply_to=step.message_id)
        if step.notification is None:
            return None
        if step.message_id is None:
            return await self._notifier.send(step.notification, reply_to=step.reply_to)
        await self._notifier.edit(step.message_id, step.notification)
        return None

    async def _follow_move(self, step: Step, result: int | NotifyError | None) -> bool:
        """Whether the chat is elsewhere now, where the messages that the step knows are others: it is to be thought over."""
        if not isinstance(result, NotifyError) or result.new_chat_id is None or not isinstance(self._notifier, Movable):
            self._moves = 0
            return False
        if step.post.place != self._notifier.place:
            return True  # a text or a picture found out meanwhile
        if self._moves == _MOVES_IN_A_ROW:
            return False
        self._moves += 1
        await self._means.memory.keep(StateChange(meta=self._notifier.moved(result.new_chat_id)))
        self._means.troubles.report(self._who, str(result), "remembered; put the new id into the configuration")
        return True

    async def _make_picture(self, step: Step) -> None:
        draw = self._means.draw
        try:
            picture = None if draw is None else await draw(step.incidents[0], step.post.target)
        except Exception as error:  # noqa: BLE001 a chart that cannot be drawn costs the chart
            self._means.troubles.report(f"{self._who}: chart", _bug(error), "the message stays without one")
            picture = None
        self._drawn.append((step, picture))
        self._look_again()

    def _succeeded(self, step: Step) -> None:
        self._failures = 0
        self._means.troubles.over(self._who)
        if step.kind is StepKind.SEND:
            self._means.stats.delivered += 1
        elif step.kind in {StepKind.EDIT, StepKind.STRIKE}:
            self._means.stats.edited += 1

    def _failed(self, step: Step, error: NotifyError, now: float) -> tuple[Post, ...]:
        stats, troubles = self._means.stats, self._means.troubles
        if error.permanent:
            if step.kind in {StepKind.SEND, StepKind.EDIT}:
                rest_s = self.lane.rest_s(step)
                stats.given_up += rest_s is None
                stats.failed_attempts += rest_s is not None
                what_next = "the message is given up" if rest_s is None else f"the message is tried again in {rest_s:.0f} s"
                troubles.report(self._who, str(error), what_next, level=logging.ERROR)
            return self.lane.failed(step, error, now, 0.0)
        pause_s = self._means.backoff.pause_s(self._failures, self._means.chance, error.retry_after_s)
        if step.kind is not StepKind.PICTURE:
            self._failures += 1
        stats.failed_attempts += 1
        troubles.report(self._who, str(error), f"next attempt in {pause_s:.0f} s")
        return self.lane.failed(step, error, now, pause_s)

    async def _keep(self, posts: tuple[Post, ...]) -> None:
        if posts:
            await self._means.memory.keep(StateChange(posts=posts))


def _bug(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]  # not the error's text: it may hold a secret
    return f"unexpected {type(error).__name__} at {place.filename}:{place.lineno}, please report it"


def _caption(incident: Incident) -> str:
    alert = incident.members[0].alert
    subject = alert.key.subject
    return legible(f"{alert.display_name} {subject}" if alert.display_name else subject)
