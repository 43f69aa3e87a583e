"""``qualitywatch grafana export``: the files that show everything measured in Grafana."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from qualitywatch.config import Config, read_config_and_rules
from qualitywatch.errors import ConfigError
from qualitywatch.grafana.tree import PASSWORD_VARIABLE, TOKEN_VARIABLE, Source, tree
from qualitywatch.room import Limit
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped
from qualitywatch.store.backends.rollup import ROLLUP_FILE

EXIT_GOOD = 0
EXIT_FAILED = 1
EXIT_CONFIG = 2
_NAME: Final = "qualitywatch"
_URLS: Final = {
    "influxdb": "http://127.0.0.1:8086",
    "influxdb1": "http://127.0.0.1:8086",
    "victoriametrics": "http://127.0.0.1:8428",
}
_STATE: Final = "/var/lib/qualitywatch"


def export(kind: str, directory: Path, config_path: Path | None, at: str, out: TextIO) -> int:
    """Write the tree and say what is left to do; return the exit code."""
    try:
        config, specs = (
            read_config_and_rules(config_path) if config_path is not None else (None, load_rules([shipped("rules")]))
        )
    except ConfigError as exc:
        print(exc, file=out)
        return EXIT_CONFIG
    source = source_of(kind, config)
    if source is None:
        print(f"{config_path}: has no influx section of kind {kind}; --datasource must name what is configured", file=out)
        return EXIT_CONFIG
    files = tree(source, _limits(specs), at=at)
    try:
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path, file=out)
    except OSError as exc:
        print(f"{exc.filename}: {exc.strerror}", file=out)
        return EXIT_FAILED
    print(_what_is_left(source, at), file=out)
    return EXIT_GOOD


def source_of(kind: str, config: Config | None) -> Source | None:
    """Where series of this kind are: as configured, else where they usually are; None when the configuration has none such."""
    if kind == "sqlite":
        directory = config.store.directory if config is not None else Path(_STATE)
        return Source(kind, path=str(directory / ROLLUP_FILE))
    if config is None:
        return Source(kind, _URLS[kind], org=_NAME, bucket=_NAME, database=_NAME)
    return next(
        (
            Source(kind, each.url, each.org, each.bucket, each.database, each.username, has_token=each.token is not None)
            for each in config.influx
            if each.kind == kind
        ),
        None,
    )


def _limits(specs: Sequence[RuleSpec]) -> list[Limit]:
    return [limit for spec in specs for limit in spec.limits]


def _what_is_left(source: Source, at: str) -> str:
    copy = f"Copy all of it to {at} on Grafana's machine and restart Grafana."
    match source.kind:
        case "influxdb":
            more = f"Give Grafana a token that may read the bucket, in its environment: {TOKEN_VARIABLE}=..."
        case "influxdb1":
            more = f"Give Grafana the password in its environment: {PASSWORD_VARIABLE}=..." if source.username else ""
        case "victoriametrics" if source.has_token:
            more = (
                "The token is not written: enter it by hand in provisioning/datasources/qualitywatch.yaml, under jsonData\n"
                '"httpHeaderName1: Authorization", and under secureJsonData "httpHeaderValue1: Token ..."'
            )
        case "victoriametrics":
            more = ""
        case _:
            more = (
                "It needs the plug-in frser-sqlite-datasource, and Grafana on this machine, its user in the group that owns\n"
                f"{source.path}"
            )
    return "\n".join(filter(None, (copy, more)))
