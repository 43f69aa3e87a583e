"""The lock of the service's dependencies: complete, exact, hashed, and bound to no index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "systemd" / "requirements.lock"
EXTRAS = ("web", "charts", "channels")
"""What the service is installed with; the header of the lock says so too."""


def locked() -> dict[str, tuple[Requirement, tuple[str, ...]]]:
    """Each locked requirement with the hashes of its files, by canonical name."""
    found: dict[str, tuple[Requirement, tuple[str, ...]]] = {}
    text = re.sub(r"^\s*#.*\n", "", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
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


def test_everything_is_exact_and_hashed() -> None:
    assert len(locked()) > 30
    for requirement, hashes in locked().values():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_no_index_is_named() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--?(?:i|index-url|extra-index-url|f|find-links|trusted-host)\b", text, re.MULTILINE)


def test_the_header_names_the_extras_and_how_it_is_made_anew() -> None:
    header = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    command = " ".join(line.lstrip("# ") for line in header)
    assert "uv pip compile pyproject.toml" in command
    assert re.findall(r"--extra (\w+)", command) == list(EXTRAS)
