"""One manager session without a socket: banner, login, answers matched to actions, keepalive.

Strategy: bytes and instants go in, outcomes and bytes come out; the state table below is the whole protocol of a session, and
whatever it does not list ends the session with an error.  The caller asks ``next_deadline`` when to come back with ``tick``.
``now`` is any clock that never steps (monotonic seconds): only differences matter.

Standard: ``main/manager.c`` of Asterisk 11 to 23.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from qualitywatch.ami.answers import Answer, PendingAnswer, is_success, message_text
from qualitywatch.ami.codec import Decoder, Message, encode_action
from qualitywatch.ami.refusals import challenge_refusal, login_refusal, one_line
from qualitywatch.errors import AmiAuthError, AmiConnectError, AmiProtocolError, QualitywatchError

DEFAULT_EVENTS: Final = "system,call,reporting,security"
"""Classes asked for; what the manager user has no right to, or this Asterisk does not know, is left out without a word."""

NEEDED_EVENTS: Final = frozenset({"FullyBooted", "Shutdown"})
"""Events the session itself reads; the decoder always passes them on."""

SECRET_EVENTS: Final = frozenset({"authdetail"})
"""List items with passwords in clear (``PJSIPShowRegistrationsOutbound`` mixes them in): dropped before anybody sees them."""


class State(StrEnum):
    CONNECTING = "connecting"
    BANNER = "banner"
    CHALLENGE = "challenge"
    LOGIN = "login"
    READY = "ready"
    CLOSED = "closed"


class Trigger(StrEnum):
    CONNECTED = "connected"  # the transport is up
    GREETED = "greeted"  # banner seen, MD5 login
    GREETED_PLAIN = "greeted_plain"  # banner seen, the secret goes over the wire
    CHALLENGED = "challenged"
    ACCEPTED = "accepted"
    ENDED = "ended"  # refused, broken, timed out, lost or logged off


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = {
    (State.CONNECTING, Trigger.CONNECTED): State.BANNER,
    (State.BANNER, Trigger.GREETED): State.CHALLENGE,
    (State.BANNER, Trigger.GREETED_PLAIN): State.LOGIN,
    (State.CHALLENGE, Trigger.CHALLENGED): State.LOGIN,
    (State.LOGIN, Trigger.ACCEPTED): State.READY,
    (State.CONNECTING, Trigger.ENDED): State.CLOSED,
    (State.BANNER, Trigger.ENDED): State.CLOSED,
    (State.CHALLENGE, Trigger.ENDED): State.CLOSED,
    (State.LOGIN, Trigger.ENDED): State.CLOSED,
    (State.READY, Trigger.ENDED): State.CLOSED,
    (State.CLOSED, Trigger.ENDED): State.CLOSED,
}


def next_state(state: State, trigger: Trigger) -> State:
    """Return the state after the trigger; raises AmiProtocolError for what the table does not allow."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise AmiProtocolError(f"broke the manager protocol: {trigger} while {state}") from None


@dataclass(frozen=True, slots=True)
class SessionTimeouts:
    """How long to wait, in seconds."""

    banner_s: float = 10.0
    login_s: float = 10.0
    ping_interval_s: float = 20.0
    ping_answer_s: float = 10.0
    request_s: float = 10.0


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The login was accepted; events flow from here on."""

    banner: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The action with this ActionID is done."""

    action_id: str
    answer: Answer


Outcome: TypeAlias = LoggedIn | Answered | Message


