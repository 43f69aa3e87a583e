"""Lamps of desk phones that show how trunks stand, by AMI ``Setvar DEVICE_STATE(Custom:...)``.

A desk phone subscribes to a hint (``exten => *70,hint,Custom:trunk-mango``) and lights its key: dark while the trunk is
registered, lit while it is not, blinking while the registration is being retried, unavailable while nobody knows.  States are
set when they change and after every reconnect, because somebody else may have set them meanwhile.  A lamp cannot be changed
while the PBX is out of sight: then it shows what was true last.

Needs ``call`` in ``write=`` of manager.conf.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NoReturn

from qualitywatch.app.watcher import Watcher
from qualitywatch.config import LampConfig
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import Connected, PbxEvent, Resynced, TrunkState

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

    def __init__(
        self,
        lamps: Sequence[LampConfig],
        watchers: Mapping[str, Watcher],
        *,
        look_s: float = LOOK_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._lamps = lamps
        self._watchers = watchers
        self._shown: dict[LampConfig, str] = {}
        self._listed: set[str] = set()  # PBXes that have told all their registrations
        self._unseen: set[LampConfig] = set()  # lamps whose trunk nobody has seen, which was said
        self._refused: dict[str, str] = {}  # by PBX, why
        self._not_before: dict[str, float] = {}  # by PBX, on the event loop's clock
        self._look_s = look_s
        self._retry_s = retry_s
        for pbx in dict.fromkeys(lamp.pbx for lamp in lamps):
            watchers[pbx].listeners.append(partial(self._hear, pbx))

    async def run(self) -> NoReturn:
        """Keep the lamps true, for ever."""
        while True:
            for lamp in self._lamps:
                await self._tend(lamp)
            await asyncio.sleep(self._look_s)

    async def close(self) -> None:
        """Nothing is held."""

    def _hear(self, pbx: str, event: PbxEvent) -> None:
        match event:
            case Connected():
                self._shown = {lamp: shown for lamp, shown in self._shown.items() if lamp.pbx != pbx}
                self._not_before.pop(pbx, None)  # rights are those of the login
            case Resynced():
                self._listed.add(pbx)
            case _:
                pass

    async def _tend(self, lamp: LampConfig) -> None:
        watcher = self._watchers[lamp.pbx]
        if not watcher.client.connected or watcher.pipeline.blind_since is not None or lamp.pbx not in self._listed:
            return
        if asyncio.get_running_loop().time() < self._not_before.get(lamp.pbx, 0.0):
            return
        states = watcher.pipeline.trunks.states()
        if lamp.trunk not in states:
            self._say_unseen(lamp, states)
        wanted = LAMPS[states.get(lamp.trunk, TrunkState.UNKNOWN)]
        if self._shown.get(lamp) != wanted:
            await self._set(lamp, wanted, watcher)

    async def _set(self, lamp: LampConfig, wanted: str, watcher: Watcher) -> None:
        headers = (("Variable", f"DEVICE_STATE(Custom:{lamp.device})"), ("Value", wanted))
        self._shown[lamp] = wanted  # first: a reconnect meanwhile must be able to forget it
        try:
            answer = await watcher.client.request("Setvar", headers)
        except AmiConnectError:
            self._shown.pop(lamp, None)
            return
        if not answer.ok:
            self._shown.pop(lamp, None)
            self._not_before[lamp.pbx] = asyncio.get_running_loop().time() + self._retry_s
            self._say_refused(lamp, answer.message or "no answer")
            return
        if self._refused.pop(lamp.pbx, None) is not None:
            log.info("lamp.works_again pbx=%s", lamp.pbx)
        log.info("lamp.set pbx=%s trunk=%s device=%s state=%s", lamp.pbx, ascii(lamp.trunk), lamp.device, wanted)

    def _say_refused(self, lamp: LampConfig, reason: str) -> None:
        if self._refused.get(lamp.pbx) == reason:
            return
        self._refused[lamp.pbx] = reason
        remedy = (
            "add call to write= of the manager user in manager.conf, then restart qualitywatch"
            if reason.casefold().startswith("permission denied")
            else "is func_devstate.so loaded in Asterisk?"
        )
        log.error('lamp.not_set pbx=%s device=%s reason="%s" remedy="%s"', lamp.pbx, lamp.device, reason, remedy)

    def _say_unseen(self, lamp: LampConfig, known: Mapping[str, TrunkState]) -> None:
        if lamp not in self._unseen:
            self._unseen.add(lamp)
            names = ", ".join(sorted(known)) or "none"
            log.warning(
                'lamp.trunk_not_seen pbx=%s trunk=%s registrations_seen="%s"', lamp.pbx, ascii(lamp.trunk), ascii(names)[1:-1]
            )
