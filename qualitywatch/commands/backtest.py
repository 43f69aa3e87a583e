"""``qualitywatch backtest``: the stored past before the production machine once more, with these rules and with others."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from qualitywatch.clock import SystemClock
from qualitywatch.commands.backtest_report import Report, print_json, print_text
from qualitywatch.commands.backtest_target import find_target
from qualitywatch.commands.backtest_trial import Trial
from qualitywatch.commands.rules_test import rule_directories
from qualitywatch.commands.silence import SERVICE_DIRECTORY
from qualitywatch.config import Config, read_config
from qualitywatch.config.machine import machine_timezone, state_directory
from qualitywatch.document import parse_duration_s
from qualitywatch.errors import QualitywatchError
from qualitywatch.rules.loader import load_rules
from qualitywatch.store.backends.rollup import ROLLUP_FILE
from qualitywatch.store.past import Extent, Past

_TARGET: Final = re.compile(r"(\d{1,6})/(day|week)")


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What to judge anew, and how to print it."""

    since: str = "14d"
    config: Path | None = None
    rules: Path | None = None
    store: Path | None = None
    pbx: str | None = None
    rule: str | None = None
    target: str | None = None
    list_incidents: bool = False
    as_json: bool = False


def backtest(options: BacktestOptions, out: TextIO) -> int:
    """Judge and print; returns the exit code.  Raises ConfigError, or QualitywatchError where there is nothing to judge."""
    wanted_s = parse_duration_s(options.since)
    if not wanted_s:
        raise QualitywatchError(f"--since must be a duration such as 14d or 36h, not {options.since}")
    most = _most_a_week(options.target)
    config = read_config(options.config) if options.config else None
    present = load_rules(rule_directories(config, None))
    proposed = load_rules(rule_directories(config, options.rules)) if options.rules is not None else None
    past = Past.open(_file(options.store, config))
    try:
        trial = Trial(past, config, _extents(past, options.pbx), wanted_s, SystemClock().now())
        if options.target is not None:
            return find_target(trial, proposed or present, options.rule, most, options.target, out, as_json=options.as_json)
        sides = trial.run([present] if proposed is None else [present, proposed])
    finally:
        past.close()
    if options.rule is not None:
        names = {spec.name for specs in (present, proposed or ()) for spec in specs}
        if options.rule not in names:
            raise QualitywatchError(f"there is no rule named {options.rule}; there are {', '.join(sorted(names))}")
    zone = config.timezone if config else machine_timezone(os.environ)
    report = Report(trial.since, trial.until, wanted_s, zone, sides, options.rule, trial.progress.summed_minutes)
    if options.as_json:
        print_json(report, out)
    else:
        print_text(report, out, list_incidents=options.list_incidents)
    return 0


def _most_a_week(text: str | None) -> float:
    if text is None:
        return 0.0
    found = _TARGET.fullmatch(text)
    if found is None:
        raise QualitywatchError(f"--target must be so many a week or a day, such as 3/week, not {text}")
    return float(found[1]) * (7 if found[2] == "day" else 1)


def _file(store: Path | None, config: Config | None) -> Path:
    """Where the history is: named, configured, or in one of the usual places."""
    if store is not None:
        return store / ROLLUP_FILE if store.is_dir() or store.suffix != ".db" else store
    places = [SERVICE_DIRECTORY]
    if config is not None:
        places.insert(0, config.store.directory)
    elif (own := state_directory(os.environ)) is not None:
        places.append(own)
    return next((place / ROLLUP_FILE for place in places if (place / ROLLUP_FILE).is_file()), places[0] / ROLLUP_FILE)


def _extents(past: Past, pbx: str | None) -> list[Extent]:
    extents = [extent for extent in past.extents() if extent.first_at is not None and extent.last_at is not None]
    if pbx is not None:
        known = ", ".join(extent.pbx for extent in extents) or "none"
        extents = [extent for extent in extents if extent.pbx == pbx]
        if not extents:
            raise QualitywatchError(f"nothing is stored of a PBX named {pbx}; stored are: {known}")
    if not extents:
        raise QualitywatchError("the history is still empty: the first minute is written when the daemon has watched for one")
    return extents
