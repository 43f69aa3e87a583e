"""From a YAML file to a checked ``Config``, or to every problem in it at once.

Strategy: each section has a file of its own and is read to its end whatever is found there; only when all are read and no
problem was found is a ``Config`` handed out.  Relative paths begin at the directory of the file itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from qualitywatch.config.calls import read_call, read_lamps, read_trunk_peers
from qualitywatch.config.checks import LANGUAGES
from qualitywatch.config.context import Context
from qualitywatch.config.grafana import read_grafana_url
from qualitywatch.config.incidents import read_incidents
from qualitywatch.config.influx import read_influx
from qualitywatch.config.machine import machine_timezone, path_problem
from qualitywatch.config.maintenance import read_maintenance
from qualitywatch.config.pbx import read_pbxes
from qualitywatch.config.remedies import read_remedy_policy
from qualitywatch.config.reports import read_reports
from qualitywatch.config.routes import read_routes
from qualitywatch.config.settings import Config
from qualitywatch.config.sites import read_sites
from qualitywatch.config.storage import read_rule_directories, read_store
from qualitywatch.config.targets import read_targets
from qualitywatch.config.telegram import read_telegram
from qualitywatch.config.web import read_web
from qualitywatch.desk.policy import Audience
from qualitywatch.document import Problems, Section, find_timezone, read_document
from qualitywatch.errors import ConfigError
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file; raise ConfigError with all of its problems when there are any."""
    problems, context = Problems(), Context(environ, path.parent.absolute())
    config = _survey(path, context, problems)
    problems.raise_if_any()
    if config is None:
        raise ConfigError([f"{path}: cannot be used"])
    return config


def read_config_and_rules(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Config, tuple[RuleSpec, ...]]:
    """Read a configuration file and the rules it names; raise ConfigError with all problems of both when there are any."""
    problems, context = Problems(), Context(environ, path.parent.absolute())
    config = _survey(path, context, problems)
    found = problems.lines()
    rules: tuple[RuleSpec, ...] = ()
    if config is not None:
        # A directory that cannot be read is a problem of the configuration and has been told already.
        directories = [each for each in config.rules.directories if path_problem(each, directory=True) is None]
        try:
            rules = load_rules(directories)
        except ConfigError as exc:
            found += exc.problems
    if config is None or found:
        raise ConfigError(found)
    context.judge_mentions(rules)
    return replace(config, warnings=tuple(context.notes.lines())), rules


def _survey(path: Path, context: Context, problems: Problems) -> Config | None:
    """Return what could be read, with placeholders where there were problems."""
    root = read_document(path, problems, hint=_missing_hint())
    if root is None:
        return None
    config = _read_root(root, context)
    root.close()
    return config


def _read_root(root: Section, context: Context) -> Config:
    language = root.text("language", "en", choices=LANGUAGES)
    pbxes = read_pbxes(root, context)
    names = tuple(pbx.name for pbx in pbxes if pbx.name)
    telegram = read_telegram(root, context)
    targets = read_targets(root, context, language, names, telegram)
    timezone = _timezone(root, context)
    incidents, morning = read_incidents(root, context, names)
    desk = replace(
        incidents,
        audiences=tuple(Audience(target.name, target.min_severity, target.pbxes) for target in targets),
        routes=read_routes(root, context, names, [target.name for target in targets if target.name]),
        windows=read_maintenance(root, context, names, timezone),
    )
    return Config(
        pbxes=pbxes,
        targets=targets,
        telegram=telegram,
        store=read_store(root, context),
        rules=read_rule_directories(root, context),
        names=root.text_map("names"),
        trunks=root.text_map("trunks"),
        language=language,
        timezone=timezone,
        log_level=root.text("log_level", "info", choices=_LOG_LEVELS),
        desk=desk,
        morning=morning,
        trunk_peers=read_trunk_peers(root),
        sites=read_sites(root),
        call=read_call(root, names),
        lamps=read_lamps(root, names),
        influx=read_influx(root, context),
        grafana_url=read_grafana_url(root),
        web=read_web(root, context),
        reports=read_reports(root, [target.name for target in targets if target.name]),
        remedies=read_remedy_policy(root),
        warnings=tuple(context.notes.lines()),
    )


def _timezone(root: Section, context: Context) -> tzinfo:
    name = root.text("timezone", None)
    try:
        return find_timezone(name) if name is not None else machine_timezone(context.environ)
    except ValueError as exc:
        root.problem("timezone", str(exc))
        return UTC


def _missing_hint() -> str:
    try:
        return f"copy {shipped('systemd', 'qualitywatch.example.yml')} and fill it in"
    except FileNotFoundError:
        return "give the right one as --config"
