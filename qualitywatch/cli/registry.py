"""All commands, in the order ``--help`` tells of them."""

from __future__ import annotations

from typing import Final

from qualitywatch.cli.backtest import BACKTEST
from qualitywatch.cli.command import Command
from qualitywatch.cli.doctor import DOCTOR
from qualitywatch.cli.explain import EXPLAIN
from qualitywatch.cli.looking import REPORT, TOP
from qualitywatch.cli.recordings import REPLAY, SERVE_CAPTURE
from qualitywatch.cli.reload import RELOAD
from qualitywatch.cli.rules import RULES
from qualitywatch.cli.series import GRAFANA, INFLUX
from qualitywatch.cli.silence import SILENCE
from qualitywatch.cli.watching import CHECK, DEMO, RUN

COMMANDS: Final[tuple[Command, ...]] = (
    DEMO,
    CHECK,
    DOCTOR,
    RUN,
    RELOAD,
    TOP,
    REPORT,
    SILENCE,
    EXPLAIN,
    RULES,
    BACKTEST,
    REPLAY,
    SERVE_CAPTURE,
    INFLUX,
    GRAFANA,
)
