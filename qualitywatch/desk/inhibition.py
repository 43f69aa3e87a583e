"""Inhibition: which alerts of one PBX are explained by another that fires.

Strategy: an alert that fires and is not explained itself is a source; it binds every free target it explains.  Sources and
free targets are indexed by what both must share, so that a trunk with a thousand peers costs a thousand steps and not a
million.  A target whose source ends has ``GRACE_S`` to recover before it speaks for itself; another source, or the same one
again, may bind it meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from qualitywatch.desk.policy import DeskPolicy, Inhibition
from qualitywatch.model import Alert, AlertKey, Member, MuteKind

GRACE_S: Final = (
    30.0  # what a trunk broke heals a little later than the trunk: phones register again, windows of loss run empty
)

TrunkOf = Callable[[str, str], str | None]
PlacesOf = Callable[[str, str], tuple[str, ...]]
Index = dict[str, dict[AlertKey, None]]


@dataclass(slots=True)
class _Scope:
    """One inhibition at work: its sources and its free targets, by what they must share."""

    inhibition: Inhibition
    trunk_of: TrunkOf
    places_of: PlacesOf
    sources: Index = field(default_factory=dict)
    targets: Index = field(default_factory=dict)

    def source_tie(self, key: AlertKey) -> str:
        return key.subject if {"subject", "trunk", "site"} & set(self.inhibition.equal) else ""

    def target_ties(self, key: AlertKey) -> tuple[str, ...]:
        if "subject" in self.inhibition.equal:
            return (key.subject,)
        if "trunk" in self.inhibition.equal:
            trunk = self.trunk_of(key.pbx, key.subject)
            return (key.subject,) if trunk is None or trunk == key.subject else (trunk, key.subject)
        return self.places_of(key.pbx, key.subject) if "site" in self.inhibition.equal else ("",)

    def is_tie_unknown(self, key: AlertKey) -> bool:
        if "site" in self.inhibition.equal and not self.places_of(key.pbx, key.subject):
            return True
        return "trunk" in self.inhibition.equal and self.trunk_of(key.pbx, key.subject) is None

    def fits(self, source: AlertKey, target: AlertKey) -> bool:
        same_way = "direction" not in self.inhibition.equal or source.direction == target.direction
        return same_way and source != target


@dataclass(frozen=True, slots=True)
class _Firing:
    """An alert that fires, and for each inhibition whether it is of its sources and of its targets."""

    alert: Alert
    is_source: tuple[bool, ...]
    is_target: tuple[bool, ...]
    ties: tuple[tuple[str, ...], ...]  # as a target

    @property
    def key(self) -> AlertKey:
        return self.alert.key


class Inhibitor:
    """What explains what on one PBX.  Methods return the keys of *other* alerts to which something happened."""

    def __init__(self, policy: DeskPolicy, trunk_of: TrunkOf, places_of: PlacesOf) -> None:
        self._labels = policy.labels
        self._scopes = [_Scope(inhibition, trunk_of, places_of) for inhibition in policy.inhibitions]
        self._firing: dict[AlertKey, _Firing] = {}
        self._parents: dict[AlertKey, AlertKey] = {}
        self._children: dict[AlertKey, dict[AlertKey, None]] = {}
        self._releases: dict[AlertKey, float] = {}  # those whose source is gone, and how long they are still explained
        self.next_release = math.inf

    def parent_of(self, key: AlertKey) -> AlertKey | None:
        """What explains this firing alert, also while it has time to recover."""
        return self._parents.get(key)

    def release_at(self, key: AlertKey) -> float | None:
        """When an alert whose source is gone will speak for itself; None while its source fires."""
        return self._releases.get(key)

    def merges(self, key: AlertKey) -> bool:
        """Whether an alert fires and goes on in the incident of those it explains."""
        firing = self._firing.get(key)
        if firing is None:
            return False
        return any(
            is_source and scope.inhibition.merge for scope, is_source in zip(self._scopes, firing.is_source, strict=True)
        )

    def explained_by(self, key: AlertKey) -> tuple[AlertKey, ...]:
        """What an alert explains now."""
        return tuple(self._children.get(key, ()))

    def explains(self, alert: Alert) -> AlertKey | None:
        """What explains an alert that only happened."""
        return next(self._sources_of(self._look_at(alert)), None) if self._scopes else None

    def fire(self, alert: Alert, at: float) -> list[AlertKey]:
        """An alert has begun to fire."""
        firing = self._look_at(alert)
        self._firing[firing.key] = firing
        parent = next(self._sources_of(firing), None)
        if parent is not None:
            self._bind(firing.key, parent)
            return []
        self._free(firing)
        return self._activate(firing, at)

    def end(self, key: AlertKey, at: float) -> list[AlertKey]:
        """An alert fires no more."""
        if key not in self._firing:
            return []
        was_source = key not in self._parents
        self._unbind(key)
        self._unfree(self._firing[key])
        touched = self._deactivate(key, at) if was_source else []
        del self._firing[key]
        return touched

    def change(self, alert: Alert, at: float) -> list[AlertKey]:
        """A firing alert has another severity or topic, and may explain or be explained otherwise."""
        was = self._firing.get(alert.key)
        if was is None or was.alert is alert:
            return []
        now = self._look_at(alert)
        if (was.is_source, was.is_target) == (now.is_source, now.is_target):
            self._firing[alert.key] = now if was.ties == now.ties else was
            return []
        return list(dict.fromkeys((*self.end(alert.key, at), *self.fire(alert, at))))

    def release(self, at: float) -> list[AlertKey]:
        """Let those speak for themselves whose time to recover is over."""
        touched: list[AlertKey] = []
        for key in [key for key, due in self._releases.items() if due <= at]:
            if key in self._releases:  # not bound by one that was released just before
                self._unbind(key)
                touched += [key, *self._activate(self._firing[key], at)]
        self._plan()
        return list(dict.fromkeys(touched))

    def restore(self, members: Iterable[Member], ended: Mapping[AlertKey, float]) -> None:
        """Go on with members that fire, as they were stored; ``ended`` says of others when they ended.

        What the policy no longer explains is released at once.
        """
        bound: list[tuple[_Firing, AlertKey, float]] = []
        sources: list[_Firing] = []
        for member in members:
            firing = self._firing[member.key] = self._look_at(member.alert)
            mute = member.mute
            if mute is not None and mute.parent is not None:
                until = mute.until if mute.kind is MuteKind.INHIBITED else ended.get(mute.parent, -math.inf) + GRACE_S
                bound.append((firing, mute.parent, -math.inf if until is None else until))
            else:
                sources.append(firing)
                self._free(firing)
                self._add_source(firing)
        for firing, parent, release_at in bound:
            known = list(self._sources_of(firing))
            if known:
                self._bind(firing.key, parent if parent in known else known[0])
            elif self._may_be_tied(firing, parent):
                self._bind(firing.key, parent)
            else:
                self._set_parent(firing.key, parent)
                self._releases[firing.key] = release_at
                self._free(firing)
        for firing in sources:
            if firing.key not in self._parents:
                self._activate(firing, -math.inf)
        self._plan()

    def not_after(self, now: float) -> None:
        """The clock was set back: nobody waits longer than he would have."""
        self._releases = {key: min(due, now + GRACE_S) for key, due in self._releases.items()}
        self._plan()

    def _look_at(self, alert: Alert) -> _Firing:
        labels = self._labels.get(alert.key.rule, {})
        is_target = tuple(scope.inhibition.target.matches(alert, labels) for scope in self._scopes)
        return _Firing(
            alert,
            tuple(scope.inhibition.source.matches(alert, labels) for scope in self._scopes),
            is_target,
            tuple(scope.target_ties(alert.key) if meant else () for scope, meant in zip(self._scopes, is_target, strict=True)),
        )

    def _sources_of(self, target: _Firing) -> Iterator[AlertKey]:
        for scope, ties in zip(self._scopes, target.ties, strict=True):
            for tie in ties:
                for source in scope.sources.get(tie, ()):
                    if scope.fits(source, target.key):
                        yield source

    def _may_be_tied(self, target: _Firing, source: AlertKey) -> bool:
        """Whether a source explains a target unless its trunk turns out to be another: after a restart none is known yet."""
        if source not in self._firing or source in self._parents:
            return False
        meant = zip(self._scopes, self._firing[source].is_source, target.is_target, strict=True)
        return any(
            is_source and is_target and scope.fits(source, target.key) and scope.is_tie_unknown(target.key)
            for scope, is_source, is_target in meant
        )

    def _activate(self, source: _Firing, at: float) -> list[AlertKey]:
        """Make an alert a source; what it explains is bound, and explains nothing itself any more."""
        self._add_source(source)
        claimed: dict[AlertKey, None] = {}
        for scope, meant in zip(self._scopes, source.is_source, strict=True):
            if meant:
                free = scope.targets.get(scope.source_tie(source.key), ())
                claimed.update((key, None) for key in free if scope.fits(source.key, key))
        touched: list[AlertKey] = []
        for key in claimed:
            was_source = key not in self._parents
            self._bind(key, source.key)
            touched.append(key)
            if was_source:
                touched += self._deactivate(key, at)
        return touched

    def _deactivate(self, key: AlertKey, at: float) -> list[AlertKey]:
        """What a former source explained is explained by another, or has time to recover."""
        self._remove_source(self._firing[key])
        touched = list(self._children.get(key, ()))
        for child in touched:
            self._unfree(self._firing[child])  # one that waits for its release already
            firing = self._firing[child] = self._look_at(self._firing[child].alert)  # its trunk may be known only now
            other = next(self._sources_of(firing), None)
            if other is not None:
                self._bind(child, other)
            else:
                self._releases.setdefault(child, at + GRACE_S)
                self._free(firing)
        self._plan()
        return touched

    def _bind(self, key: AlertKey, parent: AlertKey) -> None:
        self._unbind(key)
        self._unfree(self._firing[key])
        self._set_parent(key, parent)

    def _set_parent(self, key: AlertKey, parent: AlertKey) -> None:
        self._parents[key] = parent
        self._children.setdefault(parent, {})[key] = None

    def _unbind(self, key: AlertKey) -> None:
        parent = self._parents.pop(key, None)
        if parent is not None:
            self._children[parent].pop(key)
            if not self._children[parent]:
                del self._children[parent]
        if self._releases.pop(key, None) is not None:
            self._plan()

    def _plan(self) -> None:
        self.next_release = min(self._releases.values(), default=math.inf)

    def _add_source(self, firing: _Firing) -> None:
        for scope, meant in zip(self._scopes, firing.is_source, strict=True):
            if meant:
                scope.sources.setdefault(scope.source_tie(firing.key), {})[firing.key] = None

    def _remove_source(self, firing: _Firing) -> None:
        for scope, meant in zip(self._scopes, firing.is_source, strict=True):
            if meant:
                _discard(scope.sources, scope.source_tie(firing.key), firing.key)

    def _free(self, firing: _Firing) -> None:
        for scope, ties in zip(self._scopes, firing.ties, strict=True):
            for tie in ties:
                scope.targets.setdefault(tie, {})[firing.key] = None

    def _unfree(self, firing: _Firing) -> None:
        for scope, ties in zip(self._scopes, firing.ties, strict=True):
            for tie in ties:
                _discard(scope.targets, tie, firing.key)


def _discard(index: Index, tie: str, key: AlertKey) -> None:
    keys = index.get(tie)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[tie]
