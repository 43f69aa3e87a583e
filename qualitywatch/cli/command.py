"""One command of the command line.

Imports of what a command does belong into its ``run``: ``check`` must not pay for Telegram, nor ``replay`` for the scheduler.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


@dataclass(frozen=True, slots=True)
class Command:
    """``add`` declares its arguments, ``run`` does it and returns the exit code; ``usage`` and ``purpose`` are for help."""

    name: str
    usage: str
    purpose: str
    add: Callable[[Commands], None]
    run: Callable[[argparse.Namespace], int]
