"""Everything else as a target, through the library apprise, over real HTTP and real SMTP."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import logging
import subprocess
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest

from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.model import Attachment, MemberState, Notification, Severity
from qualitywatch.notify.channels.apprise import AppriseNotifier, Options
from qualitywatch.secrets import Secret
from tests.fakes.webhook_server import WebhookServer
from tests.notify.build import bulletin, incident, member
from tests.notify.targets import Store, changed, running, tell
from tests.notify.targets import incident as an_incident

# The library loads all of its services at once, some with modules that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def server() -> AsyncIterator[WebhookServer]:
    async with WebhookServer() as fake:
        yield fake


def target(*urls: str, language: str = "en") -> AppriseNotifier:
    options = Options(tuple(map(Secret, urls)), language)
    return AppriseNotifier.from_options({"ops": options}, show_pbx=False, zone=UTC, remembered={})["ops"]


def address(server: WebhookServer, path: str = "/hook") -> str:
    return server.url.replace("http://", "json://") + path


def loss(notifier: AppriseNotifier, severity: Severity = Severity.WARNING, value: float = 5.45) -> Notification:
    return notifier.render(bulletin(incident(member(value=value, severity=severity))))


async def failure(notifier: AppriseNotifier) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        await notifier.send(loss(notifier))
    return caught.value


async def test_the_first_line_is_the_title_and_the_rest_the_text(server: WebhookServer) -> None:
    notifier = target(address(server))
    message = loss(notifier)
    await notifier.send(message)
    (request,) = server.requests
    assert request.json["title"] == message.plain.split("\n")[0]
    assert request.json["message"] == message.plain.split("\n", 1)[1]
    assert "loss at SIP/6117 5.45%" in request.json["title"]
    assert request.headers["User-Agent"] == "qualitywatch"


async def test_one_line_is_a_text_without_a_title(server: WebhookServer) -> None:
    await target(address(server)).send(Notification("all in one", "", "1", Severity.INFO))
    assert (server.requests[0].json["title"], server.requests[0].json["message"]) == ("", "all in one")


async def test_what_a_caller_is_called_is_no_emoji_and_no_markup(server: WebhookServer) -> None:
    await target(address(server)).send(Notification("t\n:smile: \\n <b> & *x*", "", "1", Severity.INFO))
    assert server.requests[0].json["message"] == ":smile: \\n <b> & *x*"


@pytest.mark.parametrize(
    ("severity", "kind"), [(Severity.INFO, "info"), (Severity.WARNING, "warning"), (Severity.CRITICAL, "failure")]
)
async def test_services_are_told_how_urgent_it_is(server: WebhookServer, severity: Severity, kind: str) -> None:
    notifier = target(address(server))
    await notifier.send(loss(notifier, severity))
    assert server.requests[0].json["type"] == kind


async def test_the_end_is_a_success(server: WebhookServer) -> None:
    notifier = target(address(server))
    over = incident(member(state=MemberState.RESOLVED, severity=Severity.CRITICAL, peak=12.4))
    await notifier.send(notifier.render(bulletin(over)))
    assert server.requests[0].json["type"] == "success"


async def test_the_texts_are_in_the_targets_language(server: WebhookServer) -> None:
    notifier = target(address(server), language="ru")
    await notifier.send(loss(notifier))
    assert "Потери" in server.requests[0].json["title"]


async def test_an_attachment_goes_along_and_leaves_no_file(
    server: WebhookServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    full = Attachment("alerts.txt", "14 peers: Анна".encode())
    await target(address(server)).send(Notification("a\nb", "", "1", Severity.WARNING, attachment=full))
    (file,) = server.requests[0].json["attachments"]
    assert (file["filename"], base64.b64decode(file["base64"])) == ("alerts.txt", full.content)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_failure_is_worth_trying_again_and_names_the_service(server: WebhookServer, status: int) -> None:
    server.answer(status)
    error = await failure(target(address(server)))
    assert (error.permanent, error.retry_after_s) == (False, None)
    assert str(error) == f"apprise could not deliver to JSON (it answers {status}): check the address and the network"


async def test_nobody_there_is_a_failure_worth_trying_again(unused_tcp_port_factory: Callable[[], int]) -> None:
    error = await failure(target(f"json://127.0.0.1:{unused_tcp_port_factory()}"))
    assert not error.permanent
    assert str(error) == "apprise could not deliver to JSON: check the address and the network"


async def test_what_was_answered_last_time_is_not_told_again() -> None:
    async with WebhookServer() as server:
        notifier = target(address(server))
        server.answer(404)
        assert "(it answers 404)" in str(await failure(notifier))
    assert "answers" not in str(await failure(notifier))


async def test_who_has_a_message_does_not_get_it_again_when_another_fails(server: WebhookServer) -> None:
    async with WebhookServer() as other:
        notifier = target(address(server), address(other))
        message = loss(notifier)
        other.answer(503)
        with pytest.raises(NotifyError):
            await notifier.send(message)
        await notifier.send(message)
        assert (len(server.requests), len(other.requests)) == (1, 2)
        # The same words once more are news again, such as a reminder.
        await notifier.send(message)
        assert (len(server.requests), len(other.requests)) == (2, 3)


async def test_news_before_the_next_attempt_go_to_all(server: WebhookServer) -> None:
    async with WebhookServer() as other:
        notifier = target(address(server), address(other))
        other.answer(503)
        with pytest.raises(NotifyError):
            await notifier.send(loss(notifier))
        await notifier.send(notifier.render(bulletin(incident(member(value=9.0), news=2))))
        assert "9.00%" in server.requests[-1].json["title"]
        assert "9.00%" in other.requests[-1].json["title"]


async def test_an_address_that_works_is_told_each_news_once_while_another_is_dead(server: WebhookServer) -> None:
    store, one, two = Store(), an_incident(1, value=1.0), an_incident(2, Severity.CRITICAL)
    async with WebhookServer() as other:
        for _ in range(9):
            other.answer(404)
        async with running(store, {"ops": target(address(server), address(other))}) as dispatcher:
            for number in range(200):
                await tell(store, dispatcher, one := changed(one, float(number)), two)
                await asyncio.sleep(0.01)
                if len(store.posts) == 2:
                    break
            assert await dispatcher.drain(5)
    assert len(other.requests) == 11
    titles = [request.json["title"] for request in server.requests]
    assert len(titles) == 2
    assert sum("SIP/1" in title for title in titles) == 1


class Dripping:
    """A receiver that answers a byte at a time until it is told to come to an end; ``titles`` of what it was sent."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.over = asyncio.Event()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Dripping]:
        it = cls()
        async with asyncio.TaskGroup() as talks, await asyncio.start_server(it._talk(talks), "127.0.0.1", 0) as server:
            it.url = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
            yield it
            it.over.set()

    def _talk(self, talks: asyncio.TaskGroup) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.create_task(self._drip(reader, writer))

        return talk

    async def _drip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        self.titles.append(json.loads(await reader.readexactly(int(length.split(b":")[1])))["title"])
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self.over.is_set():
            writer.write(b"x")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), 0.05)
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("own_limit_s", "delivery_limit_s"), [(0.05, 5.0), (60.0, 0.05)])
async def test_an_answer_without_end_costs_its_address_and_nobody_else(
    server: WebhookServer, own_limit_s: float, delivery_limit_s: float
) -> None:
    store = Store()
    await tell(store, None, an_incident(1))
    async with Dripping.open() as slow:
        options = Options((Secret(address(server)), Secret(slow.url)))
        notifier = AppriseNotifier(options, show_pbx=False, zone=UTC, limit_s=own_limit_s)
        async with running(store, {"ops": notifier}, delivery_limit_s=delivery_limit_s) as dispatcher:
            await until(lambda: dispatcher.stats.failed_attempts >= 40)  # more than a pool of threads has
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().getaddrinfo("localhost", 443)
            assert (len(server.requests), len(slow.titles)) == (1, 1)
            assert "JSON (it does not come to an end)" in dispatcher.troubles[0]
            slow.over.set()
            await until(lambda: dispatcher.waiting == 0)
    assert (len(server.requests), len(slow.titles)) == (1, 1)  # it was slow, but it took it


