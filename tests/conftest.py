"""What all tests share: where the recordings are, and the switch that rewrites golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent / "captures"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/captures/*/*/expected.jsonl; review the difference"
    )


@pytest.fixture
def captures() -> Path:
    """The folder of the recorded sessions."""
    return CAPTURES


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))
