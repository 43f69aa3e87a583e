"""``python -m tests.fuzz.one NAME SECONDS FOLDER``: one target under atheris, in a process of its own.

Google's atheris is libFuzzer for Python (``pip install atheris``, CPython 3.11): it keeps inputs that reach new code.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

RSS_LIMIT_MB = 1024
SLOW_S = 20  # one input


def main() -> None:
    """Fuzz until the time is up or something escapes; libFuzzer exits by itself."""
    name, seconds, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    with atheris.instrument_imports(include=["qualitywatch"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - imported while it is instrumented

        TARGETS[name].check(next(iter(TARGETS[name].corpus())))  # and what it imports late
    logging.disable(logging.CRITICAL)
    target, corpus = TARGETS[name], folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(target.corpus()):
        (corpus / f"seed-{number}").write_bytes(text)
    options = (f"-max_total_time={seconds}", f"-rss_limit_mb={RSS_LIMIT_MB}", f"-timeout={SLOW_S}", "-max_len=40000")
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={folder}/{name}-", "-print_final_stats=1", str(corpus)], target.check
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
