"""The notify protocol over real sockets, and the unit file as systemd's own tools judge it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qualitywatch import systemd
from tests.fakes.notify_socket import NotifySocket

UNIT = Path(__file__).parents[1] / "systemd" / "qualitywatch.service"
MANAGER_CONF = Path(__file__).parents[1] / "systemd" / "manager.conf.example"
NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY")

needs_systemd_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture(autouse=True)
def outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path if request.param == "file" else None) as notify_socket:
        for name, value in notify_socket.environment.items():
            monkeypatch.setenv(name, value)
        yield notify_socket


async def test_every_message_arrives_from_this_process(manager: NotifySocket) -> None:
    assert systemd.ready()
    assert await manager.receive() == (os.getpid(), ["READY=1"])
    assert systemd.watchdog()
    assert await manager.receive() == (os.getpid(), ["WATCHDOG=1"])
    assert systemd.status("3 PBXes, 2 alerts firing")
    assert await manager.receive() == (os.getpid(), ["STATUS=3 PBXes, 2 alerts firing"])
    assert systemd.stopping()
    assert await manager.receive() == (os.getpid(), ["STOPPING=1"])


async def test_a_status_cannot_smuggle_in_another_assignment(manager: NotifySocket) -> None:
    assert systemd.status("alert from \udcff\nMAINPID=1")
    assert (await manager.receive())[1] == ["STATUS=alert from \\udcff MAINPID=1"]


def test_outside_systemd_nothing_happens() -> None:
    told = [systemd.ready(), systemd.watchdog(), systemd.status("x"), systemd.stopping()]
    assert told == [False] * 4
    assert systemd.watchdog_interval_s() is None


@pytest.mark.parametrize("address", ["/nonexistent/notify", "@qualitywatch-nobody-listens", "vsock:2:1234", "", "relative"])
def test_a_broken_socket_never_harms(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert systemd.ready() is False


@pytest.mark.parametrize(
    ("limit_us", "pid", "interval_s"),
    [
        ("60000000", None, 30.0),
        ("3000000", "self", 1.5),
        ("60000000", "1", None),  # meant for another process
        ("0", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_watchdog_interval_is_half_the_limit(
    limit_us: str, pid: str | None, interval_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", limit_us)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "self" else pid)
    assert systemd.watchdog_interval_s() == interval_s


async def test_a_started_process_reports_to_the_manager(tmp_path: Path) -> None:
    code = "from qualitywatch import systemd as s; s.ready(); s.status(str(s.watchdog_interval_s())); s.stopping()"
    with NotifySocket(tmp_path, watchdog_s=3) as notify_socket:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **notify_socket.environment}, check=True)
        assert await notify_socket.wait_for("STOPPING=1") == ["READY=1", "STATUS=1.5", "STOPPING=1"]


def unit_values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def test_unit_restarts_unless_the_configuration_is_wrong() -> None:
    assert unit_values("Type") == ["notify"]
    assert unit_values("Restart") == ["on-failure"]
    assert unit_values("RestartPreventExitStatus") == ["2 78"]
    assert unit_values("ExecStart") == ["/opt/qualitywatch/bin/qualitywatch run --config /etc/qualitywatch/qualitywatch.yml"]
    assert unit_values("ExecReload") == ["/opt/qualitywatch/bin/qualitywatch reload --socket %S/qualitywatch/control.sock"]


def test_unit_passes_secrets_as_optional_credentials() -> None:
    loaded = dict(value.split(":", 1) for value in unit_values("LoadCredential"))
    assert loaded == {
        name: f"/etc/qualitywatch/credentials/{name}" for name in ("ami_secret", "telegram_token", "web_token", "influx_token")
    }
    assert unit_values("SetCredential") == [rf"{name}:\n" for name in loaded]  # so that it starts without them


@needs_systemd_analyze
def test_unit_is_hardened() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    exposure = re.search(r"Overall exposure level for qualitywatch.service: ([\d.]+)", result.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= 1.5
    assert result.stderr == ""


@needs_systemd_analyze
def test_unit_has_no_mistakes(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/qualitywatch/bin/qualitywatch", shutil.which("env") or "/usr/bin/env"), encoding="utf-8")
    result = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")  # unknown keys only show on stderr


def test_manager_conf_grants_the_least_that_works() -> None:
    section: dict[str, str] = {}
    sections: dict[str, dict[str, str]] = {}
    for line in MANAGER_CONF.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith(";"):
            name, _, value = line.partition("=")
            section[name.strip()] = value.strip()
    assert sections["general"]["timestampevents"] == "yes"
    assert sections["general"]["channelvars"] == "CHANNEL(audioreadformat)"
    user = sections["qualitywatch"]
    assert set(user["read"].split(",")) == {"system", "call", "reporting", "security"}
    assert user["write"] == "reporting"
    assert int(user["writetimeout"]) >= 5000
    assert (user["deny"], user["permit"]) == ("0.0.0.0/0.0.0.0", "127.0.0.1/255.255.255.255")
    assert "eventfilter" not in user
