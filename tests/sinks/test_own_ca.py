"""``ca_file``: databases whose certificates an authority of one's own has signed, over real TLS on loopback."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from qualitywatch.app.sinks import build_server
from qualitywatch.cli import main
from qualitywatch.config import InfluxConfig
from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError
from tests.config.conftest import ONE_PBX, TARGETS
from tests.fakes.series_servers import RealServer, influxdb1_server, started, victoria_server

STRANGER = "(nobody trusted here vouches for its certificate: name its CA's certificate as ca_file)"


@contextmanager
def over_tls(real: RealServer) -> Iterator[str]:
    """Started, with a certificate that its clients have to judge, not we."""
    real.url = real.url.replace("http://", "https://")
    real.trust = ssl.create_default_context()
    real.trust.check_hostname, real.trust.verify_mode = False, ssl.CERT_NONE
    with started(real):
        yield real.url


@contextmanager
def influx1(leaf: trustme.LeafCert, folder: Path) -> Iterator[str]:
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    real = influxdb1_server(folder)
    with Path(real.command[-1]).open("a") as file:
        file.write(f'https-enabled = true\nhttps-certificate = "{folder}/server.pem"\n')
    with over_tls(real) as url:
        yield url


@contextmanager
def victoria(leaf: trustme.LeafCert, folder: Path) -> Iterator[str]:
    """It takes what is written to InfluxDB 2, too."""
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    real = victoria_server(folder)
    real.command += ["-tls", f"-tlsCertFile={folder}/cert.pem", f"-tlsKeyFile={folder}/key.pem"]
    with over_tls(real) as url:
        yield url


SERVE = {"influxdb": victoria, "influxdb1": influx1, "victoriametrics": victoria}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def saved(authority: trustme.CA, folder: Path, name: str) -> Path:
    authority.cert_pem.write_to_path(folder / name)
    return folder / name


def influx(kind: str, url: str, ca_file: Path | None) -> InfluxConfig:
    is_bucket = kind == "influxdb"
    token = Secret("t") if kind != "influxdb1" else None
    org, bucket = ("office", "qualitywatch") if is_bucket else ("", "")
    return InfluxConfig(kind, kind, url, org, bucket, token, "qualitywatch", None, None, 1 << 20, None, ca_file)


def command(what: str, config: InfluxConfig, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """``qualitywatch influx`` as it is typed; return the exit code and the one line it says."""
    keys = {"kind": config.kind, "url": config.url}
    keys |= {"org": config.org, "token": "t"} if config.kind == "influxdb" else {}
    keys |= {"ca_file": str(config.ca_file)} if config.ca_file is not None else {}
    path = folder / "qualitywatch.yml"
    path.write_text(f"{ONE_PBX}{TARGETS}influx: [{{{', '.join(f'{key}: {value!r}' for key, value in keys.items())}}}]\n")
    path.chmod(0o600)
    code = main(["influx", what, "--config", str(path)])
    (line,) = capsys.readouterr().out.splitlines()
    return code, line.partition(": ")[2]


def write(config: InfluxConfig) -> None:
    server = build_server(config)
    try:
        server.write(b"loss,peer=a percent=1 %d" % (time.time_ns() // 1000))
    finally:
        server.close()


@pytest.mark.parametrize("kind", SERVE)
def test_the_authority_of_the_configuration_is_the_one_that_counts(
    kind: str, authority: trustme.CA, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = saved(authority, tmp_path, "ours.pem"), saved(trustme.CA(), tmp_path, "theirs.pem")
    with SERVE[kind](authority.issue_cert("127.0.0.1"), tmp_path) as url:
        for wrong in (None, theirs):
            with pytest.raises(SinkError) as caught:
                write(influx(kind, url, wrong))
            assert str(caught.value).endswith(f" at {url} cannot be reached {STRANGER}")
            assert caught.value.refusal is Refusal.LATER, "what was measured is kept until it is put right"
            assert command("check", influx(kind, url, wrong), tmp_path, capsys) == (1, str(caught.value))
        if kind == "influxdb1":
            done = command("setup", influx(kind, url, ours), tmp_path, capsys)
            assert done == (0, "created database qualitywatch; data is kept for ever")
        write(influx(kind, url, ours))
        code, told = command("check", influx(kind, url, ours), tmp_path, capsys)
        assert code == 0, told
        assert "can be written to" in told or told.endswith("takes data")


@pytest.mark.parametrize("kind", ["influxdb", "influxdb1"])
@pytest.mark.parametrize(
    ("made_out", "told"),
    [
        ({"identities": ["influx.example"]}, "is made out to another name: write that name in url"),
        ({"not_after": datetime(2001, 1, 1, tzinfo=UTC)}, "has expired: renew it"),
        ({"not_before": datetime(2990, 1, 1, tzinfo=UTC)}, "is not valid yet: check the clocks of both machines"),
    ],
    ids=["name", "expired", "early"],
)
def test_what_else_can_be_wrong_with_a_certificate_is_named(
    kind: str, made_out: dict[str, Any], told: str, authority: trustme.CA, tmp_path: Path
) -> None:
    made_out = {"identities": ["127.0.0.1"], **made_out}
    with victoria(authority.issue_cert(*made_out.pop("identities"), **made_out), tmp_path) as url:
        with pytest.raises(SinkError) as caught:
            write(influx(kind, url, saved(authority, tmp_path, "ours.pem")))
        assert str(caught.value) == f"InfluxDB at {url} cannot be reached (its certificate {told})"
