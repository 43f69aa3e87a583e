"""``qualitywatch doctor`` on a PBX that is as the documents want it: what it finds is so, and nothing else is found."""

from __future__ import annotations

import json

from tests.live.stage import Scenario, Stage, number_of

LISTEN_S = 14
GOOD = ("reachability", "tls", "login", "clock", "timestampevents", "event filters", "rtcp", "rtcpinterval", "codecs")


async def _visit(stage: Stage) -> None:
    """A call begins and ends while doctor listens, beside the daemon: its peers, the interval, and which phones go past us."""
    one, other = stage.take(2)
    async with stage.phones((one, {}), (other, {})) as (_, caller):
        await caller.dial(number_of(one))
        stage.begin()
        code, said = await stage.daemon.command("doctor", "--json", "--seconds", str(LISTEN_S))
        await caller.hang_up()
    told = json.loads(said)
    lab = {(each["check"], each["level"]): each["what"] for each in told["findings"] if each["subject"] == "lab"}
    for check in GOOD:
        stage.check((check, "ok") in lab, f"{check}: {[(key, what) for key, what in lab.items() if key[0] == check]}")
    heard = lab.get(("rtcp", "ok"), "")
    stage.check(one in heard and other in heard, f"reports came of others: {heard}")
    past_us = lab.get(("direct media", "warning"), "")
    stage.check("PJSIP/751, PJSIP/752" in past_us, f"direct media: {past_us}")
    write = lab.get(("rights", "ok"), "")
    stage.check("no more than is needed" in write, f"rights: {write}")
    stage.check(not any(level == "error" for _, level in lab), f"errors: {lab}")
    stage.check(code == told["exit_code"], f"exit code {code}")
    stage.result.measured.append(lab.get(("rtcpinterval", "ok"), "?"))


LANE = (Scenario("doctor during a call", "nothing", _visit),)
