"""Asks a freshly connected PBX for everything that happened before we came, as far as the rights allow.

The order is: states of peers and registrations, User-Agents, and at the very end the channels, because what a list of channels
says is only true for the instant of the answer.

Strategy: only asks.  The items of every list flow through the inbox like any event, so the pipeline learns states from one
place; what comes back here is which lists work, and the few names the next questions need.  A refused or unknown action is
normal and remembered.  Requests go out one at a time, so that a large PBX is never flooded with questions.

Never asked: ``IAXnetstats`` (its answer has no frame), ``IAXpeers`` (items without ActionID), ``PJSIPShowEndpoint``
(passwords).

Standard: the actions of Asterisk 11 to 23 and the ``write`` classes they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import channel
from qualitywatch.ami.rosters import roster
from qualitywatch.model import Channel, Roster

LIST_EVENTS: Final = frozenset(
    {
        "PeerEntry",
        "PeerlistComplete",
        "RegistryEntry",
        "RegistrationsComplete",
        "OutboundRegistrationDetail",
        "OutboundRegistrationDetailComplete",
        "ContactStatusDetail",
        "ContactStatusDetailComplete",
        "CoreShowChannel",
        "CoreShowChannelsComplete",
        "DeviceStateChange",
        "DeviceStateListComplete",
        "DBGetResponse",
        "DBGetComplete",
    }
)
"""Items and ends of the lists asked for here, and of what remedies read; a decoder that filters events must let them pass."""

SNAPSHOT_LISTS: Final = (
    "SIPpeers",
    "SIPshowregistry",
    "IAXpeerlist",
    "IAXregistry",
    "PJSIPShowRegistrationsOutbound",
    "PJSIPShowRegistrationInboundContactStatuses",
)
CHANNELS: Final = "CoreShowChannels"

_CONTACTS: Final = "PJSIPShowRegistrationInboundContactStatuses"
_DEVICES: Final = "DeviceStateList"
_VARIABLE: Final = "Getvar"
_CONFIGURED_CONTACT: Final = "@@"  # in its id; a trunk that never registers here, so that nobody told its User-Agent
_NO_ADDRESS: Final = frozenset({"", "-none-", "(null)", "(none)"})


class Asker(Protocol):
    """Whoever can send an action and wait for what comes of it."""

    async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return the answer; raises AmiConnectError when there is no connection."""
        ...


class Access(StrEnum):
    """What came of asking for an action."""

    WORKS = "works"
    DENIED = "denied"  # the manager user lacks the right
    ABSENT = "absent"  # this Asterisk does not have the module
    FAILED = "failed"  # anything else, a timeout for example


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this manager user may ask of this Asterisk, found out by asking.  Actions never asked are missing.

    Only a refusal is a reason not to ask again: an answer that did not come in time says nothing about the next one.
    """

    access: Mapping[str, Access]
    asterisk_version: str | None = None
    events_on: bool = True  # False: the event mask selects nothing

    def may(self, action: str) -> bool:
        """Say whether the action worked, or may work yet."""
        return self.access.get(action) in {Access.WORKS, Access.FAILED}

    def learnt(self, answer: Answer) -> Abilities:
        """Return the abilities as one more answer shows them."""
        return replace(self, access={**self.access, answer.action: access_of(answer)})

    def missing(self) -> tuple[str, ...]:
        """What cannot be seen, and the setting of manager.conf that would show it; empty when nothing is missing."""
        return tuple(self._missing())

    def _missing(self) -> Iterator[str]:
        if not self.events_on:
            yield "no events at all: the event mask of this PBX in the configuration names no class that Asterisk knows"
        denied = {action for action, access in self.access.items() if access is Access.DENIED}
        if denied - {_CONTACTS, _VARIABLE}:
            yield "peers, registrations and channels from before the connection: add reporting to write= in manager.conf"
        if _VARIABLE in denied and _CONTACTS in denied:
            yield "User-Agents of PJSIP phones: add reporting to write= in manager.conf"

    def limits(self) -> tuple[str, ...]:
        """What cannot be seen for a good reason: the right for it is too much to give."""
        if self.access.get(_CONTACTS) is not Access.DENIED:
            return ()
        return (
            "addresses and round trips of PJSIP phones until their state changes (only system in write= would show them, and "
            "that also allows reloading Asterisk: leave it)",
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a resync found out for us; the states themselves went through the inbox."""

    abilities: Abilities
    sip_peers: tuple[str, ...]  # registered chan_sip phones, without "SIP/"
    rosters: tuple[Roster, ...] = ()  # of the lists that were whole


async def resync(asker: Asker, events: str | None = None) -> Snapshot:
    """Ask for the states of all peers and registrations; ``events`` is the event mask to check, None to leave that out.

    User-Agents (``poll_agents``) and channels (``CHANNELS``) are left to the caller.  Raises AmiConnectError when the
    connection is lost meanwhile.
    """
    access: dict[str, Access] = {}
    events_on = True
    await asker.request("Ping")  # its answer tells the PBX's time, which the lists, without any stamp, are then dated by
    if events is not None:
        mask = await asker.request("Events", (("EventMask", events),))
        events_on = mask.response is None or (mask.response.get("Events") or "").casefold() != "off"
    settings = await asker.request("CoreSettings")
    version = settings.response.get("AsteriskVersion") if settings.ok and settings.response is not None else None
    sip_peers: tuple[str, ...] = ()
    rosters: list[Roster] = []
    for action in SNAPSHOT_LISTS:
        answer = await asker.request(action)
        access[action] = access_of(answer)
        if (found := roster(answer)) is not None:
            rosters.append(found)
        if action == "SIPpeers" and answer.ok:
            sip_peers = _registered_phones(answer.items)
    if access[_CONTACTS] is not Access.ABSENT or access["PJSIPShowRegistrationsOutbound"] is not Access.ABSENT:
        access[_VARIABLE] = access_of(await asker.request(_VARIABLE, (("Variable", "SYSTEMNAME"),)))
    return Snapshot(Abilities(access, version, events_on), sip_peers, tuple(rosters))


