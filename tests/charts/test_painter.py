"""Pictures drawn by another process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.charts import wire
from qualitywatch.charts.painter import Painter
from qualitywatch.charts.request import ChartRequest
from qualitywatch.model import Direction, HistoryPoint, Metric, Severity
from qualitywatch.room import Limit
from tests.charts.build import FROM, SINCE, TO, minute, request

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n"
FIGURES = st.none() | st.floats(allow_nan=False)


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_the_worker_draws_what_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted = request(
        [minute(1, TO, loss=2.0, jitter=9.0), minute(1, FROM, loss=0.1)],
        title="Анна 🦊 SIP/6117",
        language="ru",
        shaded=((SINCE, None),),
    )
    painter = Painter()
    assert painter.available
    first, second = await asyncio.gather(painter.paint(wanted), painter.paint(request()))
    assert first is not None
    assert second is not None
    assert first.startswith(PNG)
    assert second.startswith(PNG)
    assert first != second
    assert caplog.records == []


async def test_a_worker_that_takes_too_long_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mark = tmp_path / "pid"
    code = f"import os, time, pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(60)"
    assert await Painter(time_limit_s=0.7, worker=script(code)).paint(request()) is None
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    (record,) = caplog.records
    assert record.getMessage() == "the chart of Anna SIP/6117 could not be drawn: it took longer than 0.7 s"


async def test_a_shutdown_ends_the_worker_too(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = f"import os, time; os.symlink(str(os.getpid()), {str(mark)!r}); time.sleep(60)"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Painter(worker=script(code)).paint(request()))
        async with asyncio.timeout(10):
            while not mark.is_symlink():
                await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(mark.readlink())), 0)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit('Traceback\\nValueError: no such thing')", "ValueError: no such thing"),
        ("raise SystemExit(3)", "the worker ended with status 3"),
        ("print('not a picture')", "the worker ended with status 0"),
        (f"import sys; sys.stdout.buffer.write({PNG!r}); sys.exit('half a picture')", "half a picture"),
    ],
)
async def test_a_worker_that_fails_is_one_line_in_the_log(code: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await Painter(worker=script(code)).paint(request()) is None
    (record,) = caplog.records
    assert record.getMessage() == f"the chart of Anna SIP/6117 could not be drawn: {said}"


async def test_a_worker_that_cannot_be_started_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert await Painter(worker=("/nowhere/python",)).paint(request()) is None
    (record,) = caplog.records
    assert record.getMessage() == "the chart of Anna SIP/6117 could not be drawn: No such file or directory"


async def test_pictures_are_drawn_one_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "busy"
    code = (
        f"import pathlib, sys, time; busy = pathlib.Path({str(lock)!r}); busy.mkdir(); time.sleep(0.05); busy.rmdir(); "
        f"sys.stdout.buffer.write({PNG!r})"
    )
    painter = Painter(worker=script(code))
    assert await asyncio.gather(*(painter.paint(request()) for _ in range(4))) == [PNG] * 4


async def test_the_worker_leaves_no_files_and_does_not_import_from_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert await Painter().paint(request()) is not None
    assert list(temporary.iterdir()) == []


def test_without_the_library_there_is_no_picture_and_one_hint(tmp_path: Path) -> None:
    code = """
import asyncio, logging
logging.basicConfig(level="INFO", format="%(message)s")
from qualitywatch.charts.painter import Painter
from qualitywatch.charts.request import ChartRequest
async def main():
    painter, request = Painter(), ChartRequest("x", (), 0, 60, "en", "UTC")
    print(painter.available, await painter.paint(request), await painter.paint(request))
asyncio.run(main())
"""
    # Without site-packages, as on a machine where the extra is not installed.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False None None\n"
    assert done.stderr == "no charts are drawn: pip install 'qualitywatch[charts]' for pictures beside the texts\n"


def test_asking_for_a_picture_loads_no_plotting_library() -> None:
    code = "import sys, qualitywatch.charts.painter, qualitywatch.charts.sparkline; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


TIMES = st.floats(allow_nan=False)
POINTS = st.builds(HistoryPoint, TIMES, TIMES, st.none() | st.sampled_from(Direction), st.integers(), *[FIGURES] * 10)


@given(
    st.builds(
        ChartRequest,
        title=st.text(),
        points=st.lists(POINTS, max_size=3).map(tuple),
        since=TIMES,
        until=TIMES,
        language=st.sampled_from(["en", "ru"]),
        zone=st.text(),
        limits=st.lists(st.builds(Limit, st.sampled_from(Metric), st.sampled_from(Severity), TIMES), max_size=3).map(tuple),
        shaded=st.lists(st.tuples(TIMES, FIGURES), max_size=3).map(tuple),
    )
)
def test_a_request_survives_the_wire(wanted: ChartRequest) -> None:
    assert wire.loads(wire.dumps(wanted)) == wanted


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"points": 1}', b"\xff"])
def test_anything_else_on_the_wire_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        wire.loads(data)


@pytest.mark.parametrize("policy", [os.SCHED_OTHER, os.SCHED_RR])
def test_whoever_draws_stands_back_before_it_loads_what_draws(policy: int) -> None:
    began_at = os.nice(0)
    code = (
        f"import os, sys; os.sched_setscheduler(0, {policy}, os.sched_param({min(policy, 1)}))\n"
        "from qualitywatch.charts import worker; worker.step_back()\n"
        "print(os.sched_getscheduler(0), os.nice(0), 'matplotlib' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if "PermissionError" in run.stderr:
        pytest.skip("may not become a real-time process")
    assert run.stdout.split() == [str(os.SCHED_OTHER), str(min(19, began_at + 10)), "False"]
