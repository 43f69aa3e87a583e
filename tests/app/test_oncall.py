"""The phone that rings: what Asterisk is asked, what a key does, and what keeps the phone quiet."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from qualitywatch.app.oncall import OnCall
from qualitywatch.config import CallConfig
from qualitywatch.model import Severity
from tests.app.office import OTHER_TRUNK, START, TRUNK, Office, office, running, until
from tests.fakes.scripted_manager import DENIED

pytestmark = pytest.mark.usefixtures("hurried")

QUEUED = "Response: Success\nActionID: {id}\nMessage: Originate successfully queued\n\n"
PLACES_CALLS = {"originate": QUEUED}
CONFIG = CallConfig(
    pbx="office",
    channel="Local/79161234567@from-internal",
    caller_id="qualitywatch <100>",
    after_s=300.0,
    prompt="beep",
    attempts=3,
    every_s=300.0,
    ring_s=45.0,
    per_hour=6,
)


def on_call(here: Office, config: CallConfig = CONFIG, meta: Mapping[str, str] | None = None) -> OnCall:
    return OnCall(config, here.watcher, here.room, here.keeper, meta or {}, look_s=0.005)


async def first_call(here: Office, *, wait_s: float = 300.0) -> str:
    """Let the time pass that people have to answer in the chat; return the uniqueid of the call that follows."""
    await until(lambda: here.client.connected)
    await asyncio.sleep(0.05)  # it looks, and begins to wait
    return await next_call(here, 1, wait_s=wait_s)


async def next_call(here: Office, times: int, *, wait_s: float = 300.0) -> str:
    here.clock.at += wait_s
    await here.manager.asked("Originate", times)
    return here.asked("Originate")[-1]["channelid"]


async def stays_quiet(here: Office, calls: int) -> None:
    """A look is taken every 5 ms: none of them may place another call."""
    await asyncio.sleep(0.1)
    assert here.manager.names().count("Originate") == calls


def pressed(uniqueid: str, digit: str, *, direction: str = "Received") -> str:
    return (
        f"Event: DTMFEnd\nPrivilege: dtmf,all\nTimestamp: {START}\nChannel: Local/79161234567@from-internal-00000001;1\n"
        f"Uniqueid: {uniqueid}\nLinkedid: {uniqueid}\nDigit: {digit}\nDurationMs: 200\nDirection: {direction}\n\n"
    )


def outcome(uniqueid: str, response: str, reason: int) -> str:
    return (
        f"Event: OriginateResponse\nPrivilege: call,all\nTimestamp: {START}\nActionID: qw-1\nResponse: {response}\n"
        f"Channel: PJSIP/100\nApplication: Read\nReason: {reason}\nUniqueid: {uniqueid}\n\n"
    )


def hung_up(uniqueid: str, cause: int) -> str:
    return (
        f"Event: Hangup\nPrivilege: call,all\nTimestamp: {START}\nChannel: PJSIP/100-00000001\nUniqueid: {uniqueid}\n"
        f"Linkedid: {uniqueid}\nCause: {cause}\nCause-txt: whatever\n\n"
    )


async def test_asterisk_is_asked_to_ring_the_number_and_to_play_the_prompt() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        uniqueid = await first_call(here)
        assert uniqueid == f"qualitywatch-1-{round((START + 300) * 1000)}"
        assert here.asked("Originate") == [
            {
                "channel": "Local/79161234567@from-internal",
                "application": "Read",
                "data": "QUALITYWATCH,beep,1,,5,6",
                "callerid": "qualitywatch <100>",
                "timeout": "45000",
                "async": "true",
                "channelid": uniqueid,
            }
        ]
        assert await here.audit(1) == ["call 1 of 3 to Local/79161234567@from-internal about incident 1"]


async def test_nobody_is_rung_before_people_had_their_time_in_the_chat() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        await until(lambda: here.client.connected)
        await asyncio.sleep(0.05)
        here.clock.at += 299
        await stays_quiet(here, 0)


async def test_a_clock_set_back_by_an_hour_does_not_keep_the_phone_silent_for_an_hour() -> None:
    async with office(PLACES_CALLS) as here:
        phone = on_call(here)
        async with running(here.watcher, phone):
            await until(lambda: here.client.connected)
            await asyncio.sleep(0.05)
            here.clock.at -= 3600
            await asyncio.sleep(0.05)
        # What it remembers over a restart is set right as well.
        async with running(here.watcher, on_call(here, meta=await here.meta())):
            here.clock.at += 299
            await stays_quiet(here, 0)
            await next_call(here, 1, wait_s=1)


async def test_key_1_acknowledges_and_the_phone_stays_quiet_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        uniqueid = await first_call(here)
        await here.manager.say(outcome(uniqueid, "Success", 4) + pressed(uniqueid, "1") + hung_up(uniqueid, 0))
        assert await here.acknowledged() == "phone Local/79161234567@from-internal"
        assert (await here.audit(2))[1] == (
            "call 1 of 3 to Local/79161234567@from-internal about incident 1: answered, and acknowledged with key 1"
        )
        here.clock.at += 10_000
        await stays_quiet(here, 1)
    assert "oncall.acknowledged pbx=office incident=1" in caplog.text


@pytest.mark.parametrize(
    ("events", "what"),
    [
        (lambda call: outcome(call, "Success", 4) + pressed(call, "5") + hung_up(call, 0), "key 5 was pressed and not 1"),
        (lambda call: outcome(call, "Success", 4) + hung_up(call, 16), "does the manager user have dtmf in read=?"),
        (lambda call: outcome(call, "Failure", 3) + hung_up(call, 19), "nobody answered"),
        (lambda call: hung_up(call, 17) + outcome(call, "Failure", 0), "busy"),
        (lambda call: outcome(call, "Failure", 0), "no such channel, or the phone is not registered"),
    ],
    ids=["wrong key", "no key", "no answer", "busy", "unknown phone"],
)
async def test_a_call_in_vain_says_why_and_is_tried_again_after_its_pause(
    events: object, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(events)
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        uniqueid = await first_call(here)
        await here.manager.say(events(uniqueid))
        assert what in (await here.audit(2))[1]
        assert what in caplog.text
        here.clock.at += 299
        await stays_quiet(here, 1)
        assert await next_call(here, 2, wait_s=1) != uniqueid
        assert here.room.incidents()[0].ack is None
        assert "call 2 of 3" in (await here.audit(3))[2]


@pytest.mark.parametrize(
    "event",
    [
        pressed("1795398974.3", "1"),  # a caller in a menu of the PBX
        pressed("qualitywatch-1-1", "1"),  # a call of another qualitywatch on the same PBX
        pressed("qualitywatch-1-{at}", "1", direction="Sent"),
        pressed("qualitywatch-1-{at};2", "1"),
    ],
    ids=["a caller", "another qualitywatch", "sent", "other half"],
)
async def test_a_key_on_any_other_channel_acknowledges_nothing(event: str) -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        uniqueid = await first_call(here)
        await here.manager.say(event.replace("{at}", uniqueid.rpartition("-")[2]))
        await here.manager.say(pressed(uniqueid, "5") + hung_up(uniqueid, 0))  # what comes behind it is known to be read
        await here.audit(2)
        assert here.room.incidents()[0].ack is None


async def test_there_is_one_call_at_a_time() -> None:
    async with (
        office(PLACES_CALLS, trunks=[TRUNK, OTHER_TRUNK]) as here,
        running(here.watcher, on_call(here)),
    ):
        first = await first_call(here)
        await stays_quiet(here, 1)
        await here.manager.say(outcome(first, "Failure", 5))
        second = await next_call(here, 2, wait_s=0)
        assert (first.split("-")[1], second.split("-")[1]) == ("1", "2")


async def test_a_call_of_which_asterisk_says_nothing_more_is_taken_as_over_one_day() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        await first_call(here)
        here.clock.at += 45 + 119
        await asyncio.sleep(0.05)
        assert len(await here.audit(1)) == 1
        here.clock.at += 1
        assert "not known" in (await here.audit(2))[1]


async def test_an_incident_is_worth_so_many_calls_and_no_more() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        await here.manager.say(hung_up(await first_call(here), 19))
        for number in (2, 3):
            await here.manager.say(hung_up(await next_call(here, number), 19))
        await here.audit(6)
        here.clock.at += 100_000
        await stays_quiet(here, 3)


async def test_the_hour_has_room_for_so_many_calls_whatever_they_are_about(caplog: pytest.LogCaptureFixture) -> None:
    config = replace(CONFIG, per_hour=2, attempts=100)
    async with (
        office(PLACES_CALLS, trunks=[TRUNK, OTHER_TRUNK]) as here,
        running(here.watcher, on_call(here, config)),
    ):
        await here.manager.say(hung_up(await first_call(here), 19))
        await here.manager.say(hung_up(await next_call(here, 2, wait_s=0), 19))
        await here.audit(4)
        here.clock.at += 3599
        await stays_quiet(here, 2)
        assert caplog.text.count("no more than 2 calls an hour") == 1
        await next_call(here, 3, wait_s=1)


async def test_a_restart_neither_forgets_nor_repeats_a_call() -> None:
    async with office(PLACES_CALLS) as here:
        async with running(here.watcher, on_call(here)):
            uniqueid = await first_call(here)
            await here.audit(1)
        stored = await here.meta()
        async with running(here.watcher, on_call(here, meta=stored)):
            here.clock.at += 299
            await stays_quiet(here, 1)
            # The phone still rings from before: its key counts.
            await until(lambda: here.client.connected)
            await here.manager.say(pressed(uniqueid, "1"))
            assert await here.acknowledged() == "phone Local/79161234567@from-internal"


async def test_a_key_that_is_pressed_while_the_daemon_is_busy_with_a_reload_counts() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher):
        phone = on_call(here)
        async with running(phone):
            uniqueid = await first_call(here)
        status = f"Timestamp: {START + 1}\nChannelType: SIP\nPeer: SIP/9\nPeerStatus: Registered\n\n"
        await here.manager.say(pressed(uniqueid, "1") + f"Event: PeerStatus\nPrivilege: system,all\n{status}")
        await until(lambda: (here.pipeline.now or 0) > START)
        await phone.close()
        assert await here.acknowledged() == "phone Local/79161234567@from-internal"


async def test_a_restart_does_not_begin_the_waiting_anew() -> None:
    async with office(PLACES_CALLS) as here:
        async with running(here.watcher, on_call(here)):
            await until(lambda: here.client.connected)
            await stays_quiet(here, 0)
        here.clock.at += 200
        async with running(here.watcher, on_call(here, meta=await here.meta())):
            await until(lambda: here.client.connected)
            await stays_quiet(here, 0)
            await next_call(here, 1, wait_s=100)


async def test_calls_that_decide_nothing_any_more_are_forgotten() -> None:
    long_ago = json.dumps([[77, START - 4000], [1, START - 4000], [78, START - 100]])
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here, meta={"calls": long_ago})):
        await next_call(here, 1, wait_s=0)
        assert json.loads((await here.meta())["calls"]) == [[1, START - 4000], [78, START - 100], [1, START]]


async def test_what_cannot_be_read_of_earlier_calls_does_no_harm() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here, meta={"calls": '{"a": 1}'})):
        await first_call(here)


async def test_a_missing_right_is_said_once_with_its_remedy_and_forgotten_at_the_restart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with office({"originate": DENIED}) as here, running(here.watcher, on_call(here)):
        await first_call(here)
        rows = await here.audit(2)
        assert rows[1].endswith("about incident 1: refused (Permission denied)")
        for number in (2, 3):
            await next_call(here, number)
        await here.audit(6)
        here.clock.at += 100_000
        await stays_quiet(here, 3)
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert errors == [
            'oncall.not_called pbx=office reason="Asterisk refused to place the call (Permission denied): add originate to '
            'write= of the manager user in manager.conf, then restart qualitywatch"'
        ]
        assert json.loads((await here.meta())["calls"]) == []


async def test_while_asterisk_is_away_a_call_waits_and_is_not_used_up(caplog: pytest.LogCaptureFixture) -> None:
    async with office(PLACES_CALLS) as here:
        ring = on_call(here)
        async with running(ring):  # nobody connects yet
            await asyncio.sleep(0.05)
            here.clock.at += 300
            await until(lambda: "is not connected: the call about incident 1 waits" in caplog.text)
            await asyncio.sleep(0.05)
            async with running(here.watcher):
                await here.manager.asked("Originate")
                assert await here.audit(1) == ["call 1 of 3 to Local/79161234567@from-internal about incident 1"]
        assert caplog.text.count("is not connected") == 1


async def test_what_is_taken_on_in_the_chat_rings_nobody_and_waits_anew_when_given_back() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        await here.room.acknowledge(1, "Anna (1)")
        await until(lambda: here.client.connected)
        here.clock.at += 1000
        await stays_quiet(here, 0)
        await here.room.unacknowledge(1, "Anna (1)")
        await asyncio.sleep(0.05)
        here.clock.at += 299
        await stays_quiet(here, 0)
        await next_call(here, 1, wait_s=1)


async def test_what_is_muted_rings_nobody() -> None:
    async with office(PLACES_CALLS) as here, running(here.watcher, on_call(here)):
        await here.room.mute_incident(1, START + 100_000, "Anna (1)")
        await until(lambda: here.client.connected and here.room.incidents()[0].mute is not None)
        here.clock.at += 1000
        await stays_quiet(here, 0)


async def test_a_warning_rings_nobody() -> None:
    async with office(PLACES_CALLS, severity=Severity.WARNING) as here, running(here.watcher, on_call(here)):
        await until(lambda: here.client.connected)
        here.clock.at += 1000
        await stays_quiet(here, 0)


async def test_the_daemon_can_stop_while_asterisk_owes_an_answer() -> None:
    async with office({"originate": ""}) as here, asyncio.timeout(5), running(here.watcher, on_call(here)):
        await first_call(here)
