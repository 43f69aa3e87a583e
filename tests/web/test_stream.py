"""Changes as a page hears them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from qualitywatch.web.news import MAX_NOTED, MAX_PAGES, Change, Listener, News, TooManyPagesError, Topic
from tests.web.house import BEARER, PATIENCE_S, House, house


async def told(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name, data = "", ""
    async for line in response.aiter_lines():
        if line.startswith("event:"):
            name = line.partition(":")[2].strip()
        elif line.startswith("data:"):
            data += line.partition(":")[2].strip()
        elif not line and name:
            yield name, json.loads(data)
            name, data = "", ""


async def hear(here: House, wanted: set[str]) -> dict[str, list[Any]]:
    heard: dict[str, list[Any]] = {}
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(base_url=here.url, headers=BEARER) as client,
        client.stream("GET", "/api/v1/stream") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for name, body in told(response):
            heard.setdefault(name, []).append(body)
            if wanted <= heard.keys():
                break
    return heard


async def test_a_page_hears_of_peers_trunks_and_alerts_as_their_lists_tell_of_them(tmp_path: Path) -> None:
    async with house(tmp_path, speed=20) as here:
        heard = await hear(here, {"hello", "pbxes", "peers", "trunks", "alerts"})
        assert next(iter(heard)) == "hello", "the stream stands before anything is told"
        peer = heard["peers"][-1]["items"][0]
        listed = await here.get("peers", subject=peer["subject"], pbx=peer["pbx"])
        assert listed["items"][0].keys() == peer.keys()
        alerts = heard["alerts"][-1]
        assert alerts["total"] == len(alerts["items"])


async def test_a_stop_does_not_wait_for_pages(tmp_path: Path) -> None:
    async with (
        house(tmp_path, is_played=False) as here,
        httpx.AsyncClient(base_url=here.url, headers=BEARER) as client,
        client.stream("GET", "/api/v1/stream") as response,
    ):
        events = told(response)
        assert (await anext(events))[0] == "hello"
        here.stop.set()
        async with asyncio.timeout(5):
            with pytest.raises((StopAsyncIteration, httpx.TransportError)):
                while True:
                    await anext(events)


async def test_pages_are_bounded_and_room_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here, AsyncExitStack() as pages:
        client = await pages.enter_async_context(httpx.AsyncClient(base_url=here.url, headers=BEARER, timeout=5))
        streams = []
        for _ in range(MAX_PAGES):
            response = await pages.enter_async_context(client.stream("GET", "/api/v1/stream"))
            streams.append((response, told(response)))
            assert (await anext(streams[-1][1]))[0] == "hello"
        refused = await client.get("/api/v1/stream")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_pages")
        await streams[0][0].aclose()
        async with asyncio.timeout(PATIENCE_S):
            status = 503
            while status != 200:
                async with client.stream("GET", "/api/v1/stream") as response:
                    status = response.status_code


def test_the_same_change_is_told_once() -> None:
    news = News()
    with news.listening() as listener:
        for _ in range(1000):
            news.note(Change(Topic.PEER, "office", "SIP/1"))
        assert listener.take() == ([Change(Topic.PEER, "office", "SIP/1")], False)
        assert listener.take() == ([], False)


def test_a_page_that_never_listens_costs_no_more_than_its_bound() -> None:
    listener = Listener()
    for number in range(MAX_NOTED + 10):
        listener.note(Change(Topic.PEER, "office", f"SIP/{number}"))
    taken, overflowed = listener.take()
    assert (len(taken), overflowed) == (MAX_NOTED, True)


def test_no_more_listen_than_may() -> None:
    news = News(max_pages=1)
    with news.listening(), pytest.raises(TooManyPagesError), news.listening():
        pass
    assert news.pages == 0
