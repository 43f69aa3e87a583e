"""Data files are found in a checkout and in an installed package alike."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from qualitywatch.shipped import shipped

REPOSITORY = Path(__file__).parent.parent


def force_include() -> dict[str, str]:
    """Where the wheel takes its data from, and where it puts them."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    included: dict[str, str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return included


@pytest.mark.parametrize(("source", "destination"), force_include().items())
def test_a_checkout_serves_what_the_wheel_will_hold(source: str, destination: str) -> None:
    parts = Path(destination).relative_to("qualitywatch/_shipped").parts
    assert shipped(*parts) == REPOSITORY / source


@pytest.mark.parametrize(("source", "destination"), force_include().items())
def test_an_installed_package_serves_its_own_copy(source: str, destination: str, tmp_path: Path) -> None:
    copy = tmp_path / destination
    copy.parent.mkdir(parents=True)
    copy.write_text(f"copy of {source}")  # a folder's place will do as a file
    parts = Path(destination).relative_to("qualitywatch/_shipped").parts
    assert shipped(*parts, package=tmp_path / "qualitywatch") == copy


def test_files_of_a_shipped_folder_are_found() -> None:
    assert shipped("rules", "default.yml").is_file()
    assert shipped("systemd", "qualitywatch.example.yml").is_file()


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "qualitywatch" / "_shipped").mkdir(parents=True)
    with pytest.raises(FileNotFoundError) as caught:
        shipped("rules", package=tmp_path / "qualitywatch")
    missing = tmp_path / "qualitywatch" / "_shipped" / "rules"
    assert str(caught.value) == f"this installation is incomplete, {missing} is missing: install qualitywatch again"
