"""A trunk or a phone that was deleted on the PBX, from what the manager answers to what people are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qualitywatch.model import MemberState
from tests.app.office import OTHER_TRUNK, TRUNK, office, running, until
from tests.fakes.scripted_manager import DENIED, UNKNOWN, Action, listing

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


PHONES = ("PJSIP/701", "PJSIP/702", "PJSIP/703")
DEVICES = listing(
    "DeviceStateChange",
    [
        {"Device": "PJSIP/701", "State": "UNAVAILABLE"},  # Asterisk remembers the device of one that is configured no more
        {"Device": "PJSIP/702", "State": "UNAVAILABLE"},
        {"Device": "PJSIP/703", "State": "NOT_INUSE"},
    ],
    "DeviceStateListComplete",
)
REGISTRATIONS = listing("OutboundRegistrationDetail", [], "OutboundRegistrationDetailComplete")


def getvar(configured: Callable[[str], bool]) -> Callable[[Action], str]:
    """Settings as Asterisk 13 to 23 tells them: an empty value of whom it does not know, and that is no error."""

    def answer(action: Action) -> str:
        variable = action["variable"]
        function, _, rest = variable.partition("(")
        values = {"PJSIP_ENDPOINT": "false", "PJSIP_AOR": "1" if rest.endswith("max_contacts)") else ""}
        value = values.get(function, "") if configured(rest.partition(",")[0]) else ""
        return f"Response: Success\nActionID: {{id}}\nVariable: {variable}\nValue: {value}\n\n"

    return answer


def phones(value: str | Callable[[Action], str]) -> dict[str, str | Callable[[Action], str]]:
    """A PBX with least rights: nothing but devices is listed."""
    return {"devicestatelist": DEVICES, "pjsipshowregistrationsoutbound": REGISTRATIONS, "getvar": value}


async def test_a_pjsip_phone_that_was_deleted_while_it_was_missed_is_told_as_removed() -> None:
    deleted = phones(getvar(lambda name: name != "701"))
    async with office(deleted, trunks=(), missed=PHONES[:2]) as here, running(here.watcher):
        await until(lambda: len(here.pipeline.alerts) == 1)
        assert [alert.key.subject for alert in here.pipeline.alerts] == ["PJSIP/702"]
        stored = await here.store.load()
        told = {
            member.key.subject: (member.state, member.resolved_because) for each in stored.incidents for member in each.members
        }
        assert told["PJSIP/701"] == (MemberState.RESOLVED, "removed")
        assert told["PJSIP/702"] == (MemberState.FIRING, None)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(getvar(lambda _: True), id="all are configured"),
        pytest.param(getvar(lambda _: False), id="no such function, or a database that is away"),
        pytest.param(lambda action: DENIED if "(702," in action["variable"] else getvar(lambda _: False)(action), id="denied"),
        pytest.param(UNKNOWN, id="no Getvar"),
    ],
)
async def test_what_a_pbx_cannot_tell_of_endpoints_ends_nothing(value: str | Callable[[Action], str]) -> None:
    async with office(phones(value), trunks=(), missed=PHONES[:2]) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        for times in range(2, 5):
            here.client.refresh()
            await here.manager.asked("CoreShowChannels", times)
        await until(lambda: not len(here.client.inbox))
        assert {alert.key.subject for alert in here.pipeline.alerts} == set(PHONES[:2])
