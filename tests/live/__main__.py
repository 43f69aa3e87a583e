"""Runs the scenarios without pytest, for somebody at work on one: ``python -m tests.live 16 [part of a name]``."""

from __future__ import annotations

import asyncio
import sys

from tests.live import install, suite
from tests.live.install import SUITES
from tests.live.isolation import isolate


def main() -> None:
    chosen = SUITES[int(sys.argv[1])]
    install.ensure_pbx(chosen)
    isolate()
    words = sys.argv[2] if len(sys.argv) > 2 else ""
    print(suite.table(asyncio.run(suite.run(chosen, lambda name: words in name))))


if __name__ == "__main__":
    main()
