"""The bench's own arithmetic and housekeeping, without any PBX: what measures must itself be right."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live import pbx_config
from tests.live.ami import Message
from tests.live.chat import Chat, statements
from tests.live.install import SUITES
from tests.live.ledger import Ledger
from tests.live.measure import heard
from tests.live.plan import Ports, subscribers
from tests.live.relay import Spoil, relay

CAPTURES = Path(__file__).parents[1] / "captures"
SHOWN = ["asterisk-16/hold", "asterisk-16/attended-transfer", "asterisk-22/blind-transfer", "asterisk-22/jitter"]


def _messages(recording: Path) -> list[Message]:
    frames = recording.read_bytes().decode("utf-8", "surrogateescape").split("\r\n\r\n")
    pairs = [[line.partition(":") for line in frame.split("\r\n")] for frame in frames]
    return [{key.strip(): value.strip() for key, colon, value in reversed(lines) if colon} for lines in pairs]


@pytest.mark.parametrize("name", SHOWN)
def test_a_recording_is_measured_as_its_truth_says(name: str) -> None:
    truth = yaml.safe_load((CAPTURES / name / "truth.yml").read_text())
    streams = [stream for stream in heard(_messages(CAPTURES / name / "input.ami")) if stream.net_loss_percent is not None]
    measured = [(s.channel, s.direction, s.expected, round(s.net_loss_percent or 0.0, 2)) for s in streams]
    assert measured == [(m["channel"], m["direction"], m["expected"], m["loss_percent"]) for m in truth["measured"]]


def test_loss_is_injected_where_the_truth_says_and_nowhere_else() -> None:
    streams = heard(_messages(CAPTURES / "asterisk-22/blind-transfer/input.ami"))
    lossy = {(stream.peer, stream.direction) for stream in streams if (stream.net_loss_percent or 0) > 1}
    assert lossy == {("PJSIP/701", "to_peer")}


@pytest.mark.parametrize(("jitter_ms", "in_order"), [(4, True), (6, True), (8, False)])
async def test_the_relay_adds_the_jitter_it_is_told(jitter_ms: float, in_order: bool) -> None:
    spoil = Spoil(jitter_ms=jitter_ms, packet_ms=5, in_order=in_order)
    ports = Ports(base=22000)
    loop = asyncio.get_running_loop()
    first = ports.phone_rtp("701")
    phone, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", first))
    pbx, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.2", first))
    try:
        async with relay(first, spoil, Spoil(), count=2):
            started = loop.time()
            for number in range(120):
                await asyncio.sleep(started + 0.005 * number - loop.time())
                pbx.sendto(b"rtp")
            await asyncio.sleep(0.1)
    finally:
        phone.close()
        pbx.close()
    assert spoil.passed > 110
    assert spoil.mean_jitter_ms == pytest.approx(jitter_ms, rel=0.4)


def test_an_interrupted_bench_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    left_over = subprocess.Popen(["sleep", "60"])
    mine = subprocess.Popen(["sleep", "60"])
    try:
        ledger = Ledger(tmp_path)
        ledger.add(left_over.pid)
        ledger.folder.rename(tmp_path / "999999999-1")  # as if the bench that wrote it were gone
        ledger.add(mine.pid)
        assert ledger.sweep() == [left_over.pid]
        assert left_over.wait(timeout=5) == -9
        assert mine.poll() is None
        assert [path.name for path in tmp_path.iterdir()] == [ledger.folder.name]
        ledger.close()
        assert mine.wait(timeout=5) == -9
    finally:
        for process in (left_over, mine):
            process.kill()
            process.wait()


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_every_configuration_is_complete(suite: object, tmp_path: Path) -> None:
    known = next(each for each in SUITES.values() if each is suite)
    pbx_config.write_main(tmp_path, "/home", known, Ports())
    pbx_config.write_provider(tmp_path, "/home", Ports())
    assert "%{" not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert (tmp_path / "sip.conf").exists() == known.has_chan_sip


def test_no_two_phones_share_a_port() -> None:
    ports = Ports()
    users = [phone.user for phone in subscribers(has_chan_sip=True)]
    assert len({ports.phone_sip(user) for user in users}) == len(users)
    assert max(ports.phone_rtp(user) for user in users) + 20 < 32768  # below the kernel's ephemeral ports


LISTED = """\
🔴 loss: 5 peers, worst Anna SIP/6117 23.55%
1 of 5 is over
🔴 loss to Anna SIP/6117 23.55%
🔴 loss to SIP/6121 22.30%
also: User 6116 SIP/6116 21.82%, SIP/6123 21.49%
over: User 6119 SIP/6119
since 2026-11-22 20:05:40 UTC
rule loss, critical"""


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (
            LISTED,
            [
                "loss to Anna SIP/6117 23.55%",
                "loss to SIP/6121 22.30%",
                "loss to User 6116 SIP/6116 21.82%",
                "loss to SIP/6123 21.49%",
                "loss to User 6119 SIP/6119 is over",
            ],
        ),
        (
            "🟡 loss: 2 peers\n🟡 loss to SIP/1 9.00%\nalso: from SIP/2 7.00%, to SIP/2 6.00%",
            ["loss to SIP/1 9.00%", "loss from SIP/2 7.00%", "loss to SIP/2 6.00%"],
        ),
        ("🟡 Anna SIP/1: loss 9.20%, jitter 40.0 ms\n🟡 loss to Anna SIP/1 9.20%", ["loss to Anna SIP/1 9.20%"]),
        (
            "🔴 trunk PJSIP/7@10.0.0.1:5060 is not registered\nalso affected: SIP/6200 loss 9.00%\nsince noon",
            ["trunk PJSIP/7@10.0.0.1:5060 is not registered"],
        ),
        (
            "🔴 trunk a is not registered\n1 of 2 is over\n🟢 trunk b is registered again after 7 min",
            ["trunk a is not registered", "trunk b is registered again after 7 min"],
        ),
        (
            "🟢 2 trunks are back after 49 s\n🟢 trunk a is registered again after 9 s",
            ["trunk a is registered again after 9 s"],
        ),
        ("🔴 trunk a is not registered\ncontinued below", []),
        (
            "⚪ loss to SIP/1: no more calls to judge, ended after 9 s",
            ["loss to SIP/1: no more calls to judge, ended after 9 s"],
        ),
        ("🟡 2 alerts, worst: loss to SIP/1 9.00%\n🟡 loss to SIP/1 9.00%\n🔕 loss to SIP/2 9.00%", ["loss to SIP/1 9.00%"]),
        (
            "🔴 loss: 300 peers\n🔴 loss to SIP/1 9.00%\nalso: SIP/2 8.00%, …\nand 298 more in the attached list",
            ["loss to SIP/1 9.00%", "loss to SIP/2 8.00%", "and 298 more in the attached list"],
        ),
    ],
)
def test_a_message_is_taken_apart_into_what_it_states(text: str, stated: list[str]) -> None:
    assert statements(text) == stated


async def test_a_statement_counts_from_the_version_that_first_showed_it() -> None:
    async with FakeTelegram() as server, httpx.AsyncClient(base_url=f"{server.url}/bot{TOKEN}/") as bot:
        chat, loop = Chat(server), asyncio.get_running_loop()
        await bot.post("sendMessage", data={"chat_id": 1, "text": "🟡 loss to SIP/1 9.00%"})
        await bot.post("sendMessage", data={"chat_id": 2, "text": "🟡 loss to SIP/9 9.00%"})
        waiting = asyncio.create_task(chat.wait(r"SIP/2 7", since=loop.time() - 1, timeout_s=5))
        await asyncio.sleep(0.05)
        edited_at = loop.time()
        text = "🟡 <b>loss: 2 peers</b>\n🟡 loss to SIP/1 9.00%\n🟡 loss to SIP/2 7.00%"
        await bot.post("editMessageText", data={"chat_id": 1, "message_id": 1, "text": text, "parse_mode": "HTML"})
        found = await waiting
        assert found is not None
        assert found.at >= edited_at
        await bot.post("editMessageText", data={"chat_id": 1, "message_id": 7, "text": "🟡 loss to SIP/3 5.00%"})  # refused
        assert [(line.text, line.at >= edited_at) for line in chat.lines()] == [
            ("loss to SIP/1 9.00%", False),
            ("loss to SIP/2 7.00%", True),
        ]
        assert [(living.message_id, len(living.texts)) for living in chat.messages("SIP/2", since=0)] == [(1, 2)]
        assert chat.messages("SIP/2", since=edited_at) == []
