"""``qualitywatch top``: what a screen shows of views, and a real daemon watched through its socket in a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from qualitywatch.cli import main
from qualitywatch.commands.top import pressed
from qualitywatch.commands.top_screen import SORTS, Looks, rows, screen
from qualitywatch.control.client import ask
from qualitywatch.control.protocol import SOCKET, AskView, Heard, View
from qualitywatch.model import PeerState, Severity, TrunkState
from qualitywatch.room import PbxView, PeerView, TrunkView
from tests.conftest import CAPTURES
from tests.e2e.processes import REPOSITORY, DaemonProcess, Site, playing, running
from tests.fakes.fake_telegram import FakeTelegram
from tests.store.model_values import NOW, an_alert

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def peer(number: int, state: PeerState = PeerState.REACHABLE, rtt_ms: float | None = 20.0) -> PeerView:
    return PeerView(f"SIP/{number}", f"User {number}", state, NOW - 60, f"10.0.0.{number}", "Yealink", rtt_ms)


def heard(number: int, loss: float | None, mos: float | None = 4.3) -> Heard:
    return Heard("office", f"SIP/{number}", loss, 0.5, 3.0, None, 41.0, mos)


def view(peers: int = 3, alerts: int = 1, trunks: int = 1) -> View:
    office = PbxView(
        "office",
        NOW,
        True,
        NOW - 600,
        tuple(peer(number, PeerState.UNREACHABLE if number == 2 else PeerState.REACHABLE) for number in range(1, peers + 1)),
        tuple(TrunkView(f"SIP/provider{number}", None, TrunkState.REGISTERED, NOW - 60) for number in range(trunks)),
        7,
        tuple(an_alert(f"SIP/{number}") for number in range(1, alerts + 1)),
    )
    return View(NOW, (office,), (heard(1, 1.0, 4.0), heard(3, 9.25, 3.1)), alerts, ())


def drawn(shown: View, looks: Looks, width: int = 120) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(screen(shown, looks, UTC))
    return out.getvalue().splitlines()


def test_the_worst_peer_comes_first_and_what_is_unknown_is_a_dash() -> None:
    lines = drawn(view(), Looks())
    assert "22:13:20  1 incidents  office: 7 channels, peers 2/3, trunks 1/1" in lines[0]
    peers = [line for line in lines if "10.0.0." in line]
    assert [line[:12] for line in peers] == ["User 3 SIP/3", "User 1 SIP/1", "User 2 SIP/2"]
    assert peers[0].split()[3:] == ["reachable", "9.25", "0.50", "3.0", "41", "3.10", "10.0.0.3"]
    assert peers[2].split()[3:] == ["unreachable", "-", "-", "-", "20", "-", "10.0.0.2"]
    assert any("peer-loss" in line and "5.45" in line for line in lines)


def test_alerts_are_told_in_words_whatever_they_are_about() -> None:
    alert = an_alert("SIP/1")
    silent = replace(
        alert,
        topic="audio_state",
        value=None,
        peak=None,
        details={"state": "hears_nothing"},
        texts={},
        severity=Severity.CRITICAL,
    )
    site = replace(
        alert,
        key=replace(alert.key, subject="Branch North", direction=None),
        topic="site_loss",
        display_name=None,
        value=70.0,
        details={"lossy": "14", "active": "20", "worst": "SIP/6124 23.4%", "more": "13"},
        texts={},
    )
    office = replace(view().pbxes[0], alerts=(silent, site))
    lines = drawn(replace(view(), pbxes=(office,)), Looks(), width=160)
    assert any("Anna SIP/1 hears nothing: our packets do not get there" in line and "critical" in line for line in lines)
    assert any("site Branch North: 14 of 20 active peers lose packets (SIP/6124 23.4%, and 13 more)" in line for line in lines)


def test_of_several_pbxes_everything_says_whose_it_is_and_the_worst_alert_comes_first() -> None:
    office = view().pbxes[0]
    alert = office.alerts[0]
    other = replace(alert, key=replace(alert.key, pbx="branch"), severity=Severity.CRITICAL)
    lines = drawn(replace(view(), pbxes=(office, replace(office, name="branch", alerts=(other,)))), Looks())
    told = [line.split()[0] for line in lines if "peer-loss" in line]
    assert told == ["[branch]", "[office]"]
    assert any(line.startswith("[branch] SIP/provider0") for line in lines)
    assert any(line.startswith("[branch] User 1 SIP/1") for line in lines)


def test_peers_are_found_by_their_site() -> None:
    office = view().pbxes[0]
    shown = replace(view(), pbxes=(replace(office, peers=(replace(office.peers[0], site="Branch North"), *office.peers[1:])),))
    assert [row.peer.subject for row in rows(shown, Looks(filter="branch n"))] == ["SIP/1"]


@pytest.mark.parametrize(("key", "first"), [("l", 3), ("m", 3), ("r", 1), ("s", 2), ("n", 1)])
def test_peers_are_sorted_by_what_was_pressed(key: str, first: int) -> None:
    looks = pressed(Looks(), key)
    assert looks is not None
    assert rows(view(), looks)[0].peer.subject == f"SIP/{first}"


def test_a_filter_is_typed_and_taken_back() -> None:
    looks: Looks | None = Looks()
    for key in "/user 2q\x7f\r":
        assert looks is not None
        looks = pressed(looks, key)
    assert looks is not None and (looks.filter, looks.is_typing) == ("user 2", False)
    assert [row.peer.subject for row in rows(view(), looks)] == ["SIP/2"]
    back = pressed(looks, "\x1b")
    assert back == Looks() and pressed(Looks(), "q") is None


@given(
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(16, 60),
    st.integers(40, 200),
    st.sampled_from("".join(SORTS)),
)
def test_a_screen_is_never_higher_or_wider_than_the_terminal(
    peers: int, alerts: int, trunks: int, height: int, width: int, sort: str
) -> None:
    lines = drawn(view(peers, alerts, trunks), Looks(sort, height=height), width)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)


def test_names_cannot_paint_the_terminal() -> None:
    shown = view()
    evil = PeerView("SIP/\x1b[31mred", "[bold]x[/bold]", PeerState.REACHABLE, NOW, "\x07")
    office = shown.pbxes[0]
    lines = drawn(View(NOW, (PbxView("office", NOW, True, NOW, (evil,), office.trunks),), (), 0, ("disk\x1b[2J",)), Looks())
    assert "\x1b" not in "".join(lines) and "\x07" not in "".join(lines)
    assert any("[bold]x[/bold]" in line for line in lines)


async def test_one_screen_of_a_real_daemon_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeTelegram() as telegram, playing(CAPTURES / "asterisk-20/sip-bridge-loss", speed=0) as (server, port):
        config = Site(tmp_path, {"office": port}, telegram.url).write()
        async with running(config) as daemon:
            await telegram.wait_sent(1, timeout_s=30)
            await server.finished.wait()
            told = await asyncio.to_thread(ask, tmp_path / "state" / SOCKET, AskView(), View)
            assert told.pbxes[0].name == "office"
            assert any(each.subject == "SIP/6118" for each in told.pbxes[0].peers)
            assert await asyncio.to_thread(main, ["top", "--config", str(config), "--once", "--filter", "6118"]) == 0
            shown = capsys.readouterr().out
            await watch_in_a_terminal(config, daemon)
            assert await daemon.stop() == 0
    assert "SIP/6118" in shown and "SIP/6117" not in shown.partition("peers (")[2]
    assert main(["top", "--config", str(config), "--once"]) == 1
    assert "no running daemon found" in capsys.readouterr().err


async def watch_in_a_terminal(config: Path, daemon: DaemonProcess) -> None:
    """Sort, filter and leave, as somebody over ssh would."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "qualitywatch", "top", "--config", str(config)]
    terminal = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=REPOSITORY, env=terminal)
    read: list[str] = []

    def until(text: str) -> str:
        while True:
            part = os.read(ours, 65_536).decode("utf-8", "replace")
            read.append(_SEQUENCE.sub("", part))
            if text in "".join(read):
                found = "".join(read)
                read.clear()
                return found

    try:
        async with asyncio.timeout(30):
            assert "SIP/6118" in await asyncio.to_thread(until, "q quit")
            os.write(ours, b"n")
            await asyncio.to_thread(until, "by name")
            os.write(ours, b"/6117\r")
            assert "filter: 6117" in await asyncio.to_thread(until, "filter: 6117  by name")
            os.write(ours, b"q")
            assert await asyncio.to_thread(process.wait, 10) == 0
        assert termios.tcgetattr(theirs) == before, "the terminal is left as it was found"
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
