"""What can be compiled: the list in ``pyproject.toml`` names what there is, and of that everything is native or nothing."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"][
    "hooks"
]["mypyc"]


def modules(pattern: str) -> list[str]:
    """Names of the modules that a pattern of the list stands for."""
    found = sorted(path for path in ROOT.glob(pattern.removeprefix("/")) if path.name not in HOOK["exclude"])
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]


@pytest.mark.parametrize("pattern", HOOK["include"])
def test_what_is_listed_is_there(pattern: str) -> None:
    assert modules(pattern)


def test_nothing_is_compiled_unasked() -> None:
    assert HOOK["enable-by-default"] is False


def test_it_is_all_native_or_all_plain() -> None:
    kinds = {str(import_module(name).__file__).rpartition(".")[2] for pattern in HOOK["include"] for name in modules(pattern)}
    assert kinds in ({"py"}, {"so"})
