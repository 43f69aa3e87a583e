"""Events of a channel's life: created, changed, held, hung up, and the list of channels alive now; and of the calls we make.

Strategy: each handler reads the channel block; an event without one says nothing we could use.  Calls of ours are told from
everybody else's by the uniqueid we gave them.

Standard: ``main/manager_channels.c`` and ``main/manager.c`` (``fast_originate``) of Asterisk 12 to 23.
"""

from __future__ import annotations

from qualitywatch.ami.codec import Message
from qualitywatch.ami.fields import channel, whole
from qualitywatch.model import CallOutcome, Channel, ChannelChanged, ChannelHeld, ChannelHungUp, DigitHeard

OWN_CHANNEL = "qualitywatch-"
"""How the uniqueids of channels begin that were originated by us (header ChannelId of Originate)."""


def channel_changed(message: Message, at: float) -> tuple[ChannelChanged, ...]:
    """Read Newchannel or Newstate."""
    block = channel(message)
    return () if block is None else (ChannelChanged(at, block),)


def channel_listed(message: Message, at: float) -> tuple[ChannelChanged, ...]:
    """Read an item of CoreShowChannels."""
    block = channel(message)
    return () if block is None else (ChannelChanged(at, block, listed=True),)


def channel_renamed(message: Message, at: float) -> tuple[ChannelChanged, ...]:
    """Read Rename (masquerades, some transfers): the same uniqueid under a new name, and nothing else is told."""
    name, uniqueid = message.get("Newname"), message.get("Uniqueid")
    return (ChannelChanged(at, Channel(name=name, uniqueid=uniqueid)),) if name and uniqueid else ()


def channel_held(message: Message, at: float) -> tuple[ChannelHeld, ...]:
    """Read Hold: the peer put us on hold, its stream may stop without being broken."""
    block = channel(message)
    return () if block is None else (ChannelHeld(at, block, on_hold=True),)


def channel_unheld(message: Message, at: float) -> tuple[ChannelHeld, ...]:
    """Read Unhold."""
    block = channel(message)
    return () if block is None else (ChannelHeld(at, block, on_hold=False),)


def channel_hung_up(message: Message, at: float) -> tuple[ChannelHungUp, ...]:
    """Read Hangup; ``cause`` is the Q.850 cause, ``tech_cause`` the SIP code where the version tells it."""
    block = channel(message)
    if block is None:
        return ()
    return (ChannelHungUp(at, block, cause=whole(message.get("Cause")), tech_cause=message.get("TechCause") or None),)


def digit_heard(message: Message, at: float) -> tuple[DigitHeard, ...]:
    """Read DTMFEnd on a channel of ours; what others press is nobody's business here.

    A key pressed behind a Local channel is told three times, on the phone, ``;2`` (as sent) and ``;1``: the last is ours.
    """
    uniqueid, digit = message.get("Uniqueid") or "", message.get("Digit") or ""
    if not uniqueid.startswith(OWN_CHANNEL) or not digit or message.get("Direction") == "Sent":
        return ()
    return (DigitHeard(at, uniqueid, digit),)


def call_outcome(message: Message, at: float) -> tuple[CallOutcome, ...]:
    """Read OriginateResponse of a call of ours; it carries our uniqueid also when no channel ever came to be."""
    uniqueid = message.get("Uniqueid") or ""
    if not uniqueid.startswith(OWN_CHANNEL):
        return ()
    answered = (message.get("Response") or "").casefold() == "success"
    return (CallOutcome(at, uniqueid, answered, whole(message.get("Reason"))),)