async def poll_agents(asker: Asker, abilities: Abilities, just_read: Snapshot | None = None) -> None:
    """Ask for the User-Agent of every registered phone; the answers flow through the inbox.

    ``just_read`` spares the lists that a resync has read a moment ago.  Raises AmiConnectError when the connection is lost.
    """
    if abilities.may("SIPpeers"):
        phones = _registered_phones((await asker.request("SIPpeers")).items) if just_read is None else just_read.sip_peers
        for peer in phones:
            await _ask(asker, "SIPshowpeer", ("Peer", peer))
    has_contacts = abilities.access.get(_CONTACTS) is Access.WORKS
    if just_read is None and abilities.may(_CONTACTS):
        has_contacts = (await asker.request(_CONTACTS)).ok
    if not has_contacts and abilities.may(_VARIABLE):
        # Whether each is there flows through the inbox: without the list of contacts nothing else tells who came back.
        devices = [item.get("Device") or "" for item in (await asker.request(_DEVICES)).items]
        for device in devices:
            technology, _, name = device.partition("/")
            if technology == "PJSIP" and name:
                await _ask_contacts_of(asker, name)


async def poll_agent(asker: Asker, peer: str, abilities: Abilities) -> None:
    """Ask for the User-Agent of one peer (``SIP/6117``, ``PJSIP/701``); IAX2 has none, so nothing is asked.

    The answer flows through the inbox.  Raises AmiConnectError when the connection is lost.
    """
    technology, _, name = peer.partition("/")
    if technology == "SIP" and name and abilities.may("SIPpeers"):
        await _ask(asker, "SIPshowpeer", ("Peer", name))
    elif technology == "PJSIP" and name:
        # One phone is asked for by itself if possible: after an outage a thousand of them register within a minute, and the
        # list of all contacts a thousand times is too much.
        has_contacts = abilities.access.get(_CONTACTS) is Access.WORKS
        if abilities.access.get(_VARIABLE) is Access.WORKS or (abilities.may(_VARIABLE) and not has_contacts):
            await _ask_contacts_of(asker, name)
        elif abilities.may(_CONTACTS):
            await asker.request(_CONTACTS)


def channels_alive(answer: Answer) -> frozenset[str] | None:
    """Return the uniqueids in an answer to ``CHANNELS``, or None when the list could not be read."""
    return frozenset(uniqueid for item in answer.items if (uniqueid := item.get("Uniqueid"))) if answer.ok else None


def channels_listed(answer: Answer) -> tuple[Channel, ...] | None:
    """Return the channels in an answer to ``CHANNELS``, or None when the list could not be read."""
    return tuple(found for item in answer.items if (found := channel(item)) is not None) if answer.ok else None


async def ask_codec(asker: Asker, channel: str) -> str | None:
    """Ask for the codec of a live channel; None when it is gone or could still be one of several.

    Needs ``write=reporting``; costs nothing where ``channelvars=CHANNEL(audioreadformat)`` tells it in every event.
    Raises AmiConnectError when the connection is lost.
    """
    answer = await _ask(asker, _VARIABLE, ("Channel", channel), ("Variable", "CHANNEL(audionativeformat)"))
    value = answer.response.get("Value") if answer and answer.ok and answer.response is not None else None
    formats = (value or "").strip("()").split("|")
    return formats[0] if len(formats) == 1 and formats[0] not in {"", "none"} else None


def access_of(answer: Answer) -> Access:
    """Read an answer as a statement about rights and modules."""
    if answer.ok:
        return Access.WORKS
    text = answer.message.casefold()
    if text.startswith("permission denied"):
        return Access.DENIED
    if text.startswith("invalid/unknown command"):
        return Access.ABSENT
    return Access.FAILED


async def _ask_contacts_of(asker: Asker, endpoint: str) -> None:
    """Needs only ``write=reporting``; an AOR named like its endpoint is assumed, as every common set-up has it."""
    contacts = await _ask(asker, _VARIABLE, ("Variable", f"PJSIP_AOR({endpoint},contact)"))
    value = contacts.response.get("Value") if contacts and contacts.response is not None else None
    for contact in (value or "").split(","):
        if contact.strip() and _CONFIGURED_CONTACT not in contact:
            await _ask(asker, _VARIABLE, ("Variable", f"PJSIP_CONTACT({contact.strip()},user_agent)"))


async def _ask(asker: Asker, action: str, *headers: tuple[str, str]) -> Answer | None:
    """Ask about a name that came over the wire; None for one that cannot be sent back, which must not end the round."""
    try:
        return await asker.request(action, headers)
    except ValueError:
        return None


def _registered_phones(entries: Iterable[Message]) -> tuple[str, ...]:
    """Static peers are trunks: Asterisk never learns a User-Agent of them."""
    return tuple(
        name
        for entry in entries
        if (name := entry.get("ObjectName"))
        and (entry.get("Dynamic") or "").casefold() == "yes"
        and (entry.get("IPaddress") or "").casefold() not in _NO_ADDRESS
    )
