"""Web hooks as targets, over real HTTP: what a receiver gets, what its answers mean, and the address nowhere to be seen."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch import __version__
from qualitywatch.backoff import Backoff
from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.model import Form, MemberState, Severity
from qualitywatch.notify.channels.webhook import Options, WebhookNotifier
from qualitywatch.secrets import Secret
from tests.fakes.webhook_server import Received, WebhookServer
from tests.notify.build import bulletin, incident, member
from tests.notify.targets import Store, running, tell
from tests.notify.targets import incident as an_incident

NOW = 1_763_850_000.5
KEY = "a key of the receiver"


def now() -> float:
    return NOW


@pytest.fixture
async def server() -> AsyncIterator[WebhookServer]:
    async with WebhookServer() as fake:
        yield fake


@asynccontextmanager
async def hook(url: str, **changes: object) -> AsyncIterator[WebhookNotifier]:
    options = replace(Options(Secret(url), Secret(KEY), now), **changes)  # type: ignore[arg-type]
    built = WebhookNotifier.from_options({"ops": options}, show_pbx=False, zone=UTC, remembered={})
    try:
        yield built["ops"]
    finally:
        await built["ops"].close()


async def post(server: WebhookServer, path: str = "/hook", **changes: object) -> Received:
    """Send one alert and return what the receiver got."""
    async with hook(server.url + path, **changes) as target:
        await target.send(target.render(bulletin(incident(member(value=5.45, peak=6.0)))))
    return server.requests[-1]


async def failure(url: str, **changes: object) -> NotifyError:
    """Send one alert and return the error it must end with."""
    async with hook(url, **changes) as target:
        with pytest.raises(NotifyError) as caught:
            await target.send(target.render(bulletin(incident(member(value=5.45)))))
    return caught.value


async def test_a_receiver_gets_json_that_tells_all(server: WebhookServer) -> None:
    request = await post(server)
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"qualitywatch/{__version__}"
    assert (request.json["status"], request.json["severity"], request.json["incident"]) == ("firing", "warning", 7)
    assert request.json["members"][0]["value"] == 5.45
    assert "loss at SIP/6117 5.45%" in request.json["text"]


async def test_the_end_of_an_incident_and_a_digest_are_messages_of_their_own(server: WebhookServer) -> None:
    async with hook(server.url) as target:
        assert not target.can_edit
        over = incident(member(state=MemberState.RESOLVED, peak=12.4))
        await target.send(target.render(bulletin(over)))
        await target.send(target.render(bulletin(over, incident(member(), number=8), form=Form.DIGEST)))
    assert server.requests[0].json["status"] == "resolved"
    assert [part["incident"] for part in server.requests[1].json["digest"]] == [7, 8]


async def test_the_texts_are_in_the_targets_language(server: WebhookServer) -> None:
    assert "Потери" in (await post(server, language="ru")).json["text"]


async def test_a_receiver_can_tell_who_sent_it_and_when(server: WebhookServer) -> None:
    request = await post(server)
    assert request.headers["X-Qualitywatch-Timestamp"] == str(int(NOW))
    assert request.signed_with(KEY)
    assert not request.signed_with("another key")


async def test_without_a_secret_there_is_no_signature(server: WebhookServer) -> None:
    assert "X-Qualitywatch-Signature" not in (await post(server, secret=None)).headers


async def test_a_repeated_message_can_be_told_from_a_new_one(server: WebhookServer) -> None:
    first, again = await post(server), await post(server, now=lambda: NOW + 60)
    async with hook(server.url) as target:
        await target.send(target.render(bulletin(incident(member(value=9.0)))))
        for new in (incident(member(), news=2), incident(member(), number=8), incident(member(state=MemberState.RESOLVED))):
            await target.send(target.render(bulletin(new)))
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert keys[0] == keys[1] == keys[2]  # the same news, whatever the figures at the time
    assert len(set(keys)) == 4
    assert first.headers["X-Qualitywatch-Signature"] != again.headers["X-Qualitywatch-Signature"]


@pytest.mark.parametrize("retry_after", ["0", "Sat, 22 Nov 2025 00:00:00 GMT"])
async def test_a_receiver_that_asks_for_no_pause_is_not_flooded(server: WebhookServer, retry_after: str) -> None:
    for _ in range(1000):
        server.answer(503, {"Retry-After": retry_after})
    store = Store()
    async with hook(server.url) as target:
        async with running(store, {"ops": target}, backoff=Backoff(first_s=0.1)) as dispatcher:
            await tell(store, dispatcher, an_incident(1))
            await asyncio.sleep(1.0)
        assert 2 <= len(server.requests) <= 5  # after 0.1, 0.1-0.2, 0.2-0.4, 0.4-0.8 s


async def test_a_name_that_was_never_utf_8_arrives(server: WebhookServer) -> None:
    async with hook(server.url) as target:
        await target.send(target.render(bulletin(incident(member(subject="SIP/\udce9", name="Ann\ud83d")))))
    assert server.requests[0].json["members"][0]["subject"] == "SIP/?"


async def test_hidden_characters_reach_no_field(server: WebhookServer) -> None:
    hostile = "\u202eAnn\u2066\u200b\nERROR fake"
    async with hook(server.url) as target:
        await target.send(target.render(bulletin(incident(member(subject="SIP/\u202e6117", name=hostile)))))
    request = server.requests[0]
    assert request.json["members"][0]["subject"] == "SIP/6117"
    assert request.json["members"][0]["name"] == "Ann ERROR fake"
    said = request.body.decode("ascii")
    assert not [code for code in ("\\u202e", "\\u2066", "\\u200b", "\\nERROR") if code in said]


async def test_a_password_in_the_address_is_used(server: WebhookServer) -> None:
    async with hook(server.url.replace("://", "://user:p%40ss@")) as target:
        await target.send(target.render(bulletin(incident(member()))))
    assert server.requests[0].headers["Authorization"] == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_success_is_one(server: WebhookServer, status: int) -> None:
    server.answer(status)
    await post(server)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_what_may_pass_is_tried_again(server: WebhookServer, status: int) -> None:
    server.answer(status)
    error = await failure(server.url)
    assert (error.permanent, error.retry_after_s) == (False, None)
    assert str(error).startswith(f"http://127.0.0.1 answers {status}")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "http://127.0.0.1 answers 400 (Bad Request): the receiver refuses the message"),
        (401, "http://127.0.0.1 answers 401 (Unauthorized): check the secret and what the address holds of a password"),
        (404, "http://127.0.0.1 answers 404 (Not Found): check the address"),
        (
            410,
            "http://127.0.0.1 answers 410 (Gone): the receiver is gone for good, so remove the target or give it a new address",
        ),
        (499, "http://127.0.0.1 answers 499: the receiver refuses the message"),
    ],
)
async def test_a_refusal_is_permanent_and_says_what_to_do(server: WebhookServer, status: int, said: str) -> None:
    server.answer(status, body="<script>")
    error = await failure(server.url)
    assert (error.permanent, str(error)) == (True, said)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(server: WebhookServer, status: int) -> None:
    server.answer(status, {"Location": server.url + "/elsewhere"})
    error = await failure(server.url)
    assert error.permanent
    assert "redirects are not followed" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("asked", "pause_s"),
    [
        ("30", 30.0),
        ("0", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 89.5),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("Sun, 23 Nov 2025 00:00:00 -0000", 3_600.0),
        ("99999999999", 3_600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_a_pause_that_is_asked_for_is_passed_on(server: WebhookServer, asked: str, pause_s: float | None) -> None:
    server.answer(429, {"Retry-After": asked})
    error = await failure(server.url)
    assert not error.permanent
    assert error.retry_after_s == pytest.approx(pause_s)


async def test_a_date_without_a_zone_is_not_local_time(server: WebhookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        server.answer(503, {"Retry-After": f"{datetime.fromtimestamp(NOW + 90, UTC):%a, %d %b %Y %H:%M:%S} -0000"})
        error = await failure(server.url)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert error.retry_after_s == pytest.approx(89.5)


async def test_a_receiver_that_does_not_answer_is_left(server: WebhookServer) -> None:
    server.hangs = True
    error = await failure(server.url, timeout_s=0.1)
    assert not error.permanent
    assert str(error) == "http://127.0.0.1 did not answer within 0.1 s; the message may arrive twice"


@asynccontextmanager
async def listener(reply: bytes) -> AsyncIterator[str]:
    """A server that reads a request's head, says something, and stays until it is left or ``reply`` ends the talk."""
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        with suppress(ConnectionError):
            if b"Content-Length" in reply:
                await reader.read()
            writer.close()
            await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(5):
            await over.wait()


