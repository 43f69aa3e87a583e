"""The daemon against a real Asterisk with real phones and real faults; README.md beside this file tells how to run it.

All scenarios of a version run once, side by side; each test then looks at the result of one.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Mapping

import pytest

from tests.live import install, suite
from tests.live.install import SUITES, InstallError
from tests.live.isolation import isolate
from tests.live.stage import Result

pytestmark = [pytest.mark.live, pytest.mark.timeout(2400)]

VERSIONS = [int(major) for major in os.environ.get("QUALITYWATCH_LIVE_ASTERISK", "16 22").split()]
CASES = [(major, name) for major in VERSIONS for name in suite.names(SUITES[major])]


class Outcomes:
    """Results by version and scenario: a version runs when the first of its results is asked for."""

    def __init__(self, tables: dict[str, list[Result]], wanted: frozenset[tuple[int, str]]) -> None:
        self._tables, self._wanted = tables, wanted
        self._results: dict[int, Mapping[str, Result]] = {}
        self.not_installed: dict[int, str] = {}

    def install(self) -> None:
        """Install everything that is missing, while there still is a network."""
        for major in VERSIONS:
            try:
                install.ensure_pbx(SUITES[major])
            except InstallError as exc:
                self.not_installed[major] = str(exc)
        isolate()

    def result(self, major: int, name: str) -> Result:
        if major not in self._results:
            results = asyncio.run(suite.run(SUITES[major], lambda wanted: (major, wanted) in self._wanted))
            self._tables[str(major)] = results
            self._results[major] = {result.scenario: result for result in results}
        return self._results[major][name]


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, tables: dict[str, list[Result]]) -> Outcomes:
    if os.geteuid() != 0:
        pytest.skip("the bench installs packages and uses chroot: run it as root")
    if importlib.util.find_spec("pjsua2") is None:
        pytest.skip("no phones: pip install -e '.[live]'")
    # Only what this run selected, so that -k and --last-failed are quick.
    functions = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = [item.callspec.params for item in functions if item.originalname == "test_scenario"]
    outcomes = Outcomes(tables, frozenset((int(str(params["major"])), str(params["name"])) for params in chosen))
    outcomes.install()
    return outcomes


@pytest.mark.parametrize(("major", "name"), CASES)
def test_scenario(major: int, name: str, outcomes: Outcomes) -> None:
    if major in outcomes.not_installed:
        if major == 22:  # sid is a moving target; 16 must always install
            print(outcomes.not_installed[major])
            pytest.skip(f"there is no Asterisk {major} to be had in sid today")
        pytest.fail(outcomes.not_installed[major])
    result = outcomes.result(major, name)
    assert not result.problems
