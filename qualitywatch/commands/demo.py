"""``demo``: recordings of real PBXes through the real daemon over real TCP, in a minute and with nothing to set up.

Strategy: nothing is faked but the time.  Each bundled recording is served as an Asterisk manager on loopback, played at
many times its speed, and the daemon that ``run`` starts connects to all of them with the default rules and prints its
alerts to the terminal.  With a page it goes on when the recordings are over, until somebody ends it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Table

from qualitywatch.ami.server import CaptureServer
from qualitywatch.app.daemon import Daemon
from qualitywatch.app.watcher import Watcher
from qualitywatch.clock import SystemClock
from qualitywatch.commands.demo_page import page_settings, show_page
from qualitywatch.config import (
    DEFAULT_INHIBITIONS,
    Config,
    ConsoleTarget,
    PbxConfig,
    RetentionConfig,
    RulesConfig,
    StoreConfig,
    TargetConfig,
)
from qualitywatch.config.settings import WebConfig
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import Direction, LogRecord, Metric, Sample, Severity, TrunkState, Verdict
from qualitywatch.pipeline import ALERT_LOG
from qualitywatch.rules.loader import load_rules
from qualitywatch.secrets import Secret
from qualitywatch.shipped import recording, shipped
from qualitywatch.store.backends.memory import MemorySeriesStore

DEMO_LOGIN = "qualitywatch"
TERMINAL = "terminal"
DAY_S = 86_400.0
# After the last message: alerts on their way to the terminal, and the watcher's grace.
SETTLE_S = 1.0
SPEED = 8.0
SPEED_WITH_PAGE = 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One recording and what to watch for in it."""

    pbx: str
    recording: str
    story: str


SCENES = (
    Scene("office", "sip-bridge-loss", "6117 calls 6118: 6 % lost on the way in, 9 % on the way out"),
    Scene("branch", "trunk-outage", "a provider goes silent for a minute, then refuses the password"),
    Scene("home", "peer-reachability-user-agent", "phones freeze and go; 6103 registers with four different devices"),
)


def demo(seconds: float | None, speed: float | None, language: str, *, with_page: bool = False) -> int:
    """Play the demo; returns the exit code."""
    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    with suppress(KeyboardInterrupt), TemporaryDirectory(prefix="qualitywatch-demo-") as folder:
        page = page_settings() if with_page else None
        if speed is None:
            speed = SPEED_WITH_PAGE if with_page else SPEED
        asyncio.run(_play(Path(folder), seconds, speed, language, page))
    return 0


