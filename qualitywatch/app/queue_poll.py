"""Reads the queues of one PBX at a steady pace: nobody tells when a caller has waited too long, so it has to be asked.

Strategy: one small question at a time, never before the PBX's own lists were read; the answers flow through the inbox like any
event, so reading them can hold up nothing else.  A PBX that refuses, or has no queues module, is not asked again on this
connection: most have none, and that is no fault.  An answer that is merely late is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, NoReturn

from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.resync import Abilities, Access, access_of
from qualitywatch.errors import AmiConnectError

log = logging.getLogger(__name__)

ACTION: Final = "QueueSummary"
_REASONS: Final = {
    Access.ABSENT: "this Asterisk has no queues (app_queue is not loaded)",
    Access.DENIED: "this manager user may not ask for queues",
    Access.FAILED: "no usable answer, asked again",
}


class QueuePoll:
    """Asks as long as it may; ``every_s`` is the pace."""

    def __init__(self, client: AmiClient, every_s: float) -> None:
        self._client = client
        self._every_s = every_s
        self._refused: Abilities | None = None  # on the connection they belong to
        self._told: Access | None = None

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.ask()

    async def ask(self) -> None:
        """Ask once, unless it was refused on this connection, or there is none."""
        abilities = self._client.abilities
        if abilities is None or abilities is self._refused or not self._client.connected:
            return
        try:
            answer = await self._client.request(ACTION)
        except AmiConnectError:
            return
        access = access_of(answer)
        self._refused = abilities if access in {Access.ABSENT, Access.DENIED} else None
        self._tell(access)

    def _tell(self, access: Access) -> None:
        if access is self._told:
            return
        pbx = self._client.endpoint.name
        if access is not Access.WORKS:
            log.info('queues.not_read pbx=%s reason="%s"', pbx, _REASONS[access])
        elif self._told is not None:
            log.info("queues.read_again pbx=%s", pbx)
        self._told = access