async def test_who_answers_too_late_for_one_message_is_told_the_next(server: WebhookServer) -> None:
    store = Store()
    async with Dripping.open() as slow:
        notifier = AppriseNotifier(Options((Secret(slow.url),)), show_pbx=False, zone=UTC, limit_s=0.05)
        async with running(store, {"ops": notifier}) as dispatcher:
            await tell(store, dispatcher, an_incident(1))
            await until(lambda: dispatcher.stats.failed_attempts > 0)
            await tell(store, dispatcher, an_incident(2, Severity.CRITICAL))
            await until(lambda: dispatcher.stats.failed_attempts > 3)
            slow.over.set()
            await until(lambda: dispatcher.waiting == 0)
    assert len(slow.titles) == 2
    assert sum("SIP/2" in title for title in slow.titles) == 1


async def test_the_program_ends_while_an_answer_does_not() -> None:
    code = """
import asyncio, sys
from datetime import UTC
from qualitywatch.model import Attachment, Notification, Severity
from qualitywatch.notify.channels.apprise import AppriseNotifier, Options
from qualitywatch.secrets import Secret

async def main():
    notifier = AppriseNotifier(Options((Secret(sys.argv[1]),)), show_pbx=False, zone=UTC)
    try:
        async with asyncio.timeout(1):
            await notifier.send(Notification("a\\nb", "", "1", Severity.INFO, attachment=Attachment("list.txt", b"x")))
    except TimeoutError:
        await notifier.close()
        print("stopped")

asyncio.run(main())
"""
    async with Dripping.open() as slow:
        with tempfile.TemporaryDirectory() as directory:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", code, slow.url),
                env={"PYTHONPATH": str(ROOT), "TMPDIR": directory},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(20):
                    shown = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
            assert (process.returncode, *shown) == (0, b"stopped\n", b"")
            assert slow.titles == ["a"]
            assert list(Path(directory).iterdir()) == []