async def _play(folder: Path, seconds: float | None, speed: float, language: str, page: WebConfig | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("[bold]qualitywatch demo[/]: three recorded PBXes, played", f"{speed:g} times as fast as life")
    for scene in SCENES:
        console.print(f"  [bold]{scene.pbx:<8}[/]{scene.story}")
    console.print()
    specs = load_rules([shipped("rules")])
    async with AsyncExitStack() as open_things:
        servers = []
        ports = []
        for scene in SCENES:
            server = CaptureServer(recording(scene.recording).read_bytes(), speed=speed)
            ports.append(await server.start("127.0.0.1", 0))
            open_things.push_async_callback(server.stop)
            servers.append(server)
        stop = asyncio.Event()
        if page is not None:
            for each in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(each, stop.set)
        clock = SystemClock()
        with _progress() as progress:
            config = _config(folder, ports, language, page)
            daemon = await Daemon.open(config, specs, clock, state_kind="sqlite", series_kind="memory")
            try:
                async with asyncio.TaskGroup() as group:
                    if page is None:
                        ending = group.create_task(_stop_at_the_end(servers, seconds, stop))
                    else:
                        ending = group.create_task(_stop_in_time(seconds, stop))
                        group.create_task(show_page(daemon, page, clock, console))
                    watching = group.create_task(_show_progress(servers, progress, speed, stop))
                    await daemon.run(stop)
                    watching.cancel()
                    ending.cancel()
            finally:
                await daemon.close()
        store = next(series for series in daemon.series if isinstance(series, MemorySeriesStore))
        console.print()
        console.print(_peer_table(store.samples))
        console.print(_trunk_table(daemon.watchers, store.logs))
        console.print('Times are those of the recordings. To watch a PBX of your own: README, "Going live".', style="dim")


async def _stop_at_the_end(servers: list[CaptureServer], seconds: float | None, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for server in servers:
                await server.finished.wait()
            await asyncio.sleep(SETTLE_S)
    stop.set()


async def _stop_in_time(seconds: float | None, stop: asyncio.Event) -> None:
    if seconds is not None:
        await asyncio.sleep(seconds)
        stop.set()


def _progress() -> Progress:
    columns = (TextColumn("[dim]{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=not sys.stdout.isatty())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


async def _show_progress(servers: list[CaptureServer], progress: Progress, speed: float, stop: asyncio.Event) -> None:
    length_s = max((server.script.length_s for server in servers), default=0.0) / speed if speed else 0.0
    task: TaskID = progress.add_task("playing", total=length_s or None)
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await stop.wait()
        progress.advance(task, 0.2)


def _config(folder: Path, ports: Iterable[int], language: str, page: WebConfig | None) -> Config:
    return Config(
        pbxes=tuple(
            PbxConfig(scene.pbx, "127.0.0.1", port, DEMO_LOGIN, Secret(DEMO_LOGIN), md5=True, tls=None)
            for scene, port in zip(SCENES, ports, strict=True)
        ),
        targets=(TargetConfig(TERMINAL, "console", language, Severity.INFO, (), ConsoleTarget()),),
        telegram=None,
        store=StoreConfig(folder, RetentionConfig(DAY_S, DAY_S, DAY_S, DAY_S)),
        rules=RulesConfig((shipped("rules"),)),
        names={},
        trunks={},
        language=language,
        timezone=UTC,
        log_level="ERROR",
        desk=DeskPolicy(audiences=(Audience(TERMINAL, Severity.INFO),), inhibitions=DEFAULT_INHIBITIONS),
        web=page,
    )


def _peer_table(samples: Iterable[Sample]) -> Table:
    """Whole-recording figures by peer: what the network lost, apart from what the phones reported."""
    table = Table(title="Peers", title_justify="left")
    table.add_column("PBX")
    table.add_column("peer")
    for heading in ("loss from it", "loss to it", "reported", "jitter", "round trip", "MOS"):
        table.add_column(heading, justify="right")
    sums: dict[tuple[str, str], dict[tuple[Metric, Direction | None], list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        if sample.verdict in {Verdict.OK, Verdict.UNGROUNDED_CODEC}:
            sums[sample.pbx, sample.subject][sample.metric, sample.direction].append(sample)
    for (pbx, peer), series in sorted(sums.items()):
        table.add_row(
            pbx,
            peer,
            _percent(series[Metric.LOSS_PERCENT, Direction.FROM_PEER]),
            _percent(series[Metric.LOSS_PERCENT, Direction.TO_PEER]),
            _percent(series[Metric.LOSS_PERCENT_REPORTED, Direction.TO_PEER]),
            _worst(_both(series, Metric.JITTER_MS), "{:.1f} ms", max),
            _worst(series[Metric.RTT_MS, None], "{:.1f} ms", max),
            _worst(_both(series, Metric.MOS), "{:.2f}", min),
        )
    return table


def _both(series: dict[tuple[Metric, Direction | None], list[Sample]], metric: Metric) -> list[Sample]:
    return series[metric, Direction.TO_PEER] + series[metric, Direction.FROM_PEER]


def _percent(samples: list[Sample]) -> str:
    weight = sum(sample.weight for sample in samples)
    return f"{sum(sample.value * sample.weight for sample in samples) / weight:.2f}%" if weight else "-"


def _worst(samples: list[Sample], form: str, worst: Callable[[Iterable[float]], float]) -> str:
    return form.format(worst(sample.value for sample in samples)) if samples else "-"


def _trunk_table(watchers: Iterable[Watcher], logs: Iterable[LogRecord]) -> Table:
    """State of every registration at the end, and how often it was down."""
    table = Table(title="Trunks", title_justify="left")
    for heading in ("PBX", "trunk", "state at the end"):
        table.add_column(heading)
    table.add_column("times down", justify="right")
    fired = (entry for entry in logs if entry.kind == ALERT_LOG and entry.text.startswith("firing"))
    outages = Counter((entry.pbx, entry.subject) for entry in fired)
    for watcher in watchers:
        for trunk, state in sorted(watcher.pipeline.trunks.states().items()):
            style = "green" if state is TrunkState.REGISTERED else "red"
            table.add_row(watcher.name, trunk, f"[{style}]{state}[/]", str(outages[watcher.name, trunk]))
    return table
