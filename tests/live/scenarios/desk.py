"""The alert desk: somebody answers from the chat, somebody asks for quiet on the command line.

Each with a daemon and a group chat of its own; the main chat shows at the same time what is told when nobody intervenes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_messages import Living
from tests.live.chat import Chat
from tests.live.daemon import Daemon, daemon
from tests.live.scenarios.loss import CALL_S, SAID_WITHIN_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms

CHAT = -1001
ANNA, STRANGER = 501, 502
SHOWN_WITHIN_S = 5.0
CHART_WITHIN_S = 60.0  # 30 s after the message, and it has to be drawn on a busy machine


@asynccontextmanager
async def _daemon(stage: Stage) -> AsyncIterator[tuple[Daemon, FakeTelegram]]:
    async with (
        FakeTelegram() as telegram,
        daemon(
            stage.scratch / "daemon",
            stage.b.ledger,
            stage.b.ports.ami,
            telegram.url,
            TOKEN,
            chat_id=CHAT,
            users={ANNA: "Anna"},
        ) as other,
    ):
        await other.logged("ami.resynced")
        yield other, telegram


async def _acknowledge(stage: Stage) -> None:
    """A stranger's press is refused, a listed person's is shown at once; a chart hangs below; the end is an edit."""
    (peer,) = stage.take(1)
    stage.allow(rf"loss to .*{peer}")  # by the main daemon
    async with _daemon(stage) as (other, telegram), stage.phones((peer, {"rx_drop_percent": 9})) as (phone,):
        await phone.dial("601")
        stage.begin()
        line = await stage.said(alarms("loss", "to_peer", peer), SAID_WITHIN_S, chat=Chat(telegram, CHAT))
        if line is None:
            return

        def message() -> Living:
            return next(living for living in telegram.living(CHAT) if living.message_id == line.message_id)

        told = await telegram.user_presses(line.message_id, STRANGER, "Acknowledge")
        stage.check(told.is_alert and "only listed people" in told.text, f"the stranger was told: {told}")
        stage.check("acknowledged" not in message().text, "a stranger acknowledged")

        pressed_at = asyncio.get_running_loop().time()
        told = await telegram.user_presses(line.message_id, ANNA, "Acknowledge")
        stage.check(not told.is_alert, f"Anna was told: {told}")
        try:
            await telegram.wait(lambda: "acknowledged by Anna" in message().text, timeout_s=SHOWN_WITHIN_S)
            shown_s = asyncio.get_running_loop().time() - pressed_at
            stage.result.measured.append(f"the stranger refused, Anna shown after {shown_s:.1f} s")
        except TimeoutError:
            stage.check(False, f"the message does not show who acknowledged: {message().text}")
        stage.check("Acknowledge" not in message().labels, f"still to be acknowledged: {message().labels}")

        (chart,) = await telegram.wait_replies(line.message_id, timeout_s=CHART_WITHIN_S)
        stage.check(chart.picture is not None, f"no picture below the message: {chart}")
        await phone.hang_up()
        stage.check(await other.stop() == 0, "the daemon did not end well")
        texts = [living.text for living in telegram.living(CHAT) if living.reply_to is None]
        stage.check(len(texts) == 1, f"more than one message: {texts}")
        audit = other.audit()
        stage.check(
            [action for _, action in audit] == ["refused", "acknowledge"] and audit[-1][0] == "Anna", f"the audit says {audit}"
        )


async def _silence(stage: Stage) -> None:
    """Of two phones that lose as much, the one that was silenced is not told of; the main chat names both."""
    loud, quiet = stage.take(2)
    drops = {"rx_drop_percent": 9}
    async with _daemon(stage) as (other, telegram), stage.phones((loud, drops), (quiet, drops)) as phones:
        code, said = await other.command("silence", "add", "--subject", quiet, "--for", "1h", "--comment", "new cable")
        stage.check(code == 0 and quiet in said, f"silence add: {code} {said}")
        await asyncio.gather(*(phone.dial("601") for phone in phones))
        stage.begin()
        for peer in (loud, quiet):
            stage.allow(rf"loss to .*{peer}.*{ENDINGS}")
        own = Chat(telegram, CHAT)
        await asyncio.gather(
            asyncio.sleep(CALL_S),
            stage.said(alarms("loss", "to_peer", loud), SAID_WITHIN_S, chat=own),
            *(stage.said(alarms("loss", "to_peer", peer), SAID_WITHIN_S, times=False) for peer in (loud, quiet)),
        )
        await asyncio.gather(*(phone.hang_up() for phone in phones))
        stage.check(await other.stop() == 0, "the daemon did not end well")
        told = [line.text for line in own.lines() if quiet in line.text]
        stage.check(not told, f"told of a silenced phone: {told}")
        mentions = [version.text for version in own.versions() if quiet in version.text]
        stage.check(not mentions, f"the silenced phone is mentioned: {mentions}")


SCENARIOS = (
    Scenario("answered from the chat", "10 % down; a stranger, then Anna", _acknowledge),
    Scenario("silenced on the command line", "10 % down to two, one silenced", _silence),
)
