"""For the tests of living messages: incidents, a strict chat in memory, a store that may fail, a dispatcher that runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any, Final

from qualitywatch.backoff import Backoff
from qualitywatch.errors import MessageGoneError, NotifyError, StoreError
from qualitywatch.model import (
    Acknowledgement,
    Alert,
    AlertKey,
    AlertState,
    Attachment,
    Bulletin,
    Form,
    Incident,
    Member,
    MemberState,
    NewsReason,
    Notification,
    Post,
    Severity,
)
from qualitywatch.notify.carrier import Draw
from qualitywatch.notify.dispatcher import Dispatcher
from qualitywatch.ports import Notifier, StateChange
from qualitywatch.store.backends.memory import MemoryStateStore

QUICK = Backoff(first_s=0.01, limit_s=0.05)
T0: Final = 1_763_848_800.0  # 2025-11-22 22:00:00 UTC


def incident(
    number: int,
    severity: Severity = Severity.WARNING,
    *,
    targets: tuple[str, ...] = ("ops",),
    news: int = 1,
    at: float = T0,
    topic: str = "loss_percent",
    value: float = 1.0,
) -> Incident:
    """An open incident of one alert, on a subject named after its number."""
    alert = Alert(
        key=AlertKey("call-loss", "office", f"SIP/{number}"),
        state=AlertState.FIRING,
        severity=severity,
        topic=topic,
        since_at=at,
        level_since={severity: at},
        fired_at=at,
        value=value,
    )
    member = Member(alert, MemberState.FIRING, at)
    return Incident(number, "office", at, (member,), severity, severity, news=news, news_at=at, targets=targets)


def changed(old: Incident, value: float | None = None, **changes: Any) -> Incident:
    """The next revision of an incident."""
    new = replace(old, revision=old.revision + 1, **changes)
    if value is None:
        return new
    member = new.members[0]
    return replace(new, members=(replace(member, alert=replace(member.alert, value=value)),))


def news(old: Incident, reason: NewsReason = NewsReason.REPEATED) -> Incident:
    return changed(old, news=old.news + 1, news_reason=reason)


def worse(old: Incident, severity: Severity = Severity.CRITICAL) -> Incident:
    return changed(old, news=old.news + 1, news_reason=NewsReason.WORSE, severity=severity, worst=severity)


def closed(old: Incident, at: float = T0 + 60) -> Incident:
    members = tuple(replace(member, state=MemberState.RESOLVED, ended_at=at) for member in old.members)
    return changed(old, closed_at=at, members=members)


def acknowledged(old: Incident, by: str = "Anna") -> Incident:
    return changed(old, ack=Acknowledgement(by, T0))


@dataclass(slots=True)
class Shown:
    """A message as a chat shows it."""

    text: str
    form: Form
    incidents: tuple[int, ...]
    reply_to: int | None
    attachment: Attachment | None = None
    edits: int = 0


def line_of(item: Incident) -> str:
    """What the chat says of an incident; figures are whole numbers, so not every change is seen."""
    taken = f" taken by {item.ack.by}" if item.ack is not None else ""
    state = "firing" if item.is_open else "over"
    return f"#{item.id} {item.severity} {state} {item.members[0].alert.value or 0:.0f}%{taken}"


def render(bulletin: Bulletin) -> Notification:
    """Plain lines, one for each incident."""
    plain = "\n".join([bulletin.form.value, *map(line_of, bulletin.incidents)])
    attachment = Attachment("list.txt", plain.encode()) if bulletin.form is Form.DIGEST else None
    payload = {"form": bulletin.form, "incidents": tuple(item.id for item in bulletin.incidents)}
    return Notification(plain, plain, plain, bulletin.severity, attachment=attachment, payload=payload)


class Chat:
    """A chat that keeps its messages and obeys a plan for the next calls: raise, wait, or take the message and then raise.

    It is strict: what was never sent, or was deleted, cannot be changed.
    """

    def __init__(self, *plan: BaseException | asyncio.Event | None, can_edit: bool = True, pictures: bool = False) -> None:
        self.can_edit = can_edit
        self.place = "here"
        self.takes_pictures = pictures
        self.plan = list(plan)
        self.messages: dict[int, Shown] = {}
        self.deleted: set[int] = set()
        self.pictures: list[tuple[int, str]] = []
        self.attempts: list[tuple[float, str]] = []
        self.pause: float = 0.0
        self._ids = count(1)
        self._changed = asyncio.Condition()

    # what happens in the chat

    def post(self, notification: Notification, reply_to: int | None = None) -> int | None:
        message_id = next(self._ids)
        form, numbers = notification.payload["form"], notification.payload["incidents"]
        assert isinstance(form, Form)
        assert isinstance(numbers, tuple)
        self.messages[message_id] = Shown(notification.plain, form, numbers, reply_to, notification.attachment)
        return message_id if self.can_edit else None

    def change(self, message_id: int, notification: Notification) -> None:
        assert message_id in self.messages, "changed what was never sent"
        if message_id in self.deleted:
            raise MessageGoneError("message to edit not found", permanent=True)
        old = self.messages[message_id]
        self.post(notification)
        new = self.messages.pop(max(self.messages))
        self.messages[message_id] = replace(new, reply_to=old.reply_to, edits=old.edits + 1)

    @property
    def texts(self) -> list[str]:
        return [message.text for key, message in self.messages.items() if key not in self.deleted]

    def living(self, number: int) -> list[int]:
        """Messages that speak for an incident as it stands."""
        return [
            key
            for key, message in self.messages.items()
            if key not in self.deleted and message.form is not Form.SUPERSEDED and number in message.incidents
        ]

    # ports.Notifier

    def render(self, bulletin: Bulletin) -> Notification:
        return render(bulletin)

    def pause_s(self, *, is_news: bool = False) -> float:
        del is_news
        return self.pause

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> int | None:
        await self._obey("send")
        message_id: int | None = await self._tell(self.post, notification, reply_to)
        return message_id

    async def edit(self, message_id: int, notification: Notification) -> None:
        await self._obey("edit")
        await self._tell(self.change, message_id, notification)

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> int:
        await self._obey("picture")
        await self._tell(self.pictures.append, (reply_to, caption))
        return next(self._ids)

    async def close(self) -> None: ...

    async def _tell(self, act: Callable[..., Any], *arguments: Any) -> Any:
        async with self._changed:
            result = act(*arguments)
            self._changed.notify_all()
        return result

    async def _obey(self, what: str) -> None:
        await self._tell(self.attempts.append, (asyncio.get_running_loop().time(), what))
        step = self.plan.pop(0) if self.plan else None
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            await step.wait()

    async def until(self, condition: Callable[[Chat], Any], timeout_s: float = 5.0) -> None:
        """Return as soon as the condition holds after some change; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))


