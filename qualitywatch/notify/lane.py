"""One target's living messages: what is to be sent, changed or struck out next.  Pure: time is an argument.

Strategy: nothing is queued.  Incidents say what there is to tell, posts say what was told, and at every look the difference
is the agenda.  So several changes between two looks are one, a restart forgets nothing, and what a message tells can never be
older than what is known when it goes.

An incident has one post.  News (worse, repeated, ...) is a new message in the same post, which strikes the older one out;
everything else changes the message in place.  A message that cannot be changed any more is told anew.  Posts are stored once
they were shown, or given up; first messages that wait are found again by comparing.

A refusal (the bot was thrown out, a receiver is being moved) is mended by people, who do not tell us.  So what goes on is tried
for as long as it does, at growing intervals and whenever there is more to tell; what is over, once more after a rest.

A message that is no more (somebody deleted it) is replaced at once.  Where that happens again and again, because a bot keeps
the chat clean or nothing can be changed there, it is replaced at the same intervals: figures alone must not flood anybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from qualitywatch.backoff import Backoff
from qualitywatch.errors import NotifyError
from qualitywatch.model import Incident, Post, Refusal
from qualitywatch.notify.agenda import Agenda
from qualitywatch.notify.ledger import Ledger, impatient, untold
from qualitywatch.notify.steps import Renderer, Step, StepKind

STUBBORN_AFTER: Final = 3  # failures in a row after which a message lets others try
LASTED_S: Final = 3_600.0  # a message that was there for so long was not deleted out of habit
REFUSED_REST: Final = Backoff(first_s=300.0, limit_s=3_600.0)


class Lane:
    """Decides, and keeps book of what became of it; whoever carries the steps stores the posts it returns."""

    def __init__(
        self,
        target: str,
        renderer: Renderer,
        incidents: Iterable[Incident] = (),
        posts: Iterable[Post] = (),
        *,
        new_id: Callable[[], int],
        pictures: bool = True,
    ) -> None:
        """Go on from what is stored.  ``new_id`` gives post ids that no other lane gets."""
        self._renderer = renderer
        self._ledger = Ledger(target, incidents, posts)
        takes_pictures = pictures and renderer.takes_pictures
        self._agenda = Agenda(target, renderer, self._ledger, new_id=new_id, takes_pictures=takes_pictures)
        self._place = renderer.place
        self._ledger.settle(self._place)
        self._held_until = -math.inf
        self._latest = math.inf  # the newest instant seen; endless so that the first look counts as a clock set back

    def learn(self, incidents: Iterable[Incident]) -> None:
        """Take in new versions of incidents, stored already; those for other targets are passed over."""
        self._ledger.learn(incidents)

    @property
    def waiting(self) -> int:
        """How many incidents have news that this target was not told."""
        posts = self._ledger.posts.values()
        behind = (told.news < incident.news for post in posts for told, incident in self._ledger.members(post))
        return len(self._ledger.unposted()) + sum(behind)

    def next(self, now: float, *, hasten: bool = False) -> Step | None:
        """Return what is to be done now, or None.  ``hasten``: changes are not saved up, and pictures left out."""
        self._heed(now)
        if now < self._held_until:
            return None
        for item in self._agenda.items(now, hasten=hasten):
            if item.due_at <= now and (step := item.make()) is not None:
                return step
        return None

    def due_at(self, now: float, *, hasten: bool = False) -> float | None:
        """Return when there may be something to do if nothing new is learnt, or None for never."""
        self._heed(now)
        due = min((item.due_at for item in self._agenda.items(now, hasten=hasten)), default=None)
        return None if due is None else max(due, self._held_until, now)

    def done(self, step: Step, message_id: int | None, now: float) -> tuple[Post, ...]:
        """Record that a step was carried out; ``message_id`` is the new message's or picture's.  Returns what to store."""
        post = replace(self._present(step), attempts=0, not_before=0.0)
        match step.kind:
            case StepKind.SEND:
                return self._sent(step, post, message_id, now)
            case StepKind.EDIT | StepKind.NOTE:
                post = replace(post, told=step.told, refusal=None if step.kind is StepKind.EDIT else post.refusal)
                if step.notification is not None:
                    post = replace(post, looks=step.notification.looks, edited_at=now)
                self._agenda.note_shown(step)
            case StepKind.STRIKE:
                post = replace(post, superseded=tuple(old for old in post.superseded if old != step.message_id))
            case StepKind.PICTURE:
                self._agenda.drawing.discard(post.id)
                post = replace(post, picture_id=message_id or 0)
        return self._settle(step, post)

    def rest_s(self, step: Step) -> float | None:
        """How long a message that was refused now is not to be tried again; None when it is to be given up."""
        before = step.post.refusal
        if before is None:
            return REFUSED_REST.full_s(0)
        is_over = not any(incident.is_open for incident in step.incidents)
        if is_over and before.is_over and before.covers(step.told):
            return None
        return REFUSED_REST.full_s(before.times)

    def failed(self, step: Step, error: NotifyError, now: float, pause_s: float) -> tuple[Post, ...]:
        """Record that a step failed; the lane goes on ``pause_s`` from now, after a refusal at once.  Returns what to store."""
        if step.kind is StepKind.PICTURE:
            return self._no_picture(step, error, now, pause_s)
        if error.permanent:
            return self.done(step, None, now) if step.kind is StepKind.STRIKE else self._refused(step, error, now)
        self._held_until = now + pause_s
        post = self._present(step)
        # One that fails again and again stands aside for a turn: if it is the only one that cannot pass, the others can.
        turns = 1 if post.attempts + 1 < STUBBORN_AFTER else 2
        # A change that was not answered may have been made: what the message shows is not known until one is.
        looks = "" if step.kind is StepKind.EDIT else post.looks
        return self._wait(step, replace(post, attempts=post.attempts + 1, not_before=now + turns * pause_s, looks=looks))

    def gone(self, step: Step, now: float) -> tuple[Post, ...]:
        """Record that the message a step was about is no more: a new one takes its place.  Returns what to store."""
        post = self._present(step)
        if step.kind not in {StepKind.SEND, StepKind.EDIT} or post.message_id is None:
            return self.done(step, None, now)
        if step.kind is StepKind.EDIT:
            lost = 1 if now - post.sent_at >= LASTED_S else post.lost + 1
            # News, the end and whoever joins are more than was told, and pass.
            rest = Refusal(post.told, lost - 1, now + REFUSED_REST.full_s(lost - 2)) if lost > 1 else post.refusal
            post = replace(post, lost=lost, refusal=rest)
        post = replace(untold(post), message_id=None, attempts=0, not_before=0.0)
        self._ledger.put(post)
        return (post,)

    def _sent(self, step: Step, post: Post, message_id: int | None, now: float) -> tuple[Post, ...]:
        self._count_own(step)
        if post.message_id is not None and self._renderer.can_edit:
            post = replace(post, superseded=(*post.superseded, post.message_id))
        looks = step.notification.looks if step.notification is not None else ""
        post = replace(post, told=step.told, message_id=message_id, looks=looks, sent_at=now, edited_at=now, refusal=None)
        self._agenda.note_shown(step)
        return self._settle(step, post)

    def _refused(self, step: Step, error: NotifyError, now: float) -> tuple[Post, ...]:
        post, rest_s = self._present(step), self.rest_s(step)
        if rest_s is None:
            self._count_own(step)
            known = {told.incident for told in (post.told if step.kind is StepKind.EDIT else step.told)}
            told = tuple(told for told in step.told if told.incident in known)  # who was to join is told elsewhere
            reason = str(error) or "no reason given"
            post = replace(post, told=told, failed=reason, refusal=None, superseded=(), attempts=0, not_before=0.0)
            return self._settle(step, post)
        times = post.refusal.times + 1 if post.refusal is not None else 1
        return self._wait(step, replace(post, refusal=Refusal(step.told, times, now + rest_s), attempts=0, not_before=0.0))

    def _wait(self, step: Step, post: Post) -> tuple[Post, ...]:
        """Remember what a post waits for; what was never shown is not worth a write.  Returns what to store."""
        if self._ledger.post(post.id) is None:
            self._agenda.drafts[0 if post.is_digest else step.incidents[0].id] = post
            return ()
        self._ledger.put(post)
        return (post,)

    def _count_own(self, step: Step) -> None:
        post = step.post
        if step.kind is StepKind.SEND and not post.is_digest and not post.told:
            self._agenda.storm.spend()

    def _settle(self, step: Step, post: Post) -> tuple[Post, ...]:
        """Take in a post that speaks for incidents, and take these out of the digests that spoke for them."""
        drafts, known = self._agenda.drafts, {told.incident for told in step.post.told}
        if step.kind is StepKind.SEND and post.is_digest:
            drafts.pop(0, None)
        left: dict[int, Post] = {}
        for told in post.told:
            if step.kind is StepKind.SEND or told.incident not in known:
                drafts.pop(told.incident, None)
            digest = self._ledger.post_of(told.incident)
            if digest is not None and digest.id != post.id:
                digest = left.get(digest.id, digest)
                rest = tuple(other for other in digest.told if other.incident != told.incident)
                # A revision of 0 is behind any other: the digest is changed although nothing in it has.
                left[digest.id] = replace(digest, told=tuple(replace(other, revision=0) for other in rest))
        for digest in left.values():
            self._ledger.put(digest)
        self._ledger.put(post)
        return (post, *left.values())

    def _no_picture(self, step: Step, error: NotifyError, now: float, pause_s: float) -> tuple[Post, ...]:
        """A picture is not worth making texts wait for another attempt, unless the server itself asks for a pause."""
        if error.permanent or error.retry_after_s is None:
            return self.done(step, None, now)
        self._held_until = now + pause_s
        self._agenda.drawing.discard(step.post.id)
        return ()

    def _present(self, step: Step) -> Post:
        """The post as it is now: a picture may have taken long.  A digest that turns into a message of one stays turned."""
        known = self._ledger.post(step.post.id)
        return step.post if known is None or known.is_digest != step.post.is_digest else known

    def _heed(self, now: float) -> None:
        """Notice a chat that moved, and a clock that was set back."""
        if self._renderer.place != self._place:
            self._place = self._renderer.place
            self._ledger.settle(self._place)
            self._agenda.settle(self._place)
        if now < self._latest:
            self._held_until = min(self._held_until, now + max(0.0, self._held_until - self._latest))
            self._ledger.not_later_than(now)
            drafts = self._agenda.drafts
            drafts.update({key: impatient(draft, now) for key, draft in drafts.items()})
        self._latest = now
