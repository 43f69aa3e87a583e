"""``serve-capture``: a recorded session as an Asterisk manager, to try a configuration against."""

from __future__ import annotations

import asyncio
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path

from qualitywatch.ami.server import CaptureServer
from qualitywatch.errors import ConfigError, QualitywatchError


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve, where and how."""

    file: Path
    listen: str = "127.0.0.1:5038"
    speed: float = 1.0
    username: str | None = None  # None: any
    secret: str | None = None
    resume: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None


def serve_capture(options: ServeOptions) -> int:
    """Serve until interrupted; prints the address first. Raises ConfigError for wrong arguments."""
    host, port = _address(options.listen)
    if options.speed < 0:
        raise ConfigError([f"--speed {options.speed:g}: cannot be negative; 0 plays as fast as it is read"])
    path = options.file / "input.ami" if options.file.is_dir() else options.file
    try:
        recording = path.read_bytes()
    except OSError as exc:
        raise QualitywatchError(f"{path}: cannot be read: {exc.strerror}") from exc
    server = CaptureServer(
        recording,
        username=options.username,
        secret=options.secret,
        speed=options.speed,
        resume=options.resume,
        ssl_context=_tls(options),
    )
    return asyncio.run(_serve(server, host, port))


async def _serve(server: CaptureServer, host: str, port: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    bound = await server.start(host, port)
    print(f"listening on {host}:{bound}", flush=True)
    await stop.wait()
    await server.stop()
    return 0


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ConfigError([f"--listen {text}: write HOST:PORT, such as 127.0.0.1:5038"])
    return host.strip("[]") or "127.0.0.1", int(port)


def _tls(options: ServeOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError([f"--tls-cert {options.tls_cert}: holds no certificate and key that belong together"]) from exc
    return context
