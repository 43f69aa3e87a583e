"""``influx`` and ``grafana``: where series go, and how they are looked at there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands


def _add_influx(commands: Commands) -> None:
    influx = commands.add_parser("influx", help="prepare or check the time series databases of a configuration")
    deeds = influx.add_subparsers(dest="deed", metavar="setup|check", required=True)
    setup = deeds.add_parser("setup", help="create buckets and databases that are missing, and set how long they keep data")
    check = deeds.add_parser("check", help="say what is there and whether it takes data")
    for deed in (setup, check):
        deed.add_argument("--config", type=Path, required=True, metavar="F", help="configuration with an influx section")


def _influx(options: argparse.Namespace) -> int:
    from qualitywatch.commands import influx  # noqa: PLC0415

    return influx.setup(options.config, sys.stdout) if options.deed == "setup" else influx.check(options.config, sys.stdout)


def _add_grafana(commands: Commands) -> None:
    grafana = commands.add_parser("grafana", help="dashboards for Grafana")
    deeds = grafana.add_subparsers(dest="deed", metavar="export", required=True)
    text = "write data source and dashboards as files that Grafana reads when it starts"
    export = deeds.add_parser("export", help=text, description=f"{text}.".capitalize())
    kinds = ("influxdb", "influxdb1", "victoriametrics", "sqlite")
    text = "where the series are: influxdb is 2.x, sqlite the daemon's own rollup.db"
    export.add_argument("--datasource", choices=kinds, required=True, help=text)
    export.add_argument("--config", type=Path, metavar="F", help="take addresses, names and rules from this configuration")
    text = "where the files will lie on Grafana's machine (default /etc/grafana)"
    export.add_argument("--at", default="/etc/grafana", metavar="PATH", help=text)
    export.add_argument("directory", type=Path, metavar="DIR", help="where to write them")


def _grafana(options: argparse.Namespace) -> int:
    from qualitywatch.commands.grafana import export  # noqa: PLC0415

    return export(options.datasource, options.directory, options.config, options.at, sys.stdout)


INFLUX = Command(
    "influx", "influx setup|check", "make the bucket of a configuration, or see whether it takes data", _add_influx, _influx
)
GRAFANA = Command(
    "grafana", "grafana export DIR ...", "dashboards for Grafana, ready to be dropped into /etc/grafana", _add_grafana, _grafana
)
