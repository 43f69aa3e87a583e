"""What a lane knows: the incidents that concern its target, and the posts that tell of them.

A post with nothing left to do is set aside, and the oldest of these are forgotten: their incidents are over, and the store
keeps them for whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from qualitywatch.model import Incident, Post, Told

FINISHED_KEPT: Final = 500
FORGOTTEN_KEPT: Final = 5_000  # a number each, for a desk that remembers what a lane does not
RESTART_PATIENCE_S: Final = 30.0  # for pauses an earlier run decided on: whoever restarts may have mended the cause


class Ledger:
    """Incidents and posts of one target.  Posts in ``posts`` may have something left to do."""

    def __init__(self, target: str, incidents: Iterable[Incident], posts: Iterable[Post]) -> None:
        self.incidents: dict[int, Incident] = {}
        self.posts: dict[int, Post] = {}
        self._target = target
        self._finished: dict[int, Post] = {}
        self._post_of: dict[int, int] = {}
        self._forgotten: dict[int, int] = {}  # how much news was told of incidents whose posts are forgotten
        for post in sorted(posts, key=lambda post: post.id):
            if post.target == target:
                self.put(post)
        self.learn(incidents)

    def learn(self, incidents: Iterable[Incident]) -> None:
        """Take in new versions of incidents; those of others, and versions older than what is known, are passed over."""
        for incident in incidents:
            known = self.incidents.get(incident.id)
            if self._target not in incident.targets or (known is not None and known.revision > incident.revision):
                continue
            post_id = self._post_of.get(incident.id)
            if post_id is None and not incident.is_open and incident.news <= self._forgotten.get(incident.id, 0):
                self.incidents.pop(incident.id, None)  # it was never news, or is told, and is over
                continue
            self.incidents[incident.id] = incident
            if post_id in self._finished:
                self.posts[post_id] = self._finished.pop(post_id)
            self._revive(incident)

    def put(self, post: Post) -> None:
        """Take in a new version of a post; it speaks for its incidents from now on."""
        self._finished.pop(post.id, None)
        self.posts[post.id] = post
        for told in post.told:
            self._post_of[told.incident] = post.id

    def unposted(self) -> list[Incident]:
        """Incidents that are news and were never told."""
        return [incident for incident in self.incidents.values() if incident.news > 0 and incident.id not in self._post_of]

    def members(self, post: Post) -> list[tuple[Told, Incident]]:
        """What a post has told, beside what there is to tell; incidents that nobody remembers are left out."""
        return [(told, self.incidents[told.incident]) for told in post.told if told.incident in self.incidents]

    def post_of(self, incident_id: int) -> Post | None:
        """The post that speaks for an incident."""
        post_id = self._post_of.get(incident_id)
        return None if post_id is None else self.post(post_id)

    def post(self, post_id: int) -> Post | None:
        """A post by its id, finished or not."""
        return self.posts.get(post_id) or self._finished.get(post_id)

    def is_through(self, post: Post) -> bool:
        """Whether everything a post speaks of has ended and is told, or was given up."""
        return not any(incident.is_open or incident.news > told.news for told, incident in self.members(post))

    def finish(self, post: Post) -> None:
        """Set a post aside until one of its incidents changes; forget the oldest of those set aside."""
        self._finished[post.id] = self.posts.pop(post.id)
        while len(self._finished) > FINISHED_KEPT:
            forgotten = self._finished.pop(next(iter(self._finished)))
            for told in forgotten.told:
                if self._post_of.get(told.incident) == forgotten.id:
                    del self._post_of[told.incident]
                    if self.incidents.pop(told.incident, None) is not None:
                        self._forgotten[told.incident] = told.news
            while len(self._forgotten) > FORGOTTEN_KEPT:
                del self._forgotten[next(iter(self._forgotten))]

    def _revive(self, incident: Incident) -> None:
        """Tell of an incident anew whose message was given up, if it goes on or is news: that it was over was the reason."""
        post = self.post_of(incident.id)
        if post is None or not post.failed:
            return
        known = next(told.news for told in post.told if told.incident == incident.id)
        if incident.is_open or incident.news > known:
            self.put(untold(replace(post, failed="")))

    def settle(self, place: str) -> None:
        """Forget messages of any other place, where they can neither be changed nor answered; what goes on is told anew."""
        for posts in (self.posts, self._finished):
            for key, post in posts.items():
                if not post.place:  # stored by a release that did not say
                    posts[key] = replace(post, place=place)
                elif post.place != place:
                    goes_on = any(incident.is_open for _, incident in self.members(post))
                    posts[key] = _uprooted(post, place, goes_on=goes_on)

    def not_later_than(self, now: float) -> None:
        """Bring instants of the future back: the clock was set back, or another run left them."""
        for posts in (self.posts, self._finished):
            for key, post in posts.items():
                shown = replace(post, sent_at=min(post.sent_at, now), edited_at=min(post.edited_at, now))
                posts[key] = impatient(shown, now)


def _uprooted(post: Post, place: str, *, goes_on: bool) -> Post:
    post = replace(untold(post) if goes_on else post, place=place, looks="", message_id=None, picture_id=None, superseded=())
    return replace(post, attempts=0, not_before=0.0, refusal=None, lost=0)


def impatient(post: Post, now: float) -> Post:
    """The post with pauses that end soon."""
    until = now + RESTART_PATIENCE_S
    refusal = replace(post.refusal, until=min(post.refusal.until, until)) if post.refusal is not None else None
    return replace(post, not_before=min(post.not_before, until), refusal=refusal)


def untold(post: Post) -> Post:
    """The post as if it had told nothing of its incidents yet."""
    return replace(post, told=tuple(replace(told, news=0, revision=0, closed=False) for told in post.told), looks="")
