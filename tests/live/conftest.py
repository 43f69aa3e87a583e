"""Prints the table of the live scenarios at the end of a run."""

from __future__ import annotations

import pytest

from tests.live import suite
from tests.live.stage import Result

TABLES: pytest.StashKey[dict[str, list[Result]]] = pytest.StashKey()


@pytest.fixture(scope="session")
def tables(pytestconfig: pytest.Config) -> dict[str, list[Result]]:
    """Results by version, for the summary."""
    return pytestconfig.stash.setdefault(TABLES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was injected, what was measured and when it was said."""
    for version, results in config.stash.get(TABLES, {}).items():
        terminalreporter.section(f"Asterisk {version}")
        terminalreporter.write_line(suite.table(results))
