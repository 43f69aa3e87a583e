"""What strangers send raises declared errors and nothing else: the corpus, mutations of it, and a short run of the fuzzer."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TARGETS

SECONDS = 10


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A piece of the corpus, cut, doubled or written over somewhere."""
    seeds = list(TARGETS[name].corpus())
    text = draw(st.sampled_from(seeds))[:4000]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 40)))
        text = text[:at] + draw(st.one_of(st.binary(max_size=12), st.just(text[at:to] * 2))) + text[to:]
    return text


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_read(name: str) -> None:
    for text in list(TARGETS[name].corpus())[:40]:
        TARGETS[name].check(text[:8000])


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_undeclared_comes_of_mutations(name: str) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(name))
    def check(text: bytes) -> None:
        TARGETS[name].check(text)

    check()


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install atheris (CPython 3.11)")
@pytest.mark.parametrize("name", TARGETS)
def test_the_fuzzer_finds_nothing(name: str, tmp_path: Path) -> None:
    found = fuzz(name, SECONDS, tmp_path)
    assert not found.complaint, found.complaint
    assert found.executions > 0
