"""A configuration of one or two PBXes and some targets, to which each test adds its section."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qualitywatch.config import Config, read_config, read_config_and_rules
from qualitywatch.errors import ConfigError

ENVIRON = {"STATE_DIRECTORY": "/var/lib/qualitywatch", "TZ": "UTC"}
ONE_PBX = "pbx: [{name: office, host: h, username: u, secret: s}]\n"
TWO_PBXES = "pbx: [{name: office, host: h, username: u, secret: s}, {name: depot, host: i, username: u, secret: s}]\n"
TARGETS = "notify: [{name: ops, kind: console}, {name: duty, kind: console, min_severity: critical, pbx: [office]}]\n"

Read = Callable[[str], Config]
Problems = Callable[[str], list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a configuration that only its owner may read."""

    def read_text(text: str) -> Config:
        return read_config(_written(tmp_path, text), ENVIRON)

    return read_text


@pytest.fixture
def read_with_rules(tmp_path: Path) -> Read:
    """Reads a configuration and the rules it names."""

    def read_text(text: str) -> Config:
        return read_config_and_rules(_written(tmp_path, text), ENVIRON)[0]

    return read_text


@pytest.fixture
def problems(read: Read) -> Problems:
    """Tells the problems of a configuration, without the name of its file: "3: notify[0].kind: missing"."""

    def problems_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text)
        return [problem.partition(".yml:")[2] for problem in caught.value.problems]

    return problems_of


def warnings_of(config: Config) -> list[str]:
    """Warnings without the name of the file."""
    return [warning.partition(".yml:")[2] for warning in config.warnings]


def _written(folder: Path, text: str) -> Path:
    path = folder / "q.yml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path
