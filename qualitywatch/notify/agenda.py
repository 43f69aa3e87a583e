"""The difference between what there is to tell and what was told, as a list of things to do.

First messages and news come before changes, changes before older messages that have to be struck out, pictures last; among
messages the most urgent first, among changes those that somebody is waiting for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.model import (
    VOICE_METRICS,
    Bulletin,
    Form,
    Incident,
    Mute,
    MuteKind,
    NewsReason,
    Notification,
    Post,
    Severity,
    Told,
)
from qualitywatch.notify.bare import bare
from qualitywatch.notify.digest import DIGEST_OPEN_S, Storm, open_digest
from qualitywatch.notify.ledger import Ledger
from qualitywatch.notify.steps import Renderer, Step, StepKind, spoken_of, told_now, urgency

EDIT_EVERY_S: Final = 10.0
JOINED_EVERY_S: Final = 30.0  # where nothing can be edited, alerts that join are told together, in a message of their own
PICTURE_AFTER_S: Final = 30.0
PICTURE_UNTIL_S: Final = 900.0  # later a chart of the last half hour would not show how it began

_ORDER: Final = {StepKind.SEND: 0, StepKind.EDIT: 1, StepKind.STRIKE: 2, StepKind.NOTE: 3, StepKind.PICTURE: 4}


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be done from ``due_at`` on.  ``make`` may find that no reader would notice: then it is None, and done."""

    order: tuple[float, ...]
    due_at: float
    make: Callable[[], Step | None]


