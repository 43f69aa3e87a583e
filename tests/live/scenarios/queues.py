"""A caller waits in a queue that nobody attends, until somebody comes to work."""

from __future__ import annotations

import asyncio

from tests.live.stage import Scenario, Stage

QUEUE, NUMBER = "support", "610"
# Read every 30 s, and it must last 60 s; an agent is seen by the next reading, and for 30 s nobody may be without one.
SAID_WITHIN_S = 100
OVER_WITHIN_S = 75


async def _unattended(stage: Stage) -> None:
    """Told while the caller waits, with the wait; over when an agent logs in and answers."""
    caller_peer, agent_peer = stage.take(2)
    stage.owned.append(QUEUE)
    async with stage.phones((caller_peer, {}), (agent_peer, {})) as (caller, agent):
        call = await caller.dial(NUMBER)
        stage.begin()
        stage.allow(rf"queue {QUEUE}: (1|no) caller waiting, ")  # its figures change with every edit
        line = await stage.said(rf"queue {QUEUE}: 1 caller waiting, longest .* s, no agent logged in", SAID_WITHIN_S)
        stage.result.measured += [line.text] if line is not None else []
        stage.begin()
        await stage.ami.act("QueueAdd", Queue=QUEUE, Interface=agent_peer)
        await agent.wait("call", state="CONFIRMED")
        await stage.said(rf"callers in queue {QUEUE} no longer wait without an agent", OVER_WITHIN_S, times=False)
        await caller.hang_up(call)
        await stage.ami.act("QueueRemove", Queue=QUEUE, Interface=agent_peer)
        await asyncio.sleep(1)
        stage.check("queues.not_read" not in stage.daemon.log, "the least rights do not read queues")


SCENARIOS = (Scenario("a queue that nobody attends", "a caller, no agent", _unattended),)
