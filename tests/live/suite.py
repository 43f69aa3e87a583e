"""Runs all scenarios on one bench, side by side where they do not disturb each other, and draws up the table.

Order: every phone registers once, so that the daemon knows its User-Agent; then the media scenarios in groups, the trunk
scenarios beside them once nobody speaks over a trunk; at the end, one by one, what needs a quiet PBX or disturbs all of it.
Then the daemon is stopped as systemd would, and what it stored is looked at.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live import faults, install
from tests.live.bench import Bench, bench
from tests.live.chat import Chat
from tests.live.daemon import Daemon, daemon
from tests.live.install import Suite
from tests.live.plan import subscribers
from tests.live.scenarios import ALONE, GROUPS, TRUNK_LANE, TRUNK_LANE_AFTER
from tests.live.stage import Pool, Result, Scenario, Stage, judge

STRAYS = "nothing else is said"
LOG = "the daemon's own log"
PHONE_AGENT = "bench phone"
RTCP_INTERVAL_MS = 5000  # Asterisk's own default: what is said in time here is said in time there


def all_scenarios(suite: Suite) -> list[Scenario]:
    """What runs on this version."""
    everything = [*(scenario for group in GROUPS for scenario in group), *TRUNK_LANE, *ALONE]
    return [scenario for scenario in everything if suite.has_chan_sip or not scenario.needs_chan_sip]


def names(suite: Suite) -> list[str]:
    """Names of all results that ``run`` gives."""
    return [*(scenario.name for scenario in all_scenarios(suite)), STRAYS, LOG]


async def run(suite: Suite, wanted: Callable[[str], bool] = lambda name: True) -> list[Result]:
    """Run every scenario whose name is wanted; what fails in one is a problem in its result."""
    async with bench(suite, rtcp_interval_ms=RTCP_INTERVAL_MS) as b, FakeTelegram() as telegram:
        await asyncio.gather(_register_everybody(b), b.trunks_up())
        folder = b.ledger.folder / "daemon"
        async with b.ami() as ami, daemon(folder, b.ledger, b.ports.ami, telegram.url, TOKEN) as main:
            await main.logged("ami.resynced")
            chat, pool, stages = Chat(telegram), Pool(b), list[Stage]()

            async def play(scenarios: Sequence[Scenario], *, one_by_one: bool = False) -> None:
                chosen = [s for s in scenarios if wanted(s.name) and (suite.has_chan_sip or not s.needs_chan_sip)]
                mine = [
                    Stage(b, pool, chat, ami, main, b.ledger.folder / f"scratch-{len(stages) + n}", Result(s.name, s.injected))
                    for n, s in enumerate(chosen)
                ]
                stages.extend(mine)
                runs = [_guarded(scenario, stage) for scenario, stage in zip(chosen, mine, strict=True)]
                if one_by_one:
                    for each in runs:
                        await each
                else:
                    await asyncio.gather(*runs)

            async def play_groups(groups: Sequence[Sequence[Scenario]]) -> None:
                for group in groups:
                    await play(group)

            await play_groups(GROUPS[:TRUNK_LANE_AFTER])
            await asyncio.gather(play_groups(GROUPS[TRUNK_LANE_AFTER:]), play(TRUNK_LANE, one_by_one=True))
            await play(ALONE, one_by_one=True)
            await asyncio.sleep(2)  # the last hangup is still on its way to the daemon
            code = await main.stop()
            results = _conclude(stages, chat, main, code)
            _keep(suite, b, main, chat, results)
            (results_folder(suite) / "input.ami").write_bytes(bytes(ami.raw))
            return results


async def _register_everybody(b: Bench) -> None:
    users = list(subscribers(b.suite.has_chan_sip))
    for technology in b.technologies():
        chosen = [each.user for each in users if each.technology == technology]
        folder = b.ledger.folder / f"sipp-{technology}"
        await faults.register(folder, b.ports.registrar(technology), chosen, PHONE_AGENT)


async def _guarded(scenario: Scenario, stage: Stage) -> None:
    """One scenario's failure must not end the others: whatever it raised becomes a problem of its own."""
    try:
        await scenario.run(stage)
    except Exception as exc:  # noqa: BLE001 any failure is that scenario's finding
        stage.result.problems.append(f"could not be carried out: {exc!r}")


def _conclude(stages: Sequence[Stage], chat: Chat, main: Daemon, code: int) -> list[Result]:
    for stage in stages:
        for verify in stage.afterwards:
            verify()
    strays = judge(stages, chat.lines())
    for stage in stages:
        stage.result.problems += [f"false alarm: {text}" for text in stage.result.false_alarms]
    log = [line for line in main.log.splitlines() if line.startswith(("ERROR", "CRITICAL", "Traceback")) or "bug" in line]
    log += [f"exit code {code}"] if code else []
    return [
        *(stage.result for stage in stages),
        Result(STRAYS, "", false_alarms=strays, problems=strays),
        Result(LOG, "", problems=log),
    ]


def _keep(suite: Suite, b: Bench, main: Daemon, chat: Chat, results: Sequence[Result]) -> None:
    """Leave what an investigation needs in the cache folder, and the table for the README."""
    folder = results_folder(suite)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "daemon.log").write_text(main.log)
    shutil.copytree(main.folder / "state", folder / "state")
    (folder / "asterisk.log").write_text((b.pbx.home / "log/full").read_text(errors="replace"))
    (folder / "chat.jsonl").write_text(
        "".join(json.dumps(asdict(version), ensure_ascii=False) + "\n" for version in chat.versions())
    )
    (folder / "table.md").write_text(table(results))


def results_folder(suite: Suite) -> Path:
    """Where the last run's table, log and chat are."""
    return install.cache_folder() / "results" / suite.name


def table(results: Sequence[Result]) -> str:
    """The table in Markdown."""
    lines = ["| scenario | injected | measured | said after | false alarms | verdict |", "|---|---|---|---|---|---|"]
    for result in results:
        said = ", ".join(f"{seconds:.0f} s" for seconds in result.said_after_s) or "-"
        verdict = "; ".join(result.problems).replace("|", "\\|") or "ok"
        measured = ", ".join(result.measured) or "-"
        lines.append(
            f"| {result.scenario} | {result.injected} | {measured} | {said} | {len(result.false_alarms)} | {verdict} |"
        )
    return "\n".join(lines) + "\n"
