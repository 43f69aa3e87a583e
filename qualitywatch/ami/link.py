"""One live connection: the thin asyncio skin around a session.

Strategy: every callback feeds the session, hands on what came of it, writes what the session wants written and arms a timer for
its next deadline.  Nothing is decided here, and nothing is awaited while reading: decoded messages go straight into the inbox.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.codec import Message
from qualitywatch.ami.session import Answered, LoggedIn, Outcome, Session
from qualitywatch.errors import AmiConnectError, QualitywatchError
from qualitywatch.ports import Clock

SMALL_READ_BYTES: Final = 32 * 1024
REST_S: Final = 0.02
"""A busy PBX sends each event in a segment of its own, and a wake-up costs more than the event.  So after a small read the
socket rests for a moment and the kernel collects.  Never while an answer is awaited, never while there is much to read."""

_GOODBYE_S: Final = 1.0
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Somebody who waits for an answer."""

    answer: asyncio.Future[Answer]
    then: Callable[[Answer], None] | None


class Link(asyncio.Protocol):
    """Connects a transport to a session.

    ``deliver`` takes everything the pipeline should see, in order: LoggedIn once, then messages.  ``ended`` becomes the reason
    when the connection is over, whoever ended it.
    """

    def __init__(self, session: Session, clock: Clock, deliver: Callable[[LoggedIn | Message], None]) -> None:
        loop = asyncio.get_running_loop()
        self.logged_in = asyncio.Event()
        self.booted = asyncio.Event()
        self.ended: asyncio.Future[QualitywatchError] = loop.create_future()
        self.heard_at = clock.now()  # Unix seconds of the last byte
        self.heard_monotonic = clock.monotonic()
        self._loop = loop
        self._session = session
        self._clock = clock
        self._deliver = deliver
        self._transport: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] = loop.create_future()  # the transport is really closed
        self._timer: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._asked: dict[str, _Asked] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            _keep_alive(sock)
        self._session.connected(self._clock.monotonic())
        self._transmit()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock.now()
        self.heard_monotonic = self._clock.monotonic()
        self._run(lambda now: self._session.receive(data, now))
        if len(data) < SMALL_READ_BYTES and not self._session.waiting:
            self._pause()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = self._session.lost()
        self._end(AmiConnectError(reason if exc is None else f"{reason} ({exc})"))
        if not self._gone.done():
            self._gone.set_result(None)

    def fail(self, error: QualitywatchError) -> None:
        """End for a reason that only the transport knows."""
        self._end(error)

    @property
    def alive(self) -> bool:
        """True between login and end."""
        return self.logged_in.is_set() and not self.ended.done()

    async def request(
        self,
        action: str,
        headers: Sequence[tuple[str, str]] = (),
        timeout_s: float | None = None,
        *,
        then: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """Send an action and wait for its answer; ``then`` sees it first, before anything that came after it is delivered.

        Raises AmiConnectError when the connection ends first, ValueError for headers that cannot be sent.
        """
        if not self.alive:
            raise AmiConnectError(f"is not connected: {action} was not sent")
        action_id = self._session.request(action, headers, self._clock.monotonic(), timeout_s=timeout_s)
        asked = _Asked(self._loop.create_future(), then)
        self._asked[action_id] = asked
        self._resume()
        self._transmit()
        try:
            return await asked.answer
        finally:
            self._asked.pop(action_id, None)

    async def close(self) -> None:
        """Log off if possible and close the socket, within a second or two."""
        if self._transport is None:
            return
        if not self.ended.done():
            self._session.logoff()
            self._transmit()
            self._end(AmiConnectError("was left"))
        await asyncio.wait([self._gone], timeout=_GOODBYE_S)
        if not self._gone.done():  # a peer that hangs never finishes the TLS goodbye
            self._transport.abort()
            await asyncio.wait([self._gone], timeout=_GOODBYE_S)

    def _run(self, step: Callable[[float], list[Outcome]]) -> None:
        if self.ended.done():
            return
        try:
            outcomes = step(self._clock.monotonic())
        except QualitywatchError as error:
            self._end(error)
            return
        for outcome in outcomes:
            match outcome:
                case Answered(action_id, answer):
                    self._answer(action_id, answer)
                case LoggedIn():
                    self._deliver(outcome)
                    self.logged_in.set()
                case _:
                    self._deliver(outcome)
        if self._session.fully_booted:
            self.booted.set()
        self._transmit()

    def _answer(self, action_id: str, answer: Answer) -> None:
        asked = self._asked.get(action_id)
        if asked is not None and not asked.answer.done():
            if asked.then is not None:
                asked.then(answer)
            asked.answer.set_result(answer)

    def _transmit(self) -> None:
        data = self._session.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
        deadline = self._session.next_deadline()
        if deadline is None:
            return
        # A timer that rings early does no harm, the session says when to come back; so one that is set stays set.
        delay = max(0.0, deadline - self._clock.monotonic())
        if self._timer is None or self._timer.when() > self._loop.time() + delay:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._run(self._session.tick)

    def _pause(self) -> None:
        if self._rest is None and self._transport is not None:
            self._transport.pause_reading()
            self._rest = self._loop.call_later(REST_S, self._resume)

    def _resume(self) -> None:
        if self._rest is not None and self._transport is not None:
            self._rest.cancel()
            self._rest = None
            self._transport.resume_reading()

    def _end(self, error: QualitywatchError) -> None:
        if self.ended.done():
            return
        self.ended.set_result(error)
        if self._timer is not None:
            self._timer.cancel()
        self._resume()
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(AmiConnectError(str(error)))
        if self._transport is not None:
            self._transport.close()


def _keep_alive(sock: socket.socket) -> None:
    """Let the kernel find out about a PBX that vanished; our Ping notices one that merely hangs."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # not every system has all three
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
