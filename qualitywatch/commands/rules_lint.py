"""``qualitywatch rules lint``: rules that load and yet cannot do what they were written for.

Exit codes: 0 when nothing was found, 1 when something was, 2 when a file is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from qualitywatch.commands.rules_test import rule_directories
from qualitywatch.config import read_config
from qualitywatch.rules.lint import lint
from qualitywatch.rules.loader import load_rules

EXIT_GOOD = 0
EXIT_FOUND = 1


def rules_lint(config_path: Path | None, rules: Path | None, out: TextIO) -> int:
    """Print the findings and return the exit code. Raises ConfigError with every mistake of every file."""
    config = read_config(config_path) if config_path else None
    specs = load_rules(rule_directories(config, rules))
    findings = lint(specs)
    for finding in findings:
        print(finding, file=out)
    count = len(findings)
    if count:
        print(f"{count} finding{'s' * (count != 1)} in {len(specs)} rules.", file=out)
        return EXIT_FOUND
    print(f"{len(specs)} rules, nothing found.", file=out)
    return EXIT_GOOD
