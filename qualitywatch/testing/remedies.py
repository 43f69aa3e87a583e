"""What is expected of remedies, which a test of rules only rehearses."""

from __future__ import annotations

from dataclasses import dataclass

from qualitywatch.notify.remedies import told
from qualitywatch.notify.texts import words_of
from qualitywatch.testing.expectations import Span, says
from qualitywatch.testing.outcome import Run


@dataclass(frozen=True, slots=True)
class RemedySaid:
    """A remedy would be applied or taken back, in English words; or, ``never``, it would not."""

    source: str
    text: str
    span: Span | None = None
    never: bool = False

    @property
    def rule(self) -> None:
        return None

    @property
    def until_s(self) -> float:
        return self.span.until_s if self.span else 0.0

    def came_true(self, run: Run) -> bool:
        """Look through what was rehearsed."""
        found = any(
            says(told(remedy.note, words_of("en"), None), self.text)
            for remedy in run.remedies
            if self.span is None or self.span.holds(remedy.note.at - run.start_at)
        )
        return found is not self.never

    def __str__(self) -> str:
        return f"{'never ' if self.never else ''}the remedy {self.text!r}" + (f" {self.span}" if self.span else "")
