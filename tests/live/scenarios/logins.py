"""Other ways to log in, each with a daemon of its own beside the main one: TLS, plain secret, wrong secret, too few rights."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fakes.fake_telegram import TOKEN, FakeTelegram
from tests.live.chat import Chat
from tests.live.daemon import daemon
from tests.live.plan import LEAST, POOR, AmiUser
from tests.live.scenarios.loss import CALL_S
from tests.live.stage import ENDINGS, Scenario, Stage, alarms


async def _sees_as_much(stage: Stage, **pbx: Any) -> None:
    """A daemon that logs in this way says the same of a lossy call as the main one."""
    (peer,) = stage.take(1)
    async with (
        FakeTelegram() as telegram,
        _daemon(stage, telegram, **pbx) as other,
        stage.phones((peer, {"rx_drop_percent": 9})) as (phone,),
    ):
        await other.logged("ami.resynced")
        await phone.dial("601")
        stage.begin()
        stage.allow(rf"loss to .*{peer}.*{ENDINGS}")
        pattern = alarms("loss", "to_peer", peer)
        await asyncio.gather(stage.said(pattern, CALL_S, times=False), stage.said(pattern, CALL_S, chat=Chat(telegram)))
        await phone.hang_up()
        stage.check(await other.stop() == 0, "the daemon did not end well")


def _daemon(stage: Stage, telegram: FakeTelegram, user: AmiUser = LEAST, **pbx: Any) -> Any:
    return daemon(stage.scratch / "daemon", stage.b.ledger, stage.b.ports.ami, telegram.url, TOKEN, user=user, pbx=pbx)


async def _tls(stage: Stage) -> None:
    ca_file = stage.scratch / "ca.pem"
    stage.scratch.mkdir(parents=True)
    stage.b.authority.cert_pem.write_to_path(ca_file)
    await _sees_as_much(stage, port=stage.b.ports.ami_tls, tls={"ca_file": str(ca_file)})


async def _plain(stage: Stage) -> None:
    await _sees_as_much(stage, md5=False)


async def _blind(stage: Stage, cause: str, user: AmiUser = LEAST, **pbx: Any) -> None:
    """A daemon that cannot log in keeps trying, says in its log why, and tells its chat that it is blind."""
    async with FakeTelegram() as telegram, _daemon(stage, telegram, user, **pbx) as other:
        stage.begin()
        await other.logged(cause)
        await stage.said(r"PBX lab cannot be seen", 60, chat=Chat(telegram))
        stage.check(other.exit_code is None, "the daemon ended")
        stage.check(user.secret not in other.log, "the secret is in the log")
        stage.result.measured.append(next(line for line in other.log.splitlines() if cause in line)[:160])


async def _wrong_secret(stage: Stage) -> None:
    await _blind(stage, "refused", AmiUser(LEAST.name, "not-the-secret"))


async def _unknown_authority(stage: Stage) -> None:
    await _blind(stage, "certificate", port=stage.b.ports.ami_tls, tls={"enabled": True})


async def _nobody_there(stage: Stage) -> None:
    await _blind(stage, "refused", port=stage.b.ports.base + 1)


async def _poor(stage: Stage) -> None:
    """Too few rights: it runs, and says what it cannot see."""
    async with FakeTelegram() as telegram, _daemon(stage, telegram, POOR) as other:
        await other.logged("ami.connected")
        stage.begin()
        await asyncio.sleep(15)
        warnings = [line for line in other.log.splitlines() if line.startswith("WARNING")]
        stage.check(bool(warnings), "nothing in the log about missing rights")
        stage.check(other.exit_code is None, "the daemon ended")
        stage.result.measured += [line[:160] for line in warnings[:2]]


SCENARIOS = (
    Scenario("AMI over TLS, own CA", "9 % down", _tls),
    Scenario("AMI with a plain secret", "9 % down", _plain),
    Scenario("AMI, wrong secret", "", _wrong_secret),
    Scenario("AMI over TLS, unknown CA", "", _unknown_authority),
    Scenario("AMI, nobody listens", "", _nobody_there),
    Scenario("AMI, too few rights", "read=call", _poor),
)
