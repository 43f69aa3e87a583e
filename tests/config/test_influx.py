"""Section ``influx``."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.cli import main
from qualitywatch.config.influx import KINDS
from tests.config.conftest import ONE_PBX, TARGETS, Problems, Read

BASE = ONE_PBX + TARGETS
CA = Path(__file__).parents[1] / "fakes" / "nobody.pem"


def test_without_it_nothing_is_written_anywhere(read: Read) -> None:
    assert read(BASE).influx == ()


def test_the_kind_is_enough(read: Read) -> None:
    (two, one, victoria) = read(f"{BASE}influx: [{{}}, {{kind: influxdb1}}, {{kind: victoriametrics}}]\n").influx
    assert (two.kind, two.url, two.org, two.bucket) == ("influxdb", "http://127.0.0.1:8086", "qualitywatch", "qualitywatch")
    assert (one.name, one.database, one.bucket) == ("influxdb1", "qualitywatch", "")
    assert (victoria.url, victoria.spool_bytes, victoria.keep_s) == ("http://127.0.0.1:8428", 256 << 20, None)


def test_secrets_come_from_files_and_are_not_shown(read: Read, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token-nobody-may-see\n")
    (found,) = read(f"{BASE}influx: [{{token_file: {tmp_path / 'token'}, keep: 30d}}]\n").influx
    assert found.token is not None and found.token.reveal() == "token-nobody-may-see"
    assert "nobody-may-see" not in repr(found)
    assert found.keep_s == 30 * 86_400


def test_who_can_read_along_is_a_warning(read: Read) -> None:
    (warning,) = read(f"{BASE}influx: [{{url: 'http://192.0.2.7:8086'}}]\n").warnings
    assert "everybody on the way can read what is sent: use https://" in warning


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("influx: [{kind: influx}]", "influx[0].kind: must be one of influxdb, influxdb1, victoriametrics"),
        ("influx: [{url: 'influx.example.org'}]", "influx[0].url: must be a URL"),
        ("influx: [{url: 'http://u:word-nobody-may-see@127.0.0.1'}]", "influx[0].url: must hold no name and no password"),
        ("influx: [{url: 'http://127.0.0.1:8086/?db=x'}]", "influx[0].url: must end where the database begins"),
        ("influx: [{}, {}]", 'name "influxdb" is already taken'),
        ("influx: [{name: ../../etc/x}]", "influx[0].name: must be letters, digits, dots, hyphens"),
        ("influx: [{kind: influxdb, database: x}]", "influx[0].database: unknown key"),
        ("influx: [{kind: influxdb1, bucket: x}]", "influx[0].bucket: unknown key"),
        ("influx: [{token: 'nobody-may-see-тест'}]", "influx[0].token: holds signs that no token has"),
        ("influx: [{keep: 1h}]", "influx[0].keep: "),
        ("influx: [{spool_mb: 0}]", "influx[0].spool_mb: "),
    ],
)
def test_a_slip_is_named(problems: Problems, section: str, problem: str) -> None:
    found = problems(f"{BASE}{section}\n")
    assert any(problem in each for each in found), found
    assert not any("nobody-may-see" in each for each in found)


def test_an_authority_is_one_that_can_be_read(problems: Problems, read: Read, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    for named, told in (
        ("missing.pem", f"{tmp_path}/missing.pem: No such file or directory"),
        (".", f"{tmp_path} is not a file"),
        ("text", f"{tmp_path}/text holds no certificate in PEM form"),
    ):
        (found,) = problems(f"{BASE}influx: [{{url: 'https://influx.example.org', ca_file: {named}}}]\n")
        assert found.partition(": ")[2] == f"influx[0].ca_file: {told}"
    (found,) = problems(f"{BASE}influx: [{{ca_file: {CA}}}]\n")
    assert found.partition(": ")[2] == "influx[0].ca_file: has a meaning only where url begins with https://"
    sections = ", ".join(f"{{kind: {kind}, url: 'https://x.example', ca_file: {CA}}}" for kind in KINDS)
    assert [each.ca_file for each in read(f"{BASE}influx: [{sections}]\n").influx] == [CA] * len(KINDS)


def test_check_names_each_database_and_where_alerts_lead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "qualitywatch.yml"
    config.write_text(
        f"""{BASE}influx:
  - {{url: 'https://influx.example.org', org: voip, bucket: calls, token: token-nobody-may-see, ca_file: {CA}}}
  - {{kind: influxdb1, database: rtp, username: writer, password: word-nobody-may-see, spool_mb: 64}}
  - {{kind: victoriametrics}}
grafana: {{url: 'https://grafana.example.org/'}}
"""
    )
    config.chmod(0o600)
    assert main(["check", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert [line.strip() for line in said.splitlines() if line.startswith(("  influx", "  grafana"))] == [
        f"influx  influxdb: influxdb at https://influx.example.org, bucket calls of voip, trusting {CA}; "
        "up to 256 MiB wait on disk",
        "influx  influxdb1: influxdb1 at http://127.0.0.1:8086, database rtp as writer; up to 64 MiB wait on disk",
        "influx  victoriametrics: victoriametrics at http://127.0.0.1:8428; up to 256 MiB wait on disk",
        "grafana alerts link to https://grafana.example.org",
    ]
    assert "nobody-may-see" not in said
