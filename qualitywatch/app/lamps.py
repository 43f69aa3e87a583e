"""Lamps of desk phones that show how trunks stand, by AMI ``Setvar DEVICE_STATE(Custom:...)``.

A desk phone subscribes to a hint (``exten => *70,hint,Custom:trunk-mango``) and lights its key: dark while the trunk is
registered, lit while it is not, blinking while the registration is being retried, unavailable while nobody knows.  States are set
when they change and after every reconnect, because Asterisk may have been restarted meanwhile.  Needs ``call`` in ``write=``
of manager.conf.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from qualitywatch.app.watcher import Watcher
from qualitywatch.config import LampConfig
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import TrunkState

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
RETRY_S: Final = 60.0  # after a refusal: rights are mended by hand

# Device states as func_devstate takes them.
LAMPS: Final[Mapping[TrunkState, str]] = {
    TrunkState.REGISTERED: "NOT_INUSE",
    TrunkState.RETRYING: "RINGING",
    TrunkState.REJECTED: "INUSE",
    TrunkState.FAILED: "INUSE",
    TrunkState.UNREGISTERED: "INUSE",
    TrunkState.SILENT: "INUSE",
    TrunkState.UNKNOWN: "UNAVAILABLE",
}


class Lamps:
    """Sets the lamps of all trunks that have one."""

    def __init__(self, lamps: Sequence[LampConfig], watchers: Mapping[str, Watcher], *, look_s: float = LOOK_S) -> None:
        self._lamps = lamps
        self._watchers = watchers
        self._shown: dict[LampConfig, str] = {}
        self._refused: dict[str, str] = {}  # by PBX
        self._look_s = look_s

    async def run(self) -> NoReturn:
        """Keep the lamps true, for ever."""
        while True:
            pause_s = self._look_s
            for lamp in self._lamps:
                if not await self._set(lamp):
                    pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Nothing is held."""

    async def _set(self, lamp: LampConfig) -> bool:
        watcher = self._watchers[lamp.pbx]
        if not watcher.client.connected or watcher.pipeline.blind_since is not None:
            self._shown.pop(lamp, None)
            return True
        wanted = LAMPS[watcher.pipeline.trunks.states().get(lamp.trunk, TrunkState.UNKNOWN)]
        if self._shown.get(lamp) == wanted:
            return True
        try:
            variable = f"DEVICE_STATE(Custom:{lamp.device})"
            answer = await watcher.client.request("Setvar", (("Variable", variable), ("Value", wanted)))
        except AmiConnectError:
            return True
        if not answer.ok:
            self._say(lamp, answer.message or "no answer")
            return False
        if self._refused.pop(lamp.pbx, None) is not None:
            log.info("lamps.work_again pbx=%s", lamp.pbx)
        log.info("lamp.set pbx=%s trunk=%s device=%s state=%s", lamp.pbx, ascii(lamp.trunk), lamp.device, wanted)
        self._shown[lamp] = wanted
        return True

    def _say(self, lamp: LampConfig, reason: str) -> None:
        if self._refused.get(lamp.pbx) != reason:
            self._refused[lamp.pbx] = reason
            log.error(
                'lamp.not_set pbx=%s device=%s reason="%s" remedy="give the manager user call in write= (manager.conf)"',
                lamp.pbx,
                lamp.device,
                reason,
            )
