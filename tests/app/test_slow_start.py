"""A PBX that is slow while we log in is not left half unseen for as long as the connection lasts."""

from __future__ import annotations

import pytest

from qualitywatch.ami.session import SessionTimeouts
from qualitywatch.app import watcher
from qualitywatch.model import AlertState
from tests.app.office import office, running, until
from tests.fakes.scripted_manager import DENIED, listing

DEAD = {"Host": "192.0.2.1:4569", "Username": "branch", "Perceived": "<Unregistered>", "Refresh": "60", "State": "Rejected"}
REGISTRIES = listing("RegistryEntry", [DEAD], "RegistrationsComplete")
CHANNELS = listing("CoreShowChannel", [], "CoreShowChannelsComplete")
QUICKLY = SessionTimeouts(request_s=0.1)


async def test_a_registrar_that_died_is_told_although_the_first_list_did_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "REGISTRY_POLL_S", 0.05)
    monkeypatch.setattr(watcher, "AUDIT_S", 0.05)
    async with office({"iaxregistry": "", "coreshowchannels": ""}, trunks=(), timeouts=QUICKLY) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        here.manager.answers |= {"iaxregistry": REGISTRIES, "coreshowchannels": CHANNELS}
        await until(lambda: any(alert.state is AlertState.FIRING for alert in here.pipeline.alerts))
        assert here.pipeline.alerts[0].key.subject == "IAX2/branch@192.0.2.1:4569"
        await here.manager.asked("CoreShowChannels", 3)


async def test_what_is_refused_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "REGISTRY_POLL_S", 0.02)
    monkeypatch.setattr(watcher, "AUDIT_S", 0.02)
    slow = {"iaxregistry": "", "coreshowchannels": DENIED}
    async with office(slow, trunks=(), timeouts=QUICKLY) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        here.manager.answers["iaxregistry"] = DENIED
        await until(lambda: here.client.abilities is not None and not here.client.abilities.may("IAXregistry"))
        await here.client.audit()
        assert here.manager.names().count("CoreShowChannels") == 1
