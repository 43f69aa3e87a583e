"""What ``doctor`` says of the disk, the systemd unit and the configuration: real file systems, real unit files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from qualitywatch.doctor.asking.machine import UNIT, ask_disk, ask_systemctl, ask_unit, state_directory_of, user_of
from qualitywatch.doctor.checks import disk as disk_check
from qualitywatch.doctor.checks import unit as unit_check
from qualitywatch.doctor.facts import DiskFacts, UnitFacts
from qualitywatch.doctor.finding import Finding, Level
from qualitywatch.shipped import shipped
from tests.doctor.clinic import examined, write_config
from tests.fakes.doctor_pbx import DoctorPbx

CONFIG = Path("/etc/qualitywatch/qualitywatch.yml")
PROGRAM = "/opt/qualitywatch/bin/qualitywatch"


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


# --- disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "state"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(place)], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_small_disk_and_a_full_one(small_disk: Path) -> None:
    small = only(disk_check.judge(ask_disk(small_disk, None), 0.0))
    assert (small.level, "315 MB free" in small.what, "store.keep" in small.fix) == (Level.WARNING, True, True)
    room = os.statvfs(small_disk)
    with (small_disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
    full = only(disk_check.judge(ask_disk(small_disk, None), 0.0))
    assert (full.level, "0 MB free" in full.what) == (Level.ERROR, True), full
    assert [each.name for each in small_disk.iterdir()] == ["filler"], "doctor left something behind"


def test_a_state_directory_that_is_a_file(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.write_text("oops")
    finding = only(disk_check.judge(ask_disk(place, "qualitywatch"), 0.0))
    assert (finding.level, "is no directory" in finding.what) == (Level.ERROR, True), finding


def test_a_directory_that_is_still_to_be_made_is_judged_by_its_parent(tmp_path: Path) -> None:
    facts = ask_disk(tmp_path / "not" / "yet", None)
    assert facts.free_bytes is not None
    assert facts.free_bytes > 0
    assert not (tmp_path / "not").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_that_somebody_else_made(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    os.chown(tmp_path, 65534, -1)
    facts = ask_disk(tmp_path, "nobody")
    assert facts.foreign == ("state.db",)
    finding = next(disk_check.judge(facts, 0.0))
    assert (finding.level, "chown -R nobody:" in finding.fix) == (Level.ERROR, True)


@pytest.mark.parametrize(
    ("free", "files", "level"),
    [
        (49_000_000, None, Level.ERROR),
        (900_000_000, 5, Level.ERROR),
        (900_000_000, None, Level.WARNING),
        (2 * 10**9, None, Level.OK),
    ],
)
def test_room(free: int, files: int | None, level: Level) -> None:
    assert only(disk_check.judge(DiskFacts(Path("/x"), free_bytes=free, free_files=files), 0.0)).level is level


# --- unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for units, with ours in it; its program exists."""
    program = tmp_path / "qualitywatch"
    program.touch()
    text = shipped("systemd", UNIT).read_text(encoding="utf-8")
    (tmp_path / UNIT).write_text(text, encoding="utf-8")
    dropins = tmp_path / f"{UNIT}.d"
    dropins.mkdir()
    start = f"ExecStart=\nExecStart={program} run --config {CONFIG}\n"
    (dropins / "program.conf").write_text(f"[Service]\n{start}", encoding="utf-8")
    return tmp_path


def diagnosed(folder: Path, **state: str) -> list[Finding]:
    return list(unit_check.judge(replace(ask_unit(CONFIG, [folder]), state=state), 0.0))


def test_the_shipped_unit_is_good(folder: Path) -> None:
    (finding,) = diagnosed(folder, ActiveState="active", UnitFileState="enabled", NeedDaemonReload="no", NRestarts="0")
    assert (finding.level, "as shipped, with 1 drop-ins" in finding.what) == (Level.OK, True), finding


