from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest
import trustme

from qualitywatch.ami.client import AmiClient, AmiEndpoint, Pace, TlsOptions
from qualitywatch.ami.inbox import Inbox, InboxItem
from qualitywatch.ami.session import SessionTimeouts
from qualitywatch.clock import SystemClock
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import Connected, Disconnected, Resynced
from tests.fakes.scripted_manager import ACCEPTED, DENIED, FULLY_BOOTED, ScriptedManager, listing, wire

PEER_STATUS = "Event: PeerStatus\nPrivilege: system,all\nPeer: SIP/{n}\nPeerStatus: Reachable\n\n"
RTCP = "Event: RTCPSent\nPrivilege: reporting,all\nUniqueid: {n}\n\n"
REFUSED = "Response: Error\nActionID: {id}\nMessage: Authentication failed\n\n"
FAST = Pace(connect_s=5.0, boot_s=0.05, refused_s=0.01)


def no_pause() -> Iterator[float]:
    return repeat(0.01)


def endpoint(port: int, host: str = "127.0.0.1", tls: TlsOptions | None = None, md5: bool = True) -> AmiEndpoint:
    return AmiEndpoint("main", host, port, "qw", "geheim", tls=tls, md5=md5)


def client_of(
    where: AmiEndpoint,
    *,
    pace: Pace = FAST,
    timeouts: SessionTimeouts | None = None,
    limit: int = 50_000,
    delays: Callable[[], Iterator[float]] = no_pause,
) -> AmiClient:
    return AmiClient(where, SystemClock(), Inbox(limit), pace=pace, timeouts=timeouts, new_delays=delays)


@contextlib.asynccontextmanager
async def running(*clients: AmiClient) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.run()) for client in clients]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def take_until(client: AmiClient, found: Callable[[InboxItem], bool], timeout_s: float = 10.0) -> list[InboxItem]:
    """Return the items up to the first one that matches."""
    items: list[InboxItem] = []
    async with asyncio.timeout(timeout_s):
        while not (items and found(items[-1])):
            items += await client.inbox.take(1)
    return items


def is_disconnected(item: InboxItem) -> bool:
    return isinstance(item, Disconnected)


def is_resynced(item: InboxItem) -> bool:
    return isinstance(item, Resynced)


def peers_in(items: list[InboxItem]) -> list[str | None]:
    return [item[1].get("Peer") for item in items if isinstance(item, tuple) and item[1].name == "PeerStatus"]


async def reason_of(client: AmiClient) -> str:
    """Run a client until it reports its first failure, and return the reason."""
    async with running(client):
        items = await take_until(client, is_disconnected)
    assert isinstance(items[-1], Disconnected)
    assert not any(isinstance(item, Connected) for item in items)
    return items[-1].reason


def log_lines(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith(event)]


