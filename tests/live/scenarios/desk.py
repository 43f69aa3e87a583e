"""The alert desk: somebody answers from the chat, somebody asks for quiet on the command line.

Each with a daemon and a group chat of its own, and nobody else on the phone; the main chat shows at the same time what is told
when nobody intervenes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_messages import Living
from tests.live.chat import Chat
from tests.live.daemon import Daemon, daemon
from tests.live.scenarios.loss import SAID_WITHIN_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms

CHAT = -1001
ANNA, STRANGER = 501, 502
SHOWN_WITHIN_S = 5.0
QUIET_S = 15.0  # the one daemon may be a report behind the other
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

        def replies() -> list[Living]:  # what the dice make critical is told anew below the message, and the chart below that
            return [living for living in telegram.living(CHAT) if living.reply_to is not None]

        try:
            await telegram.wait(lambda: any(reply.picture is not None for reply in replies()), timeout_s=CHART_WITHIN_S)
        except TimeoutError:
            stage.check(False, f"no picture below the message: {replies()}")
        await phone.hang_up()
        stage.check(await other.stop() == 0, "the daemon did not end well")
        texts = [living.text for living in telegram.living(CHAT) if living.reply_to is None]
        stage.check(len(texts) == 1, f"more than one message: {texts}")
        audit = other.audit()
        stage.check(
            [action for _, action in audit] == ["refused", "acknowledge"] and audit[-1][0] == "Anna", f"the audit says {audit}"
        )


async def _silence(stage: Stage) -> None:
    """A phone that was silenced on the command line: not a word of its loss, while the main chat tells of it."""
    (peer,) = stage.take(1)
    async with _daemon(stage) as (other, telegram), stage.phones((peer, {"rx_drop_percent": 9})) as (phone,):
        code, said = await other.command("silence", "add", "--subject", peer, "--for", "1h", "--comment", "new cable")
        stage.check(code == 0 and peer in said, f"silence add: {code} {said}")
        await phone.dial("601")
        stage.begin()
        stage.allow(rf"loss to .*{peer}.*{ENDINGS}")
        pattern = alarms("loss", "to_peer", peer)
        await stage.said(pattern, SAID_WITHIN_S, times=False)
        await asyncio.sleep(QUIET_S)
        listed = await telegram.user_asks(CHAT, STRANGER, "/silences")
        stage.check(peer in listed.text and "new cable" in listed.text, f"/silences answered: {listed.text}")
        await phone.hang_up()
        stage.check(await other.stop() == 0, "the daemon did not end well")
        told = [version.text for version in Chat(telegram, CHAT).versions() if version.message_id != listed.message_id]
        stage.check(not told, f"told in spite of a silence: {told}")
        stage.result.measured.append("not a word here, told in the main chat")


LANE = (
    Scenario("answered from the chat", "10 % down; a stranger, then Anna", _acknowledge),
    Scenario("silenced on the command line", "10 % down, silenced", _silence),
)