def test_no_unit_at_all(tmp_path: Path) -> None:
    finding = only(unit_check.judge(ask_unit(CONFIG, [tmp_path], tmp_path), 0.0))
    assert (finding.level, "install systemd/qualitywatch.service" in finding.fix) == (Level.UNKNOWN, True)
    container = only(unit_check.judge(ask_unit(CONFIG, [tmp_path], tmp_path / "none"), 0.0))
    assert (container.level, "not run by systemd" in container.what) == (Level.OK, True)


@pytest.mark.parametrize(
    ("was", "becomes", "level", "text"),
    [
        ("NoNewPrivileges=yes", "NoNewPrivileges=no", Level.WARNING, "NoNewPrivileges=no"),
        ("ProtectSystem=strict", "", Level.WARNING, "ProtectSystem=(gone)"),
        ("WatchdogSec=60", "# WatchdogSec=60", Level.WARNING, "WatchdogSec=(gone)"),
        ("User=qualitywatch", "User=root", Level.ERROR, "as root"),
        ("MemoryMax=512M", "MemoryMax=2G", Level.WARNING, "itself was edited (MemoryMax)"),
        ("SystemCallFilter=~@privileged @resources", "", Level.WARNING, "SystemCallFilter=@system-service"),
    ],
)
def test_an_edited_unit(was: str, becomes: str, level: Level, text: str, folder: Path) -> None:
    unit = folder / UNIT
    original = unit.read_text(encoding="utf-8")
    assert was in original
    unit.write_text(original.replace(was, becomes), encoding="utf-8")
    assert any(finding.level is level and text in finding.what for finding in diagnosed(folder)), diagnosed(folder)


def test_a_dropin_may_give_more_memory_and_credentials(folder: Path) -> None:
    more = "[Service]\nMemoryMax=2G\nLoadCredential=influx_token:/etc/qualitywatch/credentials/influx_token\n"
    (folder / f"{UNIT}.d" / "more.conf").write_text(more, encoding="utf-8")
    assert [finding.level for finding in diagnosed(folder)] == [Level.OK]


def test_a_dropin_that_weakens(folder: Path) -> None:
    (folder / f"{UNIT}.d" / "weak.conf").write_text("[Service]\nProtectHome=no\nSystemCallFilter=\n", encoding="utf-8")
    (finding,) = diagnosed(folder)
    assert (finding.level, "ProtectHome=no, SystemCallFilter=(gone)" in finding.what) == (Level.WARNING, True), finding


def test_a_unit_that_starts_something_else(folder: Path) -> None:
    (folder / f"{UNIT}.d" / "program.conf").write_text(
        f"[Service]\nExecStart=\nExecStart=/nowhere/qualitywatch run --config {CONFIG}\n"
    )
    assert [(it.level, "does not exist" in it.what) for it in diagnosed(folder)] == [(Level.ERROR, True)]
    (folder / f"{UNIT}.d" / "program.conf").write_text(
        "[Service]\nExecStart=\nExecStart=/bin/true run --config /srv/other.yml\n"
    )
    assert [(it.level, "doctor --config /srv/other.yml" in it.fix) for it in diagnosed(folder)] == [(Level.WARNING, True)]


@pytest.mark.parametrize(
    ("state", "level", "text"),
    [
        ({"ActiveState": "failed"}, Level.ERROR, "journalctl"),
        ({"ActiveState": "inactive"}, Level.WARNING, "enable --now"),
        ({"ActiveState": "active", "UnitFileState": "disabled"}, Level.WARNING, "systemctl enable"),
        ({"ActiveState": "active", "NeedDaemonReload": "yes"}, Level.WARNING, "daemon-reload"),
        ({"ActiveState": "active", "NRestarts": "7"}, Level.WARNING, "journalctl"),
    ],
)
def test_what_systemd_says(state: dict[str, str], level: Level, text: str, folder: Path) -> None:
    (finding,) = diagnosed(folder, **state)
    assert (finding.level, text in finding.fix) == (level, True), finding


