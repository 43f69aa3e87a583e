"""Who changed the device behind a peer: the last known User-Agent, address and transport of each.

Strategy: no event carries a User-Agent, so answers to polls are compared with what was known.  What is known survives a
restart.  On a PBX seen for the first time the first look at everybody is learnt in silence; later, a peer never seen before
is worth a word. Several devices under one name are each known by their agents, also while one of them is away, so that they
do not take turns in being news.  An empty answer is no change: chan_sip forgets agents when it restarts and learns them again
at the next registration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qualitywatch.model import AgentRecord, AgentSeen, ChangeObservation

# PJSIP contacts that cannot be listed are asked for one by one; different answers so close together are of different devices.
ONE_ROUND_S = 2.0


class AgentTracker:
    """Compares what peers use now with what they used before."""

    def __init__(self, pbx: str, known: Iterable[AgentRecord] = (), *, learned: bool = False) -> None:
        self._pbx = pbx
        self._known = {record.peer: record for record in known if record.pbx == pbx}
        self._learned = learned
        self._registered: set[str] = set()
        self._answered_at: dict[str, float] = {}

    @property
    def learned(self) -> bool:
        """Whether the first look at this PBX is over."""
        return self._learned

    def registered(self, peer: str) -> None:
        """Note that a peer registered before our eyes: its agent is news even while everybody else's is being learnt."""
        self._registered.add(peer)

    def looked(self) -> None:
        """Note that a full look is over; it counts once it has found anybody."""
        self._learned = self._learned or bool(self._known)

    def observe(self, event: AgentSeen, *, contacts: int = 1) -> tuple[AgentRecord | None, tuple[ChangeObservation, ...]]:
        """Return the record to keep (None: nothing new) and the changes worth telling.

        ``contacts`` is how many devices are registered under the name now: with several, each may speak for itself.
        """
        before = self._known.get(event.peer)
        contacts = max(contacts, self._devices(event))
        record = self._record(event, before, contacts)
        if record == before:
            return None, ()
        self._known[event.peer] = record
        if before is None:
            worth_telling = self._learned or (not event.listed and event.peer in self._registered)
            if worth_telling and event.user_agent is not None:
                return record, (self._change(event, "user_agent", None, event.user_agent),)
            return record, ()
        if contacts > 1 and not self._learned:
            return record, ()
        changes = []
        if event.user_agent is not None and event.user_agent not in {before.user_agent, *before.others}:
            changes.append(self._change(event, "user_agent", before.user_agent or "None", event.user_agent))
        same_device = event.user_agent not in before.others
        if (
            contacts == 1
            and same_device
            and record.address
            and before.address
            and _host(record.address) != _host(before.address)
        ):
            changes.append(self._change(event, "address", before.address, record.address))
        if contacts == 1 and same_device and before.transport and record.transport and record.transport != before.transport:
            changes.append(self._change(event, "transport", before.transport, record.transport))
        return record, tuple(changes)

    def _devices(self, event: AgentSeen) -> int:
        """How many devices there are at least, going by how fast their answers follow each other."""
        if event.listed or not event.peer.startswith("PJSIP/"):
            return 1
        before_at, self._answered_at[event.peer] = self._answered_at.get(event.peer), event.at
        return 2 if before_at is not None and 0 <= event.at - before_at <= ONE_ROUND_S else 1

    def _record(self, event: AgentSeen, before: AgentRecord | None, contacts: int) -> AgentRecord:
        if before is None:
            return AgentRecord(
                self._pbx,
                event.peer,
                event.user_agent,
                event.address,
                event.at,
                transport=event.transport,
                first_seen_at=event.at,
            )
        agent, address, others = event.user_agent or before.user_agent, event.address or before.address, set(before.others)
        transport = event.transport or before.transport
        if contacts > 1 and before.user_agent is not None:
            others = {*others, agent or ""} - {before.user_agent, ""}
            agent, address, transport = before.user_agent, before.address, before.transport
        elif agent in others and before.user_agent is not None:  # the one we speak of is away, the other one is not new
            others = {*others, before.user_agent} - {agent}
        if (agent, address, others, transport) == (before.user_agent, before.address, set(before.others), before.transport):
            return before
        return replace(
            before, user_agent=agent, address=address, seen_at=event.at, others=tuple(sorted(others)), transport=transport
        )

    def agent(self, peer: str) -> str | None:
        """Last known User-Agent of a peer."""
        record = self._known.get(peer)
        return record.user_agent if record is not None else None

    def _change(self, event: AgentSeen, attribute: str, old: str | None, new: str) -> ChangeObservation:
        known = self._known[event.peer]
        address = event.address or known.address
        return ChangeObservation(event.at, self._pbx, event.peer, attribute, old, new, address, known.first_seen_at)


def _host(address: str) -> str:
    """The host of ``host:port`` or ``[v6]:port``; a new port alone is NAT at work, not a new place."""
    return address.rpartition(":")[0] or address
