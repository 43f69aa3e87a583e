"""Commands of the system, run to their end, with all they said in one text as an administrator would see it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence


def run_to_the_end(
    words: Sequence[str], environment: Mapping[str, str], *, given: str | None = None, limit: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Run one, ``given`` on its standard input, ``limit`` called in its process first; return its exit code and all it said."""
    done = subprocess.run(
        words,
        env=dict(environment),
        preexec_fn=limit,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
