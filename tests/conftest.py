"""What all tests share: where the recordings are, the switch that rewrites golden files, and no excuses in CI."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import looptime
import pytest
from hypothesis import settings

CAPTURES = Path(__file__).parent / "captures"

# Every HTTP client reads first whom the machine trusts, which takes longer than most tests, and tests ask nobody but loopback.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "fakes" / "nobody.pem")

# Some images forbid compiled files.  A run starts dozens of daemons: each would compile all of the package for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No deadline: how long an example takes says how busy the machine is.  CI tries more of them: --hypothesis-profile thorough.
settings.register_profile("qualitywatch", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile("qualitywatch")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/captures/*/*/expected.jsonl; review the difference"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where all has to be there (``QUALITYWATCH_HAS_ALL=1``, as in CI), a test skipped for want of a program has failed."""
    report = yield
    if report.skipped and os.environ.get("QUALITYWATCH_HAS_ALL") and isinstance(report.longrepr, tuple):
        _, _, why = report.longrepr
        if "install" in why:
            report.outcome = "failed"
    return report


@pytest.fixture
def captures() -> Path:
    """The folder of the recorded sessions."""
    return CAPTURES


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
async def hurried() -> AsyncIterator[None]:
    """A loop that does not wait: where nothing is to be read or done, its time is that of the next timer.

    For a test whose servers run in its own loop; another process would be given no time.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    looptime.patch_event_loop(loop)
    yield
