"""``qualitywatch grafana export`` as an administrator uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from qualitywatch.cli import main
from qualitywatch.grafana.registry import BOARDS, LANGUAGES

CONFIG = """\
pbx:
  - {name: office, host: 192.0.2.10, username: qualitywatch, secret: s3cret-of-the-pbx}
notify: [{name: here, kind: console}]
store: {directory: /srv/qualitywatch}
rules: {directory: mine}
influx:
  - {kind: influxdb, url: "https://influx.example.org", org: voip, bucket: "r$tp", token: token-nobody-may-see}
  - {kind: influxdb1, url: "https://old.example.org", database: rtp, username: reader, password: word-nobody-may-see}
"""
RULE = """\
rules:
  - name: loss
    kind: threshold
    metric: loss_percent
    window: 60s
    warning: {enter: 2, clear: 1}
"""


def exported(directory: Path, *options: str) -> dict[str, str]:
    assert main(["grafana", "export", *options, str(directory)]) == 0
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8") for path in directory.rglob("*") if path.is_file()
    }


def datasource(files: dict[str, str]) -> Any:
    (source,) = yaml.safe_load(files["provisioning/datasources/qualitywatch.yaml"])["datasources"]
    return source


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/rules.yml").write_text(RULE, encoding="utf-8")
    path = tmp_path / "qualitywatch.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", LANGUAGES)
def test_the_tree_drops_into_grafana(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = exported(tmp_path / "out", "--datasource", kind)
    (provider,) = yaml.safe_load(files["provisioning/dashboards/qualitywatch.yaml"])["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards/qualitywatch"
    names = {f"dashboards/qualitywatch/{board.uid}.json" for board in BOARDS}
    assert names == {name for name in files if name.endswith(".json")}
    made = [json.loads(files[name]) for name in names]
    assert len({each["title"] for each in made}) == len(made)
    source = datasource(files)
    assert {panel["datasource"]["uid"] for each in made for panel in each["panels"] if panel["type"] != "row"} == {
        source["uid"]
    }
    assert source["type"] == LANGUAGES[kind].plugin
    assert "Copy all of it to /etc/grafana" in capsys.readouterr().out


def test_addresses_and_limits_are_those_of_the_configuration_and_secrets_stay_there(config: Path, tmp_path: Path) -> None:
    files = exported(tmp_path / "out", "--datasource", "influxdb", "--config", str(config), "--at", "/opt/grafana/")
    source = datasource(files)
    assert (source["url"], source["jsonData"]["organization"]) == ("https://influx.example.org", "voip")
    assert source["jsonData"]["defaultBucket"] == "r$$tp", "Grafana reads $$ as $"
    assert source["secureJsonData"] == {"token": "$QUALITYWATCH_INFLUX_TOKEN"}
    assert "/opt/grafana/dashboards/qualitywatch" in files["provisioning/dashboards/qualitywatch.yaml"]
    peer = json.loads(files["dashboards/qualitywatch/qualitywatch-peer.json"])
    assert [step["value"] for step in peer["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None, 2.0]
    assert not [name for name, text in files.items() if "nobody-may-see" in text or "s3cret" in text]


def test_influxdb_1_is_asked_by_name_and_password(config: Path, tmp_path: Path) -> None:
    source = datasource(exported(tmp_path / "out", "--datasource", "influxdb1", "--config", str(config)))
    assert (source["user"], source["jsonData"]["dbName"]) == ("reader", "rtp")
    assert source["secureJsonData"] == {"password": "$QUALITYWATCH_INFLUX_PASSWORD"}


def test_sqlite_is_the_file_of_the_daemon_read_only(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = datasource(exported(tmp_path / "out", "--datasource", "sqlite", "--config", str(config)))
    assert source["jsonData"] == {"path": "/srv/qualitywatch/rollup.db", "pathPrefix": "file:", "pathOptions": "mode=ro"}
    assert "frser-sqlite-datasource" in capsys.readouterr().out


@pytest.mark.parametrize("token", ["", ", token: token-nobody-may-see"])
def test_a_token_before_victoriametrics_is_said_to_be_entered_by_hand(
    token: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = f'  - {{kind: victoriametrics, url: "http://127.0.0.1:8428"{token}}}\n'
    config.write_text(CONFIG + section, encoding="utf-8")
    files = exported(tmp_path / "out", "--datasource", "victoriametrics", "--config", str(config))
    assert ("enter it by hand" in capsys.readouterr().out) == bool(token)
    assert not [name for name, text in files.items() if "nobody-may-see" in text]


def test_a_kind_that_is_not_configured_is_one_clear_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["grafana", "export", "--datasource", "victoriametrics", "--config", str(config), str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "has no influx section of kind victoriametrics" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    assert main(["grafana", "export", "--datasource", "sqlite", str(tmp_path / "out")]) == 1
    assert "Traceback" not in (said := capsys.readouterr().out) and "out" in said


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    assert exported(tmp_path, "--datasource", "sqlite") == exported(tmp_path, "--datasource", "sqlite")
