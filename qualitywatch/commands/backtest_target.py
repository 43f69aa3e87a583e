"""``backtest --target 3/week``: limits of one rule that would have told no more often, ready to be pasted."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import yaml

from qualitywatch.commands.backtest_report import Side
from qualitywatch.commands.backtest_trial import DAY_S, Trial
from qualitywatch.errors import QualitywatchError
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.testing.fitness import How, fitness, threshold_options
from qualitywatch.testing.target import highest_factor, scaled, search
from qualitywatch.testing.verdicts import Verdict

EXIT_NOT_FOUND: Final = 1


def find_target(
    trial: Trial, specs: Sequence[RuleSpec], rule: str | None, most_a_week: float, target: str, out: TextIO, *, as_json: bool
) -> int:
    """Search and print; exit code 1 when no limit would meet the target."""
    if trial.until - trial.since < DAY_S:
        hours = (trial.until - trial.since) / 3600
        raise QualitywatchError(f"{hours:.1f} hours of history are too little to speak of a week: a day is the least")
    side = trial.run([specs])[0]
    spec = _chosen(side, specs, rule)
    most = math.floor(most_a_week * trial.weeks + 1e-9)
    before = _count(side, spec)
    if before <= most:
        _say(out, as_json, spec, trial, target, before, spec, before, "the present limits meet it: nothing needs to change")
        return 0
    others = _bearing_on(specs, spec)

    def count(factors: Sequence[float]) -> list[int]:
        sides = trial.run([[*others, scaled(spec, factor)] for factor in factors], "limits")
        return [_count(each, spec) for each in sides]

    options = threshold_options(spec)
    found = search(count, most, highest_factor(options)) if options is not None else None
    if found is None or found.factor is None or found.count is None:
        text = f"no limit of {spec.name} would meet {target}: its alerts are as bad as it can measure"
        _say(out, as_json, spec, trial, target, before, None, None, text)
        return EXIT_NOT_FOUND
    # With all rules once more: what is printed is what was run.
    changed = scaled(spec, found.factor)
    after = _count(trial.run([[changed if each is spec else each for each in specs]], "check")[0], spec)
    _say(out, as_json, spec, trial, target, before, changed, after, "")
    return 0


def snippet(spec: RuleSpec, changed: RuleSpec) -> str:
    """The rule as its file has it, with the new limits: YAML for a file of one's own."""
    path, _, _ = spec.source.rpartition(":")
    document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    rule: dict[str, Any] = next(each for each in document["rules"] if each.get("name") == spec.name)
    options = threshold_options(changed)
    if options is not None:
        for severity, limit in options.limits.items():
            rule[str(severity)] |= {"enter": _plain(limit.enter), "clear": _plain(limit.clear)}
        for override, (_, limits) in zip(rule.get("overrides", ()), options.overrides, strict=True):
            for severity, limit in limits.items():
                if str(severity) in override:
                    override[str(severity)] |= {"enter": _plain(limit.enter), "clear": _plain(limit.clear)}
    rule.pop("description", None)
    text = yaml.safe_dump({"rules": [rule]}, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return str(text)


def _chosen(side: Side, specs: Sequence[RuleSpec], rule: str | None) -> RuleSpec:
    able = [spec for spec in specs if threshold_options(spec) is not None]
    if rule is None:
        spec = max(able, key=lambda each: _count(side, each), default=None)
        if spec is None:
            raise QualitywatchError("none of the rules has a threshold that could be moved")
    else:
        spec = next((each for each in specs if each.name == rule), None)
        if spec is None:
            raise QualitywatchError(f"there is no rule named {rule}; there are {', '.join(each.name for each in specs)}")
        if spec not in able:
            names = ", ".join(each.name for each in able)
            raise QualitywatchError(f"{rule} is of kind {spec.kind}: only thresholds can be moved ({names})")
    judged = next(each for each in side.fitness if each.spec is spec)
    if judged.how is How.NOT:
        raise QualitywatchError(f"{spec.name} cannot be judged, because {judged.why}")
    return spec


def _bearing_on(specs: Sequence[RuleSpec], spec: RuleSpec) -> list[RuleSpec]:
    """The other rules that may explain alerts of this one: those it yields to, and states."""
    return [each for each in specs if each is not spec and (each.name in spec.yields_to or each.kind == "state")]


def _count(side: Side, spec: RuleSpec) -> int:
    return side.verdicts.get(spec.name, Verdict(spec.name)).incidents


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _say(
    out: TextIO,
    as_json: bool,
    spec: RuleSpec,
    trial: Trial,
    target: str,
    before: int,
    changed: RuleSpec | None,
    after: int | None,
    text: str,
) -> None:
    rates = [None if number is None else number / trial.weeks for number in (before, after)]
    yaml_text = snippet(spec, changed) if changed is not None and changed is not spec else None
    if as_json:
        values = {
            "rule": spec.name,
            "target": target,
            "present_incidents": before,
            "present_a_week": rates[0],
            "proposed_incidents": after,
            "proposed_a_week": rates[1],
            "yaml": yaml_text,
            "remark": text or None,
        }
        print(json.dumps(values), file=out)
        return
    print(f"{spec.name} now: {spec.summary}", file=out)
    print(f"  {before} incidents in {trial.weeks * 7:.1f} days, {rates[0]:.1f} a week; the target is {target}", file=out)
    if text:
        print(text, file=out)
    if yaml_text is not None:
        print(f"with these limits: {after} incidents, {rates[1]:.1f} a week. For a file of your own rules:", file=out)
        print(file=out)
        print(yaml_text.rstrip(), file=out)
    found = fitness(changed or spec, has_journal=True)
    if found.why:
        print(f"judged to the minute only: {found.why}", file=out)
