"""A phone that speaks Opus (Debian's baresip, because the scriptable phones can not), with loss on its way down.

Strategy: baresip takes a relay on 127.0.0.2 for its outbound proxy.  The relay hands SIP on as it is, except that the body of a
call names the media relay's address and ports instead of the phone's (of the same length, so that nothing else changes).  Media
from the phone goes straight to Asterisk.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tests.live import pbx_config
from tests.live.bench import Bench
from tests.live.plan import HOST, PHONE_PASSWORD, RELAY_HOST
from tests.live.relay import Address, Spoil, relay

_SHIFT: Final = 10  # from the phone's media ports to the relay's; the phone binds its own on all addresses
_PORT: Final = re.compile(r"(m=audio |a=rtcp:)(\d{5})")


class _SipRelay(asyncio.DatagramProtocol):
    """Hands SIP on between one phone and its registrar."""

    def __init__(self, phone: Address, registrar: Address) -> None:
        self._phone, self._registrar = phone, registrar
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        assert self._transport is not None
        if addr == self._phone:
            text = data.decode("utf-8", "surrogateescape").replace(f"IN IP4 {HOST}", f"IN IP4 {RELAY_HOST}")
            text = _PORT.sub(lambda found: f"{found[1]}{int(found[2]) + _SHIFT}", text)
            self._transport.sendto(text.encode("utf-8", "surrogateescape"), self._registrar)
        else:
            self._transport.sendto(data, self._phone)


@contextlib.asynccontextmanager
async def opus_call(b: Bench, peer: str, number: str, folder: Path, loss_percent: float) -> AsyncIterator[None]:
    """Let a peer's phone dial a number with Opus; the call is up when its channel is (the caller of this waits for that)."""
    technology, _, user = peer.partition("/")
    sip_port, rtp_port = b.ports.phone_sip(user), b.ports.phone_rtp(user)
    registrar = (HOST, b.ports.registrar(technology))
    places = {
        "user": user,
        "password": PHONE_PASSWORD,
        "registrar": f"{registrar[0]}:{registrar[1]}",
        "proxy": f"{RELAY_HOST}:{sip_port}",
        "sip": f"{HOST}:{sip_port}",
        "rtp_first": str(rtp_port),
        "rtp_last": str(rtp_port + 9),
    }
    folder.mkdir(parents=True)
    (folder / "config").write_text(pbx_config.fill("baresip-config", places))
    (folder / "accounts").write_text(pbx_config.fill("baresip-accounts", places))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _SipRelay((HOST, sip_port), registrar), local_addr=(RELAY_HOST, sip_port)
    )
    try:
        spoil = Spoil(loss_percent=loss_percent)
        async with relay(rtp_port, spoil, Spoil(), shift=_SHIFT, count=_SHIFT):
            command = ["setpriv", "--pdeathsig", "KILL", "baresip", "-f", str(folder)]
            with (folder / "log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(*command, "-e", f"/dial sip:{number}@{places['registrar']}"),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            b.ledger.add(process.pid)
            try:
                yield
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), timeout=10)
                except TimeoutError:
                    process.kill()
                    await process.wait()
                b.ledger.discard(process.pid)
    finally:
        transport.close()
