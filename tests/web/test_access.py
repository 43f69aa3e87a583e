"""Who comes in, and who does not: over HTTP, and the decision itself."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import URL
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from qualitywatch.clock import SystemClock
from qualitywatch.secrets import Secret
from qualitywatch.web.access import LINK_S, SESSION_S, Access
from qualitywatch.web.decisions import Admitted, Asked, Bounce, Decision, Doors, Refused, Welcome
from qualitywatch.web.gate import Gate
from qualitywatch.web.throttle import MAX_ADDRESSES, MAX_FAILURES, WINDOW_S, Throttle
from tests.web.house import PASSWORD, TOKEN, House, house

NOW = 1_795_000_000.0
CLOSED = ("/", "/api/v1/peers", "/api/v1/openapi.json", "/api/v1/stream", "/metrics", "/static/robots.txt", "/nothing")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, is_played=False) as opened:
        yield opened


@pytest.fixture
async def stranger(here: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=here.url) as client:
        yield client


# --- Over HTTP --------------------------------------------------------------------------------------------------------


async def test_a_stranger_sees_nothing_but_whether_we_live(stranger: httpx.AsyncClient) -> None:
    for path in CLOSED:
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
            assert (await stranger.request(method, path)).status_code == 401, (method, path)
    assert (await stranger.get("/healthz")).status_code == 200
    wrong = await stranger.get("/api/v1/peers", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "unauthorized")


async def test_a_link_leaves_a_cookie_and_takes_the_token_out_of_the_address(here: House, stranger: httpx.AsyncClient) -> None:
    welcome = await stranger.get("/", params={"token": TOKEN, "peer": "SIP/1"})
    assert welcome.status_code == 200
    assert 'url=/?peer=SIP%2F1"' in welcome.text
    assert TOKEN not in welcome.text
    cookie = welcome.headers["set-cookie"]
    assert TOKEN not in cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert (await stranger.get("/api/v1/pbxes")).status_code == 200, "the cookie is enough"
    forged = re.sub(r"=\d", "=9", cookie.partition(";")[0])
    async with httpx.AsyncClient(base_url=here.url, headers={"Cookie": forged}) as other:
        assert (await other.get("/api/v1/pbxes")).status_code == 401, "nobody makes it last longer"


async def test_a_browser_may_log_in_by_name(stranger: httpx.AsyncClient) -> None:
    asked = await stranger.get("/api/v1/pbxes")
    assert asked.headers["www-authenticate"].startswith("Basic ")
    assert (await stranger.get("/api/v1/pbxes", auth=("anna", PASSWORD))).status_code == 200
    for wrong in (("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", "")):
        assert (await stranger.get("/api/v1/pbxes", auth=wrong)).status_code == 401


@pytest.mark.parametrize("way", ["cookie", "login"])
async def test_what_a_browser_sends_by_itself_changes_nothing_from_elsewhere(
    here: House, stranger: httpx.AsyncClient, way: str
) -> None:
    if way == "cookie":
        await stranger.get("/", params={"token": TOKEN})
    else:
        stranger.auth = httpx.BasicAuth("anna", PASSWORD)
    changed = 0
    for headers, status in (
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": here.url}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": here.url}, 201),
    ):
        answer = await stranger.post("/api/v1/silences", json={"duration_s": 60, "subjects": ["SIP/1"]}, headers=headers)
        assert answer.status_code == status, headers
        changed += status == 201
        assert len(here.daemon.room.silences()) == changed, headers
        if status == 201:
            assert answer.json()["by"] == ("anna (web)" if way == "login" else "token (web)")


async def test_a_script_with_the_token_needs_no_origin(here: House) -> None:
    wish = {"duration_s": 60, "subjects": ["SIP/1"]}
    assert (await here.client.post("/api/v1/silences", json=wish)).status_code == 201


async def test_every_answer_is_safe_to_show_and_for_us_alone(here: House, stranger: httpx.AsyncClient) -> None:
    for client, path in (
        (here.client, "/api/v1/pbxes"),
        (here.client, "/static/robots.txt"),
        (stranger, "/"),
        (stranger, "/healthz"),
    ):
        headers = (await client.get(path, headers={"Origin": "https://evil.example"})).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control-")]
        assert "server" not in headers


async def test_who_guesses_has_to_wait_and_a_session_goes_on(here: House, stranger: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=here.url) as inside:
        await inside.get("/", params={"token": TOKEN})
        for _ in range(MAX_FAILURES):
            assert (await stranger.get("/api/v1/pbxes", auth=("anna", "guess"))).status_code == 401
        refused = await stranger.get("/api/v1/pbxes", auth=("anna", PASSWORD))
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S + 1
        assert (await stranger.get("/", params={"token": TOKEN})).status_code == 429
        assert (await inside.get("/api/v1/pbxes")).status_code == 200


async def test_metrics_may_be_opened_alone(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False, metrics="open") as here, httpx.AsyncClient(base_url=here.url) as stranger:
        assert (await stranger.get("/metrics")).status_code == 200
        assert (await stranger.get("/api/v1/pbxes")).status_code == 401


async def test_secrets_are_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "qualitywatch")
    caplog.set_level("DEBUG", "uvicorn")
    async with house(tmp_path, is_played=False) as here, httpx.AsyncClient(base_url=here.url) as stranger:
        await stranger.get("/", params={"token": TOKEN})
        await stranger.get("/api/v1/pbxes", auth=("anna", PASSWORD))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("qualitywatch", "uvicorn"))]
    assert ours
    assert not [line for line in ours if TOKEN in line or PASSWORD in line]


# --- The decision -----------------------------------------------------------------------------------------------------


def access(**doors: object) -> Access:
    return Access(Doors(**{"token": Secret(TOKEN), "users": {"anna": Secret(PASSWORD)}, **doors}))  # type: ignore[arg-type]


def by_link(door: Access, token: str, now: float) -> Decision:
    return door.decide(Asked("GET", "/", "192.0.2.1", link_token=token), now)


def test_a_one_time_link_is_good_once_and_not_for_long() -> None:
    door = access()
    ticket = door.one_time_link(NOW).partition("token=")[2]
    assert isinstance(by_link(door, ticket, NOW + 1), Welcome)
    assert isinstance(by_link(door, ticket, NOW + 2), Refused)
    late = door.one_time_link(NOW).partition("token=")[2]
    assert isinstance(by_link(door, late, NOW + LINK_S + 1), Refused)
    assert isinstance(by_link(access(token=Secret("another token here")), door.one_time_link(NOW)[8:], NOW), Refused)


def test_a_session_ends_with_its_time_or_a_new_token() -> None:
    welcome = by_link(access(), TOKEN, NOW)
    assert isinstance(welcome, Welcome)
    asked = Asked("GET", "/api/v1/peers", cookie=welcome.cookie)
    assert isinstance(access().decide(asked, NOW + 1), Admitted), "a restart ends no session"
    assert isinstance(access().decide(asked, NOW + SESSION_S + 1), Refused)
    assert isinstance(access(token=Secret("another token here")).decide(asked, NOW + 1), Refused)


def test_whoever_follows_a_link_from_a_chat_is_asked_to_come_again_as_our_own() -> None:
    asked = Asked("GET", "/", fetch_site="cross-site", fetch_mode="navigate")
    assert isinstance(access().decide(asked, NOW), Bounce)
    again = Asked("GET", "/", fetch_site="same-origin", fetch_mode="navigate")
    assert isinstance(access().decide(again, NOW), Refused), "once, not for ever"


def test_without_a_token_no_empty_secret_opens() -> None:
    door = Access(Doors(users={"anna": Secret(PASSWORD)}))
    for asked in (
        Asked("GET", "/", link_token=""),
        Asked("GET", "/", authorization="Bearer "),
        Asked("GET", "/", authorization="Bearer"),
        Asked("GET", "/", cookie="."),
    ):
        assert isinstance(door.decide(asked, NOW), Refused)


@given(
    authorization=st.text()
    | st.text().map("Bearer ".__add__)
    | st.binary().map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
    cookie=st.text(),
    token=st.text(),
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD", "BREW"]),
)
def test_no_garbage_comes_in(authorization: str, cookie: str, token: str, method: str) -> None:
    asked = Asked(method, "/api/v1/peers", "192.0.2.1", authorization, cookie, token)
    assert isinstance(access().decide(asked, NOW), Refused)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=60))
def test_an_address_is_heard_again_a_minute_after_it_stopped(steps: list[tuple[str, float]]) -> None:
    throttle, now = Throttle(), NOW
    for address, pause in steps:
        now += pause
        throttle.fail(address, now)
    for address in "abc":
        assert throttle.wait_s(address, now) <= WINDOW_S
        assert throttle.wait_s(address, now + WINDOW_S) == 0


def test_the_memory_of_guessers_is_bounded() -> None:
    throttle = Throttle()
    for number in range(MAX_ADDRESSES + 100):
        throttle.fail(str(number), NOW)
    assert len(throttle._failures) == MAX_ADDRESSES


# --- The gate ---------------------------------------------------------------------------------------------------------


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("inside")(scope, receive, send)


def at_gate(**doors: object) -> httpx.AsyncClient:
    """Somebody who asks an application behind a gate, without a daemon."""
    gate = Gate(inner, access(**doors), SystemClock())
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate, client=("192.0.2.9", 1)), base_url="http://pbx.example")


async def test_the_gate_goes_by_the_path_that_is_answered_whatever_the_host_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def spliced(request: HTTPConnection) -> URL:
        return URL(f"http://{request.headers['host']}{request.scope['path']}")  # as Starlette before 1.0.1

    monkeypatch.setattr(HTTPConnection, "url", property(spliced))
    async with at_gate(is_metrics_open=True) as stranger:
        for host in ("x/healthz?", "x/readyz#", "x/metrics?", "x/healthz?/"):
            assert (await stranger.get("/api/v1/peers", headers={"Host": host})).status_code == 401, host
        page = await stranger.get("/api/v1/peers", params={"token": TOKEN}, headers={"Host": "x/?", "Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (401, "application/json"), "no login by links but at /"
        assert (await stranger.get("/healthz", headers={"Host": "x/api?"})).text == "inside"


async def test_behind_a_proxy_whoever_it_saw_is_judged_and_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "qualitywatch")
    guess = {"Authorization": "Bearer guess"}

    def seen(address: str, made_up: str) -> list[tuple[str, str]]:
        return [*guess.items(), ("X-Forwarded-For", made_up), ("X-Forwarded-For", f"203.0.113.1, {address}")]

    async with at_gate(is_behind_tls=True) as stranger:
        for number in range(MAX_FAILURES):
            assert (await stranger.get("/", headers=seen("198.51.100.7", f"203.0.113.{number}"))).status_code == 401
        assert (await stranger.get("/", headers=seen("198.51.100.7", "203.0.113.99"))).status_code == 429
        assert (await stranger.get("/", headers=seen("198.51.100.8", "203.0.113.0"))).status_code == 401, "somebody else"
    assert "web.throttled address='198.51.100.7'" in caplog.text
    assert "192.0.2.9" not in caplog.text, "not the proxy"


@pytest.mark.parametrize(
    ("path", "goes_to"),
    [
        ("/%5Cevil.example/x", "/%5Cevil.example/x"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("//evil.example/x", "/evil.example/x"),
        ("/api/v1/peers?text=%D0%B0", "/api/v1/peers?text=%D0%B0"),
    ],
)
async def test_going_on_never_leads_to_another_host(path: str, goes_to: str) -> None:
    from_a_chat = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with at_gate() as stranger:
        answer = await stranger.get(httpx.URL("http://pbx.example").copy_with(raw_path=path.encode()), headers=from_a_chat)
    assert f'content="0;url={goes_to}"' in answer.text
