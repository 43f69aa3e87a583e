"""From rule files to rules: every problem of every file at once, nothing half loaded.

Files of a directory are read in name order, directories in the order given.  A later rule of the same name replaces an
earlier one, so that an operator changes a shipped rule by writing one with its name, and switches it off with ``enabled:
false``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from qualitywatch.document import Problems, Section, Selector, compile_selector, load_document, read_hours
from qualitywatch.model import Direction
from qualitywatch.remedies.reader import read_remedies
from qualitywatch.rules.listed import read_listed
from qualitywatch.rules.registry import RULE_KINDS
from qualitywatch.rules.spec import Common, Limited, RuleSpec, Selection
from qualitywatch.wording import check_template

LANGUAGES = ("en", "ru")
# Keys of a kind that name files to read beside the rule.
FILES: Final[Mapping[str, tuple[str, ...]]] = {"destination": ("deny_file", "allow_file")}
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def load_rules(directories: Sequence[Path]) -> tuple[RuleSpec, ...]:
    """Read every ``*.yml`` and ``*.yaml`` of the directories; raises ConfigError with all problems found.

    What lies in a directory below, such as ``tests``, is not read.
    """
    problems = Problems()
    specs = collect_rules(directories, problems)
    problems.raise_if_any()
    return specs


def collect_rules(paths: Sequence[Path], problems: Problems, inline: Section | None = None) -> tuple[RuleSpec, ...]:
    """Read directories and single files, then the list ``rules`` of an ``inline`` section; problems go to ``problems``."""
    rules: dict[str, RuleSpec | None] = {}
    folders = tuple(path for path in paths if path.is_dir())
    for path in paths:
        if path.is_file():
            _load_file(path, problems, rules, folders)
        elif not path.is_dir():
            problems.add(str(path), None, "", "is not a directory with rule files")
        else:
            for file in sorted(file for file in path.iterdir() if file.suffix in {".yml", ".yaml"}):
                _load_file(file, problems, rules, folders)
    if inline is not None:
        _load_section(inline, Path(inline.source), rules, folders)
    specs = tuple(spec for spec in rules.values() if spec is not None)
    names = set(rules)
    for spec in specs:
        for other in spec.yields_to:
            if other not in names:
                source, _, line = spec.source.rpartition(":")
                problems.add(source, int(line), "yields_to", f"there is no rule named {other}")
    return specs


def _load_file(path: Path, problems: Problems, rules: dict[str, RuleSpec | None], folders: Sequence[Path]) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "is not UTF-8 text"
        problems.add(str(path), None, "", f"cannot be read: {reason}")
        return
    document = load_document(text, str(path), problems)
    if document is not None:
        _load_section(document, path, rules, folders)
        document.close()


def _load_section(document: Section, path: Path, rules: dict[str, RuleSpec | None], folders: Sequence[Path]) -> None:
    here: set[str] = set()
    for section in document.sections("rules", required=True):
        spec = _load_rule(section, path, folders)
        name = section.text("name", "")
        if name and name in here:
            section.problem("name", f"{name} is defined twice in this file")
        if spec is not None and name in spec.yields_to:
            section.problem("yields_to", "a rule cannot yield to itself: it would never fire")
        here.add(name)
        section.close()
        rules.pop(name, None)
        rules[name] = spec


def _load_rule(section: Section, path: Path, folders: Sequence[Path]) -> RuleSpec | None:
    name = section.text("name")
    enabled = section.boolean("enabled", True)
    kind = section.text("kind", choices=RULE_KINDS) if enabled or "kind" in section else ""
    directions = section.texts("direction", choices=tuple(Direction))
    common = Common(
        name=name,
        selection=Selection(section.patterns("subject"), section.patterns("not_subject"), section.patterns("pbx")),
        texts=_texts(section),
        yields_to=section.texts("yields_to"),
        directions=frozenset(Direction(word) for word in directions) or frozenset(Direction),
        labels=_labels(section),
        critical_patterns=_patterns_file(section, (path.parent, *folders)) if kind == "change" else (),
        files={key: tuple(read_listed(section, key, (path.parent, *folders))) for key in FILES.get(kind, ())},
        active=read_hours(active) if (active := section.section("active")) is not None else None,
    )
    remedies = read_remedies(section)
    section.text("description", "", multiline=True)
    if kind not in RULE_KINDS:
        return None
    summary, build = RULE_KINDS[kind](common, section)
    if not enabled:
        return None
    source = f"{path}:{section.line_of('name')}"
    spec = RuleSpec(name, kind, summary, source, build, common.yields_to, common.labels)
    spec = replace(spec, active=common.active, remedies=remedies, common=common)
    factory: object = build
    return replace(spec, limits=factory.limits, limits_for=factory.limits_for) if isinstance(factory, Limited) else spec


def _patterns_file(section: Section, folders: Sequence[Path]) -> tuple[Selector, ...]:
    """Read the patterns of a file, one a line; it lies beside the rule's own file, or else in another folder of rules."""
    selectors = []
    for where, text in read_listed(section, "critical_patterns_file", folders):
        try:
            selectors.append(compile_selector(text))
        except ValueError as exc:
            section.problem("critical_patterns_file", f"{where}: {exc}")
    return tuple(selectors)


def _texts(section: Section) -> dict[str, str]:
    texts = section.text_map("text", choices=LANGUAGES)
    for template in texts.values():
        reason = check_template(template) if template else None  # an empty one was told already
        if reason is not None:
            section.problem("text", reason)
    return texts


def _labels(section: Section) -> dict[str, str]:
    labels = section.text_map("labels")
    for name in labels:
        if not _LABEL.fullmatch(name):
            section.problem("labels", f"the name of a label is letters, digits, - and _ only, not {name}")
    return labels
