"""What ``doctor`` says of PBXes: recorded ones of four versions, and crafted ones with every fault there is a fix for."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from qualitywatch.ami.server import CaptureServer
from qualitywatch.control.protocol import SOCKET
from qualitywatch.doctor.finding import Level
from tests.conftest import CAPTURES
from tests.doctor.clinic import SECRET, USER, Diagnosis, HurriedClock, examined, write_config
from tests.fakes.doctor_pbx import Call, DoctorPbx
from tests.fakes.scripted_manager import Action, Reply

REFUSED = "Response: Error\nActionID: {id}\nMessage: Authentication failed\n\n"
IN_USE = "Response: Error\nActionID: {id}\nMessage: Login Already In Use\n\n"

pytestmark = pytest.mark.usefixtures("hurried")  # nobody waits for what doctor listens to, nor until it gives up


async def diagnosed(tmp_path: Path, pbx: DoctorPbx, **answers: Reply) -> Diagnosis:
    async with pbx.manager(**answers).listening() as manager:
        return await examined(write_config(tmp_path, manager.port))


# --- recordings


@pytest.mark.parametrize(
    ("recording", "peers", "every_s"),
    [
        ("asterisk-13/sip-bridge-loss", ["SIP/6117", "SIP/6118"], "2.0"),
        ("asterisk-16/srtp", ["PJSIP/"], "2.0"),
        ("asterisk-20/sip-bridge-loss", ["SIP/6117", "SIP/6118"], "2.0"),
        ("asterisk-20/pjsip-echo-codecs", ["PJSIP/701", "PJSIP/702", "PJSIP/703", "PJSIP/704"], "2.0"),
        ("asterisk-22/pjsip-bridge-loss", ["PJSIP/"], "2.0"),
    ],
)
async def test_a_recorded_pbx(recording: str, peers: list[str], every_s: str, tmp_path: Path) -> None:
    server = CaptureServer((CAPTURES / recording / "input.ami").read_bytes(), secret=SECRET, speed=0)
    clock = HurriedClock(server.script.messages[0].at - time.time())
    try:
        found = await examined(write_config(tmp_path, await server.start()), 2.5, clock)
    finally:
        await server.stop()
    found.one("reachability", Level.OK)
    found.one("tls", Level.OK, "does not leave this machine")
    found.one("login", Level.OK, f"logged in as {USER} by MD5 challenge")
    found.one("timestampevents", Level.OK)
    found.one("event filters", Level.OK)
    found.one("clock", Level.OK)
    found.one("rights", Level.OK, "call, reporting, security, system are seen")
    found.one("rtcp", Level.OK, *peers)
    found.one("rtcpinterval", Level.OK, f"every {every_s} s")
    assert found.progress[0].of_s == 2.5


async def test_a_recorded_pbx_without_calls_leaves_questions_open(tmp_path: Path) -> None:
    server = CaptureServer((CAPTURES / "asterisk-20/trunk-outage/input.ami").read_bytes(), secret=SECRET, speed=0)
    try:
        found = await examined(write_config(tmp_path, await server.start()), 1.5)
    finally:
        await server.stop()
    for check in ("rtcp", "rtcpinterval", "codecs"):
        found.one(check, Level.UNKNOWN, "run doctor again during a call")
    assert any("nothing happened that would show" in finding.what for finding in found.of("rights"))


# --- a good one


async def test_a_pbx_set_up_as_the_example_says_is_found_good(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx())
    assert {check for check, levels in found.levels().items() if levels != {"ok"}} <= {"systemd unit"}
    found.one("login", Level.OK, "Asterisk 20.20.1")
    found.one("rtcp", Level.OK, "reports came of PJSIP/101")
    found.one("direct media", Level.OK, "off for all 1 endpoints")
    found.one("codecs", Level.OK)
    [_, write] = found.of("rights")
    assert write.what.startswith(
        "write: reporting, no more than is needed; not seen: addresses and round trips of PJSIP phones"
    )


async def test_doctor_sends_nothing_but_questions(tmp_path: Path) -> None:
    async with (
        DoctorPbx(write=["system", "call", "reporting", "command"], sip_peers={"6117": False}).manager().listening() as pbx
    ):
        await examined(write_config(tmp_path, pbx.port))
        assert set(pbx.names()) == {
            *("Challenge", "Login", "Logoff", "Ping", "Events", "ListCommands", "CoreSettings", "CoreShowChannels"),
            *("SIPpeers", "SIPshowregistry", "SIPshowpeer", "IAXpeerlist", "IAXregistry", "Getvar", "DeviceStateList"),
            *("PJSIPShowRegistrationsOutbound", "PJSIPShowRegistrationInboundContactStatuses"),
        }


# --- on the way there


async def test_nobody_listens(tmp_path: Path) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        found = await examined(write_config(tmp_path, probe.getsockname()[1]))
    found.one("reachability", Level.ERROR, "connection refused", "is Asterisk running")
    assert not {"tls", "login", "rights", "rtcp"} & set(found.levels())


async def test_a_port_that_says_nothing(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await examined(write_config(tmp_path, port))
        await ended.wait()
    found.one("reachability", Level.ERROR, "said nothing for 10 s", "not the manager port")


async def test_tls_is_configured_and_the_port_is_plain(tmp_path: Path) -> None:
    async with DoctorPbx().manager().listening() as manager:
        found = await examined(write_config(tmp_path, manager.port, {"tls": {"enabled": True}}))
    found.one("reachability", Level.OK)
    found.one("tls", Level.ERROR, "does not speak TLS", "5039")


async def test_the_port_wants_tls_and_none_is_configured(tmp_path: Path) -> None:
    async with DoctorPbx().manager().listening(_server_context(trustme.CA())) as manager:
        found = await examined(write_config(tmp_path, manager.port))
    found.one("reachability", Level.ERROR)


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificates(trusted: bool, tmp_path: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    ca_file = tmp_path / "ca.pem"
    ours.cert_pem.write_to_path(str(ca_file))
    async with DoctorPbx().manager().listening(_server_context(ours if trusted else theirs)) as manager:
        config = write_config(tmp_path, manager.port, {"tls": {"enabled": True, "ca_file": str(ca_file)}})
        found = await examined(config)
    if trusted:
        found.one("tls", Level.OK, "certificate checked; it is good for")
    else:
        found.one("tls", Level.ERROR, "CA that is not known here", "tls.ca_file")
        assert "login" not in found.levels()


@pytest.mark.parametrize(
    ("days", "level", "text"), [(10.5, Level.WARNING, "it ends in 10 days"), (-1.0, Level.ERROR, "has expired")]
)
async def test_a_certificate_that_ends(days: float, level: Level, text: str, tmp_path: Path) -> None:
    ca, ca_file = trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    ends_at = datetime.now(UTC) + timedelta(days=days)
    async with DoctorPbx().manager().listening(_server_context(ca, ends_at)) as manager:
        found = await examined(write_config(tmp_path, manager.port, {"tls": {"enabled": True, "ca_file": str(ca_file)}}))
    found.one("tls", level, text, "tlscertfile")


async def test_a_certificate_that_nobody_checks(tmp_path: Path) -> None:
    async with DoctorPbx().manager().listening(_server_context(trustme.CA())) as manager:
        found = await examined(write_config(tmp_path, manager.port, {"tls": {"enabled": True, "verify": False}}))
    found.one("tls", Level.WARNING, "nobody checks who answers", "ca_file")
    found.one("login", Level.OK)


# --- login


async def test_a_wrong_secret(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(), login=REFUSED)
    found.one("login", Level.ERROR, "refused the login of qualitywatch", "wrong user name or secret", "manager.conf")
    assert SECRET not in str(found)


async def test_somebody_else_is_logged_in(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(), login=IN_USE)
    found.one("login", Level.ERROR, "somebody else is logged in under this name", "allowmultiplelogin=yes")


async def test_the_daemon_itself_is_logged_in(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"ok": true, "now": 1.0, "silences": []}\n')
        await writer.drain()
        writer.close()

    (tmp_path / "state").mkdir()
    async with await asyncio.start_unix_server(answer, str(tmp_path / "state" / SOCKET)):
        found = await diagnosed(tmp_path, DoctorPbx(), login=IN_USE)
    found.one("login", Level.UNKNOWN, "the running daemon is logged in", "systemctl stop qualitywatch")


# --- rights


@pytest.mark.parametrize(
    ("read", "hidden", "level", "text"),
    [
        (("call", "reporting"), [], Level.ERROR, "add system to read="),
        (("system", "reporting"), ["PJSIP/103"], Level.ERROR, "add call to read="),
        (("system", "reporting"), [], Level.UNKNOWN, "nothing happened that would show whether read= holds call"),
        (("system", "call", "reporting"), [], Level.OK, "failed logins are not (read= lacks security"),
    ],
)
async def test_missing_rights_to_read(
    read: tuple[str, ...], hidden: list[str], level: Level, text: str, tmp_path: Path
) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(read=read, hidden=hidden))
    assert any(finding.level is level and text in f"{finding.what} {finding.fix}" for finding in found.of("rights")), found


async def test_no_right_to_reports(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(read=("system", "call")))
    found.one("rtcp", Level.ERROR, "not one report came", "add reporting to read=")
    found.one("rtcpinterval", Level.UNKNOWN)


async def test_no_right_to_write_at_all(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(write=()))
    told = [(finding.what, finding.fix) for finding in found.of("rights")]
    before = "not visible: peers, registrations and channels from before the connection"
    assert (before, "add reporting to write= in manager.conf") in told
    found.one("direct media", Level.UNKNOWN, "reporting in write=")
    found.one("rtcp", Level.OK)


async def test_rights_that_nothing_needs(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(write=("system", "command", "originate", "call", "reporting")))
    told = {finding.what.split(",")[0]: finding for finding in found.of("rights") if finding.level is Level.WARNING}
    assert set(told) == {f"write= holds {name}" for name in ("system", "command", "originate", "call")}
    assert told["write= holds system"].fix == "remove system from write="


async def test_rights_that_the_configuration_needs(tmp_path: Path) -> None:
    lamps = {"SIP/74993801@127.0.0.1": "trunk-mango"}
    async with DoctorPbx().manager().listening() as manager:
        found = await examined(write_config(tmp_path, manager.port, lamps=lamps))
    found.one("rights", Level.ERROR, "setting lamps needs call", "add call to write=")
    async with DoctorPbx(write=("reporting", "call")).manager().listening() as manager:
        found = await examined(write_config(tmp_path, manager.port, lamps=lamps))
    assert found.levels()["rights"] == {"ok"}


async def test_an_asterisk_that_does_not_list_what_may_be_sent(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(lists_commands=False))
    assert any("compare write= in manager.conf with the example" in finding.fix for finding in found.of("rights"))


# --- what is told, and how


@pytest.mark.parametrize(
    ("ahead_s", "level", "text"),
    [
        (0.4, Level.OK, "agree within"),
        (-30.0, Level.WARNING, "30.0 s behind"),
        (3600.0, Level.ERROR, "60 minutes ahead"),
        (-90_000.0, Level.ERROR, "25.0 hours behind"),
    ],
)
async def test_clocks(ahead_s: float, level: Level, text: str, tmp_path: Path) -> None:
    (await diagnosed(tmp_path, DoctorPbx(clock_ahead_s=ahead_s))).one("clock", level, text)


async def test_events_without_a_time(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(stamped=False))
    found.one("timestampevents", Level.WARNING, "timestampevents=yes in [general] of manager.conf")


@pytest.mark.parametrize(
    ("every_s", "level", "text"),
    [(5.0, Level.OK, "every 5.0 s"), (15.0, Level.WARNING, "only every 15 s"), (0.5, Level.WARNING, "so few packets")],
)
async def test_the_interval_is_measured(every_s: float, level: Level, text: str, tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(calls=[Call(lasts_s=46.0, every_s=every_s)]))
    found.one("rtcpinterval", level, text)


async def test_media_that_may_go_past_the_pbx(tmp_path: Path) -> None:
    pbx = DoctorPbx(
        calls=[Call(), Call("PJSIP/102", sent=False, received=False)],
        direct_media={"PJSIP/101": False, "PJSIP/102": True},
        sip_peers={"6117": True, "6118": False},
    )
    found = await diagnosed(tmp_path, pbx)
    found.one("direct media", Level.WARNING, "PJSIP/102, SIP/6117", "4 endpoints were asked", "direct_media=no")
    found.one("rtcp", Level.WARNING, "no report came of PJSIP/102, whose calls may go past the PBX")


@pytest.mark.parametrize("other_may", [True, False])
async def test_nothing_but_calls_that_may_go_past_the_pbx(other_may: bool, tmp_path: Path) -> None:
    """direct_media=yes is the default of Asterisk: no report of such calls is no proof that reports are withheld."""
    calls = [Call(peer, sent=False, received=False) for peer in ("PJSIP/101", "PJSIP/102")]
    found = await diagnosed(tmp_path, DoctorPbx(calls=calls, direct_media={"PJSIP/101": True, "PJSIP/102": other_may}))
    past = "PJSIP/101, PJSIP/102" if other_may else "PJSIP/101"
    found.one("rtcp", Level.WARNING, f"no report came of {past}, whose calls may go past the PBX", "see direct media")
    if not other_may:
        found.one("rtcp", Level.ERROR, "1 channels were up", "not one report came")
    assert ("error" in found.levels()["rtcp"]) is not other_may


async def test_a_phone_that_sends_no_reports(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(calls=[Call(received=False)]))
    found.one("rtcp", Level.WARNING, "PJSIP/101 sent no reports of their own", "switch RTCP on")


async def test_a_call_that_nothing_is_heard_of(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(calls=[Call(), Call("PJSIP/102", sent=False, received=False)]))
    found.one("rtcp", Level.WARNING, "PJSIP/102 were on the phone and no report came")


async def test_channels_that_nobody_announced(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(hidden=["PJSIP/103"]))
    found.one("event filters", Level.ERROR, "PJSIP/103 were not announced", "eventfilter in section [qualitywatch]")


async def test_a_channel_whose_end_nobody_told(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(vanishing=["PJSIP/101"]))
    found.one("event filters", Level.ERROR, "PJSIP/101 ended untold: a filter drops Hangup", "eventfilter in section")


async def test_a_channel_that_begins_right_behind_the_last_list(tmp_path: Path) -> None:
    """Events that waited are written right after the end of a list: with many calls that is usual, and no fault."""
    pbx = DoctorPbx()
    lists = itertools.count(1)

    def listed(action: Action) -> str:
        late = {"Channel": "PJSIP/777-00000100", "ChannelStateDesc": "Ring", "Uniqueid": "1767225700.777"}
        return pbx._channels(action) + (pbx._event("Newchannel", "call", at=None, **late) if next(lists) == 3 else "")

    found = await diagnosed(tmp_path, pbx, coreshowchannels=listed)
    assert next(lists) == 4, "it was the last list"
    assert found.levels()["event filters"] == {"ok"}


async def test_the_shipped_filter_is_none_to_complain_of(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(drops=["SuccessfulAuth", "VarSet", "Newexten"]))
    found.one("event filters", Level.OK, "only events that are read come")


async def test_a_codec_that_is_not_told(tmp_path: Path) -> None:
    found = await diagnosed(tmp_path, DoctorPbx(calls=[Call(codec=None)]))
    found.one("codecs", Level.WARNING, "channelvars=CHANNEL(audioreadformat)")


async def test_a_pbx_that_goes_away_while_we_listen(tmp_path: Path) -> None:
    async with DoctorPbx().manager().listening() as manager, asyncio.TaskGroup() as group:
        examining = group.create_task(examined(write_config(tmp_path, manager.port), 60.0))
        await manager.asked("ListCommands")
        await manager.drop()
    examining.result().one("reachability", Level.ERROR, "closed the connection")


def _server_context(ca: trustme.CA, ends_at: datetime | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends_at).configure_cert(context)
    return context
