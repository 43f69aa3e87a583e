"""A mistake of ours costs the part it is in a moment, and nobody else anything; and it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from qualitywatch.app.supervisor import Supervisor
from qualitywatch.backoff import Backoff
from qualitywatch.model import Alert, PeerStateSeen, Transition
from tests.app.office import office, running, until
from tests.web.house import house

QUICK = Backoff(0.01, 0.02)
SECRET = "a-token-that-nobody-may-read"


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Clumsy:
    """Work that trips as often as it is told to, then goes on for ever."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.begun = 0

    async def run(self) -> None:
        self.begun += 1
        if self.left:
            self.left -= 1
            raise LookupError(SECRET)
        await asyncio.Event().wait()


async def test_who_trips_is_begun_again_and_said_until_he_has_lasted(caplog: pytest.LogCaptureFixture) -> None:
    clock, clumsy = Hand(), Clumsy(3)
    supervisor = Supervisor(clock, pauses=QUICK, lasting_s=60)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.keep_up("lamps", clumsy.run))
        await until(lambda: clumsy.begun == 4)
        (part,) = supervisor.failing
        assert (part.name, part.times) == ("lamps", 3)
        assert part.what.startswith("LookupError at test_supervisor.py:")
        clock.at += 60
        assert supervisor.failing == []
        task.cancel()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert all(line.startswith("part.ended name=lamps this_is_a_bug=yes\n") and "in run" in line for line in told)
    assert SECRET not in caplog.text, "what libraries say of a mistake may quote a token"


async def test_work_that_is_done_is_not_begun_again_and_leaves_nothing_behind() -> None:
    supervisor = Supervisor(Hand(), pauses=QUICK)
    steps = iter((1, 2))

    async def once() -> None:
        if next(steps) == 1:
            raise LookupError

    await supervisor.keep_up("reports", once)
    assert list(steps) == []
    assert supervisor.failing == []


async def test_a_group_of_parts_says_which_of_them_tripped() -> None:
    supervisor, clumsy = Supervisor(Hand(), pauses=QUICK), Clumsy(1)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait())
            group.create_task(clumsy.run())

    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.keep_up("sink influx", both))
        await until(lambda: clumsy.begun == 2)
        (part,) = supervisor.failing
        assert part.what.startswith("LookupError at test_supervisor.py:")
        task.cancel()


async def test_who_takes_a_stranger_s_end_for_its_own_is_begun_again() -> None:
    supervisor, begun = Supervisor(Hand(), pauses=QUICK), 0

    async def waits_for_what_was_given_up() -> None:
        nonlocal begun
        begun += 1
        given_up = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.keep_up("lamps", waits_for_what_was_given_up))
        await until(lambda: begun > 2)
        task.cancel()
    assert task.cancelled()


@pytest.mark.parametrize("where", ["at work", "in the pause"])
async def test_a_stop_ends_who_trips_on_the_way_out(where: str) -> None:
    supervisor, at_work = Supervisor(Hand(), pauses=Backoff(3600, 3600)), asyncio.Event()
    begun = 0

    async def trips_when_stopped() -> None:
        nonlocal begun
        begun += 1
        at_work.set()
        try:
            if where == "at work":
                await asyncio.Event().wait()
        finally:
            raise LookupError

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.keep_up("lamps", trips_when_stopped))
        await at_work.wait()
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    assert begun == 1
    assert supervisor.failing == []


async def test_a_pbx_goes_on_being_watched_after_a_mistake_in_what_follows_from_it() -> None:
    async with office(trunks=()) as here:
        tripped: list[Sequence[Alert]] = []

        def trip(transitions: Sequence[Transition], alerts: Sequence[Alert]) -> None:
            if not tripped:
                tripped.append(alerts)
                raise LookupError

        heard: list[str] = []
        here.watcher.listeners.append(lambda event: heard.append(event.peer) if isinstance(event, PeerStateSeen) else None)
        async with running(here.watcher):
            await here.manager.until(lambda: "CoreShowChannels" in here.manager.names())
            here.watcher.followers.append(trip)
            await until(lambda: tripped)
            await here.manager.say("Event: PeerStatus\nPrivilege: system,all\nPeer: SIP/6117\nPeerStatus: Reachable\n\n")
            await until(lambda: heard)
        assert heard == ["SIP/6117"]
        assert here.manager.connections == 1, "the connection has nothing to do with it"


async def test_one_pbx_that_trips_for_ever_leaves_the_other_alone_and_is_said_on_the_page(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        office_watcher, branch = home.daemon.watchers

        def trip(transitions: Sequence[Transition], alerts: Sequence[Alert]) -> None:
            raise LookupError

        office_watcher.followers.append(trip)
        body = await home.until("pbxes", lambda body: body["troubles"])
        assert "Part “process office” stumbles over a mistake of this program" in body["troubles"][0]["en"]
        before = branch.progress_at
        await until(lambda: branch.progress_at > before)
        assert (await home.client.get("/healthz")).status_code == 200
