"""The fake server is judged too: a test double that accepts what the real one refuses proves nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_html import visible_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain > \"quoted\" 'text'", "plain > \"quoted\" 'text'"),
        ("<b>a <i>b</i></b> &lt;&amp;&gt;&quot;", 'a b <&>"'),
        ("&nbsp; &#65; &#x41; &amp;amp; & &;", "&nbsp; A A &amp; & &;"),
        ('<a href="http://h/?a=1&amp;b">x</a>', "x"),
    ],
)
def test_good_html_is_shown_without_its_markup(text: str, shown: str) -> None:
    assert visible_text(text) == shown


@pytest.mark.parametrize(
    "text", ["<", "a < b", "<sip:100@10.0.0.1>", "<b>", "</b>", "<b><i></b></i>", "<script>x</script>", "<b", "<!-- -->"]
)
def test_bad_html_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        visible_text(text)


@pytest.mark.parametrize(
    ("params", "code", "description"),
    [
        ({"chat_id": "x", "text": "a"}, 400, "Bad Request: chat not found"),
        ({"chat_id": "5", "text": " "}, 400, "Bad Request: message text is empty"),
        ({"chat_id": "5", "text": "😀" * 2049}, 400, "Bad Request: message is too long"),
        (
            {"chat_id": "5", "text": "<x>", "parse_mode": "HTML"},
            400,
            "Bad Request: can't parse entities: Unsupported start tag",
        ),
        ({"chat_id": "5", "text": "a", "message_thread_id": "8"}, 400, "Bad Request: message thread not found"),
    ],
)
async def test_the_server_refuses_what_the_real_one_refuses(params: dict[str, str], code: int, description: str) -> None:
    async with FakeTelegram() as server, aiohttp.ClientSession() as client:
        answer = await client.post(f"{server.url}/bot{TOKEN}/sendMessage", data=params)
        body = await answer.json()
        assert (answer.status, body["ok"]) == (code, False)
        assert body["description"].startswith(description)
        assert not server.sent
        assert (await client.get(f"{server.url}/bot1:wrong/getMe")).status == 401
        assert (await client.get(f"{server.url}/bot{TOKEN}/noSuchMethod")).status == 404
        assert (await (await client.get(f"{server.url}/bot{TOKEN}/getMe")).json())["result"]["is_bot"] is True


async def test_as_a_process_it_logs_what_it_accepted_before_it_answers(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.fake_telegram", "--log", str(log)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            url = (await process.stdout.readline()).decode().strip()
            for text in ("<b>loss</b> to Анна", "<bad"):
                params = {"chat_id": "-5", "text": text, "parse_mode": "HTML"}
                await client.post(f"{url}/bot{TOKEN}/sendMessage", data=params)
        (line,) = log.read_text(encoding="utf-8").splitlines()
        call = json.loads(line)
        assert (call["method"], call["params"]["chat_id"], call["result"]["text"]) == ("sendMessage", "-5", "loss to Анна")
    finally:
        process.kill()
        await process.wait()