class Clock:
    """The system's clock, which a test may step or stop."""

    def __init__(self) -> None:
        self.step_s = 0.0
        self.monotonic_at: float | None = None

    def now(self) -> float:
        return time.time() + self.step_s

    def monotonic(self) -> float:
        return time.monotonic() if self.monotonic_at is None else self.monotonic_at


class Store(MemoryStateStore):
    """A store whose disk may be full, and which tells when posts were stored."""

    def __init__(self) -> None:
        super().__init__()
        self.full_for = 0  # commits of posts and facts
        self.posts: dict[int, Post] = {}
        self._changed = asyncio.Condition()

    async def commit(self, change: StateChange) -> None:
        if self.full_for > 0 and not change.incidents:
            self.full_for -= 1
            raise StoreError("state.db cannot be written: the disk is full")
        await super().commit(change)
        async with self._changed:
            self.posts.update({post.id: post for post in change.posts})
            self._changed.notify_all()

    async def until(self, condition: Callable[[list[Post]], Any], timeout_s: float = 5.0) -> None:
        """Return as soon as the condition holds for the stored posts; raises TimeoutError otherwise."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: condition(list(self.posts.values())))


def later(retry_after_s: float | None = None, text: str = "away") -> NotifyError:
    return NotifyError(text, permanent=False, retry_after_s=retry_after_s)


def never(text: str = "thrown out") -> NotifyError:
    return NotifyError(text, permanent=True)


async def tell(store: MemoryStateStore, dispatcher: Dispatcher | None, *incidents: Incident) -> None:
    """Persist, then notify."""
    await store.commit(StateChange(incidents=incidents))
    if dispatcher is not None:
        dispatcher.update(incidents)


@asynccontextmanager
async def running(
    store: MemoryStateStore,
    targets: Mapping[str, Notifier],
    *,
    clock: Clock | None = None,
    backoff: Backoff = QUICK,
    delivery_limit_s: float = 5.0,
    draw: Draw | None = None,
) -> AsyncIterator[Dispatcher]:
    """A dispatcher at work during the block, built from what is stored; cancelled at its end, as by a kill."""
    stored = await store.load()
    dispatcher = Dispatcher(
        store,
        targets,
        clock or Clock(),
        incidents=stored.incidents,
        posts=stored.posts,
        draw=draw,
        backoff=backoff,
        delivery_limit_s=delivery_limit_s,
        chance=Random(1),
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            task.cancel()


def lines(incidents: Iterable[Incident]) -> set[str]:
    return set(map(line_of, incidents))
