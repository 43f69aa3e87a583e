"""``systemd/install.sh`` when things go wrong: whatever happens, the service is left as it was, and so is what is not its own.

The program is an outline of the real one, which has its whole life in ``test_install.py``.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes import outline
from tests.test_install import SCRIPT, Machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user and gives files to it")
LONG_AGO = "20260101-000000"
"""A release is named by the second it was made in; the next one comes within the same."""
DPKG = {"DPKG_MAINTSCRIPT_PACKAGE": "qualitywatch"}


class Outlined(Machine):
    """A machine with versions of the outline to install, the first of which runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "root")
        self.folder = folder
        python = self.root / "bin/python3"
        python.write_text(outline.python(), encoding="utf-8")
        python.chmod(0o755)

    def version_of(self, version: str, **values: object) -> Path:
        return outline.source(self.folder / version, VERSION=version, **values)

    def begin(self, **values: object) -> str:
        code, said = self.run("install", of=self.version_of("0.1.0", **values))
        assert code == 0, said
        opt = self.root / "opt/qualitywatch"
        (opt / "releases" / self.release()).rename(opt / "releases" / LONG_AGO)
        (opt / "current").unlink()
        (opt / "current").symlink_to(f"releases/{LONG_AGO}")
        self.configure("")
        assert self.systemctl("start", "qualitywatch") == 0
        return self.release()

    def configure(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def ran(self) -> list[str]:
        """The versions that wrote to the state, as that says."""
        with closing(sqlite3.connect(self.state / "state.db")) as database:
            return [version for (version,) in database.execute("SELECT version FROM ran ORDER BY rowid")]

    def form(self) -> int:
        with closing(sqlite3.connect(self.state / "state.db")) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])

    def runs(self) -> tuple[str, bool, str]:
        """The version that is installed, whether it runs, and the version that the unit is of."""
        unit = (self.root / "etc/systemd/system/qualitywatch.service").read_text(encoding="utf-8")
        return self.version(), self.systemctl("is-active", "qualitywatch") == 0, unit.split()[-1]

    def pid(self) -> str:
        return (self.root / "run/qualitywatch.pid").read_text(encoding="utf-8")

    def releases(self) -> int:
        return len(list((self.root / "opt/qualitywatch/releases").iterdir()))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Outlined]:
    machine = Outlined(tmp_path)
    try:
        yield machine
    finally:
        machine.systemctl("stop", "qualitywatch")


@pytest.mark.slow
def test_what_falls_over_again_and_again_is_stopped_before_the_state_is_put_back(machine: Outlined) -> None:
    first = machine.begin()
    code, said = machine.run("install", of=machine.version_of("0.2.0", FORM=2, FALLS_OVER_AT=""))
    assert code == 1
    assert f"release {first} is in use again, with its state" in said
    assert "state.db is as it was before the upgrade" in said
    assert machine.runs() == ("0.1.0", True, "0.1.0")
    assert (machine.ran(), machine.form()) == (["0.1.0", "0.1.0"], 1)
    assert len(list(machine.state.glob("state.db.newer-*"))) == 1
    assert machine.releases() == 1


@pytest.mark.slow
def test_a_service_between_two_attempts_is_upgraded_and_started(machine: Outlined) -> None:
    first = machine.begin(FALLS_OVER_AT="bad day")
    machine.configure("# bad day")
    machine.systemctl("stop", "qualitywatch")
    assert machine.systemctl("start", "qualitywatch") == 1
    code, said = machine.run("install", of=machine.version_of("0.1.1", FALLS_OVER_AT=""))
    assert code == 1
    assert f"release {first} does not start either" in said
    assert machine.runs() == ("0.1.0", False, "0.1.0")
    code, said = machine.run("install", of=machine.version_of("0.2.0"))
    assert code == 0, said
    assert machine.runs() == ("0.2.0", True, "0.2.0")


