"""The provider is silent, refuses our password, or refuses calls while we are registered."""

from __future__ import annotations

import asyncio

from tests.live import faults
from tests.live.phones import PhoneError
from tests.live.stage import Scenario, Stage

# Registered every 15 to 20 s: silence is noticed after 1.5 times that, and must last 30 s.
SILENT_WITHIN_S = 90
BACK_WITHIN_S = 60
# Three failures are a row, which must last 30 s; the row is over at once, but for 2 min nothing may follow.
NOT_DELIVERED_WITHIN_S = 60
DELIVERED_WITHIN_S = 150
COMES_AND_GOES = "keeps coming and going"
NUMBERS = ("74995555", "74990000", "74993801")


def _trunks(stage: Stage) -> list[tuple[str, str]]:
    """Our registrations, technology and the pattern of its name in a statement."""
    provider = stage.b.ports.provider
    trunks = [("PJSIP", rf"PJSIP/{number}@127\.0\.0\.1:{provider}") for number in ("74995555", "74990000")]
    return [*trunks, ("SIP", r"SIP/74993801@127\.0\.0\.1")] if stage.b.suite.has_chan_sip else trunks


async def _down_and_up(stage: Stage, reasons: dict[str, str], within_s: float) -> None:
    await asyncio.gather(
        *(
            stage.said(rf"trunk .*{trunk}\S* is not registered \({reasons[technology]}", within_s)
            for technology, trunk in _trunks(stage)
        )
    )


async def _back(stage: Stage) -> None:
    """All are registered again, and what was one message when they went down still is."""
    began = stage.started_at
    for _, trunk in _trunks(stage):
        stage.allow(rf"trunk .*{trunk}\S* {COMES_AND_GOES}")
    stage.begin()
    await asyncio.gather(
        *(stage.said(rf"trunk .*{trunk}\S* is registered again", BACK_WITHIN_S, times=False) for _, trunk in _trunks(stage))
    )
    messages = stage.chat.messages("|".join(trunk for _, trunk in _trunks(stage)), began)
    told = [message.texts for message in messages]
    stage.result.measured.append(f"messages: {len(told)}, edits: {sum(len(texts) - 1 for texts in told)}")
    # Whose silence is noticed first is chance; a warning that becomes critical rings, and goes on below.
    rose = len(told) == 2 and told[0][-1].endswith("continued below") and told[1][0].startswith("🔴")
    stage.check(len(told) == 1 or rose, f"told in {len(told)} messages: {told}")
    if told:
        first, last = told[0][0], told[-1][-1]
        stage.check(first.startswith(("🔴", "🟡")), f"began as: {first}")
        # Two outages within ten minutes are also told as trunks that come and go, which is not over as soon.
        over = last.startswith(f"🟢 {len(_trunks(stage))} trunks are back after") or COMES_AND_GOES in last
        stage.check(over and "is not registered" not in last, f"ended as: {last}")


async def _frozen(stage: Stage) -> None:
    """The provider stops answering and comes back: one message, edited to its end."""
    stage.owned += NUMBERS
    stage.begin()
    stage.b.provider.freeze()
    try:
        await _down_and_up(stage, {"PJSIP": "", "SIP": "no answer"}, SILENT_WITHIN_S)
    finally:
        stage.b.provider.thaw()
    await _back(stage)


async def _password(stage: Stage) -> None:
    """The provider wants another password, and takes ours again: one message, edited to its end."""
    stage.owned += NUMBERS
    stage.begin()
    await faults.set_trunk_password(stage.b.provider, stage.b.ports, "another")
    try:
        await _down_and_up(stage, {"PJSIP": "rejected by the provider", "SIP": ""}, SILENT_WITHIN_S)
    finally:
        await faults.set_trunk_password(stage.b.provider, stage.b.ports)
    await _back(stage)


async def _refused_calls(stage: Stage) -> None:
    """Every call is refused while the trunk stays registered: the registration must not be called down."""
    (peer,) = stage.take(1)
    prefixes = ("8", "9") if stage.b.suite.has_chan_sip else ("8",)
    async with stage.phones((peer, {})) as (phone,):
        stage.begin()
        refused = 0
        for number in ("403", "404", "486", "503"):
            for prefix in prefixes:
                try:
                    await phone.dial(prefix + number)
                except PhoneError:
                    refused += 1
        stage.result.measured.append(f"{refused} calls refused")
        stage.check(refused == 4 * len(prefixes), "a call was not refused")


async def _no_calls_get_out(stage: Stage) -> None:
    """Three numbers fail one after another while the trunk stays registered: that is told, and a call that gets out ends it."""
    (peer,) = stage.take(1)
    trunk = "PJSIP/trunk-pj"
    stage.owned.append(trunk)
    async with stage.phones((peer, {})) as (phone,):
        stage.begin()
        stage.allow(rf"calls over {trunk} fail: ")
        for number in ("5031", "5032", "5033"):
            try:
                await phone.dial("8" + number)
                stage.check(False, f"the call to {number} was not refused")
            except PhoneError:
                pass
        # The number that was refused in the scenario before is of the same row.
        await stage.said(rf"{trunk}.* fail: 0% of the last \d delivered", NOT_DELIVERED_WITHIN_S)
        stage.begin()
        call = await phone.dial("8601")
        await asyncio.sleep(5)
        await phone.hang_up(call)
        # Where many calls went over it within the hour, their share goes on being told.
        await stage.said(rf"{trunk}.* (are delivered again|fail: [1-9]\d?% of \d+ delivered)", DELIVERED_WITHIN_S, times=False)


LANE = (
    Scenario("calls refused while registered", "403, 404, 486, 503", _refused_calls),
    Scenario("no calls get out while registered", "503 to three numbers", _no_calls_get_out),
    Scenario("provider frozen", "SIGSTOP", _frozen),
    Scenario("provider refuses the password", "changed, then changed back", _password),
)