class Session:
    """One login at one Asterisk, from banner to end.  Every error is final: the state is ``closed`` afterwards.

    ``events`` is the event mask of the login, ``wanted`` names the events to pass on (None: all).  ``id_prefix`` must differ
    from connection to connection where a stream may hold answers that others asked for, as recordings do.
    """

    def __init__(
        self,
        username: str,
        secret: str,
        events: str = DEFAULT_EVENTS,
        *,
        use_md5: bool = True,
        wanted: frozenset[str] | None = None,
        timeouts: SessionTimeouts | None = None,
        id_prefix: str = "qw",
    ) -> None:
        self.state = State.CONNECTING
        self.banner = ""
        self.fully_booted = False
        self._username = username
        self._secret = secret
        self._events = events
        self._use_md5 = use_md5
        self._timeouts = timeouts or SessionTimeouts()
        self._decoder = Decoder(None if wanted is None else wanted | NEEDED_EVENTS)
        self._id_prefix = id_prefix
        self._last_id = 0
        self._login_id = ""
        self._login_deadline = 0.0
        self._ping_id: str | None = None  # of the Ping that is out
        self._ping_due = 0.0  # when to ask; while a Ping is out, when to give up
        self._pending: dict[str, PendingAnswer] = {}
        self._outgoing = bytearray()
        self._farewell: str | None = None  # what the Shutdown event announced

    def connected(self, now: float) -> None:
        """Say that the transport is up: the banner is awaited from here on."""
        self._step(Trigger.CONNECTED)
        self._login_deadline = now + self._timeouts.banner_s

    def receive(self, data: bytes, now: float) -> list[Outcome]:
        """Take in bytes; return what they mean, in order.

        Raises AmiProtocolError for a stream that is not AMI, AmiAuthError when the login is refused.
        """
        outcomes: list[Outcome] = []
        try:
            if self._ping_id is not None:  # any byte is a sign of life: the answer may queue behind many events
                self._ping_due = now + self._timeouts.ping_answer_s
            for message in self._decoder.feed(data):
                if self.state is State.READY:
                    self._while_ready(message, now, outcomes)
                else:
                    self._before_ready(message, now, outcomes)
        except QualitywatchError:
            self._close()
            raise
        return outcomes

    def tick(self, now: float) -> list[Outcome]:
        """Do what is due by now; raises AmiConnectError or AmiProtocolError when Asterisk was silent for too long."""
        try:
            self._check_silence(now)
        except QualitywatchError:
            self._close()
            raise
        expired = [action_id for action_id, pending in self._pending.items() if now >= pending.deadline]
        return [Answered(action_id, self._pending.pop(action_id).given_up()) for action_id in expired]

    def lost(self) -> str:
        """Say that the transport is gone; return what happened, as a verb phrase about the PBX."""
        state = self.state
        self._close()
        match state:
            case State.BANNER:
                return (
                    "closed the connection without a word: too many sessions waiting for a login (authlimit in manager.conf), "
                    "a proxy or firewall in between, or a port that expects TLS"
                )
            case State.CHALLENGE | State.LOGIN:
                return "closed the connection during the login: see the log of Asterisk for the reason"
            case _ if self._farewell is not None:
                return self._farewell
            case _:
                try:
                    self._decoder.close()
                except AmiProtocolError:
                    return (
                        "closed the connection in the middle of a message: Asterisk does so when it cannot write for "
                        "writetimeout (manager.conf), or the network was cut"
                    )
                return "closed the connection"

    def data_to_send(self) -> bytes:
        """Return the bytes to write now, once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def request(self, action: str, headers: Iterable[tuple[str, str]], now: float, *, timeout_s: float | None = None) -> str:
        """Send an action and return its ActionID; an ``Answered`` follows in any case, a failed one after ``timeout_s``.

        Raises AmiConnectError unless logged in, ValueError for headers that cannot be sent.
        """
        if self.state is not State.READY:
            raise AmiConnectError(f"is not logged in ({self.state}): {action} was not sent")
        timeout_s = self._timeouts.request_s if timeout_s is None else timeout_s
        action_id = self._send(action, headers)
        self._pending[action_id] = PendingAnswer(action, timeout_s, now + timeout_s)
        return action_id

    def logoff(self) -> None:
        """Say goodbye if there is anybody to say it to, and close; no answer is awaited."""
        if self.state is State.READY:
            self._send("Logoff")
        self._close()

    def next_deadline(self) -> float | None:
        """When ``tick`` wants to be called, or None while nothing is awaited."""
        match self.state:
            case State.CONNECTING | State.CLOSED:
                return None
            case State.READY:
                return min([self._ping_due, *(pending.deadline for pending in self._pending.values())])
            case _:
                return self._login_deadline

    @property
    def waiting(self) -> bool:
        """True while an answer is awaited: to the login, to a Ping or to an action."""
        return self.state is not State.READY or self._ping_id is not None or bool(self._pending)

    def _before_ready(self, message: Message, now: float, outcomes: list[Outcome]) -> None:
        match self.state:
            case State.BANNER if message.kind == "banner":
                self.banner = one_line(message.raw.decode("ascii", "replace"))
                self._login_deadline = now + self._timeouts.login_s
                if self._use_md5:
                    self._step(Trigger.GREETED)
                    self._login_id = self._send("Challenge", [("AuthType", "MD5")])
                else:
                    self._step(Trigger.GREETED_PLAIN)
                    self._login([("Username", self._username), ("Secret", self._secret)])
            case State.BANNER:
                raise AmiProtocolError("spoke before its banner: this is not the start of a manager session")
            case State.CHALLENGE if message.action_id == self._login_id:
                challenge = message.get("Challenge")
                if not is_success(message) or not challenge:
                    raise challenge_refusal(message_text(message))
                self._step(Trigger.CHALLENGED)
                text = f"{challenge}{self._secret}".encode("utf-8", "surrogateescape")
                key = hashlib.md5(text, usedforsecurity=False).hexdigest()
                self._login([("AuthType", "MD5"), ("Username", self._username), ("Key", key)])
            case State.LOGIN if message.action_id == self._login_id:
                if not is_success(message):
                    raise login_refusal(self._username, message_text(message))
                self._step(Trigger.ACCEPTED)
                self._ping_due = now + self._timeouts.ping_interval_s
                outcomes.append(LoggedIn(self.banner))
            case _:
                pass  # nothing else that is said before the login is meant for us

    def _login(self, credentials: list[tuple[str, str]]) -> None:
        try:
            self._login_id = self._send("Login", [*credentials, ("Events", self._events)])
        except ValueError as exc:
            raise AmiAuthError(f"cannot be sent this login: {exc}") from exc

    def _while_ready(self, message: Message, now: float, outcomes: list[Outcome]) -> None:
        if message.kind == "event":
            name = message.name.casefold()
            if name in SECRET_EVENTS:
                return
            if name == "fullybooted":
                self.fully_booted = True
            elif name == "shutdown":
                restart = (message.get("Restart") or "").casefold() == "true"
                self._farewell = "is being restarted" if restart else "was shut down"
            if not self._pending:  # looking for an ActionID in every event would cost more than all the rest
                outcomes.append(message)
                return
        action_id = message.action_id
        if action_id is not None and action_id == self._ping_id:
            self._ping_id = None
            self._ping_due = now + self._timeouts.ping_interval_s
            return
        outcomes.append(message)
        pending = self._pending.get(action_id) if action_id is not None else None
        if action_id is not None and pending is not None:
            answer = pending.take(message, now)
            if answer is not None:
                del self._pending[action_id]
                outcomes.append(Answered(action_id, answer))

    def _check_silence(self, now: float) -> None:
        match self.state:
            case State.BANNER if now >= self._login_deadline:
                raise AmiProtocolError(
                    f"said nothing for {self._timeouts.banner_s:g} s: this is not the manager port (5038 by default), "
                    "or it expects TLS (5039 by default)"
                )
            case State.CHALLENGE | State.LOGIN if now >= self._login_deadline:
                raise AmiConnectError(f"did not answer the login within {self._timeouts.login_s:g} s: Asterisk hangs")
            case State.READY if now >= self._ping_due:
                if self._ping_id is not None:
                    raise AmiConnectError(
                        f"left a Ping unanswered for {self._timeouts.ping_answer_s:g} s: Asterisk hangs or the network is cut"
                    )
                self._ping_id = self._send("Ping")
                self._ping_due = now + self._timeouts.ping_answer_s
            case _:
                pass

    def _send(self, action: str, headers: Iterable[tuple[str, str]] = ()) -> str:
        self._last_id += 1
        action_id = f"{self._id_prefix}-{self._last_id}"
        self._outgoing += encode_action(action, headers, action_id)
        return action_id

    def _step(self, trigger: Trigger) -> None:
        self.state = next_state(self.state, trigger)

    def _close(self) -> None:
        self._step(Trigger.ENDED)
        self._pending.clear()
