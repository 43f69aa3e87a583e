"""The files that Grafana reads when it starts: its data source, its provider of dashboards, and the dashboards.

Secrets are not written: Grafana takes them from its environment.  A ``$`` of ours is doubled, because Grafana replaces
``$NAME`` in these files by environment variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from qualitywatch.grafana.build import dashboard
from qualitywatch.grafana.language import DATASOURCE_UID, Json
from qualitywatch.grafana.registry import BOARDS, LANGUAGES
from qualitywatch.room import Limit

TOKEN_VARIABLE: Final = "QUALITYWATCH_INFLUX_TOKEN"  # noqa: S105 the name of a variable
PASSWORD_VARIABLE: Final = "QUALITYWATCH_INFLUX_PASSWORD"  # noqa: S105
FOLDER: Final = "qualitywatch"
_HEAD: Final = "# Written by `qualitywatch grafana export`; write it anew rather than change it.\n"
_REPORTS_EVERY: Final = "5s"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the series are; only what belongs to ``kind`` counts."""

    kind: str
    url: str = ""
    org: str = ""
    bucket: str = ""
    database: str = ""
    username: str | None = None
    path: str = ""
    has_token: bool = False


def tree(source: Source, limits: Sequence[Limit], *, at: str) -> Mapping[str, str]:
    """Return the files by their path below ``at``, the folder of Grafana's configuration."""
    language = LANGUAGES[source.kind]
    datasource: Json = {
        "name": "qualitywatch",
        "uid": DATASOURCE_UID,
        "type": language.plugin,
        "access": "proxy",
        "editable": False,
        **_place(source),
    }
    provider = {
        "name": "qualitywatch",
        "orgId": 1,
        "folder": FOLDER,
        "type": "file",
        "disableDeletion": False,
        "updateIntervalSeconds": 30,
        "allowUiUpdates": False,
        "options": {"path": f"{at.rstrip('/')}/dashboards/{FOLDER}"},
    }
    files = {
        f"provisioning/datasources/{FOLDER}.yaml": _yaml({"apiVersion": 1, "datasources": [datasource]}),
        f"provisioning/dashboards/{FOLDER}.yaml": _yaml({"apiVersion": 1, "providers": [_doubled(provider)]}),
    }
    for board in BOARDS:
        made = json.dumps(dashboard(board, language, limits), indent=2, ensure_ascii=False, allow_nan=False)
        files[f"dashboards/{FOLDER}/{board.uid}.json"] = made + "\n"
    return files


def _place(source: Source) -> Json:
    match source.kind:
        case "influxdb":
            data = {
                "version": "Flux",
                "organization": source.org,
                "defaultBucket": source.bucket,
                "timeInterval": _REPORTS_EVERY,
            }
            return {**_doubled({"url": source.url, "jsonData": data}), "secureJsonData": {"token": f"${TOKEN_VARIABLE}"}}
        case "influxdb1":
            data = {"version": "InfluxQL", "dbName": source.database, "httpMode": "POST", "timeInterval": _REPORTS_EVERY}
            place = _doubled({"url": source.url, "jsonData": data})
            if source.username is None:
                return place
            return {**place, **_doubled({"user": source.username}), "secureJsonData": {"password": f"${PASSWORD_VARIABLE}"}}
        case "victoriametrics":
            return _doubled({"url": source.url, "jsonData": {"httpMode": "POST", "timeInterval": _REPORTS_EVERY}})
        case _:
            return _doubled({"jsonData": {"path": source.path, "pathPrefix": "file:", "pathOptions": "mode=ro"}})


def _doubled(document: Json) -> Json:
    return {key: _doubled_value(value) for key, value in document.items()}


def _doubled_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _doubled(value)
    return value.replace("$", "$$") if isinstance(value, str) else value


def _yaml(document: Json) -> str:
    return _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
