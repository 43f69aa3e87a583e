"""What rules have learned is stored when the daemon stops."""

from __future__ import annotations

from qualitywatch.ami.events import translate
from qualitywatch.app.keeper import rule_memories
from qualitywatch.pipeline import Pipeline
from qualitywatch.testing.calls import Call, Line, messages
from tests.app.office import RULES, START, office


async def test_what_was_learned_is_stored_at_the_stop_and_taken_back() -> None:
    async with office(trunks=()) as place:
        for at, message in messages(Call("SIP/6117", 200.0, (Line(),)), 1, START):
            for event in translate(message, at):
                place.pipeline.feed(event)
        assert not rule_memories("office", await place.meta())
        await place.watcher.settle()
        stored = rule_memories("office", await place.meta())
    assert {"loss-unusual/to_peer:SIP/6117", "loss-unusual/from_peer:SIP/6117"} <= set(stored)
    assert Pipeline("office", RULES, rule_memories=stored).farewell().learned == {}  # all of it was understood
