"""What the options of every channel have in common: how they are checked before anything is built of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from qualitywatch.errors import ConfigError
from qualitywatch.notify.texts import LANGUAGES


class Checked(Protocol):
    """Options that can tell what is wrong with them."""

    def problems(self) -> list[str]:
        """Return what cannot work, in words fit for an administrator; empty when all is well."""
        ...


def language_problems(language: str) -> list[str]:
    """Return what is wrong with the language of a target."""
    return [] if language in LANGUAGES else [f"unknown language {language!r}; known are {', '.join(LANGUAGES)}"]


def check(targets: Mapping[str, Checked]) -> None:
    """Raise ConfigError with the problems of all targets at once, if there are any."""
    problems = [f"{name}: {problem}" for name, options in targets.items() for problem in options.problems()]
    if problems:
        raise ConfigError(problems)
