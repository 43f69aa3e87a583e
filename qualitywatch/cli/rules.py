"""``rules``: rules are tested and looked through before they page anyone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qualitywatch.cli.command import Command, Commands

RULES_EXAMPLES = """\
examples:
  qualitywatch rules test                            run the tests of the shipped rules
  qualitywatch rules test mine.yml --rules my-rules  your tests, with your rules on top of the shipped ones
  qualitywatch rules test tests/ --config F          all tests of a folder, with the rules, names and chats of a configuration
  qualitywatch rules lint --config F                 rules that can never fire, overlap or contradict each other

A test is a story and what must come of it (mine.yml):
  tests:
    - name: 6 % of loss to the phone is told within 40 s
      events:
        - call: {peer: SIP/6117, until: 2m, loss_to: 6%}
      expect:
        - {between: [10s, 40s], state: firing, rule: loss, subject: SIP/6117, direction: to_peer, severity: warning}
        - {never: {rule: loss, direction: from_peer}}
        - {message: 6117, between: [10s, 40s], new: true}
Every key is explained in rules/tests/README.md. Exit code 1 when a test failed or something was found, 2 when a file is wrong.
"""


def _add_rules(commands: Commands) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    text = "test the rules on calls you make up, find rules that cannot work"
    rules = commands.add_parser("rules", help=text, epilog=RULES_EXAMPLES, formatter_class=raw)
    deeds = rules.add_subparsers(dest="deed", metavar="test|lint", required=True)
    text = "play stories through the production pipeline and compare what comes of them with what is expected"
    test = deeds.add_parser("test", help=text, description=f"{text}.".capitalize(), epilog=RULES_EXAMPLES, formatter_class=raw)
    test.add_argument(
        "files",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="test file, or a folder of them (default: tests of the shipped rules)",
    )
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML, for build servers")
    text = "find rules that load and yet can never fire, overlap or contradict each other"
    lint = deeds.add_parser("lint", help=text, description=f"{text}.".capitalize(), epilog=RULES_EXAMPLES, formatter_class=raw)
    for deed in (test, lint):
        deed.add_argument("--config", type=Path, metavar="F", help="take rules, names and time zone from this configuration")
        deed.add_argument("--rules", type=Path, metavar="DIR", help="rules of this folder on top of these")


def _rules(options: argparse.Namespace) -> int:
    if options.deed == "lint":
        from qualitywatch.commands.rules_lint import rules_lint  # noqa: PLC0415

        return rules_lint(options.config, options.rules, sys.stdout)
    from qualitywatch.commands.rules_test import RunOptions, rules_test  # noqa: PLC0415

    return rules_test(RunOptions(tuple(options.files), options.config, options.rules, options.junit), sys.stdout)


RULES = Command(
    "rules", "rules test|lint", "test the rules on calls you make up, find rules that cannot work", _add_rules, _rules
)
