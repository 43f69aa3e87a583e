"""The bench as one object: a PBX, its provider, and what a scenario needs to make phones, relays and AMI sessions on them.

``async with bench(suite) as b`` installs what is missing, clears what an interrupted run left, starts both Asterisks and stops
everything at the end, however the block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from tests.live import install, pbx_config
from tests.live.ami import AmiReader, ami_session
from tests.live.install import Suite
from tests.live.ledger import Ledger
from tests.live.pbx import Pbx
from tests.live.phones import Phone, phone
from tests.live.plan import RECORDER, AmiUser, Ports
from tests.live.relay import Relay, Spoil, relay


@dataclass(frozen=True, slots=True)
class Bench:
    """What runs: see the module's own words."""

    suite: Suite
    ports: Ports
    ledger: Ledger
    tasks: asyncio.TaskGroup
    pbx: Pbx
    provider: Pbx
    authority: trustme.CA

    def phone(self, peer: str, **options: Any) -> AbstractAsyncContextManager[Phone]:
        """A registered phone of this peer; options are those of ``phones.phone``."""
        return phone(self.ports, self.ledger, self.tasks, peer, **options)

    def relay(self, peer: str, *, to_phone: Spoil, from_phone: Spoil) -> AbstractAsyncContextManager[Relay]:
        """A relay for the media of a phone that is started with ``relayed=True``."""
        return relay(self.ports.phone_rtp(peer.partition("/")[2]), to_phone, from_phone)

    def ami(self, user: AmiUser = RECORDER, *, tls: bool = False) -> AbstractAsyncContextManager[AmiReader]:
        """A logged-in AMI session."""
        if not tls:
            return ami_session(self.tasks, self.ports.ami, user)
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return ami_session(self.tasks, self.ports.ami_tls, user, context)

    async def trunks_up(self, timeout_s: float = 60) -> None:
        """Wait until the provider is reachable and has our registrations; Asterisk lets up to 10 s pass before it asks."""
        async with asyncio.timeout(timeout_s):
            while True:
                registrations = await self.pbx.cli("pjsip show registrations")
                contacts = await self.pbx.cli("pjsip show contacts")
                trunks = [line for line in contacts.splitlines() if f"127.0.0.1:{self.ports.provider}" in line]
                if len(re.findall(r" Registered ", registrations)) == len(trunks) == sum(" Avail " in line for line in trunks):
                    return
                await asyncio.sleep(0.5)

    def technologies(self) -> tuple[str, ...]:
        return ("SIP", "PJSIP") if self.suite.has_chan_sip else ("PJSIP",)


@contextlib.asynccontextmanager
async def bench(suite: Suite, ports: Ports | None = None, rtcp_interval_ms: int = 2000) -> AsyncIterator[Bench]:
    """Run a bench of this suite; raises InstallError or PbxError when it can not be had."""
    ports = ports or Ports()
    root = install.ensure_pbx(suite)
    ledger = Ledger(root / "srv/bench")
    ledger.sweep()
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")

    def write_main(folder: Path, home: str) -> None:
        pbx_config.write_main(folder, home, suite, ports, rtcp_interval_ms)
        server.private_key_and_cert_chain_pem.write_to_path(folder / "ami.pem")

    pbx = Pbx(root, "main", ledger, write_main)
    provider = Pbx(root, "provider", ledger, lambda folder, home: pbx_config.write_provider(folder, home, ports))
    async with asyncio.TaskGroup() as tasks:
        try:
            await provider.start()
            await pbx.start()
            yield Bench(suite, ports, ledger, tasks, pbx, provider, authority)
        finally:
            await pbx.stop()
            await provider.stop()
            ledger.close()
