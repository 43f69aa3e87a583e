"""The locks of the service's dependencies and of what builds it: complete, exact, hashed, and bound to no index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "systemd" / "requirements.lock"
BUILD_LOCK = ROOT / "systemd" / "build-requirements.lock"
EXTRAS = ("web", "charts", "channels")
"""What the service is installed with; the header of the lock says so too."""


def locked(lock: Path = LOCK) -> dict[str, tuple[Requirement, tuple[str, ...]]]:
    """Each locked requirement with the hashes of its files, by canonical name."""
    found: dict[str, tuple[Requirement, tuple[str, ...]]] = {}
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    for line in (line for line in text.splitlines() if line.strip()):
        head, *hashes = line.split(" --hash=")
        requirement = Requirement(head.strip())
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} is there twice"
        found[name] = (requirement, tuple(each.strip() for each in hashes))
    return found


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in (*project["dependencies"], *extras)]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_what_the_project_asks_for_is_locked_within_its_bounds(requirement: Requirement) -> None:
    pinned, _ = locked()[canonicalize_name(requirement.name)]
    (version,) = (specifier.version for specifier in pinned.specifier)
    assert requirement.specifier.contains(version), f"{pinned} is not {requirement}: make the lock anew, its header says how"
    assert pinned.marker is None or pinned.marker.evaluate({"sys_platform": "linux"})


def builds_with() -> list[Requirement]:
    """What ``pyproject.toml`` names for building, native modules included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    return [Requirement(text) for text in (*project["build-system"]["requires"], *hook["dependencies"])]


@pytest.mark.parametrize("requirement", builds_with(), ids=str)
def test_what_builds_the_program_is_locked_within_its_bounds(requirement: Requirement) -> None:
    pinned, _ = locked(BUILD_LOCK)[canonicalize_name(requirement.name)]
    (version,) = (specifier.version for specifier in pinned.specifier)
    assert requirement.specifier.contains(version), f"{pinned} is not {requirement}: make the lock anew, its header says how"
    header = BUILD_LOCK.read_text(encoding="utf-8").partition("\n\n")[0]
    assert requirement in map(Requirement, re.findall(r"'([a-zA-Z-]+[<>=][^']*)'", header))


@pytest.mark.parametrize(("lock", "least"), [(LOCK, 30), (BUILD_LOCK, 8)], ids=lambda each: getattr(each, "name", ""))
def test_everything_is_exact_and_hashed(lock: Path, least: int) -> None:
    assert len(locked(lock)) > least
    for requirement, hashes in locked(lock).values():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("lock", [LOCK, BUILD_LOCK], ids=lambda each: each.name)
def test_no_index_is_named(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--?(?:i|index-url|extra-index-url|f|find-links|trusted-host)\b", text, re.MULTILINE)


def test_the_header_names_the_extras_and_how_it_is_made_anew() -> None:
    header = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    command = " ".join(line.lstrip("# ") for line in header)
    assert "uv pip compile pyproject.toml" in command
    assert re.findall(r"--extra (\w+)", command) == list(EXTRAS)