async def test_a_body_without_end_is_not_waited_for() -> None:
    async with (
        listener(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nmore") as url,
        hook(url, timeout_s=3.0) as target,
    ):
        await target.send(target.render(bulletin(incident(member()))))


@pytest.mark.parametrize(
    "reply", [b"", b"SMTP ready\r\n", b"HTTP/1.1 two hundred\r\n\r\n"], ids=["nothing", "another protocol", "nonsense"]
)
async def test_who_does_not_speak_http_is_asked_again_later(reply: bytes) -> None:
    async with listener(reply) as url:
        error = await failure(url)
    assert not error.permanent
    assert "http://127.0.0.1 could not be asked (" in str(error)


async def test_nobody_there_is_a_failure_worth_trying_again(unused_tcp_port_factory: Callable[[], int]) -> None:
    error = await failure(f"http://127.0.0.1:{unused_tcp_port_factory()}/")
    assert not error.permanent
    assert str(error).startswith("http://127.0.0.1 could not be asked (")
    assert str(error).endswith("): check the network and the receiver")


async def test_an_error_that_repeats_anything_of_the_address_is_not_shown(unused_tcp_port_factory: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    assert "connection attempts" in str(await failure(url + "/hook"))
    for path in ("/connection", "/?attempts", "/#failed"):
        assert "http://127.0.0.1 could not be asked (ConnectError)" in str(await failure(url + path))


@pytest.mark.parametrize("status", [200, 302, 404, 500, None])
async def test_the_address_is_nowhere_to_be_seen(
    server: WebhookServer,
    status: int | None,
    caplog: pytest.LogCaptureFixture,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    caplog.set_level(logging.INFO)
    shown = ""
    url = server.url if status is not None else f"http://127.0.0.1:{unused_tcp_port_factory()}"
    if status is not None:
        server.answer(status)
    async with hook(url.replace("://", "://hugo:s3cret@") + "/T0PSECRET/path?token=abc123") as target:
        shown += repr(target._options)
        try:
            await target.send(target.render(bulletin(incident(member()))))
        except NotifyError as error:
            shown += "".join(traceback.format_exception(error))
            assert error.__context__ is None
    shown += caplog.text
    assert not [word for word in ("hugo", "s3cret", "T0PSECRET", "abc123", KEY) if word in shown]


async def test_what_was_posted_cannot_be_changed_and_takes_no_picture() -> None:
    async with hook("http://127.0.0.1:9") as target:
        assert (target.can_edit, target.takes_pictures, target.pause_s()) == (False, False, 0.0)
        message = target.render(bulletin(incident(member())))
        with pytest.raises(NotifyError) as edited:
            await target.edit(1, message)
        with pytest.raises(NotifyError) as pictured:
            await target.send_picture(b"", "", reply_to=1)
    assert edited.value.permanent
    assert pictured.value.permanent


@pytest.mark.parametrize(
    "url",
    ["", "example.org/hook", "ftp://example.org", "http://", "http://host:99999/", "http://[::1", "http://a b/", "http://x/\n"],
)
def test_an_address_that_cannot_be_one_is_a_problem(url: str) -> None:
    assert Options(Secret(url), None, now).problems() == ["url must be an address such as https://example.org/hook"]


def test_every_problem_is_told_at_once_with_the_targets_name() -> None:
    bad = Options(Secret("nowhere"), Secret(""), now, language="xx", timeout_s=0)
    good = Options(Secret("https://[::1]:8443/hook?x=y"), Secret("k"), now)
    assert good.problems() == []
    with pytest.raises(ConfigError) as caught:
        WebhookNotifier.from_options({"bad": bad, "good": good}, show_pbx=False, zone=UTC, remembered={})
    assert caught.value.problems == [
        "bad: url must be an address such as https://example.org/hook",
        "bad: secret is empty; leave it out for messages without a signature",
        "bad: unknown language 'xx'; known are en, ru",
        "bad: timeout_s must be more than 0",
    ]


@given(st.text() | st.builds("http://{}".format, st.text()))
def test_no_text_at_all_breaks_the_check_of_an_address(text: str) -> None:
    assert Options(Secret(text), None, now).problems() in ([], ["url must be an address such as https://example.org/hook"])


def test_the_pbx_is_named_where_there_are_several() -> None:
    async def rendered() -> str:
        built = WebhookNotifier.from_options(
            {"ops": Options(Secret("http://127.0.0.1:9"), None, now)}, show_pbx=True, zone=UTC, remembered={}
        )
        text = built["ops"].render(bulletin(incident(member(severity=Severity.CRITICAL)))).plain
        await built["ops"].close()
        return text

    assert "[office]" in asyncio.run(rendered())


def test_the_library_is_not_imported_until_a_web_hook_is_configured() -> None:
    code = "import sys, qualitywatch.notify.channels.webhook; print('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
