"""``run``: the daemon in the foreground, as systemd wants it.

SIGTERM and SIGINT stop in order; a second one stops at once.  SIGHUP reads configuration and rules again, as ``reload`` does.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from qualitywatch.app import garbage, turns
from qualitywatch.app.daemon import Daemon
from qualitywatch.clock import SystemClock
from qualitywatch.config import Config, read_config_and_rules
from qualitywatch.rules.spec import RuleSpec

log = logging.getLogger(__name__)

LOG_FORMAT = "%(levelname)s %(name)s %(message)s"


def run(config_path: Path) -> int:
    """Run until stopped; raises ConfigError before anything is started, StoreError when the state cannot be kept."""
    config, specs = read_config_and_rules(config_path)
    set_up_logging(config.log_level)
    faulthandler.enable()  # systemd's watchdog ends a hanging daemon with SIGABRT: then the log shows where it hung
    for warning in config.warnings:
        log.warning("config %s", warning)
    return asyncio.run(_run(config_path, config, specs))


def set_up_logging(level: str) -> None:
    """Log to standard error; the journal adds time and unit itself."""
    logging.basicConfig(format=LOG_FORMAT, stream=sys.stderr, force=True)
    set_log_level(level)
    # These print whole URLs, and with them the bot's token.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def set_log_level(level: str) -> None:
    """Log what is so important, and worse."""
    logging.getLogger().setLevel(level.upper())


async def _run(config_path: Path, config: Config, specs: Sequence[RuleSpec]) -> int:
    stop = _Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask)
    daemon = await Daemon.open(
        config,
        specs,
        SystemClock(),
        read=lambda: read_config_and_rules(config_path),
        applied=lambda config: set_log_level(config.log_level),
    )
    loop.add_signal_handler(signal.SIGHUP, daemon.hang_up)
    garbage.spare_what_lasts()
    turns.shorten()
    try:
        await daemon.run(stop.asked)
    finally:
        await daemon.close()
    log.info("stopped")
    return 0


class _Stop:
    """What SIGTERM asks for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def ask(self) -> None:
        if self.asked.is_set():
            log.warning("stopped at once by a second signal")
            raise SystemExit(1)
        self.asked.set()
