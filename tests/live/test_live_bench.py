"""The bench's own arithmetic and housekeeping, without any PBX: what measures must itself be right."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.live import pbx_config
from tests.live.ami import Message
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
