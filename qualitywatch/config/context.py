"""What the reader of every section needs: the world around the file, and where remarks about it go.

Remarks are warnings: of things that work but do not do what they seem to.  What depends on the rules, which are read after the
configuration, is remembered as a ``Mention`` and judged once they are known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from qualitywatch.config.machine import full_path, has_library
from qualitywatch.document import Problems, Section, Selector
from qualitywatch.rules.spec import RuleSpec


@dataclass(frozen=True, slots=True)
class Mention:
    """A selector for names or labels of rules, and where it stands; ``label`` empty means it selects names."""

    source: str
    line: int
    path: str
    selector: Selector
    label: str = ""

    def warning(self, rules: Collection[RuleSpec]) -> str | None:
        """Return what is odd about it, or None when it selects one of the rules."""
        if self.label:
            words = [rule.labels[self.label] for rule in rules if self.label in rule.labels]
            reason = f"no rule has a label {self.label} like {self.selector}"
        else:
            words = [rule.name for rule in rules]
            reason = f"no rule is called {self.selector}"
        return None if any(self.selector.matches(word) for word in words) else reason + suggestion(str(self.selector), words)


@dataclass(frozen=True, slots=True)
class Context:
    """The world around the file; ``base`` is where its relative paths begin."""

    environ: Mapping[str, str]
    base: Path
    notes: Problems = field(default_factory=Problems)
    mentions: list[Mention] = field(default_factory=list)

    def warn(self, section: Section, key: str, text: str) -> None:
        """Remember a warning about a key of a section."""
        self.notes.add(section.source, section.line_of(key), section.path_of(key), text)

    def warn_without_library(self, section: Section, key: str, library: str, extra: str, instead: str) -> None:
        """Warn when what a key asks for needs a library that is not installed; ``instead`` says what happens then."""
        if not has_library(library):
            self.warn(section, key, f'needs {library}: pip install "qualitywatch[{extra}]"; until then {instead}')

    def mention(self, section: Section, key: str, selector: Selector, label: str = "") -> None:
        """Remember a selector that should select a rule."""
        self.mentions.append(Mention(section.source, section.line_of(key), section.path_of(key), selector, label))

    def judge_mentions(self, rules: Collection[RuleSpec]) -> None:
        """Warn of every mention that selects none of these rules."""
        for mention in self.mentions:
            if reason := mention.warning(rules):
                self.notes.add(mention.source, mention.line, mention.path, reason)

    def path(self, section: Section, key: str) -> Path | None:
        """Return the absolute path a key means; None when it is absent or wrong."""
        text = section.text(key, None)
        try:
            return None if text is None else full_path(text, self.base)
        except ValueError as exc:
            section.problem(key, str(exc))
            return None

    def paths(self, section: Section, key: str) -> list[Path]:
        """Return the absolute paths of a list or a single text."""
        try:
            return [full_path(text, self.base) for text in section.texts(key)]
        except ValueError as exc:
            section.problem(key, str(exc))
            return []


def suggestion(word: str, known: Collection[str]) -> str:
    """Return ``, did you mean "..."?`` for a word that is nearly a known one, else nothing."""
    near = get_close_matches(word, known, n=1)
    return f', did you mean "{near[0]}"?' if near else ""
