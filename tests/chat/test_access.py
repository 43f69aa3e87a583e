"""Who may ask, who may act, and what becomes of those who may not."""

from __future__ import annotations

import pytest

from qualitywatch.chat.assistant import Access
from qualitywatch.chat.registry import COMMANDS
from tests.chat.build import ANNA, BORIS, CHAT, STRANGER, USERS, Desk, busy_room

ELSEWHERE = -999
ACTING = {"silence", "unsilence", "lang"}
NAMES = {"subject": "SIP/6117", "number": "6117", "family": "SIP/61", "pbx": "office", "silence": "1"}
EXAMPLES = [(entry.name, example.format_map(NAMES)) for entry in COMMANDS for example in entry.examples]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
async def test_elsewhere_nobody_gets_an_answer(name: str, example: str) -> None:
    desk = Desk(busy_room())
    for user in (STRANGER, ANNA):
        answer = await desk.say(example, user, ELSEWHERE)
        assert (answer.html, answer.plain, answer.picture, answer.attachment) == ("", "", None, None)
    assert desk.assistant.unheard == 2
    assert desk.room.quiet == []


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
async def test_in_a_listed_chat_anybody_may_ask_and_listed_people_may_act(name: str, example: str) -> None:
    desk = Desk(busy_room())
    answer = await desk.say(example, STRANGER)
    if name in ACTING:
        assert "only listed people" in answer.plain
        assert str(STRANGER) in answer.plain
        assert desk.assistant.refused == 1
        assert desk.room.quiet == []
        assert desk.remembered == []
    else:
        assert answer.plain
        assert desk.assistant.refused == 0
    assert "only listed people can do this" not in (await desk.say(example, ANNA)).plain


async def test_examples_of_commands_work() -> None:
    desk = Desk(busy_room())
    for _, example in EXAMPLES:
        assert "This works" not in (await desk.say(example)).plain, example
    assert len(desk.room.quiet) == 4


async def test_a_listed_person_may_write_to_the_bot_alone() -> None:
    desk = Desk(busy_room())
    assert (await desk.say("/status", ANNA, ANNA)).plain
    assert not (await desk.say("/status", STRANGER, STRANGER)).plain


async def test_a_chat_that_is_not_listed_is_told_of_once_with_its_id() -> None:
    desk = Desk(busy_room())
    for chat in (ELSEWHERE, ELSEWHERE, -998):
        await desk.say("/status", STRANGER, chat)
    assert [str(ELSEWHERE) in line for line in desk.warnings] == [True, False]
    assert [row.what for row in desk.room.audit] == [
        f"first command of a chat that is not listed, chat {chat}" for chat in (ELSEWHERE, -998)
    ]
    assert desk.assistant.unheard == 3


async def test_strangers_cannot_fill_the_memory() -> None:
    desk = Desk(busy_room())
    for chat in range(1500):
        await desk.say("/status", STRANGER, -(10**6) - chat)
    assert len(desk.warnings) == len(desk.room.audit) == 1000
    assert desk.assistant.unheard == 1500


@pytest.mark.parametrize("action", ["ack", "unack", "mute1h", "mutemorn", "unmute", "chart", "nonsense"])
async def test_a_press_by_anybody_else_is_refused_counted_and_audited(action: str) -> None:
    desk = Desk(busy_room())
    before = list(desk.room.open)
    answer = await desk.press(f"{action}:12", STRANGER)
    assert answer.is_refusal
    assert str(STRANGER) in answer.text
    assert answer.answer is None
    assert desk.room.open == before
    assert desk.assistant.refused == 1
    (row,) = desk.room.audit
    assert (row.action, row.by, row.what) == ("refused", f"Somebody ({STRANGER})", f"{action}:12, chat {CHAT}")


async def test_a_refused_command_is_audited_on_one_line() -> None:
    desk = Desk(busy_room())
    await desk.say("/silence all 2h", STRANGER)
    (row,) = desk.room.audit
    assert (row.by, row.what) == (f"Somebody else ({STRANGER})", f"/silence, chat {CHAT}")


async def test_a_refusal_is_in_the_language_of_the_chat() -> None:
    desk = Desk(busy_room(), language="ru")
    assert "только люди из списка" in (await desk.say("/silence all 2h", STRANGER)).plain
    assert "только люди из списка" in (await desk.press("ack:12", STRANGER)).text


def test_two_people_of_one_name_are_told_apart() -> None:
    access = Access({1: "Anna", 2: "anna ", 3: "Boris", 4: "\u200b"}, frozenset())
    assert [access.name(user) for user in (1, 2, 3, 4, 5)] == ["Anna (1)", "anna (2)", "Boris", "4", ""]
    assert Access(USERS, frozenset()).name(BORIS) == "Boris"


async def test_the_audit_tells_who_changed_the_language() -> None:
    desk = Desk(busy_room())
    await desk.say("/lang ru")
    assert [(row.by, row.action, row.what) for row in desk.room.audit] == [("Anna", "language", f"ru, chat {CHAT}")]