async def test_systemctl_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(
        '#!/bin/sh\ntest "$1 $2" = "show qualitywatch.service" && printf "ActiveState=active\\nNRestarts=3\\n"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await ask_systemctl() == {"ActiveState": "active", "NRestarts": "3"}
    program.write_text("#!/bin/sh\nexit 1\n")
    assert await ask_systemctl() == {}
    program.unlink()
    assert await ask_systemctl() == {}


async def test_the_state_directory_of_the_unit_is_the_one_that_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    unit = ask_unit(CONFIG, [folder])
    assert (user_of(unit), state_directory_of(unit)) == ("qualitywatch", Path("/var/lib/qualitywatch"))
    assert state_directory_of(UnitFacts(CONFIG, "")) is None
    config = folder / "q.yml"
    config.write_text("pbx: [{name: office, host: 127.0.0.1, port: 1, username: q, secret: s}]\n")
    found = await examined(config, 0.0, unit_folders=[folder])
    assert any("/var/lib/qualitywatch" in finding.what for finding in found.of("disk")), found


# --- configuration


async def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    config = tmp_path / "q.yml"
    config.write_text("pbx: [{name: office, host: 127.0.0.1, usernam: q, secret: s}]\n")
    found = await examined(config)
    assert {report.check for report in found.reports} == {"configuration"}
    assert any("usernam" in finding.what for finding in found.of("configuration"))


async def test_warnings_of_the_configuration_are_told(tmp_path: Path) -> None:
    async with DoctorPbx().manager().listening() as manager:
        config = write_config(tmp_path, manager.port)
        config.chmod(0o644)
        found = await examined(config, 0.0)
    found.one("configuration", Level.WARNING, "secret")


# --- secrets


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep secrets from another user")
async def test_secrets_that_the_daemon_cannot_read() -> None:
    folder = Path(tempfile.mkdtemp(prefix="doctor-", dir="/var/tmp"))  # where other users may look, unlike pytest's own
    try:
        folder.chmod(0o755)
        vault = folder / "credentials"
        vault.mkdir(mode=0o700)
        for name, secret in (("ami_secret", "s3cret"), ("series_token", "t0ken"), ("web_token", "0123456789abcdef")):
            (vault / name).write_text(secret)
        (folder / "open").write_text("k3y-for-hooks")
        document = {
            "pbx": [
                {"name": "office", "host": "127.0.0.1", "port": 1, "username": "q", "secret_file": "credentials/ami_secret"}
            ],
            "influx": [{"url": "http://127.0.0.1:9", "token_file": str(vault / "series_token")}],
            "notify": [{"kind": "webhook", "url": "http://127.0.0.1:9/", "secret_file": str(folder / "open")}],
            "store": {"directory": str(folder / "state")},
        }
        config = folder / "q.yml"
        config.write_text(yaml.safe_dump(document))
        text = shipped("systemd", UNIT).read_text(encoding="utf-8").replace("User=qualitywatch", "User=nobody")
        (folder / UNIT).write_text(text, encoding="utf-8")
        found = await examined(config, 0.0, unit_folders=[folder])
        missing = found.one("secrets", Level.ERROR, "influx[0].token_file", "cannot be read by nobody")
        assert missing.fix == f"systemctl edit qualitywatch: [Service] LoadCredential=series_token:{vault / 'series_token'}"
        dropins = folder / f"{UNIT}.d"
        dropins.mkdir()
        (dropins / "more.conf").write_text(f"[Service]\nLoadCredential=series_token:{vault / 'series_token'}\n")
        found = await examined(config, 0.0, unit_folders=[folder])
        found.one("secrets", Level.OK, "the daemon, as user nobody, gets at ami_secret, open, series_token")
        assert "s3cret" not in str(found)
    finally:
        shutil.rmtree(folder)
