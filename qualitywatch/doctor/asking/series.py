"""A time series database: asked by the daemon's own connection, with a write of nothing."""

from __future__ import annotations

import asyncio

from qualitywatch.app.sinks import build_server
from qualitywatch.config import InfluxConfig
from qualitywatch.doctor.facts import SeriesFacts
from qualitywatch.sinks.server import Refusal, SinkError


async def ask_series(influx: InfluxConfig) -> SeriesFacts:
    """Ask in a thread, since these clients block; ten seconds at most each."""
    return await asyncio.to_thread(_ask, influx)


def _ask(influx: InfluxConfig) -> SeriesFacts:
    server = build_server(influx)
    try:
        return SeriesFacts(server.check())
    except SinkError as exc:
        return SeriesFacts("", str(exc), passing=exc.refusal is Refusal.LATER)
    finally:
        server.close()