class TestConnecting:
    async def test_marks_frame_what_the_pbx_says(self) -> None:
        channels = listing("CoreShowChannel", [{"Channel": "SIP/1-1", "Uniqueid": "7.1"}], "CoreShowChannelsComplete")
        manager = ScriptedManager({"coreshowchannels": channels})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            items = await take_until(client, is_resynced)
            assert client.connected
            await manager.say(PEER_STATUS.format(n=100))
            items += await take_until(client, lambda item: isinstance(item, tuple) and item[1].name == "PeerStatus")
        assert isinstance(items[0], Connected)
        assert isinstance(items[1], tuple)
        assert items[1][1].name == "FullyBooted"
        resynced = next(item for item in items if isinstance(item, Resynced))
        assert resynced.channels == frozenset({"7.1"})
        login = next(action for action in manager.actions if action["action"] == "Login")
        assert login["authtype"] == "MD5"
        assert "secret" not in login

    async def test_plain_login_when_configured(self) -> None:
        manager = ScriptedManager()
        async with manager.listening(), running(client_of(endpoint(manager.port, md5=False))):
            await manager.asked("Login")
        assert manager.names()[0] == "Login"
        assert manager.actions[0]["secret"] == "geheim"

    async def test_a_channel_born_behind_the_list_comes_behind_the_mark(self) -> None:
        born = "Event: Newchannel\nChannel: SIP/2-2\nUniqueid: 7.2\n\n"
        channels = listing("CoreShowChannel", [{"Channel": "SIP/1-1", "Uniqueid": "7.1"}], "CoreShowChannelsComplete")
        manager = ScriptedManager({"coreshowchannels": channels + born})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            items = await take_until(client, lambda item: isinstance(item, tuple) and item[1].name == "Newchannel")
        assert isinstance(items[-2], Resynced)

    async def test_a_pbx_still_starting_is_asked_again_when_it_is_up(self) -> None:
        manager = ScriptedManager({"login": ACCEPTED})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            await manager.say(FULLY_BOOTED)
            await take_until(client, is_resynced)
        assert manager.names().count("SIPpeers") == 2

    async def test_missing_rights_are_told_once_and_their_coming_too(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        manager = ScriptedManager({"sippeers": DENIED, "coreshowchannels": DENIED})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            for rights in (DENIED, DENIED, listing("PeerEntry", [], "PeerlistComplete")):
                manager.answers["sippeers"] = manager.answers["coreshowchannels"] = rights
                await take_until(client, is_resynced)
                await client.request("CoreStatus")
                await manager.drop()
                await take_until(client, is_disconnected)
        (line,) = log_lines(caplog, "ami.not_visible pbx=main")
        assert "add reporting to write= in manager.conf" in line
        assert len(log_lines(caplog, "ami.all_visible pbx=main")) == 1

    async def test_several_pbxes_at_once(self) -> None:
        managers = [ScriptedManager() for _ in range(3)]
        async with contextlib.AsyncExitStack() as stack:
            for manager in managers:
                await stack.enter_async_context(manager.listening())
            clients = [client_of(endpoint(manager.port)) for manager in managers]
            async with running(*clients):
                for client in clients:
                    await take_until(client, is_resynced)
                for number, manager in enumerate(managers):
                    await manager.say(PEER_STATUS.format(n=number))
                seen = [await take_until(client, lambda item: bool(peers_in([item]))) for client in clients]
        assert [peers_in(items) for items in seen] == [["SIP/0"], ["SIP/1"], ["SIP/2"]]

    async def test_leaving_says_goodbye(self) -> None:
        manager = ScriptedManager()
        async with manager.listening():
            async with running(client := client_of(endpoint(manager.port))):
                await take_until(client, is_resynced)
            await manager.until(lambda: not manager.sessions)
        assert manager.names()[-1] == "Logoff"
        assert not client.connected


class TestLoss:
    async def test_a_connection_cut_in_mid_frame_comes_back(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        manager = ScriptedManager()
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            await manager.say(wire(PEER_STATUS.format(n=1)) + wire(PEER_STATUS.format(n=2))[:40])
            await take_until(client, lambda item: peers_in([item]) == ["SIP/1"])
            await manager.drop()
            lost = await take_until(client, is_disconnected)
            again = await take_until(client, is_resynced)
            await manager.say(PEER_STATUS.format(n=3))
            after = await take_until(client, lambda item: bool(peers_in([item])))
        assert isinstance(lost[-1], Disconnected)
        assert "middle of a message" in lost[-1].reason
        assert isinstance(again[0], Connected)
        assert peers_in(lost + again + after) == ["SIP/3"]  # nothing of the half message survives
        assert manager.connections == 2
        assert len(log_lines(caplog, "ami.connection_lost")) == 1
        assert len(log_lines(caplog, "ami.connected")) == 2

    async def test_a_shutdown_gives_its_own_reason(self) -> None:
        manager = ScriptedManager()
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            await manager.say("Event: Shutdown\nPrivilege: system,all\nShutdown: Cleanly\nRestart: True\n\n")
            await take_until(client, lambda item: isinstance(item, tuple) and item[1].name == "Shutdown")
            await manager.drop()
            lost = await take_until(client, is_disconnected)
        assert isinstance(lost[-1], Disconnected)
        assert "is being restarted" in lost[-1].reason

    async def test_a_pbx_that_hangs_is_noticed_by_its_silence(self) -> None:
        manager = ScriptedManager()
        timeouts = SessionTimeouts(ping_interval_s=0.05, ping_answer_s=0.5)
        async with manager.listening(), running(client := client_of(endpoint(manager.port), timeouts=timeouts)):
            await take_until(client, is_resynced)
            await manager.asked("Ping", times=2)  # answered: the connection stays
            assert manager.connections == 1
            manager.answers["ping"] = ""
            lost = await take_until(client, is_disconnected)
            manager.answers["ping"] = "Response: Success\nActionID: {id}\nPing: Pong\n\n"
            await take_until(client, is_resynced)
        assert isinstance(lost[-1], Disconnected)
        assert "Ping unanswered" in lost[-1].reason

    @pytest.mark.parametrize(("healthy_s", "expected"), [(0.0, 3), (3600.0, 1)])
    async def test_pauses_start_anew_only_after_a_healthy_connection(self, healthy_s: float, expected: int) -> None:
        started: list[int] = []

        def delays() -> Iterator[float]:
            started.append(1)
            return repeat(0.0)

        manager = ScriptedManager()
        pace = Pace(boot_s=0.05, healthy_s=healthy_s)
        async with manager.listening(), running(client := client_of(endpoint(manager.port), pace=pace, delays=delays)):
            for _ in range(2):
                await take_until(client, is_resynced)
                await manager.drop()
            await take_until(client, is_resynced)
        assert len(started) == expected


class TestFailures:
    async def test_nobody_listens(self) -> None:
        with socket.socket() as placeholder:
            placeholder.bind(("127.0.0.1", 0))  # bound but not listening: refused
            port = placeholder.getsockname()[1]
            reason = await reason_of(client_of(endpoint(port)))
        assert reason.startswith(f"127.0.0.1:{port}: connection refused: is Asterisk running")

    async def test_unknown_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*args: object, **kwargs: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)  # a test must not depend on somebody's DNS
        reason = await reason_of(client_of(endpoint(5038, host="pbx.invalid")))
        assert "pbx.invalid cannot be resolved" in reason

    async def test_wrong_password_is_told_once_and_its_end_too(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        manager = ScriptedManager({"login": REFUSED})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await manager.until(lambda: manager.connections >= 4)
            manager.answers["login"] = ACCEPTED + FULLY_BOOTED
            items = await take_until(client, is_resynced)
        disconnected = [item for item in items if isinstance(item, Disconnected)]
        assert len(disconnected) == 1
        assert "wrong user name or secret, or this machine's address is not permitted" in disconnected[0].reason
        (line,) = log_lines(caplog, "ami.cannot_connect")
        assert f'pbx=main reason="127.0.0.1:{manager.port}: refused the login' in line
        assert len(log_lines(caplog, "ami.connected")) == 1
        assert "geheim" not in caplog.text

    async def test_refused_logins_are_repeated_slowly(self) -> None:
        manager = ScriptedManager({"login": REFUSED})
        slow = Pace(refused_s=3600.0)
        async with (
            manager.listening(),
            running(client := client_of(endpoint(manager.port), pace=slow, delays=lambda: repeat(0.0))),
        ):
            await take_until(client, is_disconnected)
            with pytest.raises(TimeoutError):
                await manager.until(lambda: manager.connections > 1, timeout_s=0.1)

    @pytest.mark.parametrize(
        ("banner", "name"),
        [
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH"),
            (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "HTTP"),
            (b"\x00\x01\x02garbage", "does not answer as the Asterisk manager"),
        ],
    )
    async def test_another_protocol(self, banner: bytes, name: str) -> None:
        async with ScriptedManager(banner=banner).listening() as manager:
            reason = await reason_of(client_of(endpoint(manager.port)))
        assert name in reason
        assert manager.actions == []  # nothing was said to a stranger

    async def test_silence(self) -> None:
        async with ScriptedManager(banner=b"").listening() as manager:
            reason = await reason_of(client_of(endpoint(manager.port), timeouts=SessionTimeouts(banner_s=0.05)))
        assert "said nothing" in reason
        assert manager.actions == []

    async def test_closed_at_once(self) -> None:
        async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(close, "127.0.0.1", 0)
        async with server:
            reason = await reason_of(client_of(endpoint(server.sockets[0].getsockname()[1])))
        assert "closed the connection without a word" in reason

    async def test_a_new_reason_is_told_too(self) -> None:
        manager = ScriptedManager({"login": REFUSED})
        async with running(client := client_of(endpoint(await _free_port(manager)))):
            first = await take_until(client, is_disconnected)
            async with manager.listening():
                second = await take_until(client, is_disconnected)
        reasons = [item.reason for item in (first[-1], second[-1]) if isinstance(item, Disconnected)]
        assert "connection refused" in reasons[0]
        assert "refused the login" in reasons[1]


async def _free_port(manager: ScriptedManager) -> int:
    async with manager.listening():
        return manager.port


class TestRequests:
    async def test_answers_errors_and_timeouts_are_values(self) -> None:
        manager = ScriptedManager({"sipshowpeer": "Response: Success\nActionID: {id}\nObjectName: 100\n\n", "getvar": ""})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            peer = await client.request("SIPshowpeer", [("Peer", "100")])
            unknown = await client.request("NoSuchThing")
            silent = await client.request("Getvar", [("Variable", "X")], timeout_s=0.05)
        assert peer.ok
        assert peer.response is not None
        assert peer.response.get("ObjectName") == "100"
        assert not unknown.ok
        assert unknown.message.startswith("Invalid/unknown command")
        assert (silent.ok, silent.response) == (False, None)

    async def test_many_at_once_find_their_answers(self) -> None:
        manager = ScriptedManager(
            {"getvar": lambda action: f"Response: Success\nActionID: {{id}}\nValue: {action['variable']}\n\n"}
        )
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            answers = await asyncio.gather(*(client.request("Getvar", [("Variable", str(n))]) for n in range(50)))
        assert [answer.response.get("Value") for answer in answers if answer.response] == [str(n) for n in range(50)]

    async def test_without_a_connection(self) -> None:
        client = client_of(endpoint(1))
        with pytest.raises(AmiConnectError, match="pbx main is not connected"):
            await client.request("SIPpeers")

    async def test_a_connection_lost_while_waiting(self) -> None:
        manager = ScriptedManager({"getvar": ""})
        async with manager.listening(), running(client := client_of(endpoint(manager.port))):
            await take_until(client, is_resynced)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(_outcome(client))
                await manager.asked("Getvar")
                await manager.drop()
        assert "pbx main closed the connection" in waiting.result()


async def _outcome(client: AmiClient) -> str:
    try:
        await client.request("Getvar", [("Variable", "X")])
    except AmiConnectError as exc:
        return str(exc)
    return "answered"


class TestReading:
    async def test_a_consumer_that_stands_still_does_not_stop_the_reading(self) -> None:
        manager = ScriptedManager()
        report = RTCP.format(n=1).replace("\n\n", "\nX-Padding: " + 900 * "x" + "\n\n")
        async with manager.listening(), running(client := client_of(endpoint(manager.port), limit=1000)):
            await take_until(client, is_resynced)
            # 20 MB, more than any socket buffer holds: unless it is read, this never comes back.
            async with asyncio.timeout(30):
                for _ in range(20):
                    await manager.say(report * 1000)
                await manager.say(PEER_STATUS.format(n=1))
                answer = await client.request("CoreStatus")  # answered behind all of it
        assert answer.response is not None
        assert len(client.inbox) <= 1001
        assert peers_in(client.inbox.take_now(2000)) == ["SIP/1"]

    async def test_overflow_drops_rtcp_reports_only_and_says_so_once(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        manager = ScriptedManager()
        async with manager.listening(), running(client := client_of(endpoint(manager.port), limit=10)):
            await take_until(client, is_resynced)
            await manager.say("".join(RTCP.format(n=n) + (PEER_STATUS.format(n=n) if n % 10 == 0 else "") for n in range(100)))
            await client.request("CoreStatus")  # answered behind everything that was said before
            items = client.inbox.take_now()
            await manager.say(PEER_STATUS.format(n="last"))
            await take_until(client, lambda item: peers_in([item]) == ["SIP/last"])
        assert peers_in(items) == [f"SIP/{n}" for n in range(0, 100, 10)]
        reports = [item for item in items if isinstance(item, tuple) and item[1].name == "RTCPSent"]
        assert client.inbox.dropped == 100 - len(reports) > 80
        assert len(log_lines(caplog, "ami.inbox_overflow pbx=main")) == 1
        assert len(log_lines(caplog, "ami.inbox_recovered pbx=main")) == 1

    async def test_beyond_the_hard_limit_what_was_lost_is_asked_for_and_said(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        manager = ScriptedManager()
        async with (
            manager.listening(),
            running(client := client_of(endpoint(manager.port), limit=10, pace=replace(FAST, reload_s=0.05))),
        ):
            await take_until(client, is_resynced)
            asked = manager.names().count("SIPpeers")
            await manager.say("".join(PEER_STATUS.format(n=n) for n in range(100)))
            await client.request("CoreStatus")
            assert client.inbox.dropped_others > 0
            await take_until(client, is_resynced)
            assert manager.names().count("SIPpeers") > asked, "what stands now is read, whatever was missed"
        (line,) = log_lines(caplog, "ami.inbox_overflow pbx=main")
        assert "dropping=everything how_things_stand=is_asked_for_again" in line

    async def test_every_byte_is_a_sign_of_life(self) -> None:
        manager = ScriptedManager()
        timeouts = SessionTimeouts(ping_interval_s=0.02)
        async with manager.listening(), running(client := client_of(endpoint(manager.port), timeouts=timeouts)):
            await take_until(client, is_resynced)
            before = time.monotonic()
            pings = manager.names().count("Ping")
            await manager.asked("Ping", pings + 3)
            assert client.idle_s < min(5.0, time.monotonic() - before)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


class TestTls:
    async def test_verified_against_its_own_ca(self, authority: trustme.CA, ca_file: Path) -> None:
        manager = ScriptedManager()
        async with manager.listening(server_context(authority)):
            where = endpoint(manager.port, tls=TlsOptions(ca_file=ca_file))
            async with running(client := client_of(where)):
                await take_until(client, is_resynced)
                await manager.say(PEER_STATUS.format(n=1))
                await take_until(client, lambda item: peers_in([item]) == ["SIP/1"])
                await manager.drop()
                await take_until(client, is_resynced)
        assert manager.connections == 2

    async def test_refused_without_the_ca(self, authority: trustme.CA) -> None:
        manager = ScriptedManager()
        async with manager.listening(server_context(authority)):
            reason = await reason_of(client_of(endpoint(manager.port, tls=TlsOptions())))
        assert "set tls.ca_file" in reason
        assert manager.actions == []

    async def test_refused_under_another_name(self, authority: trustme.CA, ca_file: Path) -> None:
        manager = ScriptedManager()
        async with manager.listening(server_context(authority, "pbx.example")):
            reason = await reason_of(client_of(endpoint(manager.port, tls=TlsOptions(ca_file=ca_file))))
            named = TlsOptions(ca_file=ca_file, server_name="pbx.example")
            async with running(client := client_of(endpoint(manager.port, tls=named))):
                await take_until(client, is_resynced)
        assert "than 127.0.0.1" in reason

    async def test_refused_when_expired(self, authority: trustme.CA, ca_file: Path) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        expired = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        authority.issue_cert("127.0.0.1", not_after=expired).configure_cert(context)
        manager = ScriptedManager()
        async with manager.listening(context):
            reason = await reason_of(client_of(endpoint(manager.port, tls=TlsOptions(ca_file=ca_file))))
        assert "has expired" in reason

    async def test_anybody_is_let_in_without_verification(self, authority: trustme.CA) -> None:
        manager = ScriptedManager()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(manager.listening(server_context(authority, "elsewhere.example")))
            client = client_of(endpoint(manager.port, tls=TlsOptions(verify=False)))
            await stack.enter_async_context(running(client))
            await take_until(client, is_resynced)
        assert "Login" in manager.names()

    async def test_a_port_without_tls(self) -> None:
        async with ScriptedManager().listening() as manager:
            reason = await reason_of(client_of(endpoint(manager.port, tls=TlsOptions())))
        assert "does not speak TLS" in reason

    async def test_a_tls_port_without_tls(self, authority: trustme.CA) -> None:
        manager = ScriptedManager()
        async with manager.listening(server_context(authority)):
            reason = await reason_of(client_of(endpoint(manager.port), timeouts=SessionTimeouts(banner_s=0.1)))
        assert "expects TLS" in reason

    @pytest.mark.parametrize(
        ("content", "advice"), [(None, "cannot be read"), ("no certificate", "no certificate in PEM form")]
    )
    async def test_a_ca_file_that_is_no_use(self, tmp_path: Path, content: str | None, advice: str) -> None:
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        reason = await reason_of(client_of(endpoint(1, tls=TlsOptions(ca_file=path))))
        assert f"tls.ca_file {path}" in reason
        assert advice in reason
