"""Who is there: peers, the devices behind their names, our registrations, and which peer belongs to which of them.

Strategy: who is configured no more is told by whole lists alone, and by two in a row, because a list that is read while
Asterisk makes its registrations anew is whole and empty.  A peer must have been named by such a list before: some are in none.
Endpoints of PJSIP are: they are asked for by name (``Doubts``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from qualitywatch.model import (
    AgentRecord,
    AgentSeen,
    ChangeObservation,
    EndpointsAsked,
    LogRecord,
    Metric,
    Observation,
    PeerState,
    PeerStateSeen,
    Roster,
    Sample,
    StatusObservation,
    Verdict,
)
from qualitywatch.model.observations import Belonging, Observed
from qualitywatch.model.words import REMOVED
from qualitywatch.peers.agents import AgentTracker
from qualitywatch.peers.names import NameBook
from qualitywatch.peers.status import PeerTracker
from qualitywatch.pipeline.calls import counted
from qualitywatch.pipeline.doubts import Doubts
from qualitywatch.pipeline.effects import Collected
from qualitywatch.trunks.membership import is_registration, trunk_at
from qualitywatch.trunks.status import TrunkTracker

# A list of contacts in which nothing came for so long is over; a shorter pause is the network's.
LIST_PAUSE_S = 2.0
ADDRESSES_KEPT = 10_000


class Presence:
    """Peers and trunks of one PBX; ``alive`` are peers that are known to have been there, ``listed`` some that lists name."""

    def __init__(
        self,
        pbx: str,
        *,
        names: Mapping[str, str],
        alive: Iterable[str],
        listed: Iterable[str],
        agents: Iterable[AgentRecord],
        agents_learned: bool,
        trunk_memories: Mapping[str, str],
        trunk_peers: Mapping[str, str],
    ) -> None:
        self._pbx = pbx
        self.names = NameBook(names)
        self.trunks = TrunkTracker(pbx)
        self.trunks.recall(trunk_memories)
        self.peers = PeerTracker(pbx, alive=alive)
        self._trunk_peers = trunk_peers
        self._agents = AgentTracker(pbx, agents, learned=agents_learned)
        self._listed: list[AgentSeen] = []
        self._belongs: dict[str, str] = {}
        self._trunk_at: dict[tuple[str, str], str | None] = {}  # by address and technology: it is asked with every call
        self._trunks_known = 0
        self._listed_peers = set(listed)
        self._missing: dict[tuple[str, str], frozenset[str]] = {}  # by entity and technology: not in the last list
        self._doubts = Doubts()

    def configure(self, names: Mapping[str, str], trunk_peers: Mapping[str, str]) -> None:
        """Take other names, and other trunks of peers."""
        self.names.configure(names)
        self._trunk_peers = trunk_peers

    def trunk_of(self, subject: str) -> str | None:
        """The registration whose calls go through a peer: the one that was configured, else the one at its address."""
        if subject in self._trunk_peers:
            return self._trunk_peers[subject]
        address = self.peers.address(subject)
        if not address:
            return None
        trunks = self.trunks.names
        if len(trunks) != self._trunks_known:  # one that is dropped clears this as well
            self._trunks_known = len(trunks)
            self._trunk_at.clear()
        technology, _, _ = subject.partition("/")
        place = address, technology
        if place not in self._trunk_at:
            if len(self._trunk_at) >= ADDRESSES_KEPT:
                self._trunk_at.clear()
            self._trunk_at[place] = trunk_at(address, technology, trunks)
        return self._trunk_at[place]

    def registers(self, account: str, host: str) -> bool:
        """Whether this is one of our own registrations."""
        return any(is_registration(trunk, account, host) for trunk in self.trunks.states())

    def agent(self, peer: str) -> str | None:
        """Last known User-Agent of a peer."""
        return self._agents.agent(peer)

    def see_peer(self, event: PeerStateSeen, out: Collected) -> Iterator[Observation]:
        """Take in how a peer stands."""
        if event.rtt_ms is not None:
            took = Sample(
                *(event.at, Metric.QUALIFY_RTT_MS, event.rtt_ms, self._pbx, event.peer, None), "", "", Verdict.OK, weight=1.0
            )
            yield from counted((took,), out)
        status = self.peers.observe(event)
        self._look_for_trunk(event.peer, event.at, out)
        if status is not None:
            yield status
            if not event.snapshot:
                out.logs.append(LogRecord(event.at, self._pbx, event.peer, "peer", status.status))
        if not event.snapshot and event.state in {PeerState.REGISTERED, PeerState.REACHABLE}:
            self._agents.registered(event.peer)
            out.polls.append(event.peer)

    def list_agent(self, event: AgentSeen) -> None:
        """Hold a line of a list of contacts back: only the whole tells how many devices share a name."""
        self._listed.append(event)

    @property
    def has_listed(self) -> bool:
        """Whether anything of a list is held back."""
        return bool(self._listed)

    def list_is_over(self, now: float) -> bool:
        """Whether a list is held back of which nothing has come for a while."""
        return bool(self._listed) and now - self._listed[-1].at >= LIST_PAUSE_S

    def look_at_listed(self, out: Collected) -> Iterator[ChangeObservation]:
        """Judge what was held back."""
        listed, self._listed = self._listed, []
        for event in listed:
            yield from self.see_agent(event, out)

    def see_agent(self, event: AgentSeen, out: Collected) -> Iterator[ChangeObservation]:
        """Take in which device stands behind a name."""
        self.names.hear_agent(event)
        if event.address is None:
            event = replace(event, address=self.peers.address(event.peer))
        record, changes = self._agents.observe(event, contacts=self.peers.contacts(event.peer))
        if record is not None:
            out.agents.append(record)
        for change in changes:
            yield change
            out.logs.append(_change_log(change))

    def looked(self, at: float, out: Collected) -> None:
        """All lists have been read."""
        for peer in self.peers.states():  # registrations are listed after the peers
            self._look_for_trunk(peer, at, out)
        self._agents.looked()
        out.agents_learned = self._agents.learned

    def drop_removed(
        self, rosters: Iterable[Roster], alerted: Collection[tuple[str, str]], at: float, out: Collected
    ) -> list[StatusObservation]:
        """Let go of whom whole lists name no more, by entity and name also of those that only have an alert; return them."""
        removed = []
        for roster in rosters:
            known = set(self.trunks.names if roster.entity == "trunk" else self.peers.states())
            known.update(name for entity, name in alerted if entity == roster.entity)
            if roster.entity == "peer":
                known &= self._listed_peers
                self._listed_peers |= roster.names
                self._listed_peers -= roster.passing
            missing = {name for name in known - roster.names if name.startswith(f"{roster.technology}/")}
            sort = roster.entity, roster.technology
            twice = missing & self._missing.get(sort, frozenset())
            self._missing[sort] = frozenset(missing - twice)
            out.resync_wanted |= bool(self._missing[sort])
            removed += [self._drop(roster.entity, name, at, out) for name in sorted(twice)]
        return removed

    def doubt(self, alerted: Collection[tuple[str, str]], out: Collected) -> None:
        """Let those be asked for of whom only that can tell whether they are configured yet."""
        out.endpoints = self._doubts.worth_asking(_peers_of(alerted), self.peers.alive())

    def drop_unknown(
        self, event: EndpointsAsked, alerted: Collection[tuple[str, str]], out: Collected
    ) -> list[StatusObservation]:
        """Let go of endpoints that are proven to be no longer configured; return them."""
        removed, ask_again = self._doubts.weigh(event, _peers_of(alerted), self.peers.alive())
        out.resync_wanted |= ask_again
        return [self._drop("peer", name, event.at, out) for name in removed]

    def _drop(self, entity: str, name: str, at: float, out: Collected) -> StatusObservation:
        if entity == "trunk":
            self.trunks.drop(name)
            self._trunk_at.clear()
            out.memories[name] = ""
        else:
            self.peers.drop(name)
            self._listed_peers.discard(name)
            self._look_for_trunk(name, at, out)
            out.logs.append(LogRecord(at, self._pbx, name, "peer", REMOVED))
        return StatusObservation(at, entity, self._pbx, name, REMOVED, at)

    def forget(self, at: float) -> None:
        """Nothing is known of anybody until it is listed or told."""
        self._missing.clear()
        self._doubts.forget()
        self.trunks.forget(at)
        self.peers.forget()

    def clock_set_back(self, at: float) -> list[StatusObservation]:
        """How all stand is as true as before, only since when is not."""
        return [*self.trunks.clock_set_back(at), *self.peers.clock_set_back(at)]

    def clock_set_forward(self, at: float, by_s: float) -> list[StatusObservation]:
        """As ``clock_set_back``; nothing has lasted longer than it had."""
        return [*self.trunks.clock_set_forward(at, by_s), *self.peers.clock_set_forward(at, by_s)]

    def _look_for_trunk(self, peer: str, at: float, out: Collected) -> None:
        """Note when a peer's calls begin or cease to go through one of our registrations."""
        trunk = self.trunk_of(peer)
        if trunk == self._belongs.get(peer):
            return
        out.observed.append(Observed(at, Belonging(at, self._pbx, peer, trunk)))
        if trunk is None:
            del self._belongs[peer]
        else:
            self._belongs[peer] = trunk


def _peers_of(alerted: Collection[tuple[str, str]]) -> set[str]:
    return {name for entity, name in alerted if entity == "peer"}


def _change_log(change: ChangeObservation) -> LogRecord:
    return LogRecord(change.at, change.pbx, change.subject, change.attribute, f"{change.old or 'New peer'} -> {change.new}")
