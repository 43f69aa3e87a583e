"""``qualitywatch check``: say what would run, or everything that is wrong, without starting anything.

Exit codes: 0 when the daemon would start with this configuration, 2 when it would not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from qualitywatch.config import Config, PbxConfig, TargetConfig, TelegramTarget, read_config_and_rules
from qualitywatch.errors import ConfigError
from qualitywatch.rules.spec import RuleSpec

EXIT_GOOD = 0
EXIT_PROBLEMS = 2


def check(config_path: Path, out: TextIO) -> int:
    """Check a configuration and its rules, print the findings to ``out`` and return the exit code."""
    try:
        config, rules = read_config_and_rules(config_path)
    except ConfigError as exc:
        print(exc, file=out)
        count = len(exc.problems)
        print(f"{count} problem{'s' * (count != 1)}: nothing would be started.", file=out)
        return EXIT_PROBLEMS
    for line in _summary(config_path, config, rules):
        print(line, file=out)
    return EXIT_GOOD


def _summary(config_path: Path, config: Config, rules: tuple[RuleSpec, ...]) -> list[str]:
    lines = [f"warning: {warning}" for warning in config.warnings]
    lines.append(f"{config_path} is good. What would run:")
    lines += [f"  pbx     {_pbx(pbx)}" for pbx in config.pbxes]
    lines += [f"  notify  {_target(target)}" for target in config.targets]
    lines += [f"  rule    {rule.name} ({rule.kind}): {rule.summary}" for rule in rules]
    lines.append(f"  state   {config.store.directory}")
    lines.append(f"  time    {config.timezone}")
    return lines


def _pbx(pbx: PbxConfig) -> str:
    if pbx.tls is None:
        transport = "plain TCP"
    elif not pbx.tls.verify:
        transport = "TLS, certificate not checked"
    else:
        transport = f"TLS, trusting {pbx.tls.ca_file}" if pbx.tls.ca_file else "TLS"
    host = f"[{pbx.host}]" if ":" in pbx.host else pbx.host
    return f"{pbx.name}: {pbx.username} at {host}:{pbx.port}, {transport}, {'MD5' if pbx.md5 else 'plain-text'} login"


def _target(target: TargetConfig) -> str:
    place = target.kind
    if isinstance(target.options, TelegramTarget):
        place += f" chat {target.options.chat_id}"
        if target.options.topic is not None:
            place += f" topic {target.options.topic}"
    pbxes = f", only {', '.join(target.pbxes)}" if target.pbxes else ""
    return f"{target.name}: {place}, in {target.language}, {target.min_severity} and worse{pbxes}"
