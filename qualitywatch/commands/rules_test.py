"""``qualitywatch rules test``: do the rules fire when they should, and only then?

With ``junit`` the outcome is written as JUnit XML as well, also when a test failed.

Exit codes: 0 when every test is good, 1 when one failed, 2 when a file is wrong (nothing was run).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from qualitywatch.clock import SystemClock
from qualitywatch.commands.transcripts import Transcripts
from qualitywatch.config import Config, read_config
from qualitywatch.document import Problems
from qualitywatch.errors import AmiProtocolError, ConfigError
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.shipped import shipped
from qualitywatch.testing.cases import Case, Suite
from qualitywatch.testing.expectations import Expectation, what_happened
from qualitywatch.testing.junit import Verdict, junit
from qualitywatch.testing.outcome import Run
from qualitywatch.testing.reader import read_suite
from qualitywatch.testing.runner import play

EXIT_GOOD = 0
EXIT_FAILED = 1


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Which tests, with which rules; no file at all means the tests of the shipped rules."""

    files: tuple[Path, ...] = ()
    config: Path | None = None
    rules: Path | None = None
    junit: Path | None = None


def rules_test(options: RunOptions, out: TextIO) -> int:
    """Run the tests, print one line for each and return the exit code. Raises ConfigError with every mistake of every file."""
    config = read_config(options.config) if options.config else None
    specs = load_rules(rule_directories(config, options.rules))
    problems = Problems()
    paths = list(_files(options.files or (shipped("rules", "tests"),), problems))
    suites = [read_suite(path, problems, specs, shipped("rules")) for path in paths]
    problems.raise_if_any()
    verdicts: list[Verdict] = []
    clock = SystemClock()
    for suite in suites:
        if suite is None:
            continue
        print(suite.source, file=out)
        for case in suite.cases:
            began_at = clock.monotonic()
            report = _run(suite, case, specs, config)
            verdicts.append(Verdict(suite.source, case.name, tuple(report), clock.monotonic() - began_at))
            print(f"  {'FAILED' if report else 'ok    '}  {case.name}", file=out)
            for line in report:
                print(f"          {line}".rstrip(), file=out)
    count, failed = len(verdicts), sum(bool(verdict.report) for verdict in verdicts)
    print(f"{count} test{'s' * (count != 1)}, {failed} failed." if failed else f"{count} tests, all good.", file=out)
    if options.junit is not None:
        _write(options.junit, junit(verdicts))
    return EXIT_FAILED if failed else EXIT_GOOD


def _write(file: Path, text: bytes) -> None:
    try:
        file.write_bytes(text)
    except OSError as exc:
        raise ConfigError([f"{file}: cannot be written: {exc.strerror}"]) from exc


def rule_directories(config: Config | None, more: Path | None) -> list[Path]:
    """Where the rules in force come from: those of the configuration, else the shipped ones, then a folder on top."""
    directories = list(config.rules.directories) if config else [shipped("rules")]
    return directories if more is None else [*directories, more]


def _files(given: Sequence[Path], problems: Problems) -> Iterator[Path]:
    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.iterdir() if file.suffix in {".yml", ".yaml"})
        if not found:
            problems.add(str(path), None, "", "holds no test file (*.yml)")
        yield from found


def _run(suite: Suite, case: Case, specs: Sequence[RuleSpec], config: Config | None) -> list[str]:
    """Run one case and return what is to be said of it; nothing when it is good."""
    specs = suite.specs if suite.specs is not None else specs
    chat = Transcripts(config, specs, suite.language, suite.zone)
    names = {**config.names, **config.trunks, **suite.names} if config else suite.names
    try:
        run = play(case, specs, chat, names, config.trunk_peers if config else None, config.sites if config else None)
    except (OSError, AmiProtocolError) as exc:
        return [f"{case.source}: the recording cannot be played: {exc}"]
    missed = [expectation for expectation in case.expected if not expectation.came_true(run)]
    return list(_report(missed, run))


def _report(missed: Sequence[Expectation], run: Run) -> Iterator[str]:
    told: set[str | None] = set()
    for expectation in missed:
        yield f"{expectation.source}: expected {expectation}"
    for expectation in missed:
        if expectation.rule in told:
            continue
        told.add(expectation.rule)
        yield f"what happened to {expectation.rule or 'the messages'}:"
        yield from (f"  {line}" for line in what_happened(run, expectation.rule))
