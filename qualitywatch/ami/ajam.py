"""The manager interface over HTTP (AJAM), made to look like a connection: the same session speaks over it.

Strategy: actions go out one by one, each as a request; beside them one ``WaitEvent`` is always out (with digest: between
them).  Whatever comes back is
handed on as the bytes a socket would have brought, so nobody above knows the difference.  Asterisk hands events out once and
forgets them, and only while its HTTP session lives.  So nothing that may have carried events is asked for again: when an answer
is lost, or the session is another one, the connection has ended, which is told like any other gap, and a new one begins.

With a cookie one logs in as over a socket.  With digest every request is a login; there the login of our session is answered
here, and by the right password alone.  There a session that is gone is not even noticed, for the next request begins another:
so Asterisk is asked when it was started whenever the connection is a new one, and a long pause of our own is taken as the end.

Standard: ``main/manager.c`` (``generic_http_callback``, ``auth_http_callback``) of Asterisk 11 to 23; RFC 7616 with MD5.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from qualitywatch.ami.ajam_xml import frames_of_xml
from qualitywatch.ami.codec import MAX_MESSAGE_BYTES
from qualitywatch.ami.endpoint import AmiEndpoint, tls_context
from qualitywatch.ami.failures import explain
from qualitywatch.ami.link import Link
from qualitywatch.ami.message import END_OF_FRAME, Message
from qualitywatch.errors import AmiConnectError, AmiProtocolError, QualitywatchError

WAIT_S: Final = 20  # of one WaitEvent: Asterisk itself looks for events every second; half of the shortest sensible httptimeout
DIGEST_WAIT_S: Final = 1  # there nothing can be asked meanwhile: requests are numbered, and must arrive in order
LONG_PAUSE_S: Final = 10.0  # no sensible httptimeout is shorter
REST_S: Final = 0.05  # so long after an action the next one is given a chance before events are waited for
GOODBYE_S: Final = 1.0
PATIENCE_S: Final = 15.0  # for an answer, beyond what was asked to be waited for
MAX_ANSWER_BYTES: Final = 16 * MAX_MESSAGE_BYTES  # all that was queued in one answer

_BANNER: Final = b"Asterisk Call Manager over HTTP\r\n"
_SESSION: Final = re.compile(r'mansession_id="?([0-9a-fA-F]{1,16})"?')
_WAITED: Final = b"event: waiteventcomplete\r\n"
_LOST: Final = (
    "has ended the HTTP session: it was idle for httptimeout (manager.conf), or Asterisk was restarted; "
    "what happened meanwhile is not known"
)


class AjamTransport(asyncio.Transport):
    """What a ``Link`` writes to; ``run`` carries it until ``close``."""

    def __init__(self, link: Link, endpoint: AmiEndpoint) -> None:
        """Raises AmiConnectError when the CA file cannot be used."""
        super().__init__()
        self._link = link
        self._endpoint = endpoint
        self._is_xml = endpoint.ajam_path.endswith("mxml")
        self._is_digest = endpoint.uses_digest
        self._actions: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._session: str | None = None
        self._closing = False
        self._gone = False
        self._collecting: asyncio.Timeout | None = None
        self._asked_at = 0.0  # when Asterisk was heard last, on the event loop's clock
        self._came_from: object = None  # our end of the connection that brought the last answer
        self._known_from: object = None  # and of the one by which Asterisk was last known not to have been restarted
        self._started: tuple[str | None, str | None] = (None, None)
        scheme = "http" if endpoint.tls is None else "https"
        name = endpoint.tls.server_name if endpoint.tls is not None else None
        self._extensions = {"sni_hostname": name} if name is not None else {}
        self._running: asyncio.Task[None] | None = None
        try:
            address = httpx.URL(f"{scheme}://{endpoint.address}")
        except httpx.InvalidURL as exc:
            raise AmiConnectError(f"has no address that can be asked over HTTP ({exc}): see host") from exc
        self._http = httpx.AsyncClient(
            base_url=address,
            verify=True if endpoint.tls is None else tls_context(endpoint.tls),
            auth=httpx.DigestAuth(endpoint.username, endpoint.secret) if self._is_digest else None,
            timeout=PATIENCE_S,
            trust_env=False,  # a proxy of the environment would see the password of a plain connection
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=5.0),
        )

    async def run(self) -> None:
        """Carry until closed; failures end the link, nothing is raised."""
        self._running = asyncio.current_task()
        try:
            self._link.connection_made(self)
            self._link.data_received(_BANNER)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(self._wait_for_events(), name="ajam events")
                while (action := await self._next_action()) is not None:
                    await self._perform(action)
                waiting.cancel()
        finally:
            self._lose()
            await self._http.aclose()

    # --- asyncio.Transport, as far as a link uses it ----------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send one or more actions, in order."""
        for action in bytes(data).split(END_OF_FRAME):
            if action and not self._closing:
                self._actions.put_nowait(action)

    def close(self) -> None:
        """Send what was written, then end."""
        if not self._closing:
            self._closing = True
            self._actions.put_nowait(None)
            if self._collecting is not None:  # there is no time left for that
                self._collecting.reschedule(asyncio.get_running_loop().time())

    def abort(self) -> None:
        """End at once."""
        self.close()
        self._lose()
        if self._running is not None:
            self._running.cancel()

    def is_closing(self) -> bool:
        """Whether ``close`` was called."""
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Nothing: there is no one socket."""
        return default

    def pause_reading(self) -> None:
        """Nothing: answers come when they are asked for."""

    def resume_reading(self) -> None:
        """Nothing."""

    # --- actions --------------------------------------------------------------------------------------------------------

    async def _next_action(self) -> bytes | None:
        """The next action, None when there will be none; with digest, events are waited for in between."""
        while self._is_digest and self._link.logged_in.is_set() and not self._link.ended.done():
            try:
                async with asyncio.timeout(REST_S):
                    return await self._actions.get()
            except TimeoutError:
                with suppress(TimeoutError):
                    async with asyncio.timeout(None) as self._collecting:
                        await self._collect(DIGEST_WAIT_S)
                self._collecting = None
        return await self._actions.get()

    async def _perform(self, action: bytes) -> None:
        pairs = _pairs(action)
        name = pairs[0][1].casefold()
        try:
            if self._link.ended.done():  # only goodbye is left to be said, to a session that may be gone
                if name == "logoff" and self._link.logged_in.is_set():
                    async with asyncio.timeout(GOODBYE_S):
                        await self._asked(pairs, PATIENCE_S)
            elif self._is_digest and name == "login":
                await self._log_in_by_digest(pairs)
                self._started = await self._starting_time()
            else:
                self._link.data_received(await self._asked(pairs, PATIENCE_S))
        except TimeoutError:
            pass
        except QualitywatchError as error:
            self._link.fail(error)

    async def _log_in_by_digest(self, login: Sequence[tuple[str, str]]) -> None:
        values = {name.casefold(): value for name, value in login}
        id_line = f"ActionID: {values['actionid']}\r\n"
        try:
            await self._asked([("Action", "Events"), ("EventMask", values["events"])], PATIENCE_S)
        except _UnauthorisedError:
            answer = f"Response: Error\r\n{id_line}Message: Authentication failed\r\n\r\n"
        else:
            # It says so only to who logs in; that it answers at all shows that it has booted.
            booted = "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
            answer = f"Response: Success\r\n{id_line}Message: Authentication accepted\r\n\r\n{booted}"
        self._link.data_received(answer.encode("utf-8", "surrogateescape"))

    # --- events ---------------------------------------------------------------------------------------------------------

    async def _wait_for_events(self) -> None:
        await self._link.logged_in.wait()
        while not self._is_digest and not self._link.ended.done():
            await self._collect(WAIT_S)

    async def _collect(self, wait_s: int) -> None:
        """Hand on what has happened, or what does within that time."""
        try:
            if self._is_digest:
                await self._make_sure()
            answer = await self._asked([("Action", "WaitEvent"), ("Timeout", str(wait_s))], wait_s + PATIENCE_S)
        except QualitywatchError as error:
            self._link.fail(error)
            return
        head, _, events = answer.partition(END_OF_FRAME)
        if not head.lower().lstrip().startswith(b"response: success"):
            self._link.fail(AmiConnectError(_LOST))
            return
        frames = [frame.lstrip(b"\r\n") for frame in events.split(END_OF_FRAME)]
        kept = [frame + END_OF_FRAME for frame in frames if frame and not _is_end(frame)]
        if kept:
            self._link.data_received(b"".join(kept))

    async def _make_sure(self) -> None:
        """Raise unless the digest session must still be the one it was."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._asked_at > LONG_PAUSE_S:
            raise AmiConnectError(_LOST)
        if self._came_from != self._known_from:
            self._known_from = self._came_from
            if await self._starting_time() != self._started:
                raise AmiConnectError(_LOST)

    async def _starting_time(self) -> tuple[str | None, str | None]:
        status = Message(await self._asked([("Action", "CoreStatus")], PATIENCE_S))
        self._known_from = self._came_from
        return status.get("CoreStartupDate"), status.get("CoreStartupTime")

    # --- HTTP -----------------------------------------------------------------------------------------------------------

    async def _asked(self, pairs: Sequence[tuple[str, str]], patience_s: float) -> bytes:
        """Send one action and return the frames it is answered by; raises AmiConnectError, AmiProtocolError."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._session is not None:
            headers["Cookie"] = f'mansession_id="{self._session}"'
        body = urlencode(pairs, errors="surrogateescape").encode("ascii")
        try:
            path, more = self._endpoint.ajam_path, self._extensions
            request = self._http.stream("POST", path, content=body, headers=headers, timeout=patience_s, extensions=more)
            async with request as response:
                self._judge(response)
                self._asked_at = asyncio.get_running_loop().time()
                self._came_from = response.extensions["network_stream"].get_extra_info("client_addr")
                text = bytearray()
                async for chunk in response.aiter_bytes():
                    text += chunk
                    if len(text) > MAX_ANSWER_BYTES:
                        raise AmiProtocolError(f"answered with more than {MAX_ANSWER_BYTES} bytes: this is not Asterisk")
        except httpx.ConnectError as exc:
            raise AmiConnectError(explain(_cause(exc), self._endpoint)) from exc
        except httpx.TimeoutException as exc:
            what = f"did not answer {pairs[0][1]} within {patience_s:g} s: Asterisk hangs or the network is cut"
            raise AmiConnectError(what) from exc
        except (httpx.HTTPError, httpx.StreamError) as exc:
            raise AmiConnectError("broke an answer off: what it carried is not known") from exc
        except QualitywatchError:
            raise
        except Exception as exc:  # libraries have many words for headers and addresses that make no sense
            raise AmiConnectError(f"cannot be talked to over HTTP ({type(exc).__name__}): this is not Asterisk") from exc
        return frames_of_xml(bytes(text)) if self._is_xml else bytes(text)

    def _judge(self, response: httpx.Response) -> None:
        """Raise when this is not the next answer of our session."""
        path = self._endpoint.ajam_path
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise _UnauthorisedError(f"wants HTTP digest for {path}: use rawman instead of arawman, or the other way round")
        if response.status_code == httpx.codes.NOT_FOUND:
            raise AmiConnectError(
                f"has nothing at {path}: set webenabled=yes in manager.conf and enabled=yes in http.conf, and see prefix there"
            )
        if response.status_code != httpx.codes.OK:
            raise AmiConnectError(f"answered with HTTP status {response.status_code}: a proxy, or not Asterisk's HTTP server")
        if self._is_digest:
            refused = [each.headers.get("WWW-Authenticate", "") for each in response.history]
            if self._link.logged_in.is_set() and any("stale=true" not in each.lower() for each in refused):
                raise AmiConnectError(_LOST)
            return
        found = _SESSION.search(response.headers.get("Set-Cookie", ""))
        session = found[1].casefold() if found is not None else None
        if self._session is not None and session is not None and session != self._session:
            raise AmiConnectError(_LOST)
        self._session = self._session or session

    def _lose(self) -> None:
        if not self._gone:
            self._gone = True
            self._link.connection_lost(None)


class _UnauthorisedError(AmiConnectError):
    """The HTTP server does not take this login."""


def _pairs(action: bytes) -> list[tuple[str, str]]:
    lines = action.decode("utf-8", "surrogateescape").split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def _is_end(frame: bytes) -> bool:
    return (frame + b"\r\n").lower().startswith(_WAITED)


def _cause(error: BaseException) -> Exception:
    """The error of the operating system or of TLS that an HTTP library has wrapped."""
    seen: list[BaseException] = [error]
    for each in seen:
        if isinstance(each, OSError):  # ssl.SSLError and socket.gaierror among them
            deeper = each.__cause__ or each.__context__
            if each.errno is not None or deeper is None:
                return each
        inner = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        seen += [found for found in (each.__cause__, each.__context__, *inner) if found is not None and found not in seen]
    return next((each for each in seen if isinstance(each, OSError)), OSError(str(error)))