async def test_without_room_for_an_attachment_the_text_goes_alone(
    server: WebhookServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    full = Attachment("alerts.txt", b"14 peers")
    await target(address(server)).send(Notification("a\nb", "", "1", Severity.WARNING, attachment=full))
    (request,) = server.requests
    assert (request.json["title"], request.json["attachments"]) == ("a", [])
    assert "a message through apprise goes without alerts.txt: No such file or directory" in caplog.text


@pytest.mark.parametrize("status", [200, 404, None])
async def test_the_address_is_nowhere_to_be_seen(
    server: WebhookServer,
    status: int | None,
    caplog: pytest.LogCaptureFixture,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    root = logging.getLogger()
    caplog.set_level(logging.DEBUG, root.name)
    url = address(server, "") if status is not None else f"json://127.0.0.1:{unused_tcp_port_factory()}"
    notifier = target(url.replace("://", "://hugo:s3cret@") + "/T0PSECRET/?-token=abc123")
    shown = repr(notifier._options)
    if status is not None:
        server.answer(status)
    try:
        await notifier.send(loss(notifier))
    except NotifyError as error:
        shown += "".join(traceback.format_exception(error))
    shown += caplog.text
    assert not [word for word in ("hugo", "s3cret", "T0PSECRET", "abc123") if word in shown]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3cret", ""),
        ("http://example.org/s3cret", " (http://...)"),
        ("nosuch://user:s3cret@host", " (nosuch://...)"),
        ("json://", " (json://...)"),
        ("", ""),
        ("s3cret with spaces://x", ""),
    ],
)
def test_an_address_that_apprise_does_not_know_is_a_problem(
    url: str, shown: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    expected = f"its url{shown} is not an address that apprise knows; see https://github.com/caronc/apprise/wiki"
    assert Options((Secret(url),)).problems() == [expected]
    assert "s3cret" not in caplog.text + "".join(capsys.readouterr())


def test_every_problem_is_told_at_once_with_the_targets_name() -> None:
    options = {
        "none": Options((), "xx"),
        "half": Options((Secret("json://localhost"), Secret("nosuch://x"))),
        "good": Options((Secret("ntfy://topic"), Secret("tgram://123456789:abcdefghijklmnop/12345"))),
    }
    assert options["good"].problems() == []
    with pytest.raises(ConfigError) as caught:
        AppriseNotifier.from_options(options, show_pbx=False, zone=UTC, remembered={})
    assert caught.value.problems == [
        "none: names no address",
        "none: unknown language 'xx'; known are en, ru",
        "half: url number 2 (nosuch://...) is not an address that apprise knows; see https://github.com/caronc/apprise/wiki",
    ]


async def test_what_was_sent_cannot_be_changed_and_takes_no_picture() -> None:
    notifier = target("json://localhost")
    assert (notifier.can_edit, notifier.takes_pictures, notifier.pause_s()) == (False, False, 0.0)
    with pytest.raises(NotifyError) as edited:
        await notifier.edit(1, loss(notifier))
    with pytest.raises(NotifyError) as pictured:
        await notifier.send_picture(b"", "", reply_to=1)
    assert edited.value.permanent
    assert pictured.value.permanent
    await notifier.close()


def test_the_library_is_not_imported_until_a_target_is_configured() -> None:
    code = (
        "import sys, qualitywatch.notify.channels.apprise as channel, datetime\n"
        "channel.AppriseNotifier.from_options({}, show_pbx=False, zone=datetime.UTC, remembered={})\n"
        "print('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_without_the_library_it_is_said_what_to_install() -> None:
    code = """
import datetime
from qualitywatch.errors import ConfigError
from qualitywatch.notify.channels.apprise import AppriseNotifier, Options
from qualitywatch.secrets import Secret
try:
    options = {"ops": Options((Secret("json://localhost"),))}
    AppriseNotifier.from_options(options, show_pbx=False, zone=datetime.UTC, remembered={})
except ConfigError as error:
    print(error)
"""
    # Without site-packages, as on a machine where the extra is not installed.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "ops: this channel needs one more package: pip install 'qualitywatch[channels]'\n"


@dataclass
class Mailbox:
    """A mail server of six commands (RFC 5321) that keeps what it takes."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Mailbox]:
        box = cls()
        async with await asyncio.start_server(box._talk, "127.0.0.1", 0) as server:
            box.port = server.sockets[0].getsockname()[1]
            yield box
            async with asyncio.timeout(5):
                await box._over.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 box ESMTP\r\n")
        while line := await reader.readline():
            command = line[:4].upper()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                data = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
                mail = email.message_from_bytes(data, policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 OK\r\n")
            if command == b"QUIT":
                break
        writer.close()
        await writer.wait_closed()
        self._over.set()


async def test_a_mail_arrives_with_subject_text_and_attachment() -> None:
    async with Mailbox.open() as box:
        notifier = target(f"mailto://127.0.0.1:{box.port}?mode=insecure&from=pbx@example.org&to=ops@example.org", language="ru")
        message = Notification(
            "🟡 Потери до Anna\nпик <i>12.4%</i> & more\nсо вчера",
            "",
            "1",
            Severity.WARNING,
            attachment=Attachment("alerts.txt", b"all 14"),
        )
        await notifier.send(message)
    (mail,) = box.mails
    assert mail["Subject"] == "🟡 Потери до Anna"
    assert mail["To"] == "ops@example.org"
    assert mail["From"] == "pbx@example.org"
    file = [part for part in mail.walk() if part.get_filename() == "alerts.txt"]
    (page,) = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/html"]
    assert "<i>" not in page
    seen = unescape(page).replace("\xa0", " ")
    assert "пик <i>12.4%</i> & more" in seen
    assert "со вчера" in seen
    assert [bytes(part.get_payload(decode=True)) for part in file] == [b"all 14"]
