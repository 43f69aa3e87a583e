"""``run``: the daemon in the foreground, as systemd wants it.

SIGTERM and SIGINT stop in order; a second one stops at once.  SIGHUP reads configuration and rules again: a good one takes
over with the stored state, a bad one is reported and the old one goes on.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from qualitywatch.app.daemon import Daemon
from qualitywatch.clock import SystemClock
from qualitywatch.config import Config, read_config_and_rules
from qualitywatch.errors import ConfigError
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
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT, stream=sys.stderr, force=True)
    # These print whole URLs, and with them the bot's token.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


async def _run(config_path: Path, config: Config, specs: Sequence[RuleSpec]) -> int:
    signals = _Signals(config_path)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.stop)
    loop.add_signal_handler(signal.SIGHUP, signals.reload)
    while True:
        daemon = await Daemon.open(config, specs, SystemClock())
        try:
            await daemon.run(signals.begin())
        finally:
            await daemon.close()
        if signals.next is None:
            log.info("stopped")
            return 0
        (config, specs), signals.next = signals.next, None
        log.info("reloaded config=%s", config_path)


class _Signals:
    """What signals ask for."""

    def __init__(self, config_path: Path) -> None:
        self.next: tuple[Config, Sequence[RuleSpec]] | None = None
        self._config_path = config_path
        self._stop = asyncio.Event()
        self._stopping = False

    def begin(self) -> asyncio.Event:
        """The event that ends the daemon that is about to run."""
        if not self._stopping:
            self._stop = asyncio.Event()
        return self._stop

    def stop(self) -> None:
        if self._stopping:
            log.warning("stopped at once by a second signal")
            raise SystemExit(1)
        self._stopping = True
        self.next = None
        self._stop.set()

    def reload(self) -> None:
        if self._stopping:
            return
        try:
            self.next = read_config_and_rules(self._config_path)
        except ConfigError as exc:
            for problem in exc.problems:
                log.error("reload.refused %s", problem)
            return
        self._stop.set()