class Agenda:
    """What one target has still to be shown; keeps what is only known while the program runs."""

    def __init__(
        self, target: str, renderer: Renderer, ledger: Ledger, *, new_id: Callable[[], int], takes_pictures: bool
    ) -> None:
        self.storm = Storm()
        self.drafts: dict[int, Post] = {}  # by incident, of first messages that are not sent yet; 0: the next digest
        self.shown: dict[int, Incident] = {}  # as it was told last
        self.drawing: set[int] = set()  # posts whose picture is being made
        self._target = target
        self._renderer = renderer
        self._ledger = ledger
        self._new_id = new_id
        self._takes_pictures = takes_pictures

    def items(self, now: float, *, hasten: bool) -> list[Item]:
        """Everything that is to be done now or later, most urgent first; posts with nothing left to do are set aside.

        ``hasten``: this is the last chance, changes are not saved up and pictures left out.
        """
        waiting, worse = self._waiting()
        candidates = sorted([*waiting, *worse.values()], key=urgency)
        folded = self.storm.fold(candidates)
        home = self._home(now)
        if home is not None and len(candidates) > 1:
            folded |= {incident.id for incident in waiting if incident.severity is not Severity.CRITICAL}
        together = [incident for incident in candidates if incident.id in folded and incident.id not in worse]
        if home is None and len(together) == 1:
            folded.discard(together.pop().id)
        apart = [incident for incident in candidates if incident.id not in folded]
        items = [self._first_message(incident) for incident in apart]
        if home is None and together:
            items.append(self._send(self._draft(0, is_digest=True), together, Form.DIGEST))
        leaving = {incident.id for incident in apart}
        for post in list(self._ledger.posts.values()):
            joining = together if home is not None and post.id == home.id else []
            todo = list(self._todo(post, joining, leaving, now, hasten=hasten))
            if not (todo or hasten or post.id in self.drawing) and self._ledger.is_through(post):
                self._finish(post)
            items += todo
        return sorted(items, key=lambda item: item.order)

    def note_shown(self, step: Step) -> None:
        """Remember what people have seen."""
        self.shown.update({incident.id: incident for incident in step.incidents})

    def settle(self, place: str) -> None:
        """Go on in another place: pictures that were to hang below messages of the old one are drawn again."""
        self.drawing.clear()
        self.drafts.update({key: replace(draft, place=place) for key, draft in self.drafts.items()})

    # --- who needs a message

    def _waiting(self) -> tuple[list[Incident], dict[int, Incident]]:
        """Incidents that wait for their first message, and those that got too bad for the digest they are told in."""
        waiting = self._ledger.unposted()
        worse = {}
        for post in self._ledger.posts.values():
            for told, incident in self._ledger.members(post):
                if post.is_digest and incident.news > told.news > 0 and incident.news_reason is NewsReason.WORSE:
                    worse[incident.id] = incident
        return waiting, worse

    def _home(self, now: float) -> Post | None:
        """The digest that takes in more by being changed."""
        if not self._renderer.can_edit:
            return None
        return open_digest(self._ledger.posts.values(), {i.id for i in self._ledger.incidents.values() if i.is_open}, now)

    def _first_message(self, incident: Incident) -> Item:
        known = self._ledger.post_of(incident.id)
        if known is not None and len(known.told) == 1:  # the last in its digest: it goes on in the same post
            post = replace(known, is_digest=False)
        else:
            post = self._draft(incident.id, is_digest=False)
        return self._send(post, [incident], Form.LIVING)

    def _draft(self, key: int, *, is_digest: bool) -> Post:
        if key not in self.drafts:
            self.drafts[key] = Post(self._new_id(), self._target, (), is_digest=is_digest, place=self._renderer.place)
        return self.drafts[key]

    # --- what a post needs

    def _todo(self, post: Post, joining: list[Incident], leaving: set[int], now: float, *, hasten: bool) -> Iterator[Item]:
        members = self._ledger.members(post)
        if not members or post.failed:
            return
        incidents = [incident for _, incident in members]
        leaving = leaving if post.is_digest else set()
        can_edit = self._renderer.can_edit and post.message_id is not None
        is_news = any(incident.news > told.news for told, incident in members if incident.id not in leaving)
        is_over = not any(incident.is_open for incident in incidents)
        is_behind = any(incident.revision > told.revision for told, incident in members)
        form = Form.DIGEST if post.is_digest else Form.LIVING
        # Members of a digest have their news at instants of their own: they are not worth a new message each.
        again_at = post.sent_at + DIGEST_OPEN_S if post.is_digest and any(told.news for told, _ in members) else now
        if is_news and (again_at <= now or not can_edit):
            yield self._send(post, incidents, form, leaving, due_at=now if hasten else again_at)
        elif not can_edit and any(not (incident.is_open or told.closed) for told, incident in members):
            yield self._send(post, incidents, form, leaving, due_at=now if hasten or is_over else again_at)
        elif not can_edit and any(spoken_of(incident) > told.members for told, incident in members):
            yield self._send(post, incidents, form, leaving, due_at=now if hasten else post.sent_at + JOINED_EVERY_S)
        elif can_edit and (joining or is_behind):
            yield self._edit(post, members, joining, leaving, hasten=hasten)
        elif is_behind and is_over:
            yield self._note(post, members)
        if post.superseded and self._renderer.can_edit:
            yield self._strike(post, incidents)
        if not hasten and self._wants_picture(post, incidents[0], now):
            yield self._picture(post, incidents[0])

    def _send(
        self, post: Post, incidents: list[Incident], form: Form, leaving: set[int] | None = None, *, due_at: float = 0.0
    ) -> Item:
        incidents = sorted(incidents, key=urgency)
        told = _told(post, incidents, leaving or set())

        def make() -> Step:
            shown, bug = self._worded(Bulletin(form, tuple(incidents)))
            return Step(StepKind.SEND, post, told, tuple(incidents), shown, reply_to=post.message_id, bug=bug)

        return Item((_ORDER[StepKind.SEND], *urgency(incidents[0])), max(due_at, _rests_until(post, told)), make)

    def _edit(
        self, post: Post, members: list[tuple[Told, Incident]], joining: list[Incident], leaving: set[int], *, hasten: bool
    ) -> Item:
        incidents = sorted([incident for _, incident in members] + joining, key=urgency)
        is_urgent = self._is_urgent(members, is_over=not any(incident.is_open for incident in incidents))
        form = Form.DIGEST if post.is_digest else Form.LIVING
        told = _told(post, incidents, leaving)

        def make() -> Step | None:
            shown, bug = self._worded(Bulletin(form, tuple(incidents)))
            if shown.looks != post.looks:
                return Step(StepKind.EDIT, post, told, tuple(incidents), shown, post.message_id, bug=bug)
            note = Step(StepKind.NOTE, post, told, tuple(incidents))
            if {(old.incident, old.news) for old in post.told} != {(new.incident, new.news) for new in told}:
                return note
            if not any(incident.is_open for incident in incidents):
                return note
            self._ledger.put(replace(post, told=told))  # found out again after a restart: not worth a write
            self.note_shown(note)
            return None

        due_at = post.edited_at if is_urgent or hasten else post.edited_at + EDIT_EVERY_S
        awaited = 0.0 if is_urgent or joining else 1.0
        return Item((_ORDER[StepKind.EDIT], awaited, post.edited_at, post.id), max(due_at, _rests_until(post, told)), make)

    def _is_urgent(self, members: list[tuple[Told, Incident]], *, is_over: bool) -> bool:
        """Whether somebody looks at the message for this very change: it is over, or he has just pressed a button."""
        if is_over and not all(told.closed for told, _ in members):
            return True
        if len(members) > 1:
            return False
        incident = members[0][1]
        shown = self.shown.get(incident.id)
        return shown is not None and (shown.ack, _asked_quiet(shown)) != (incident.ack, _asked_quiet(incident))

    def _note(self, post: Post, members: list[tuple[Told, Incident]]) -> Item:
        incidents = [incident for _, incident in members]
        step = Step(StepKind.NOTE, post, _told(post, incidents, set()), tuple(incidents))
        return Item((_ORDER[StepKind.NOTE], post.id), 0.0, lambda: step)

    def _strike(self, post: Post, incidents: list[Incident]) -> Item:
        def make() -> Step:
            told_of = tuple(sorted(incidents, key=urgency))
            shown, bug = self._worded(Bulletin(Form.SUPERSEDED, told_of))
            return Step(StepKind.STRIKE, post, post.told, told_of, shown, post.superseded[0], bug=bug)

        return Item((_ORDER[StepKind.STRIKE], post.edited_at, post.id), post.not_before, make)

    def _worded(self, bulletin: Bulletin) -> tuple[Notification, Exception | None]:
        """The bulletin in the renderer's words, or in bare ones and what tripped it: that costs the words and nobody else."""
        try:
            return self._renderer.render(bulletin), None
        except Exception as error:  # noqa: BLE001 whatever nobody foresaw
            return bare(bulletin), error

    def _wants_picture(self, post: Post, incident: Incident, now: float) -> bool:
        if not self._takes_pictures or post.is_digest or post.message_id is None or post.picture_id is not None:
            return False
        if post.id in self.drawing or now > post.sent_at + PICTURE_UNTIL_S:
            return False
        is_one = len({member.key.subject for member in incident.members}) == 1
        return is_one and any(member.alert.topic in VOICE_METRICS for member in incident.members)

    def _picture(self, post: Post, incident: Incident) -> Item:
        def make() -> Step:
            self.drawing.add(post.id)
            return Step(StepKind.PICTURE, post, post.told, (incident,), message_id=post.message_id)

        return Item((_ORDER[StepKind.PICTURE], post.sent_at, post.id), post.sent_at + PICTURE_AFTER_S, make)

    def _finish(self, post: Post) -> None:
        self._ledger.finish(post)
        for told in post.told:
            self.shown.pop(told.incident, None)


def _told(post: Post, incidents: list[Incident], leaving: set[int]) -> tuple[Told, ...]:
    """What a post will have told once it shows the incidents; the news of those about to leave is for another message."""
    before = {told.incident: told for told in post.told}
    now = {incident.id: told_now(incident) for incident in incidents}
    for key in leaving & before.keys() & now.keys():
        now[key] = replace(now[key], news=before[key].news)
    return tuple((before | now).values())


def _rests_until(post: Post, told: tuple[Told, ...]) -> float:
    """When a message that is to tell so much may be tried again: there may be more to tell than what was refused."""
    refusal = post.refusal
    return post.not_before if refusal is None or not refusal.covers(told) else max(post.not_before, refusal.until)


def _asked_quiet(incident: Incident) -> Mute | None:
    mute = incident.mute
    return mute if mute is not None and mute.kind is MuteKind.SILENCE else None
