"""Everything asked and judged, as it comes: the machine first, then chats and databases, then the PBXes, all of them at once.

What cannot be asked becomes a finding too: nothing but a cancellation ends an examination early.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from qualitywatch.app.assembly import endpoint
from qualitywatch.config import Config, InfluxConfig, PbxConfig, TelegramConfig, read_config_and_rules
from qualitywatch.control.client import NoDaemonError, ask
from qualitywatch.control.protocol import SOCKET, ControlError, ListSilences, Silences
from qualitywatch.doctor import registry
from qualitywatch.doctor.asking.machine import UNIT_FOLDERS, ask_disk, ask_systemctl, ask_unit, state_directory_of, user_of
from qualitywatch.doctor.asking.pbx import Listening, ask_pbx
from qualitywatch.doctor.asking.secretfiles import ask_secrets
from qualitywatch.doctor.asking.series import ask_series
from qualitywatch.doctor.asking.telegram import ask_telegram
from qualitywatch.doctor.facts import BotFacts, UnitFacts
from qualitywatch.doctor.finding import Finding, Level, Report, ok
from qualitywatch.doctor.registry import Check
from qualitywatch.errors import ConfigError
from qualitywatch.ports import Clock
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.rules.spec import RuleSpec

MACHINE: Final = "this machine"
CONFIGURATION: Final = "configuration"
_DAEMON_ANSWERS_S: Final = 3.0

Step: TypeAlias = Report | Listening
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Wish:
    """What to examine, and for how many seconds to listen."""

    config: Path
    seconds: float
    unit_folders: Sequence[Path] = UNIT_FOLDERS


async def examine(wish: Wish, clock: Clock, tell: Callable[[Step], None]) -> None:
    """Hand reports and progress to ``tell``, in the order in which they are known."""
    unit = await asyncio.to_thread(ask_unit, wish.config, wish.unit_folders)
    try:
        config, rules = read_config_and_rules(wish.config, _environment_of(unit))
    except ConfigError as exc:
        for problem in exc.problems:
            tell(Report(CONFIGURATION, str(wish.config), Finding(Level.ERROR, problem, "correct it: nothing would be started")))
        return
    await _Examination(config, rules, wish, clock, tell).run(unit)


class _Examination:
    """One run over one configuration."""

    def __init__(
        self, config: Config, rules: Sequence[RuleSpec], wish: Wish, clock: Clock, tell: Callable[[Step], None]
    ) -> None:
        self._config = config
        self._rules = rules
        self._wish = wish
        self._clock = clock
        self._tell = tell

    async def run(self, unit: UnitFacts) -> None:
        """Ask and judge everything."""
        config = self._config
        for report in _configuration(self._wish.config, config):
            self._tell(report)
        disk = await asyncio.to_thread(ask_disk, config.store.directory, user_of(unit))
        self._judge(registry.DISK, MACHINE, disk)
        self._judge(registry.UNIT, MACHINE, replace(unit, state=await ask_systemctl()) if unit.path is not None else unit)
        secrets = await asyncio.to_thread(ask_secrets, self._wish.config, unit)
        self._judge(registry.SECRETS, MACHINE, secrets)
        runs = await asyncio.to_thread(_daemon_runs, config)
        async with asyncio.TaskGroup() as group:
            if config.telegram is not None:
                group.create_task(self._telegram(config.telegram))
            for influx in config.influx:
                group.create_task(self._series(influx))
            for pbx in config.pbxes:
                group.create_task(self._pbx(pbx, daemon_runs=runs))

    async def _telegram(self, telegram: TelegramConfig) -> None:
        async for name, facts in ask_telegram(self._config, telegram, self._clock):
            if isinstance(facts, BotFacts):
                self._judge(registry.BOT, name, facts)
            else:
                self._judge(registry.CHAT, name, facts)

    async def _series(self, influx: InfluxConfig) -> None:
        self._judge(registry.SERIES, influx.name, await ask_series(influx))

    async def _pbx(self, pbx: PbxConfig, *, daemon_runs: bool) -> None:
        facts = await ask_pbx(
            endpoint(pbx, self._config.call),
            self._clock,
            self._wish.seconds,
            needed=needed_rights(self._config, pbx, self._rules),
            daemon_runs=daemon_runs,
            progress=self._tell,
        )
        self._judge(registry.PBX, pbx.name, facts)

    def _judge(self, checks: Sequence[Check[F]], subject: str, facts: F) -> None:
        now = self._clock.now()
        for check in checks:
            for finding in check.judge(facts, now):
                self._tell(Report(check.name, subject, finding))


def needed_rights(config: Config, pbx: PbxConfig, rules: Sequence[RuleSpec]) -> dict[str, str]:
    """Which rights in ``write=`` the configuration asks for beyond looking, each with what for."""
    needed: dict[str, str] = {}
    if any(lamp.pbx == pbx.name for lamp in config.lamps):
        needed["call"] = "setting lamps"
    if config.call is not None and config.call.pbx == pbx.name:
        needed["originate"] = "the phone call to whoever is on duty"
    for remedy in (remedy for rule in rules for remedy in rule.remedies) if config.remedies.enabled else ():
        if config.remedies.allows(remedy.action):
            right = ACTIONS[remedy.action].request(remedy.values).rights[0]
            needed.setdefault(right, f"the remedy {remedy.action}")
    return needed


def _configuration(path: Path, config: Config) -> Iterator[Report]:
    yield Report(CONFIGURATION, str(path), ok(f"it can be read; PBXes: {len(config.pbxes)}, targets: {len(config.targets)}"))
    for text in config.warnings:
        yield Report(CONFIGURATION, str(path), Finding(Level.WARNING, text, "qualitywatch check shows the whole of it"))


def _daemon_runs(config: Config) -> bool:
    """Whether a daemon with this state directory is at work now."""
    try:
        ask(config.store.directory / SOCKET, ListSilences(), Silences, _DAEMON_ANSWERS_S)
    except NoDaemonError:
        return False
    except ControlError:
        return True  # somebody is there, who does not talk to us
    return True


def _environment_of(unit: UnitFacts) -> Mapping[str, str]:
    """Our own, with the state directory systemd gives the daemon where there is a unit: that is the disk that counts."""
    directory = state_directory_of(unit)
    return {**({"STATE_DIRECTORY": str(directory)} if directory is not None else {}), **os.environ}
