"""A trunk that was deleted on the PBX, from what the manager lists to what people are told."""

from __future__ import annotations

from qualitywatch.model import MemberState
from tests.app.office import OTHER_TRUNK, TRUNK, office, running, until
from tests.fakes.scripted_manager import DENIED, listing

KEPT = {"Host": "sip.example", "Username": "74993802", "Refresh": "105", "State": "Rejected"}
LIST = listing("RegistryEntry", [KEPT], "RegistrationsComplete")


async def test_what_two_lists_no_longer_name_is_told_as_removed_and_the_rest_goes_on() -> None:
    async with office({"sipshowregistry": LIST}, trunks=(TRUNK, OTHER_TRUNK)) as here, running(here.watcher):
        await until(lambda: len(here.pipeline.alerts) == 1)
        assert [alert.key.subject for alert in here.pipeline.alerts] == [OTHER_TRUNK]
        stored = await here.store.load()
        told = {
            member.key.subject: (member.state, member.resolved_because) for each in stored.incidents for member in each.members
        }
        assert told[TRUNK] == (MemberState.RESOLVED, "removed")
        assert told[OTHER_TRUNK] == (MemberState.FIRING, None)
        assert here.manager.names().count("SIPshowregistry") >= 2


async def test_a_list_that_is_cut_short_or_denied_ends_nothing() -> None:
    cut = LIST.replace("ListItems: 1", "ListItems: 2")
    async with office({"sipshowregistry": cut}, trunks=(TRUNK, OTHER_TRUNK)) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        here.manager.answers["sipshowregistry"] = DENIED
        for times in range(2, 5):
            here.client.refresh()
            await here.manager.asked("CoreShowChannels", times)
        await until(lambda: not len(here.client.inbox))
        assert {alert.key.subject for alert in here.pipeline.alerts} == {TRUNK, OTHER_TRUNK}
