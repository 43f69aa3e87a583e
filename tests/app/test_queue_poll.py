"""Queues over a socket: the real client asks, a real pipeline judges, and who refuses is left alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from qualitywatch.ami.client import AmiClient, Pace
from qualitywatch.ami.resync import CHANNELS, Abilities
from qualitywatch.ami.session import SessionTimeouts
from qualitywatch.app.queue_poll import QueuePoll
from qualitywatch.app.watcher import Watcher
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.model import Alert, AlertState, PbxEvent, PeerStateSeen, Severity
from tests.app.office import Office, office, running, until
from tests.fakes.scripted_manager import DENIED, UNKNOWN, listing

pytestmark = pytest.mark.usefixtures("hurried")

PEER_STATUS = "Event: PeerStatus\nPrivilege: system,all\nPeer: SIP/6117\nPeerStatus: Reachable\n\n"
PACE_S = 0.02


def summary(**queues: tuple[int, int, int, int]) -> str:
    """Callers, longest wait, agents available and logged in, by queue."""
    rows = [
        {
            "Queue": name,
            "LoggedIn": str(logged_in),
            "Available": str(available),
            "Callers": str(callers),
            "HoldTime": "12",
            "TalkTime": "60",
            "LongestHoldTime": str(longest_s),
        }
        for name, (callers, longest_s, available, logged_in) in queues.items()
    ]
    return listing("QueueSummary", rows, "QueueSummaryComplete")


@asynccontextmanager
async def watched(answer: str) -> AsyncIterator[tuple[Office, Watcher]]:
    async with office({"queuesummary": answer}, trunks=()) as place:
        desk = Desk(DeskPolicy())
        watcher = Watcher(place.client, place.pipeline, desk, place.keeper, place.clock, queues_every_s=PACE_S)
        async with running(watcher):
            yield place, watcher


async def learnt(client: AmiClient, *, after: Abilities | None = None) -> Abilities:
    """Wait until a connection's lists are read to the last; return what it may ask."""
    found: list[Abilities] = []

    def is_whole() -> bool:
        abilities = client.abilities
        if client.connected and abilities is not None and abilities is not after and CHANNELS in abilities.access:
            found.append(abilities)
        return bool(found)

    await until(is_whole)
    return found[0]


def alert(place: Office) -> Alert | None:
    return next((one for one in place.pipeline.alerts if one.key.subject == "support"), None)


async def test_a_long_wait_is_read_and_judged_and_so_is_a_queue_with_nobody() -> None:
    async with watched(summary(support=(7, 200, 0, 5), sales=(0, 0, 2, 2))) as (place, _):
        await until(lambda: alert(place) is not None)
        waiting = alert(place)
        assert waiting is not None
        assert (waiting.key.rule, waiting.state, waiting.severity) == ("queue-waiting", AlertState.FIRING, Severity.WARNING)
        assert waiting.value == 200
        assert waiting.details["queue_callers"] == "7"
        place.manager.answers["queuesummary"] = summary(support=(3, 30, 0, 0))
        await until(lambda: any(one.key.rule == "queue-unattended" for one in place.pipeline.alerts))
        assert {one.key.subject for one in place.pipeline.alerts} == {"support"}


async def test_reports_go_on_while_an_answer_is_awaited() -> None:
    async with watched("") as (place, watcher):
        heard: list[PbxEvent] = []
        watcher.listeners.append(heard.append)
        await place.manager.asked("QueueSummary")
        await place.manager.say(PEER_STATUS)
        await until(lambda: any(isinstance(event, PeerStateSeen) for event in heard))
        assert place.manager.names().count("QueueSummary") == 1  # still waiting for the first


@pytest.mark.parametrize(("answer", "why"), [(UNKNOWN, "app_queue is not loaded"), (DENIED, "may not ask for queues")])
async def test_a_pbx_that_refuses_is_asked_once_for_each_connection_and_told_of_once(
    answer: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with office({"queuesummary": answer}, trunks=()) as place, running(place.client):
        poll = QueuePoll(place.client, PACE_S)
        await poll.ask()  # before anybody is logged in: nothing is sent
        first = await learnt(place.client)
        for _ in range(5):
            await poll.ask()
        assert place.manager.names().count("QueueSummary") == 1
        await place.manager.drop()
        await learnt(place.client, after=first)
        for _ in range(5):
            await poll.ask()
        assert place.manager.names().count("QueueSummary") == 2
    told = [record.getMessage() for record in caplog.records if "queues." in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("queues.not_read pbx=office reason=")
    assert why in told[0]


async def test_a_late_answer_is_asked_for_again_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with office({"queuesummary": ""}, trunks=()) as place:
        timeouts = SessionTimeouts(request_s=0.3)
        client = AmiClient(place.client.endpoint, place.clock, pace=Pace(boot_s=0.05), timeouts=timeouts)
        async with running(client):
            await learnt(client)
            poll = QueuePoll(client, PACE_S)
            for _ in range(3):
                await poll.ask()
            assert place.manager.names().count("QueueSummary") == 3
            place.manager.answers["queuesummary"] = summary(support=(0, 0, 1, 1))
            await poll.ask()
    told = [record.getMessage() for record in caplog.records if "queues." in record.getMessage()]
    assert told == [
        'queues.not_read pbx=office reason="no usable answer, asked again"',
        "queues.read_again pbx=office",
    ]
