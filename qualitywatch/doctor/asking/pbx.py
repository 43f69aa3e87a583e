"""One PBX: connects and logs in as the daemon does, asks what the daemon asks and a little more, then listens.

Strategy: the daemon's own client, told to pass on every event.  Beyond what that client asks by itself, only actions that
change nothing and take no more than ``write=reporting`` are sent: Ping, ListCommands, CoreShowChannels, SIPpeers, SIPshowpeer,
DeviceStateList and Getvar.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.endpoint import AmiEndpoint
from qualitywatch.ami.fields import timestamp
from qualitywatch.ami.inbox import InboxItem
from qualitywatch.ami.resync import CHANNELS, Abilities, channels_listed
from qualitywatch.doctor.asking.certificate import look_at_tls
from qualitywatch.doctor.asking.hearing import Hearing
from qualitywatch.doctor.asking.rights import granted_classes
from qualitywatch.doctor.facts import Failure, PbxFacts, Stage
from qualitywatch.errors import AmiAuthError, AmiConnectError, QualitywatchError
from qualitywatch.model import Disconnected, Resynced
from qualitywatch.ports import Clock

MOST_ENDPOINTS: Final = 300  # asked one by one whether their calls may go past the PBX; enough to see what is the custom
_TICK_S: Final = 0.5
_FAREWELL_S: Final = 5.0
_LATE_S: Final = 1.0  # a channel may be in a list some moments before its event is out
_SNAPSHOT_S: Final = 60.0  # a large PBX lists thousands of peers
_YES: Final = frozenset({"yes", "true", "y", "on", "1"})
_NO: Final = frozenset({"no", "false", "n", "off", "0"})


@dataclass(frozen=True, slots=True)
class Listening:
    """How far it is; for whoever watches."""

    name: str
    seconds: float
    of_s: float
    calls: int
    peers_reported: int


class _Lost(Exception):
    """The connection ended; the client knows why."""


async def ask_pbx(
    endpoint: AmiEndpoint,
    clock: Clock,
    seconds: float,
    *,
    needed: Mapping[str, str],
    daemon_runs: bool,
    progress: Callable[[Listening], None],
) -> PbxFacts:
    """Find out about one PBX, listening for so many seconds; ``progress`` is told how far it is."""
    digest = endpoint.uses_digest
    facts = PbxFacts(
        endpoint.name,
        endpoint.address,
        endpoint.username,
        _is_loopback(endpoint.host),
        login_by="HTTP digest" if digest else "MD5 challenge" if endpoint.md5 else "plain-text login",
        secret_is_sent=not digest and not endpoint.md5,
        over_http=bool(endpoint.ajam_path),
        daemon_runs=daemon_runs,
        needed=needed,
    )
    if endpoint.tls is not None:
        tls = await look_at_tls(endpoint, endpoint.tls)
        if isinstance(tls, Failure):
            return replace(facts, failure=tls)
        facts = replace(facts, tls=tls)
    client = AmiClient(endpoint, clock, wanted=None, new_delays=_never_again)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(client.run(), name=f"doctor {endpoint.name}")
        try:
            return await _Visit(client, clock, facts).pay(seconds, progress)
        finally:
            watching.cancel()


class _Visit:
    """One login."""

    def __init__(self, client: AmiClient, clock: Clock, facts: PbxFacts) -> None:
        self._client = client
        self._clock = clock
        self._facts = facts
        self._hearing = Hearing(facts.username)
        self._resynced: Resynced | None = None

    async def pay(self, seconds: float, progress: Callable[[Listening], None]) -> PbxFacts:
        try:
            await self._arrive()
            await self._ask()
            began = self._clock.monotonic()
            while (passed_s := self._clock.monotonic() - began) < seconds:
                progress(Listening(self._facts.name, passed_s, seconds, self._hearing.calls, self._hearing.peers_reported))
                await self._listen(min(_TICK_S, seconds - passed_s))
            await self._list_channels(is_first=False)
            if self._hearing.has_secrets:
                await self._listen(_LATE_S)
            return replace(self._facts, heard=self._hearing.heard(seconds, self._clock.now()))
        except (_Lost, AmiConnectError):
            await self._hear_why()
            return replace(self._facts, failure=_failure(self._client.error))

    async def _hear_why(self) -> None:
        """Whoever waited for an answer learns of the end before the client does."""
        with suppress(TimeoutError, _Lost):
            async with asyncio.timeout(_FAREWELL_S):
                while self._client.error is None:
                    self._take(await self._client.inbox.take())

    async def _arrive(self) -> None:
        """Wait until the client has logged in and read how things stand."""
        try:
            async with asyncio.timeout(_SNAPSHOT_S):
                while self._resynced is None:
                    self._take(await self._client.inbox.take())
        except TimeoutError:
            raise _Lost from None

    async def _ask(self) -> None:
        ahead_s, accuracy_s = await self._clock_ahead_s()
        resynced = self._resynced
        await self._list_channels(is_first=True)
        offered = await self._client.request("ListCommands")
        self._facts = replace(
            self._facts,
            abilities=self._client.abilities,
            booted=None if resynced is None else resynced.booted,
            granted=granted_classes(offered.response) if offered.ok else None,
            clock_ahead_s=ahead_s,
            clock_accuracy_s=accuracy_s,
            direct_media=await self._direct_media(self._client.abilities),
        )

    async def _clock_ahead_s(self) -> tuple[float | None, float]:
        """How far the PBX's clock is ahead of ours, and how exactly that is known."""
        asked_at = self._clock.now()
        pong = await self._client.request("Ping")
        answered_at = self._clock.now()
        theirs = None if pong.response is None else timestamp(pong.response)
        half_s = max(0.0, answered_at - asked_at) / 2
        return (None if theirs is None else theirs - (asked_at + half_s)), half_s

    async def _list_channels(self, *, is_first: bool) -> None:
        self._take(self._client.inbox.take_now())
        known = self._hearing.known
        listed = channels_listed(await self._client.request(CHANNELS))
        self._take(self._client.inbox.take_now())  # what was told before the list came, and right behind it
        if listed is not None:
            self._hearing.listed(listed, is_first=is_first, known=known)

    async def _direct_media(self, abilities: Abilities | None) -> dict[str, bool]:
        if abilities is None:
            return {}
        found: dict[str, bool] = {}
        if abilities.may("SIPpeers"):
            peers = [item.get("ObjectName") or "" for item in (await self._client.request("SIPpeers")).items]
            for peer in peers[:MOST_ENDPOINTS]:
                self._note(found, f"SIP/{peer}", await self._value("SIPshowpeer", "Peer", peer, "SIP-DirectMedia"))
        if abilities.may("Getvar"):
            devices = [item.get("Device") or "" for item in (await self._client.request("DeviceStateList")).items]
            endpoints = [device for device in devices if device.startswith("PJSIP/")]
            for device in endpoints[:MOST_ENDPOINTS]:
                variable = f"PJSIP_ENDPOINT({device.removeprefix('PJSIP/')},direct_media)"
                self._note(found, device, await self._value("Getvar", "Variable", variable, "Value"))
        return found

    async def _value(self, action: str, header: str, asked: str, wanted: str) -> str:
        try:
            answer = await self._client.request(action, ((header, asked),))
        except ValueError:  # a name that cannot be sent back
            return ""
        return (answer.response.get(wanted) or "") if answer.ok and answer.response is not None else ""

    @staticmethod
    def _note(found: dict[str, bool], subject: str, value: str) -> None:
        if (word := value.strip().casefold()) in _YES | _NO:
            found[subject] = word in _YES

    async def _listen(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._take(await self._client.inbox.take())

    def _take(self, items: Sequence[InboxItem]) -> None:
        for item in items:
            match item:
                case (received_at, message):
                    self._hearing.take(message, received_at)
                case Resynced():
                    self._resynced = item
                case Disconnected():
                    raise _Lost
                case _:
                    pass


def _failure(exc: QualitywatchError | None) -> Failure:
    if exc is None:
        return Failure(Stage.LOGIN, "does not answer: Asterisk hangs, or the network is very slow")
    return Failure(Stage.LOGIN if isinstance(exc, AmiAuthError) else Stage.REACH, str(exc))


def _never_again() -> Iterator[float]:
    while True:
        yield 3600.0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() in {"localhost", "localhost.localdomain", "ip6-localhost"}
