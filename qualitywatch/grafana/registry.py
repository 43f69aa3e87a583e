"""Every data source and every dashboard, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.grafana.boards import daemon, overview, peer, site, trunk
from qualitywatch.grafana.flux import Flux
from qualitywatch.grafana.influxql import InfluxQl
from qualitywatch.grafana.language import Language
from qualitywatch.grafana.panels import Board
from qualitywatch.grafana.promql import PromQl
from qualitywatch.grafana.sql import Sql

LANGUAGES: Final[Mapping[str, Language]] = {
    "influxdb": Flux(),
    "influxdb1": InfluxQl(),
    "victoriametrics": PromQl(),
    "sqlite": Sql(),
}

BOARDS: Final[tuple[Board, ...]] = (overview.BOARD, peer.BOARD, trunk.BOARD, site.BOARD, daemon.BOARD)
