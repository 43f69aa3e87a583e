"""BLF lamps: what Asterisk is told when a trunk changes, after a reconnect, and when it refuses."""

from __future__ import annotations

import asyncio
import logging

import pytest

from qualitywatch.app.lamps import Lamps
from qualitywatch.config import LampConfig
from tests.app.office import START, TRUNK, Office, office, running, until
from tests.fakes.scripted_manager import DENIED, listing

SET = "Response: Success\nActionID: {id}\nMessage: Variable Set\n\n"
LAMP = LampConfig(TRUNK, "office", "trunk-mango")


def registered_as(state: str) -> str:
    row = {"Host": "sip.example", "Port": "5060", "Username": "74993801", "Refresh": "105", "State": state}
    return listing("RegistryEntry", [row], "RegistrationsComplete")


def says(status: str) -> str:
    return (
        f"Event: Registry\nPrivilege: system,all\nTimestamp: {START + 1}\nChannelType: SIP\nUsername: 74993801\n"
        f"Domain: sip.example\nStatus: {status}\n\n"
    )


ANSWERS = {"setvar": SET, "sipshowregistry": registered_as("Registered")}


def lamps(here: Office, *, retry_s: float = 60.0, lamp: LampConfig = LAMP) -> Lamps:
    return Lamps([lamp], {"office": here.watcher}, look_s=0.005, retry_s=retry_s)


def shown(here: Office) -> list[str]:
    """What the lamp was told to show, in order."""
    sent = here.asked("Setvar")
    assert all(headers["variable"] == "DEVICE_STATE(Custom:trunk-mango)" for headers in sent)
    return [headers["value"] for headers in sent]


@pytest.mark.parametrize(
    ("status", "lamp"),
    [("Rejected", "INUSE"), ("Unregistered", "INUSE"), ("Request Sent", "RINGING")],
    ids=["lit when refused", "lit when gone", "blinks while it tries"],
)
async def test_a_lamp_is_dark_while_the_trunk_is_registered_and_changes_with_it(status: str, lamp: str) -> None:
    async with office(ANSWERS) as here, running(here.watcher, lamps(here)):
        await until(lambda: shown(here) == ["NOT_INUSE"])
        await here.manager.say(says(status))
        await until(lambda: shown(here) == ["NOT_INUSE", lamp])
        await here.manager.say(says("Registered"))
        await until(lambda: shown(here) == ["NOT_INUSE", lamp, "NOT_INUSE"])
        await asyncio.sleep(0.1)
        assert len(shown(here)) == 3  # told when it changes, not at every look


async def test_lamps_are_set_anew_after_a_reconnect() -> None:
    async with office(ANSWERS) as here, running(here.watcher, lamps(here)):
        await until(lambda: shown(here) == ["NOT_INUSE"])
        here.manager.answers["sipshowregistry"] = registered_as("Rejected")
        await here.manager.drop()
        await until(lambda: shown(here)[1:] and shown(here)[-1] == "INUSE")
        here.manager.answers["sipshowregistry"] = registered_as("Rejected")
        told = len(shown(here))
        await here.manager.drop()
        await until(lambda: shown(here)[told:] == ["INUSE"])  # the same as before, and yet told again


async def test_a_missing_right_is_said_once_with_its_remedy_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with office({**ANSWERS, "setvar": DENIED}) as here, running(here.watcher, lamps(here, retry_s=0.02)):
        await here.manager.asked("Setvar", 3)
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert errors == [
            'lamp.not_set pbx=office device=trunk-mango reason="Permission denied" '
            'remedy="add call to write= of the manager user in manager.conf, then restart qualitywatch"'
        ]
        here.manager.answers["setvar"] = SET
        await until(lambda: "lamp.works_again pbx=office" in caplog.text)
    assert "device=trunk-mango state=NOT_INUSE" in caplog.text


async def test_after_a_refusal_asterisk_is_left_in_peace_for_a_while() -> None:
    async with office({**ANSWERS, "setvar": DENIED}) as here, running(here.watcher, lamps(here)):
        await here.manager.asked("Setvar")
        await asyncio.sleep(0.1)
        assert len(shown(here)) == 1


async def test_a_trunk_that_nobody_has_seen_is_unavailable_and_its_name_is_questioned_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    misspelt = LampConfig("SIP/74993801@sip.exmaple", "office", "trunk-mango")
    async with office(ANSWERS) as here, running(here.watcher, lamps(here, lamp=misspelt)):
        await until(lambda: shown(here) == ["UNAVAILABLE"])
        await asyncio.sleep(0.05)
    warnings = [record.getMessage() for record in caplog.records if "lamp." in record.getMessage()]
    assert warnings == [f"lamp.trunk_not_seen pbx=office trunk='SIP/74993801@sip.exmaple' registrations_seen=\"{TRUNK}\""]


async def test_the_daemon_can_stop_while_asterisk_owes_an_answer() -> None:
    async with office({**ANSWERS, "setvar": ""}) as here, asyncio.timeout(5), running(here.watcher, lamps(here)):
        await here.manager.asked("Setvar")
