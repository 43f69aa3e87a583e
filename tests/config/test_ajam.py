"""``transport: ajam`` of a PBX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from qualitywatch.app.assembly import endpoint
from qualitywatch.config import PbxConfig, read_config
from qualitywatch.errors import ConfigError

PBX = {"host": "pbx.example", "username": "qualitywatch", "secret": "sesame"}


def pbx_of(folder: Path, pbx: Mapping[str, Any]) -> PbxConfig:
    path = folder / "qualitywatch.yml"
    path.write_text(yaml.safe_dump({"pbx": [{**PBX, **pbx}], "store": {"directory": str(folder)}}), encoding="utf-8")
    path.chmod(0o600)
    return read_config(path, {}).pbxes[0]


@pytest.mark.parametrize(
    ("pbx", "port", "path", "by_digest"),
    [
        ({}, 5038, "", False),
        ({"transport": "tcp"}, 5038, "", False),
        ({"transport": "ajam"}, 8088, "/rawman", False),
        ({"transport": "ajam", "tls": {}}, 8089, "/rawman", False),
        ({"transport": "ajam", "path": "/asterisk/mxml", "port": 80}, 80, "/asterisk/mxml", False),
        ({"transport": "ajam", "path": "/arawman"}, 8088, "/arawman", True),
        ({"transport": "ajam", "path": "/a/b-c/amxml"}, 8088, "/a/b-c/amxml", True),
    ],
)
def test_how_it_is_reached(tmp_path: Path, pbx: Mapping[str, Any], port: int, path: str, by_digest: bool) -> None:
    if "tls" in pbx:
        pbx = {**pbx, "tls": {"enabled": True}}
    found = endpoint(pbx_of(tmp_path, pbx))
    assert (found.port, found.ajam_path, found.uses_digest) == (port, path, by_digest)


@pytest.mark.parametrize(
    ("pbx", "complaint"),
    [
        ({"transport": "http"}, "transport"),
        ({"transport": "ajam", "path": "/manager"}, "must be the path of rawman, mxml, arawman or amxml"),
        ({"transport": "ajam", "path": "rawman"}, "must be the path of"),
        ({"transport": "ajam", "path": "/rawman?x=y"}, "must be the path of"),
        ({"path": "/rawman"}, "only transport: ajam has a path"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, pbx: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        pbx_of(tmp_path, pbx)
    assert complaint in str(caught.value)
    assert len(caught.value.problems) == 1
