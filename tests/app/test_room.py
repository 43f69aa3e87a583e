"""The running daemon as chats and the command line ask it."""

from __future__ import annotations

from pathlib import Path

from qualitywatch.app.room import DaemonRoom
from qualitywatch.room import SilenceRequest
from qualitywatch.rules.loader import load_rules
from tests.app.office import START, office

RULES = """
rules:
  - {name: loss-here, kind: threshold, pbx: office, warning: {enter: 3, clear: 1, for: 20s}}
  - {name: loss-there, kind: threshold, pbx: branch, warning: {enter: 7, clear: 5, for: 20s}}
  - {name: loss-anywhere, kind: threshold, subject: "SIP/*", critical: {enter: 20, clear: 10, for: 20s}}
"""


async def test_a_silence_that_is_over_is_known_and_stays_as_it_is() -> None:
    async with office({}) as here:
        silence = await here.room.silence(SilenceRequest(START + 3600, subjects=("SIP/6117",)), "Anna")
        ended = await here.room.expire_silence(silence.id, "Anna")
        assert ended is not None
        assert ended.expired_at is not None
        here.clock.at += 60
        assert await here.room.expire_silence(silence.id, "Boris") == ended
        assert await here.room.expire_silence(99, "Boris") is None


async def test_limits_are_those_of_the_pbx(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES, encoding="utf-8")
    rules = load_rules([tmp_path])
    async with office({}, rules=rules) as here:
        watchers = {"office": here.watcher, "branch": here.watcher}
        room = DaemonRoom(here.desk, watchers, rules, here.keeper, None, here.clock)
        assert [limit.enter for limit in room.limits("office", "SIP/6117")] == [3, 20]
        assert [limit.enter for limit in room.limits("branch", "SIP/6117")] == [7, 20]
