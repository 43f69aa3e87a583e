"""The PBX's clock is set forward, or its machine sleeps: patience that nobody had is not used up."""

from __future__ import annotations

import math

import pytest

from qualitywatch.ami.codec import Message
from qualitywatch.model import AlertState, Connected
from tests.app.office import START, Office, office

HOUR = 3600.0
FOREVER = math.inf


def registry(at: float, status: str) -> str:
    whose = "ChannelType: SIP\nUsername: 74993801\nDomain: sip.example"
    return f"Event: Registry\nTimestamp: {START + at}\n{whose}\nStatus: {status}\n\n"


def phone(at: float, status: str) -> str:
    return f"Event: PeerStatus\nTimestamp: {START + at}\nChannelType: SIP\nPeer: SIP/6117\nPeerStatus: {status}\n\n"


async def live(here: Office, *said: tuple[float, float, str]) -> None:
    """Let each be said by the PBX's clock after so many seconds have really passed."""
    here.client.inbox.put(Connected(START))
    begun = here.clock.monotonic()
    for really_at, _, text in said:
        here.clock.passed_s += begun + really_at - here.clock.monotonic()
        here.client.inbox.put((START, Message(text.replace("\n", "\r\n").encode())))
        await here.watcher.settle(FOREVER)


def firing(here: Office) -> set[str]:
    return {alert.key.rule for alert in here.pipeline.alerts if alert.state is AlertState.FIRING}


def refreshed(until: int) -> list[tuple[float, float, str]]:
    return [(at, at, registry(at, "Registered")) for at in range(0, until, 105)]


async def test_one_unanswered_attempt_is_no_outage_because_the_clock_was_set_forward() -> None:
    async with office(trunks=()) as here:
        told: list[str] = []
        here.watcher.followers.append(lambda moves, _: told.extend(move.alert.key.rule for move in moves))
        await live(
            here,
            *refreshed(300),
            (330, 330, registry(330, "Request Sent")),
            (331, 331 + HOUR, phone(331 + HOUR, "Registered")),
            (350, 350 + HOUR, registry(350 + HOUR, "Registered")),
            (360, 360 + HOUR, phone(360 + HOUR, "Registered")),
        )
        assert told == []
        assert here.pipeline.now == START + 360 + HOUR


async def test_a_real_outage_is_told_when_its_time_has_really_come() -> None:
    async with office(trunks=()) as here:
        await live(
            here,
            *refreshed(300),
            (330, 330, registry(330, "Request Sent")),
            (331, 331 + HOUR, registry(331 + HOUR, "Request Sent")),
            (360, 360 + HOUR, registry(360 + HOUR, "Request Sent")),
        )
        assert firing(here) == set()
        last = 210 + 1.5 * 105  # of the refresh
        here.pipeline.advance(START + HOUR + last - 1)
        assert firing(here) == set()
        here.pipeline.advance(START + HOUR + last + 1)
        assert firing(here) == {"trunk-down"}


async def test_a_phone_is_not_gone_for_five_minutes_after_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    async with office(trunks=()) as here:
        await live(
            here,
            *refreshed(100),
            (40, 40, phone(40, "Reachable")),
            (50, 50, phone(50, "Unreachable")),
            (60, 60 + HOUR, registry(60 + HOUR, "Registered")),
        )
        here.pipeline.advance(START + HOUR + 340)
        assert firing(here) == set()
        assert here.pipeline.alerts[0].key.rule == "peer-down"
        here.pipeline.advance(START + HOUR + 351)
        assert firing(here) == {"peer-down"}
        assert "pbx.clock_set_forward pbx=office seconds=3600" in caplog.messages


async def test_an_hour_in_which_time_really_passed_is_an_hour() -> None:
    async with office(trunks=()) as here:
        await live(
            here,
            *refreshed(300),
            (330, 330, registry(330, "Request Sent")),
            (331 + HOUR, 331 + HOUR, phone(331 + HOUR, "Registered")),
        )
        assert firing(here) == {"trunk-down"}
