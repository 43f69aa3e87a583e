"""Sections ``store`` and ``rules``: the directories of the machine that are used."""

from __future__ import annotations

from typing import Final

from qualitywatch.config.context import Context
from qualitywatch.config.machine import path_problem, state_directory
from qualitywatch.config.settings import RetentionConfig, RulesConfig, StoreConfig
from qualitywatch.document import Section
from qualitywatch.shipped import shipped

_DAY_S: Final = 86_400.0
_MAX_KEPT_S: Final = 10_000 * _DAY_S


def read_store(root: Section, context: Context) -> StoreConfig:
    """Read where state and series are kept, and how long."""
    section = root.section("store")
    directory = context.path(section, "directory") if section else None
    if section is not None and directory is not None:
        if reason := path_problem(directory, directory=True, may_be_missing=True):
            section.problem("directory", reason)
    elif (directory := state_directory(context.environ)) is None:
        root.problem("store", "say where to keep state, as store.directory: this machine names no place for it")
    keep = section.section("keep") if section else None

    def kept_s(key: str, default_days: int) -> float:
        default_s = default_days * _DAY_S
        return keep.duration_s(key, default_s, minimum=_DAY_S, maximum=_MAX_KEPT_S) if keep else default_s

    retention = RetentionConfig(kept_s("minutes", 30), kept_s("hours", 730), kept_s("calls", 90), kept_s("events", 365))
    return StoreConfig(directory or context.base, retention)


def read_rule_directories(root: Section, context: Context) -> RulesConfig:
    """Read where rules come from."""
    section = root.section("rules")
    use_default = section.boolean("defaults", True) if section else True
    directories = context.paths(section, "directory") if section else []
    for directory in directories:
        if section is not None and (reason := path_problem(directory, directory=True)):
            section.problem("directory", reason)
    if section is not None and not use_default and "directory" not in section:
        section.problem("defaults", "without the default rules and without a directory there is nothing to watch")
    try:
        default = [shipped("rules")] if use_default else []
    except FileNotFoundError as exc:
        root.problem("rules", str(exc))
        default = []
    return RulesConfig((*default, *directories))
