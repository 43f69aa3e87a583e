"""Section ``grafana``."""

from __future__ import annotations

import pytest

from tests.config.conftest import ONE_PBX, TARGETS, Problems, Read

BASE = ONE_PBX + TARGETS


def test_without_it_there_is_no_link(read: Read) -> None:
    assert read(BASE).grafana_url is None


def test_the_address_ends_without_a_slash(read: Read) -> None:
    assert (
        read(f"{BASE}grafana: {{url: 'https://grafana.example.org/sub/'}}\n").grafana_url == "https://grafana.example.org/sub"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("grafana: {url: grafana.example.org}", "grafana.url: must be a URL"),
        ("grafana: {url: 'https://anna:word@grafana.example.org'}", "grafana.url: must hold no name and no password"),
        ("grafana: {url: 'https://grafana.example.org/?orgId=1'}", "grafana.url: must end where Grafana begins"),
        ("grafana: {}", "grafana.url: missing"),
        ("grafana:", "grafana: is empty"),
        ("grafana: {url: 'http://g', token: x}", "grafana.token: unknown key"),
    ],
)
def test_mistakes_are_told(problems: Problems, text: str, problem: str) -> None:
    told = problems(f"{BASE}{text}\n")
    assert problem in "\n".join(told) and len(told) == 1
    assert "word@" not in told[0]
