"""A call whose end never came, over a socket: the lists of channels show that it is over."""

from __future__ import annotations

from tests.app.office import office, running, until
from tests.fakes.scripted_manager import listing

MADE = (
    "Event: Newchannel\nPrivilege: call,all\nChannel: SIP/6117-00000001\nChannelState: 6\nChannelStateDesc: Up\n"
    "Uniqueid: 1700000000.1\nLinkedid: 1700000000.1\n\n"
)
NOBODY = listing("CoreShowChannel", [], "CoreShowChannelsComplete")


async def test_a_call_that_two_lists_do_not_name_is_shown_no_more() -> None:
    async with office({"coreshowchannels": NOBODY}, trunks=()) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        await until(lambda: here.client.abilities is not None and here.client.abilities.may("CoreShowChannels"))
        await here.manager.say(MADE)
        await until(lambda: here.room.pbxes()[0].calls == 1)
        for _ in range(2):
            await here.client.audit()
        await until(lambda: here.room.pbxes()[0].calls == 0)
        assert here.room.failing_parts() == []
