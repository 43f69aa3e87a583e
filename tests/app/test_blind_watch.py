"""What a manager connection withholds, over a real socket: a class of events, all of them, what a reload or restart hides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC
from itertools import repeat

from qualitywatch.ami.client import AmiClient, AmiEndpoint, Pace
from qualitywatch.ami.server import CaptureServer
from qualitywatch.app.watcher import Watcher
from qualitywatch.model import Alert, AlertState, NotifyReason, Transition, TrunkState
from qualitywatch.notify.phrases import sentence
from qualitywatch.pipeline import Pipeline
from tests.app.office import RULES, START, TRUNK, Office, office, running, until
from tests.conftest import CAPTURES
from tests.fakes.scripted_manager import ACCEPTED, Action, listing

REGISTERED = listing(
    "RegistryEntry",
    [{"Host": "sip.example", "Port": "5060", "Username": "74993801", "Domain": "sip.example", "State": "Registered"}],
    "RegistrationsComplete",
)


SENDER = "SSRC: 0x60207043\nPT: 200(SR)\nSentNTP: 1700000000.0\nSentRTP: 1600\nSentPackets: 10\nSentOctets: 1600\n"


def registry(at: float, status: str) -> str:
    who = "ChannelType: SIP\nUsername: 74993801\nDomain: sip.example\n"
    return f"Event: Registry\nPrivilege: system,all\nTimestamp: {START + at}\n{who}Status: {status}\n\n"


def reload(at: float, module: str = "All") -> str:
    return f"Event: Reload\nPrivilege: system,all\nTimestamp: {START + at}\nModule: {module}\nStatus: 0\n\n"


def qualified(at: float) -> str:
    who = "ChannelType: SIP\nPeer: SIP/100\nPeerStatus: Reachable\n"
    return f"Event: PeerStatus\nPrivilege: system,all\nTimestamp: {START + at}\n{who}\n"


def channel(name: str, made_at: float) -> Mapping[str, str]:
    return {"Channel": f"{name}-00000001", "ChannelStateDesc": "Up", "Uniqueid": f"{START + made_at:.0f}.7"}


def report(at: float, name: str, made_at: float) -> str:
    block = "".join(f"{header}: {value}\n" for header, value in channel(name, made_at).items())
    return f"Event: RTCPSent\nPrivilege: reporting,all\nTimestamp: {START + at}\n{block}{SENDER}ReportCount: 0\n\n"


def pong(at: float) -> str:
    return f"Response: Success\nActionID: {{id}}\nPing: Pong\nTimestamp: {START + at}\n\n"


def alert_of(here: Office, rule: str) -> Alert | None:
    return next((alert for alert in here.pipeline.alerts if alert.key.rule == rule), None)


async def heard(here: Office, at: float) -> None:
    """Wait until the pipeline has lived through what was said until an instant."""
    await until(lambda: here.pipeline.now is not None and here.pipeline.now >= START + at - 0.3)


async def seen(here: Office, times: int = 1) -> None:
    """Wait until everything was listed that often."""
    await here.manager.asked("CoreShowChannels", times)
    await until(lambda: here.client.abilities is not None and here.client.abilities.may("CoreShowChannels"))


async def test_a_reload_has_everything_listed_again_and_tells_no_outage_that_it_made_itself() -> None:
    channels = listing("CoreShowChannel", [], "CoreShowChannelsComplete")
    answers = {"sipshowregistry": REGISTERED, "coreshowchannels": channels, "ping": pong(0)}
    async with office(answers, trunks=()) as here, running(here.watcher):
        await seen(here)
        here.manager.answers["ping"] = pong(15)
        await here.manager.say(registry(10, "Unregistered") + reload(10.2) + registry(11, "Rejected"))
        await seen(here, 2)
        await here.manager.say(qualified(69))
        await heard(here, 69)
        assert not here.pipeline.alerts
        assert here.pipeline.trunks.states() == {TRUNK: TrunkState.REGISTERED}


async def test_a_trunk_that_does_not_come_back_from_a_reload_is_told_a_minute_after_it() -> None:
    channels = listing("CoreShowChannel", [], "CoreShowChannelsComplete")
    async with office({"coreshowchannels": channels, "ping": pong(0)}, trunks=()) as here, running(here.watcher):
        await seen(here)
        await here.manager.say(registry(5, "Registered") + reload(10) + registry(11, "Rejected") + qualified(69))
        await heard(here, 69)
        assert not here.pipeline.alerts
        await here.manager.say(qualified(73))
        await heard(here, 73)
        alert = alert_of(here, "trunk-down")
        assert alert is not None
        assert alert.state is AlertState.FIRING


async def test_a_reload_of_the_dialplan_holds_nothing_up() -> None:
    channels = listing("CoreShowChannel", [], "CoreShowChannelsComplete")
    async with office({"coreshowchannels": channels, "ping": pong(0)}, trunks=()) as here, running(here.watcher):
        await seen(here)
        await here.manager.say(registry(5, "Registered") + reload(10, "pbx_config.so"))
        await here.manager.say(registry(11, "Rejected") + qualified(13))
        await heard(here, 13)
        assert alert_of(here, "trunk-down") is not None


async def test_reports_on_channels_nobody_announced_are_one_alert_with_the_remedy() -> None:
    async with office({"ping": pong(0)}, trunks=()) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        for at in (60, 75, 95):
            await here.manager.say(report(at, "SIP/6117", 55) + report(at + 1, "PJSIP/trunk", 56))
        await heard(here, 96)
        await until(lambda: alert_of(here, "pbx-half-blind"))
        alert = alert_of(here, "pbx-half-blind")
        assert alert is not None
        assert [each.key.rule for each in here.pipeline.alerts] == ["pbx-half-blind"]
        told = {language: _told(alert, language) for language in ("en", "ru")}
    assert told == {
        "en": "PBX office does not announce its channels (unannounced: 2), calls are not seen: in manager.conf add call to "
        "read= and let eventfilter pass Newchannel, Newstate and Hangup; then restart qualitywatch",
        "ru": "АТС office не сообщает о каналах (без сообщений: 2), звонки не видны: в manager.conf добавьте call в read= и "
        "пропустите в eventfilter Newchannel, Newstate и Hangup; затем перезапустите qualitywatch",
    }


async def test_channels_from_before_the_login_need_no_announcement() -> None:
    async with office({"ping": pong(0)}, trunks=()) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        for at in (60, 75, 95):
            await here.manager.say(report(at, "SIP/6117", -55) + report(at + 1, "PJSIP/trunk", -56))
        await heard(here, 96)
        assert not here.pipeline.alerts


async def test_channels_that_come_and_go_on_a_silent_connection_are_blindness() -> None:
    def channels(action: Action) -> str:
        at = 100 * here.manager.names().count("CoreShowChannels")
        rows = [channel(name, 50 + at) for name in ("SIP/6117", "PJSIP/trunk")]
        listed = listing("CoreShowChannel", rows, "CoreShowChannelsComplete")
        return listed.replace("EventList: start", f"Timestamp: {START + at + 60}\nEventList: start")

    async with office({"ping": pong(0), "coreshowchannels": channels}, trunks=()) as here, running(here.watcher):
        await seen(here)
        for _ in range(3):
            await here.client.audit()
        await until(lambda: alert_of(here, "pbx-blind"))
        alert = alert_of(here, "pbx-blind")
        assert alert is not None
        told = {language: _told(alert, language) for language in ("en", "ru")}
        assert told == {
            "en": "PBX office cannot be seen: sends no events although calls are up: check read= and eventfilter in "
            "manager.conf",
            "ru": "АТС office не видна: событий нет, хотя идут звонки: проверьте read= и eventfilter в manager.conf",
        }
        assert here.pipeline.blind_since is not None
        lists = here.manager.names().count("SIPshowregistry")
        await here.manager.say(qualified(600))
        await until(lambda: here.pipeline.blind_since is None)
        assert alert_of(here, "pbx-blind") is None
        await here.manager.asked("SIPshowregistry", lists + 1)


async def test_announced_channels_are_not_missed_however_often_they_are_listed() -> None:
    row = channel("SIP/6117", 50)
    new = "".join(f"{name}: {value}\n" for name, value in row.items())
    listed = listing("CoreShowChannel", [row], "CoreShowChannelsComplete")
    async with office({"ping": pong(0), "coreshowchannels": listed}, trunks=()) as here, running(here.watcher):
        await seen(here)
        await here.manager.say(f"Event: Newchannel\nTimestamp: {START + 50}\n{new}\n")
        for at in range(100, 1000, 100):
            await here.client.audit()
            await here.manager.say(qualified(at))
            await heard(here, at)
        assert not here.pipeline.alerts


async def test_an_event_mask_that_selects_nothing_is_blindness() -> None:
    off = "Response: Success\nActionID: {id}\nEvents: Off\n\n"
    async with office({"events": off}, trunks=()) as here, running(here.watcher):
        await until(lambda: here.pipeline.blind_since is not None)
        assert [alert.key.rule for alert in here.pipeline.alerts] == ["pbx-blind"]


async def test_a_login_that_may_not_read_system_is_told_after_five_minutes() -> None:
    async with office({"login": ACCEPTED, "ping": pong(0)}, trunks=()) as here, running(here.watcher):
        await here.manager.asked("CoreShowChannels")
        await here.manager.say(report(10, "SIP/6117", -5) + report(250, "SIP/6117", -5))
        await heard(here, 250)
        assert not here.pipeline.alerts
        await here.manager.say(report(330, "SIP/6117", -5))
        await until(lambda: alert_of(here, "pbx-half-blind"))
        alert = alert_of(here, "pbx-half-blind")
        assert alert is not None
        assert "add system to read=" in _told(alert, "en")
        assert "добавьте system в read=" in _told(alert, "ru")


async def test_a_restart_of_asterisk_is_lived_through_over_a_socket() -> None:
    """Reload, Shutdown, nothing for 12 s, another boot: nobody is told anything, the gap is marked, and all is known again."""
    folder = CAPTURES / "asterisk-20/restart"
    first = CaptureServer((folder / "input.ami").read_bytes(), speed=0, stay_open=False, quiet_s=0.05)
    port = await first.start()
    async with office(trunks=()) as here:
        endpoint = AmiEndpoint("office", "127.0.0.1", port, first.username or "", first.secret or "")
        client = AmiClient(endpoint, here.clock, pace=Pace(boot_s=0.05, reload_s=0.05), new_delays=lambda: repeat(0.5))
        pipeline = Pipeline("office", RULES)
        watcher = Watcher(client, pipeline, here.desk, here.keeper, here.clock)
        async with running(watcher), asyncio.timeout(20):
            await until(lambda: pipeline.blind_since is not None)
            assert [alert.key.rule for alert in pipeline.alerts] == ["pbx-blind"]
            await first.stop()
            second = CaptureServer((folder / "after-reconnect.ami").read_bytes(), speed=0, quiet_s=0.05)
            await second.start(port=port)
            await second.finished.wait()
            await until(lambda: pipeline.trunks.states().get("PJSIP/100@127.0.0.1:5060") is TrunkState.REGISTERED)
            assert pipeline.blind_since is None
            assert not pipeline.alerts
            assert set(pipeline.trunks.states().values()) == {TrunkState.REGISTERED}
        await second.stop()


def _told(alert: Alert, language: str) -> str:
    move = Transition(alert.since_at, alert, AlertState.INACTIVE, AlertState.FIRING, NotifyReason.FIRING)
    return sentence(move, language, UTC)
