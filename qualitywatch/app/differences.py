"""What is different between two configurations with their rules, a line each, in the words of the file.

Pure.  A rule counts as changed when it judges, tells or acts otherwise, not when it moved within its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from qualitywatch.config import Config, PbxConfig
from qualitywatch.rules.spec import RuleSpec

# What is neither listed by name nor told by another line: fields of the configuration and the section people know them by.
_SECTIONS: Final[Mapping[str, str]] = {
    "telegram": "telegram",
    "names": "names",
    "trunks": "trunks",
    "trunk_peers": "trunk_peers",
    "sites": "sites",
    "desk": "routes, incidents or maintenance",
    "morning": "incidents.morning",
    "call": "call",
    "lamps": "lamps",
    "web": "web",
    "reports": "reports",
    "grafana_url": "grafana",
    "remedies": "remedies",
    "language": "language",
    "timezone": "timezone",
    "log_level": "log_level",
}


def fixed(old: Config, new: Config) -> tuple[str, ...]:
    """What a running daemon cannot take over, each with what to do instead."""
    if old.store.directory == new.store.directory:
        return ()
    return (
        f"store.directory: {new.store.directory} instead of {old.store.directory} needs a restart: "
        "systemctl restart qualitywatch (state is not moved: stop first, move the files, start)",
    )


def differences(old: Config, new: Config, old_rules: Sequence[RuleSpec], new_rules: Sequence[RuleSpec]) -> tuple[str, ...]:
    """One line for everything that is different; empty when nothing is."""
    return tuple(_differences(old, new, old_rules, new_rules))


def _differences(old: Config, new: Config, old_rules: Sequence[RuleSpec], new_rules: Sequence[RuleSpec]) -> Iterator[str]:
    pbxes, others = {pbx.name: pbx for pbx in old.pbxes}, {pbx.name: pbx for pbx in new.pbxes}
    for name, what in _named(pbxes, others):
        yield f"pbx {name}: {what}{_reconnects(pbxes.get(name), others.get(name))}"
    for name, what in _named({each.name: each for each in old.targets}, {each.name: each for each in new.targets}):
        yield f"notify {name}: {what}"
    for name, what in _named({each.name: each for each in old.influx}, {each.name: each for each in new.influx}):
        yield f"influx {name}: {what}"
    for name, what in _named({each.name: _rule(each) for each in old_rules}, {each.name: _rule(each) for each in new_rules}):
        yield f"rule {name}: {what}"
    if old.store.keep != new.store.keep:
        yield "store.keep: changed"
    # Who may be told at all follows from the targets, which were named above.
    old, new = (replace(each, desk=replace(each.desk, audiences=())) for each in (old, new))
    for field, section in _SECTIONS.items():
        if getattr(old, field) != getattr(new, field):
            yield f"{section}: changed"


def _named(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield name, "removed"
        elif name not in old:
            yield name, "added"
        elif old[name] != new[name]:
            yield name, "changed"


def _reconnects(old: PbxConfig | None, new: PbxConfig | None) -> str:
    return ", is connected anew" if old is not None and new is not None else ""


def _rule(spec: RuleSpec) -> object:
    return spec.works, spec.remedies, spec.labels
