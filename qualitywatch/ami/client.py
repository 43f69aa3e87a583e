"""Keeps one PBX in sight: connects, logs in, takes a snapshot, fills the inbox; and again after every loss, for ever.

Strategy: one direction.  Whatever the PBX says goes into ``inbox`` in order, framed by marks (connected, resynced,
disconnected); nobody is called back, and nothing that happens behind the inbox can slow the reading down.  A failure is logged
once, when it begins or changes, and so is the recovery.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Final, NoReturn

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.backoff import delays
from qualitywatch.ami.codec import Message
from qualitywatch.ami.endpoint import AmiEndpoint, TlsOptions, tls_context
from qualitywatch.ami.events import WANTED_EVENTS
from qualitywatch.ami.failures import explain
from qualitywatch.ami.inbox import Inbox
from qualitywatch.ami.link import Link
from qualitywatch.ami.resync import (
    CHANNELS,
    LIST_EVENTS,
    Abilities,
    Access,
    access_of,
    channels_alive,
    channels_listed,
    poll_agents,
    resync,
)
from qualitywatch.ami.session import LoggedIn, Session, SessionTimeouts
from qualitywatch.errors import AmiAuthError, AmiConnectError, QualitywatchError
from qualitywatch.model import Audited, Connected, Disconnected, Resynced, Roster
from qualitywatch.ports import Clock

__all__ = ["AmiClient", "AmiEndpoint", "Pace", "TlsOptions"]

_log = logging.getLogger(__name__)

_NOT_BOOTED: Final = (
    "perhaps all changes of peers, contacts and registrations (FullyBooted did not come): either Asterisk is still starting, "
    "or add system to read= in manager.conf"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the client is, in seconds."""

    connect_s: float = 10.0
    boot_s: float = 5.0  # how long to wait for FullyBooted before the first snapshot; a second one follows when it comes later
    healthy_s: float = 60.0  # a connection that held so long starts the backoff anew
    reload_s: float = 20.0  # after a reload of Asterisk, until its registrations have been answered
    refused_s: float = 60.0  # at least this between two refused logins: Asterisk's log and fail2ban count them


def _jittered_delays() -> Iterator[float]:
    return delays(random.SystemRandom())