def test_a_full_disk_leaves_the_service_running(machine: Outlined) -> None:
    first = machine.begin()
    (machine.state / "rollup.db").write_bytes(bytes(4 << 20))
    new = machine.version_of("0.2.0")
    code, said = machine.run("install", of=new, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    assert code == 1
    assert f"release {first} is in use again" in said
    assert machine.runs() == ("0.1.0", True, "0.1.0")
    assert not (machine.state / "before-upgrade").exists(), "half a copy is none"
    assert machine.run("install", of=new)[0] == 0
    assert machine.runs() == ("0.2.0", True, "0.2.0")


@pytest.mark.slow
def test_a_lost_connection_leaves_the_service_running(machine: Outlined) -> None:
    first = machine.begin()
    new = machine.version_of("0.2.0", FORM=2, HANGS_UP=True)
    command = f'SCRIPT=$$ exec sh "{new}/systemd/install.sh" install --root "{machine.root}"'
    done = subprocess.run(
        ["sh", "-c", command], env=machine.environment(), start_new_session=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"release {first} is in use again" in done.stderr
    assert machine.runs() == ("0.1.0", True, "0.1.0")
    assert machine.ran() == ["0.1.0", "0.1.0"]


def test_what_an_interruption_left_behind_does_not_mislead_the_next_upgrade(machine: Outlined) -> None:
    first = machine.begin()
    (machine.root / "opt/qualitywatch/current.new").symlink_to(f"releases/{first}")
    code, said = machine.run("install", of=machine.version_of("0.2.0"))
    assert code == 0, said
    assert machine.runs() == ("0.2.0", True, "0.2.0")
    assert not (machine.root / f"opt/qualitywatch/releases/{first}/current.new").exists()


def test_back_with_unit_and_state_and_forth_again(machine: Outlined) -> None:
    machine.begin()
    assert machine.run("install", of=machine.version_of("0.2.0", FORM=2))[0] == 0
    code, said = machine.run("rollback")
    assert code == 0, said
    assert machine.runs() == ("0.1.0", True, "0.1.0")
    assert (machine.ran(), machine.form()) == (["0.1.0", "0.1.0"], 1)
    (newer,) = (path for path in machine.state.glob("state.db.newer-*") if path.name[-1].isdigit())
    with closing(sqlite3.connect(newer)) as database:
        assert database.execute("SELECT version FROM ran").fetchall() == [("0.1.0",), ("0.2.0",)]
    assert machine.run("rollback")[0] == 0
    assert machine.runs() == ("0.2.0", True, "0.2.0")
    assert machine.ran() == ["0.1.0", "0.1.0", "0.2.0"]


@pytest.mark.slow
def test_root_follows_no_link_that_the_service_left(machine: Outlined) -> None:
    machine.begin()
    ours, others = machine.folder / "of root", machine.folder / "more of root"
    ours.write_text("for root alone", encoding="utf-8")
    others.mkdir()
    (machine.state / "rollup.db").symlink_to(ours)
    (machine.state / "before-upgrade").symlink_to(others)
    (machine.state / "state.db.restoring").symlink_to(ours)
    code, said = machine.run("install", of=machine.version_of("0.2.0", FORM=2))
    assert code == 0, said
    assert "rollup.db is a link: it is not copied" in said
    assert {path.name for path in (machine.state / "before-upgrade").iterdir()} - {"state.db-wal"} == {"release", "state.db"}
    code, said = machine.run("rollback")
    assert code == 0, said
    assert machine.runs() == ("0.1.0", True, "0.1.0")
    assert machine.form() == 1
    assert ours.read_text(encoding="utf-8") == "for root alone"
    assert list(others.iterdir()) == []


@pytest.mark.slow
def test_nothing_is_interrupted_by_going_back_to_what_refuses_the_configuration(machine: Outlined) -> None:
    machine.begin(REFUSES="later")
    assert machine.run("install", of=machine.version_of("0.2.0"))[0] == 0
    pid = machine.pid()
    machine.configure("later: 1\n")
    code, said = machine.run("rollback")
    assert code == 1
    assert "later is not known" in said
    assert "nothing was changed" in said
    assert (machine.runs(), machine.pid()) == (("0.2.0", True, "0.2.0"), pid)
    assert machine.releases() == 2


@pytest.mark.slow
def test_going_back_to_what_does_not_start_leads_forth_again(machine: Outlined) -> None:
    machine.begin(FALLS_OVER_AT="bad day")
    assert machine.run("install", of=machine.version_of("0.2.0", FORM=2))[0] == 0
    present = machine.release()
    machine.configure("# bad day")
    code, said = machine.run("rollback")
    assert code == 1
    assert f"release {present} is in use again, with its state" in said
    assert machine.runs() == ("0.2.0", True, "0.2.0")
    assert (machine.ran(), machine.form()) == (["0.1.0", "0.2.0", "0.2.0"], 2)
    assert not list(machine.state.glob("*.newer-*"))


def test_what_was_made_by_hand_is_not_removed(machine: Outlined) -> None:
    machine.begin()
    program = machine.root / "opt/qualitywatch/bin"
    program.unlink()
    program.symlink_to("current/bin")
    assert machine.run("status")[0] == 0
    program.unlink()
    program.mkdir()
    pid = machine.pid()
    code, said = machine.run("uninstall", "--purge")
    assert code == 1
    assert "was made by hand" in said
    code, said = machine.run("uninstall", "--purge", more=DPKG)
    assert code == 0
    assert "is not of this package" in said
    assert (machine.pid(), machine.systemctl("is-active", "qualitywatch")) == (pid, 0)
    assert program.exists()
    assert machine.ran() == ["0.1.0"]


def test_a_package_that_is_purged_leaves_an_installation_from_the_source(machine: Outlined) -> None:
    machine.begin()
    pid = machine.pid()
    assert machine.run("uninstall", "--purge", more=DPKG)[0] == 0
    assert (machine.runs(), machine.pid(), machine.ran()) == (("0.1.0", True, "0.1.0"), pid, ["0.1.0"])
    assert machine.path.exists()
    # A unit that was changed by "systemctl edit --full" does not make the package's program somebody else's.
    (machine.root / "opt/qualitywatch/current/by-dpkg").touch()
    assert machine.run("uninstall", "--purge", more=DPKG)[0] == 0
    assert machine.systemctl("is-active", "qualitywatch") != 0
    assert not (machine.root / "opt/qualitywatch").exists()
    assert not machine.state.exists()


@pytest.mark.parametrize("root", ["", "/", "//", "/tmp/.."])
def test_the_machine_itself_is_no_throw_away_root(root: str) -> None:
    done = subprocess.run(["sh", str(SCRIPT), "status", "--root", root], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--root is" in done.stderr


def test_a_group_that_others_are_members_of_is_taken_up_again(machine: Outlined) -> None:
    machine.begin()
    group = machine.root / "etc/group"
    group.write_text(group.read_text(encoding="utf-8").rstrip("\n") + "grafana\n", encoding="utf-8")
    code, said = machine.run("uninstall", "--purge")
    assert code == 0, said
    assert "grafana" in group.read_text(encoding="utf-8")
    code, said = machine.run("install", of=machine.folder / "0.1.0")
    assert code == 0, said
    number = group.read_text(encoding="utf-8").split(":")[2]
    assert f":{number}:" in (machine.root / "etc/passwd").read_text(encoding="utf-8")
    assert machine.path.stat().st_gid == int(number)


def compilable(machine: Outlined) -> Path:
    """A source that says it can be compiled, and cannot."""
    source = machine.version_of("0.1.0")
    (source / "pyproject.toml").write_text("[tool.hatch.build.targets.wheel.hooks.mypyc]\n", encoding="utf-8")
    return source


def without_a_compiler(folder: Path) -> dict[str, str]:
    """Every command there is but compilers."""
    folder.mkdir()
    for path in (path for place in os.environ["PATH"].split(":") for path in Path(place).glob("*")):
        if "gcc" not in path.name and not (folder / path.name).is_symlink():
            (folder / path.name).symlink_to(path)
    return {"PATH": f"{folder.parent}/root/bin:{folder}"}


@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_downloaded_to_build_is_known_by_its_hash(machine: Outlined, compiled: bool) -> None:
    code, said = machine.run("install", of=compilable(machine), compiled=compiled)
    assert code == 0, said
    asked = (machine.root / "pip.log").read_text(encoding="utf-8").splitlines()
    installs = [line for line in asked if " install " in line]
    (program,) = (line for line in installs if "--requirement" not in line)
    assert program.split()[-1].endswith(".whl"), "pip builds nothing when it installs"
    downloads = [line for line in installs if "--requirement" in line]
    assert [line.rpartition("/")[2] for line in downloads] == ["build-requirements.lock", "requirements.lock"]
    assert all("--require-hashes" in line for line in downloads)
    builds = [line for line in asked if " wheel " in line]
    assert builds
    assert all("--no-build-isolation" in line for line in builds)
    assert not (machine.root / "opt/qualitywatch/current/build").exists()


def test_what_cannot_be_compiled_is_installed_plain(machine: Outlined) -> None:
    code, said = machine.run("install", of=compilable(machine), compiled=True)
    assert code == 0, said
    assert "stays plain" in said or "Not compiled" in said
    assert machine.version() == "0.1.0"


def test_without_a_compiler_it_is_said_what_is_missed(machine: Outlined, tmp_path: Path) -> None:
    code, said = machine.run("install", of=compilable(machine), compiled=True, more=without_a_compiler(tmp_path / "tools"))
    assert code == 0, said
    assert "Not compiled: no C compiler or no headers of Python" in said
    assert "apt-get install gcc python3-dev" in said
    assert machine.version() == "0.1.0"
