"""What goes wrong at the start is one clear line and the right exit code; what goes wrong later is one line and a retry."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from qualitywatch.cli import main
from tests.conftest import CAPTURES
from tests.e2e.processes import Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.ports import free_port

RECORDING = CAPTURES / "asterisk-20/restart"


@asynccontextmanager
async def answering(greeting: bytes) -> AsyncIterator[int]:
    """A server that is no Asterisk."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def first_complaint(site: Site) -> str:
    """The line the daemon writes when it cannot see its PBX; it must go on trying."""
    async with running(site.write()) as daemon:
        line = await daemon.logged("ami.cannot_connect")
        assert await daemon.stop() == 0
    assert len([logged for logged in daemon.log if "ami.cannot_connect" in logged]) == 1, "the same trouble is told once"
    return line


async def test_wrong_password(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, playing(RECORDING) as (_, port):
        line = await first_complaint(Site(tmp_path, {"office": port}, telegram.url, secret="wrong"))
    assert "office" in line
    assert f"127.0.0.1:{port}" in line
    assert "manager.conf" in line
    assert "wrong" not in line.replace("wrong user", "").replace("wrong secret", "").replace("wrong name", "")


async def test_nothing_listens(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        port = free_port()
        line = await first_complaint(Site(tmp_path, {"office": port}, telegram.url))
    assert f"127.0.0.1:{port}" in line
    assert "refused" in line


@pytest.mark.slow
async def test_unknown_host(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        site = Site(tmp_path, {"office": 5038}, telegram.url, pbx_extra={"host": "pbx.invalid"})
        line = await first_complaint(site)
    assert "pbx.invalid" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("greeting", "what"), [(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP")]
)
async def test_a_port_that_speaks_something_else(greeting: bytes, what: str, tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, answering(greeting) as port:
        line = await first_complaint(Site(tmp_path, {"office": port}, telegram.url))
    assert what in line


@pytest.mark.slow
async def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with FakeTelegram() as telegram, playing(RECORDING, ssl_context=context) as (_, port):
        line = await first_complaint(Site(tmp_path, {"office": port}, telegram.url, pbx_extra={"tls": {"enabled": True}}))
    assert "ca_file" in line


def test_a_missing_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["run", "--config", str(tmp_path / "none.yml")]) == 2
    assert "none.yml" in capsys.readouterr().err


def test_every_mistake_at_once_and_nothing_started(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "mine.yml").write_text(
        "rules:\n"
        "  - {name: a, kind: threshold, metric: loss_percent, warning: {enter: 3, clear: 5}}\n"
        "  - {name: b, kind: threshold, warning: {enter: much}}\n"
        "  - {name: c, kind: stat}\n"
        "  - {name: d, kind: change, subject: '/[/'}\n",
        encoding="utf-8",
    )
    config = tmp_path / "bad.yml"
    config.write_text(
        "pbx:\n  - {name: office, hostt: x, port: 99999, username: u, secret: s}\n"
        f"rules: {{directory: {rules}}}\n"
        f"store: {{directory: {tmp_path / 'state'}}}\n",
        encoding="utf-8",
    )
    assert main(["run", "--config", str(config)]) == 2
    told = capsys.readouterr().err
    for where in ("bad.yml:2", "mine.yml:2", "mine.yml:3", "mine.yml:4", "mine.yml:5"):
        assert where in told, told
    assert 'did you mean "host"' in told
    assert not (tmp_path / "state").exists()
