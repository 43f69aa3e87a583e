"""Key ``queues`` of a PBX."""

from __future__ import annotations

import pytest

from qualitywatch.config import QueuesConfig
from tests.config.conftest import Problems, Read

PBX = "pbx: [{host: 192.0.2.1, username: u, secret: s"


def test_left_out_all_queues_are_read_every_30_s(read: Read) -> None:
    assert read(f"{PBX}}}]\n").pbxes[0].queues == QueuesConfig(30.0, ())


def test_pace_and_choice(read: Read) -> None:
    queues = read(f"{PBX}, queues: {{every: 10s, only: [support, sales*]}}}}]\n").pbxes[0].queues
    assert queues is not None
    assert queues.every_s == 10
    assert [selector.source for selector in queues.only] == ["support", "sales*"]


@pytest.mark.parametrize("word", ["off", "false", "no"])
def test_off(read: Read, word: str) -> None:
    assert read(f"{PBX}, queues: {word}}}]\n").pbxes[0].queues is None


@pytest.mark.parametrize(
    ("queues", "problem"),
    [
        ("{every: 1s}", "pbx[0].queues.every: must be"),
        ("{every: 5m}", "pbx[0].queues.every: must be"),
        ("{only: }", "pbx[0].queues.only: "),
        ("{onyl: [a]}", "pbx[0].queues.onyl: unknown key"),
        ("", "pbx[0].queues: is empty"),
    ],
)
def test_mistakes_are_told(problems: Problems, queues: str, problem: str) -> None:
    assert problem in "\n".join(problems(f"{PBX}, queues: {queues}}}]\n"))
