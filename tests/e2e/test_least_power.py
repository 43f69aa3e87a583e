"""What the daemon sends to a PBX unless it is told to do more: questions, and none that takes more than ``reporting``.

Every recording there is, watched by one daemon with the shipped rules and nothing else configured, through somebody who keeps
what it sends; and a PBX that would let it do anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
import yaml

from qualitywatch.ami.server import CaptureServer
from tests.conftest import CAPTURES
from tests.e2e.processes import Site, running
from tests.fakes.doctor_pbx import Call, DoctorPbx
from tests.fakes.eavesdropper import Eavesdropper
from tests.fakes.fake_telegram import FakeTelegram

CLASSES: Final[Mapping[str, frozenset[str]]] = {
    # The session itself.
    "Challenge": frozenset(),
    "Login": frozenset(),
    "Logoff": frozenset(),
    "Ping": frozenset(),
    "Events": frozenset(),
    # How things stand.
    "CoreSettings": frozenset({"system", "reporting"}),
    "CoreShowChannels": frozenset({"system", "reporting"}),
    "DeviceStateList": frozenset({"call", "reporting"}),
    "Getvar": frozenset({"call", "reporting"}),
    "IAXpeerlist": frozenset({"system", "reporting"}),
    "IAXregistry": frozenset({"system", "reporting"}),
    "PJSIPShowRegistrationsOutbound": frozenset({"system", "reporting"}),
    "QueueSummary": frozenset(),
    "SIPpeers": frozenset({"system", "reporting"}),
    "SIPshowpeer": frozenset({"system", "reporting"}),
    "SIPshowregistry": frozenset({"system", "reporting"}),
    # Tried once on each connection; refused without ``system``, which nobody should give for it.
    "PJSIPShowRegistrationInboundContactStatuses": frozenset({"system"}),
}
"""Everything the daemon may send on its own account: ``EVENT_FLAG_...`` of main/manager.c, app_queue, chan_* and res_pjsip."""

TRIED: Final = "PJSIPShowRegistrationInboundContactStatuses"
RECORDINGS: Final = sorted(CAPTURES.glob("*/*/input.ami"))


def test_reporting_is_enough_for_everything_but_one_question() -> None:
    assert [name for name, classes in CLASSES.items() if classes and "reporting" not in classes] == [TRIED]


@pytest.mark.slow
async def test_on_every_recording_only_questions_are_sent(tmp_path: Path) -> None:
    assert len(RECORDINGS) > 25
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(FakeTelegram())
        servers, ears = [], {}
        for path in RECORDINGS:
            server = CaptureServer(path.read_bytes(), speed=0)
            port = await server.start()
            stack.push_async_callback(server.stop)
            name = f"{path.parent.parent.name}-{path.parent.name}"
            ears[name] = await stack.enter_async_context(Eavesdropper(port).listening())
            servers.append(server)
        config = Site(tmp_path, {name: ear.port for name, ear in ears.items()}, telegram.url).write()
        async with running(config) as daemon:
            async with asyncio.timeout(90):
                for server in servers:
                    await server.finished.wait()
            await telegram.wait_sent(3, timeout_s=60)  # what was played was judged and told
            assert await daemon.stop() == 0
    sent = {name: ear.names for name, ear in ears.items()}
    assert {name: names - set(CLASSES) for name, names in sent.items() if names - set(CLASSES)} == {}
    assert all({"Challenge", "Login", "Ping", "CoreShowChannels"} <= names for names in sent.values())


@pytest.mark.slow
async def test_a_pbx_that_would_let_it_do_anything_is_asked_nothing_else(tmp_path: Path) -> None:
    everything = ("system", "call", "reporting", "command", "config", "originate", "agent", "user", "dialplan")
    pbx = DoctorPbx(write=everything, calls=[Call(), Call("PJSIP/102", sent=False)], sip_peers={"6117": True})
    async with FakeTelegram() as telegram, pbx.manager().listening() as manager:
        config = Site(tmp_path, {"office": manager.port}, telegram.url).write()
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
        document["pbx"][0]["queues"] = {"every": "5s"}
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        async with running(config) as daemon:
            await manager.asked("QueueSummary")
            assert await daemon.stop() == 0
        assert set(manager.names()) <= set(CLASSES), set(manager.names()) - set(CLASSES)


async def test_what_cannot_be_seen_with_fewer_rights_is_said(tmp_path: Path) -> None:
    told = {
        ("reporting",): [],
        (): [
            "peers, registrations and channels from before the connection: add reporting to write= in manager.conf",
            "User-Agents of PJSIP phones: add reporting to write= in manager.conf",
        ],
    }
    for write, texts in told.items():
        folder = tmp_path / ("_".join(write) or "nothing")
        folder.mkdir()
        pbx = DoctorPbx(read=("system", "call", "reporting"), write=write)
        async with (
            FakeTelegram() as telegram,
            pbx.manager().listening() as manager,
            running(Site(folder, {"office": manager.port}, telegram.url).write()) as daemon,
        ):
            await daemon.logged("ami.resynced")
            await daemon.logged("ami.limited" if not texts else "ami.not_visible")
            assert await daemon.stop() == 0
        log = "\n".join(daemon.log)
        assert all(text in log for text in texts), log
        assert ("ami.not_visible" in log) == bool(texts)


@pytest.mark.slow
async def test_without_system_in_read_it_says_what_it_may_miss(tmp_path: Path) -> None:
    async with (
        FakeTelegram() as telegram,
        DoctorPbx(read=("call", "reporting")).manager().listening() as manager,
        running(Site(tmp_path, {"office": manager.port}, telegram.url).write()) as daemon,
    ):
        line = await daemon.logged("ami.not_visible")
        assert await daemon.stop() == 0
    assert "perhaps all changes of peers, contacts and registrations" in line
    assert "add system to read= in manager.conf" in line
