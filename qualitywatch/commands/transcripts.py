"""``replay --emit messages``: what every chat would have seen, on the recording's own clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from qualitywatch.app.assembly import desk_policy
from qualitywatch.config import DEFAULT_INHIBITIONS, Config
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import Alert, Bulletin, Notification, Transition
from qualitywatch.notify.render import notification
from qualitywatch.notify.transcript import Line, Transcript
from qualitywatch.pipeline import Pipeline
from qualitywatch.rules.spec import RuleSpec

DEFAULT_CHAT = "chat"


@dataclass(frozen=True, slots=True)
class ChatRenderer:
    """Renders as a Telegram chat would show it."""

    language: str
    zone: tzinfo
    can_edit: bool = True
    place: str = ""
    takes_pictures: bool = False

    def render(self, bulletin: Bulletin) -> Notification:
        return notification(bulletin, self.language, show_pbx=False, zone=self.zone)


class Transcripts:
    """The desk and its chats for the PBXes of a replay."""

    def __init__(self, config: Config | None, specs: Sequence[RuleSpec], language: str | None, zone: tzinfo) -> None:
        """Use the chats of a configuration, else one; ``language`` goes before the chats' own."""
        if config is not None:
            policy = config.desk
            languages = {target.name: language or target.language for target in config.targets}
        else:
            policy = DeskPolicy(audiences=(Audience(DEFAULT_CHAT),), inhibitions=DEFAULT_INHIBITIONS)
            languages = {DEFAULT_CHAT: language or "en"}
        self._policy = desk_policy(policy, specs)
        self._chats = [Transcript(name, ChatRenderer(language, zone)) for name, language in languages.items()]
        self._desk = Desk(self._policy)

    def watch(self, pipeline: Pipeline) -> None:
        """Begin with a PBX, and an empty desk."""
        self._desk = Desk(
            self._policy,
            trunk_of=lambda pbx, subject: pipeline.trunk_of(subject),
            places_of=lambda pbx, subject: pipeline.places_of(subject),
        )

    def step(self, pbx: str, transitions: Sequence[Transition], alerts: Sequence[Alert], now: float) -> Iterator[Line]:
        """Let the desk and the chats follow; yield what the chats show anew."""
        change = self._desk.step(pbx, transitions, alerts, now)
        for chat in self._chats:
            chat.update(change.incidents, now)
            yield from chat.advance(now)

    def close(self) -> Iterator[Line]:
        """Yield what was still to be shown when the recording ended."""
        for chat in self._chats:
            yield from chat.close()
