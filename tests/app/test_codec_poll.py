"""Asking a PBX for the codec of a channel whose name a stranger chose."""

from __future__ import annotations

from qualitywatch.ami.codec import Message
from tests.app.office import office, running

CODEC = "Response: Success\nActionID: {id}\nVariable: CHANNEL(audionativeformat)\nValue: (alaw)\n\n"


def answered(name: str, uniqueid: str) -> bytes:
    """Two events of a channel that is answered, as they go over the wire; the name may hold anything but CR LF."""
    frames = ""
    for event, number, state in (("Newchannel", 0, "Down"), ("Newstate", 6, "Up")):
        frames += (
            f"Event: {event}\r\nPrivilege: call,all\r\nChannel: {name}\r\nChannelState: {number}\r\n"
            f"ChannelStateDesc: {state}\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n\r\n"
        )
    return frames.encode()


async def test_a_name_that_cannot_be_sent_back_costs_its_own_question_alone() -> None:
    assert (
        Message(answered("SIP/1\nx-00000001", "1.1").split(b"\r\n\r\n")[0] + b"\r\n\r\n").get("Channel") == "SIP/1\nx-00000001"
    )
    async with office({"getvar": CODEC}, trunks=()) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        for name, uniqueid in (
            ("SIP/1\nx-00000001", "1700000000.1"),
            ("Local/5@from-internal-00000002;1", "1700000000.2"),  # no reports come of it
            ("SIP/6117-00000003", "1700000000.3"),
        ):
            await here.manager.say(answered(name, uniqueid))
        await here.manager.until(lambda: any("channel" in action for action in here.manager.actions))
        asked = [action["channel"] for action in here.manager.actions if "channel" in action]
        assert asked == ["SIP/6117-00000003"]
        assert here.room.failing_parts() == []
        assert here.manager.connections == 1
