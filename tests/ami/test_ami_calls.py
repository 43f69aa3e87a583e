"""Channels: from creation to hangup."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import translate
from qualitywatch.model import (
    CallOutcome,
    Channel,
    ChannelChanged,
    ChannelHeld,
    ChannelHungUp,
    DigitHeard,
    PbxEvent,
)

CAPTURES = Path(__file__).parents[1] / "captures"

BLOCK = """Timestamp: 10.5
Channel: PJSIP/trunk-a-0000004f
ChannelStateDesc: Up
CallerIDNum: 74950001122
CallerIDName: Anna
Uniqueid: 8.1
Linkedid: 8.0"""
CHANNEL = Channel("PJSIP/trunk-a-0000004f", "8.1", "8.0", "Up", "74950001122", "Anna")


def recorded(folder: str, name: str) -> list[PbxEvent]:
    messages = Decoder().feed((CAPTURES / folder / "input.ami").read_bytes())
    return [event for message in messages if message.name == name for event in translate(message, 5.0)]


def said(text: str) -> tuple[PbxEvent, ...]:
    return translate(Message(text.replace("\n", "\r\n").encode() + b"\r\n\r\n"), 5.0)


def test_a_call_begins_rings_and_ends() -> None:
    made = recorded("asterisk-20/sip-bridge-loss", "Newchannel")[0]
    assert made == ChannelChanged(
        1795377230.003408, Channel("SIP/6117-00000002", "1795377230.2", "1795377230.2", "Down", "6117", "User 6117")
    )
    rang = recorded("asterisk-20/sip-bridge-loss", "Newstate")[0]
    assert isinstance(rang, ChannelChanged)
    assert (rang.channel.uniqueid, rang.channel.state) == ("1795377230.2", "Ring")
    ended = {
        event.channel.peer: event
        for event in recorded("asterisk-20/sip-bridge-loss", "Hangup")
        if isinstance(event, ChannelHungUp)
    }
    assert (ended["SIP/6117"].at, ended["SIP/6117"].cause, ended["SIP/6117"].tech_cause) == (1795377292.008092, 16, None)


def test_a_refused_call_tells_the_sip_code_where_asterisk_does() -> None:
    ended = [event for event in recorded("asterisk-22/pjsip-bridge-loss", "Hangup") if isinstance(event, ChannelHungUp)]
    assert [(event.channel.peer, event.cause, event.tech_cause) for event in ended[:1]] == [("PJSIP/trunk-pj", 21, "401")]


@pytest.mark.parametrize(("name", "listed"), [("Newchannel", False), ("Newstate", False), ("CoreShowChannel", True)])
def test_changes_and_list_items_read_alike(name: str, listed: bool) -> None:
    assert said(f"Event: {name}\nActionID: 1\n{BLOCK}") == (ChannelChanged(10.5, CHANNEL, listed=listed),)


def test_a_renamed_channel_keeps_its_uniqueid() -> None:
    renamed = said("Event: Rename\nChannel: SIP/1-1\nNewname: SIP/1-1<MASQ>\nUniqueid: 8.1")
    assert renamed == (ChannelChanged(5.0, Channel("SIP/1-1<MASQ>", "8.1")),)
    assert said("Event: Rename\nChannel: SIP/1-1\nUniqueid: 8.1") == ()


def test_hold_and_unhold() -> None:
    assert said(f"Event: Hold\n{BLOCK}\nMusicClass: default") == (ChannelHeld(10.5, CHANNEL, on_hold=True),)
    assert said(f"Event: Unhold\n{BLOCK}") == (ChannelHeld(10.5, CHANNEL, on_hold=False),)


@pytest.mark.parametrize(("cause", "read"), [("16", 16), ("", None), ("sixteen", None), ("-1", None)])
def test_hangup_causes(cause: str, read: int | None) -> None:
    assert said(f"Event: Hangup\n{BLOCK}\nCause: {cause}") == (ChannelHungUp(10.5, CHANNEL, cause=read),)


@pytest.mark.parametrize("name", ["Newchannel", "Hold", "Unhold", "Hangup"])
def test_an_event_without_channel_is_nothing(name: str) -> None:
    assert said(f"Event: {name}\nUniqueid: 8.1") == ()
    assert said(f"Event: {name}\nChannel: SIP/1-1") == ()


@pytest.mark.parametrize(
    ("variables", "codec"),
    [
        ("ChanVariable: FROM_DID=\nChanVariable: CHANNEL(audioreadformat)=opus", "opus"),
        ("ChanVariable: CHANNEL(audioreadformat)=none", None),
        ("ChanVariable: CHANNEL(audioreadformat)=", None),
        ("ChanVariable: XCHANNEL(audioreadformat)=opus", None),
        ("DestChanVariable: CHANNEL(audioreadformat)=opus", None),
    ],
)
def test_the_codec_is_one_of_the_repeated_variables(variables: str, codec: str | None) -> None:
    (changed,) = said(f"Event: Newstate\n{BLOCK}\n{variables}")
    assert isinstance(changed, ChannelChanged)
    assert changed.channel.codec == codec


def test_unknown_callers_are_none_and_escapes_are_undone() -> None:
    (changed,) = said("Event: Newstate\nChannel: SIP/1-1\nUniqueid: 8.1\nCallerIDNum: <unknown>\nCallerIDName: O\\'Neil")
    assert changed == ChannelChanged(5.0, Channel("SIP/1-1", "8.1", caller_name="O'Neil"))


def test_a_caller_name_in_cp1251_survives() -> None:
    name = "Анна Ильина".encode("cp1251")
    (changed,) = translate(
        Message(b"Event: Newstate\r\nChannel: SIP/1-1\r\nUniqueid: 8.1\r\nCallerIDName: " + name + b"\r\n\r\n"), 5.0
    )
    assert isinstance(changed, ChannelChanged)
    assert changed.channel.caller_name is not None
    assert changed.channel.caller_name.encode("utf-8", "surrogateescape") == name


# As Asterisk 22.10 said it of Originate with Channel: Local/701@internal and ChannelId: qualitywatch-7-1; 16.28 says the same.
KEY = """Event: DTMFEnd
Privilege: dtmf,all
Timestamp: 1795398975.972333
Channel: {channel}
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: 701
CallerIDName: Clara
Uniqueid: {uniqueid}
Linkedid: qualitywatch-7-1
Digit: 1
DurationMs: 200
Direction: {direction}"""
ANSWERED = """Event: OriginateResponse
Privilege: call,all
Timestamp: 1795398974.783007
ActionID: x2
Response: Success
Channel: Local/701@internal-00000000;1
Application: Read
Data: QUALITYWATCH,beep,1,,5,6
Reason: 4
Uniqueid: qualitywatch-7-1
CallerIDNum: 100
CallerIDName: qualitywatch
ChanVariable(Local/701@internal-00000000;1): CHANNEL(audioreadformat)=slin"""


def test_a_key_behind_a_local_channel_is_told_three_times_and_heard_once() -> None:
    legs = [
        ("PJSIP/701-00000001", "1795398974.3", "Received"),
        ("Local/701@internal-00000000;2", "qualitywatch-7-1;2", "Sent"),
        ("Local/701@internal-00000000;1", "qualitywatch-7-1", "Received"),
    ]
    heard = [
        event
        for channel, uniqueid, direction in legs
        for event in said(KEY.format(channel=channel, uniqueid=uniqueid, direction=direction))
    ]
    assert heard == [DigitHeard(1795398975.972333, "qualitywatch-7-1", "1")]


def test_a_call_of_ours_was_answered() -> None:
    assert said(ANSWERED) == (CallOutcome(1795398974.783007, "qualitywatch-7-1", answered=True, reason=4),)


def test_a_call_of_ours_failed_before_there_was_a_channel() -> None:
    text = """Event: OriginateResponse
Privilege: call,all
Timestamp: 1795398988.902832
ActionID: x14
Response: Failure
Channel: PJSIP/nobody
Application: Read
Data: QUALITYWATCH,beep,1,,5,6
Reason: 0
Uniqueid: qualitywatch-11-2
CallerIDNum: 100
CallerIDName: qualitywatch"""
    assert said(text) == (CallOutcome(1795398988.902832, "qualitywatch-11-2", answered=False, reason=0),)


@pytest.mark.parametrize(
    "text",
    [
        ANSWERED.replace("Uniqueid: qualitywatch-7-1", "Uniqueid: 1795398974.3"),
        ANSWERED.replace("Uniqueid: qualitywatch-7-1\n", ""),
        KEY.format(channel="PJSIP/701-1", uniqueid="qualitywatch-7-1", direction="Received").replace("Digit: 1", "Digit: "),
    ],
    ids=["a call of others", "no uniqueid", "no digit"],
)
def test_what_is_not_about_a_call_of_ours_means_nothing(text: str) -> None:
    assert said(text) == ()
