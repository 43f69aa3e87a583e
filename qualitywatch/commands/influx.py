"""``qualitywatch influx setup|check``: make the bucket or database of a configuration, or see whether it can be written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from qualitywatch.app.sinks import build_server
from qualitywatch.config import Config, InfluxConfig, read_config
from qualitywatch.errors import ConfigError
from qualitywatch.sinks.server import Server, SinkError

EXIT_GOOD = 0
EXIT_FAILED = 1
EXIT_CONFIG = 2


def setup(config_path: Path, out: TextIO) -> int:
    """Create buckets and databases with their retention; return the exit code."""
    return _each(config_path, out, lambda server, influx: server.setup(influx.keep_s))


def check(config_path: Path, out: TextIO) -> int:
    """Say of each database what it is and whether it takes data; return the exit code."""
    return _each(config_path, out, lambda server, influx: server.check())


def _each(config_path: Path, out: TextIO, ask: Callable[[Server, InfluxConfig], str]) -> int:
    try:
        config: Config = read_config(config_path)
    except ConfigError as exc:
        print(exc, file=out)
        return EXIT_CONFIG
    if not config.influx:
        print(f"{config_path}: has no influx section: systemd/qualitywatch.example.yml shows one", file=out)
        return EXIT_CONFIG
    code = EXIT_GOOD
    for influx in config.influx:
        server = build_server(influx)
        try:
            print(f"{influx.name}: {ask(server, influx)}", file=out)
        except SinkError as exc:
            print(f"{influx.name}: {exc}", file=out)
            code = EXIT_FAILED
        finally:
            server.close()
    return code