async def _first_of(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


class AmiClient:
    """The view of one PBX.

    ``wanted`` names the events worth passing on (None: all).  ``new_delays`` begins a series of pauses between attempts, in
    seconds; a new series begins after every healthy connection.
    """

    def __init__(
        self,
        endpoint: AmiEndpoint,
        clock: Clock,
        inbox: Inbox | None = None,
        *,
        wanted: frozenset[str] | None = WANTED_EVENTS,
        pace: Pace | None = None,
        timeouts: SessionTimeouts | None = None,
        new_delays: Callable[[], Iterator[float]] = _jittered_delays,
    ) -> None:
        self.endpoint = endpoint
        self.inbox = Inbox() if inbox is None else inbox
        self.abilities: Abilities | None = None
        self._clock = clock
        self._wanted = None if wanted is None else wanted | LIST_EVENTS
        self._pace = pace or Pace()
        self._timeouts = timeouts
        self._new_delays = new_delays
        self._link: Link | None = None
        self._stale = asyncio.Event()  # how things stand is worth asking for again
        self._error: QualitywatchError | None = None
        self._failure: str | None = ""  # the reason last told; None while connected, empty before the first attempt
        self._missing: tuple[str, ...] = ()
        self._limits: tuple[str, ...] = ()
        self._overflowing: set[str] = set()  # what is dropped, as it was told
        self._tried_at = clock.now()
        self._tried_monotonic = clock.monotonic()

    @property
    def connected(self) -> bool:
        """True between login and loss."""
        return self._link is not None and self._link.alive

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, as it was told last; None while connected and before the first attempt failed."""
        return self._failure or None

    @property
    def error(self) -> QualitywatchError | None:
        """What ended the last attempt or connection; its type says whether the address or the login is to blame."""
        return self._error

    @property
    def idle_s(self) -> float:
        """Seconds since the last sign of life, proof against steps of the wall clock; over 120 means that ``run`` hangs."""
        heard = self._tried_monotonic if self._link is None else max(self._tried_monotonic, self._link.heard_monotonic)
        return self._clock.monotonic() - heard

    async def run(self) -> NoReturn:
        """Stay connected until cancelled; failures of the PBX or the network never end this."""
        pauses = self._new_delays()
        while True:
            self._note_attempt()
            try:
                error = await self._connect_and_stay()
            except Exception:
                self._tell_loss(AmiConnectError("the connection was ended by a mistake of this program: see the log"))
                raise
            self._tell_loss(error)
            if self._clock.monotonic() - self._tried_monotonic >= self._pace.healthy_s:
                pauses = self._new_delays()
            pause_s = next(pauses)
            if isinstance(error, AmiAuthError):
                pause_s = max(pause_s, self._pace.refused_s)
            self._note_attempt()
            await asyncio.sleep(pause_s)

    async def request(self, action: str, headers: Sequence[tuple[str, str]] = (), *, timeout_s: float | None = None) -> Answer:
        """Send an action over the live connection and wait for the answer, errors and timeouts included.

        Raises AmiConnectError when there is no connection, or when it ends before the answer.
        """
        if self._link is None:
            raise AmiConnectError(f"pbx {self.endpoint.name} is not connected: {action} was not sent")
        try:
            answer = await self._link.request(action, headers, timeout_s)
        except AmiConnectError as exc:
            raise AmiConnectError(f"pbx {self.endpoint.name} {exc}") from exc
        self._learn(answer)
        return answer

    def refresh(self) -> None:
        """Ask for how things stand once more, in a moment: Asterisk was reloaded, or events were missed."""
        self._stale.set()

    async def audit(self) -> None:
        """List the channels, for the pipeline to see whether all of them were announced; nothing when that is not allowed.

        Raises AmiConnectError when the connection is lost.
        """
        link = self._link
        if link is not None and link.alive and self.abilities is not None and self.abilities.may(CHANNELS):
            self._learn(await link.request(CHANNELS, then=self._mark_audited))

    def _learn(self, answer: Answer) -> None:
        """Let an answer correct what an earlier one to the same action showed: that was late, or this is a refusal."""
        known, now = self.abilities, access_of(answer)
        if known is not None and now is not Access.FAILED and known.access.get(answer.action, now) is not now:
            self.abilities = known.learnt(answer)

    async def _connect_and_stay(self) -> QualitywatchError:
        """Connect and stay as long as it lasts; return why it ended."""
        session = Session(
            self.endpoint.username,
            self.endpoint.secret,
            self.endpoint.events,
            use_md5=self.endpoint.md5 and not self.endpoint.uses_digest,
            wanted=self._wanted,
            timeouts=self._timeouts,
            id_prefix=f"qw-{secrets.token_hex(4)}",
        )
        link = self._link = Link(session, self._clock, self._deliver)
        try:
            if not self.endpoint.ajam_path:
                await self._open(link)
            async with asyncio.TaskGroup() as group:
                if self.endpoint.ajam_path:
                    group.create_task(self._carry_over_http(link))
                snapshots = group.create_task(self._take_snapshots(link))
                try:
                    await asyncio.wait([link.ended])
                finally:
                    snapshots.cancel()
                    await link.close()  # while there is still somebody who carries a goodbye
            return link.ended.result()
        except QualitywatchError as error:
            return error
        finally:
            await link.close()
            self._link = None

    async def _carry_over_http(self, link: Link) -> None:
        # Imported late: it costs 60 ms, which only who has no other way to the PBX pays.
        ajam = import_module("qualitywatch.ami.ajam")
        try:
            transport = ajam.AjamTransport(link, self.endpoint)
        except QualitywatchError as error:
            link.fail(error)
            return
        await transport.run()

    async def _open(self, link: Link) -> None:
        endpoint = self.endpoint
        context = None if endpoint.tls is None else tls_context(endpoint.tls)
        server_name = None if endpoint.tls is None else (endpoint.tls.server_name or endpoint.host)
        try:
            async with asyncio.timeout(self._pace.connect_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: link,
                    endpoint.host,
                    endpoint.port,
                    ssl=context,
                    server_hostname=server_name,
                    happy_eyeballs_delay=0.25,
                )
        except (OSError, UnicodeError) as exc:
            raise AmiConnectError(explain(exc, endpoint)) from exc

    async def _take_snapshots(self, link: Link) -> None:
        self._stale.clear()
        await link.logged_in.wait()
        try:
            async with asyncio.timeout(self._pace.boot_s):
                await link.booted.wait()
        except TimeoutError:
            await self._take_snapshot(link)
            # It never comes without the system class.  While Asterisk is still starting, what was just read was not all.
            await _first_of(link.booted, self._stale)
        while True:
            self._stale.clear()
            await self._take_snapshot(link)
            await self._stale.wait()
            await asyncio.sleep(self._pace.reload_s)

    async def _take_snapshot(self, link: Link) -> None:
        try:
            snapshot = await resync(link, self.endpoint.events)
            self.abilities = snapshot.abilities
            await poll_agents(link, snapshot.abilities, just_read=snapshot)
            channels = await link.request(CHANNELS, then=partial(self._mark_resynced, snapshot.rosters))
            self.abilities = snapshot.abilities.learnt(channels)
            self._tell_abilities(self.abilities, link.booted.is_set())
        except AmiConnectError:
            pass  # the link has ended, and says why itself

    def _mark_resynced(self, rosters: tuple[Roster, ...], channels: Answer) -> None:
        # Right behind the list: a channel that is new in the same breath must not look like one that is gone.
        booted = self._link is None or self._link.booted.is_set()
        events_on = self.abilities is None or self.abilities.events_on
        self.inbox.put(Resynced(self._heard_at, channels_alive(channels), booted, events_on, rosters))

    def _mark_audited(self, channels: Answer) -> None:
        listed = channels_listed(channels)
        if listed is not None:
            self.inbox.put(Audited(self._heard_at, listed))

    @property
    def _heard_at(self) -> float:
        return self._tried_at if self._link is None else self._link.heard_at

    def _note_attempt(self) -> None:
        self._tried_at = self._clock.now()
        self._tried_monotonic = self._clock.monotonic()

    def _deliver(self, what: LoggedIn | Message) -> None:
        if isinstance(what, LoggedIn):
            self._tell_connected(what)
            return
        dropped, others = self.inbox.dropped, self.inbox.dropped_others
        self.inbox.put((self._heard_at, what))
        if self.inbox.dropped_others != others:
            self.refresh()  # as often as it happens: after the last of them everything is asked for once more
            self._tell_overflow("everything")
        elif self.inbox.dropped != dropped:
            self._tell_overflow("rtcp")
        elif self._overflowing and len(self.inbox) < self.inbox.limit // 2:
            self._overflowing.clear()
            lost = self.inbox.dropped, self.inbox.dropped_others
            _log.info("ami.inbox_recovered pbx=%s dropped_in_all=%d of_them_no_reports=%d", self.endpoint.name, *lost)

    def _tell_overflow(self, what: str) -> None:
        if what in self._overflowing:
            return
        self._overflowing.add(what)
        more = " how_things_stand=is_asked_for_again" if what == "everything" else ""
        _log.warning("ami.inbox_overflow pbx=%s limit=%d dropping=%s%s", self.endpoint.name, self.inbox.limit, what, more)

    def _tell_connected(self, login: LoggedIn) -> None:
        self._failure = None
        self.inbox.put(Connected(self._heard_at))
        _log.info('ami.connected pbx=%s address=%s banner="%s"', self.endpoint.name, self.endpoint.address, login.banner)

    def _tell_loss(self, error: QualitywatchError) -> None:
        self._error = error
        reason = f"{self.endpoint.address}: {error}"
        if reason == self._failure:
            return
        event = "ami.connection_lost" if self._failure is None else "ami.cannot_connect"
        self._failure = reason
        self.inbox.put(Disconnected(self._clock.now(), reason))
        _log.warning('%s pbx=%s reason="%s"', event, self.endpoint.name, reason)

    def _tell_abilities(self, abilities: Abilities, booted: bool) -> None:
        _log.info("ami.resynced pbx=%s asterisk=%s", self.endpoint.name, abilities.asterisk_version or "unknown")
        missing = abilities.missing() if booted else (*abilities.missing(), _NOT_BOOTED)
        limits = abilities.limits()
        if missing and missing != self._missing:
            _log.warning('ami.not_visible pbx=%s what="%s"', self.endpoint.name, "; ".join(missing))
        elif self._missing and not missing:
            _log.info("ami.all_visible pbx=%s", self.endpoint.name)
        if limits and limits != self._limits:
            _log.info('ami.limited pbx=%s what="%s"', self.endpoint.name, "; ".join(limits))
        self._missing, self._limits = missing, limits
