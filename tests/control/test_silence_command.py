"""``qualitywatch silence`` as it is typed, against a real socket."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch import cli
from qualitywatch.commands import silence as command
from qualitywatch.commands.silence import Wish, matched, understood
from qualitywatch.control.server import ControlServer
from qualitywatch.errors import ConfigError
from qualitywatch.model import Silence
from qualitywatch.room import SilenceRequest
from tests.control.memory_room import NOW, MemoryRoom

MOSCOW, NEW_YORK = ZoneInfo("Europe/Moscow"), ZoneInfo("America/New_York")


@pytest.fixture
def room() -> MemoryRoom:
    return MemoryRoom()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of a daemon that runs."""
    path = tmp_path / "qualitywatch.yml"
    document = {
        "pbx": [{"name": "office", "host": "127.0.0.1", "username": "qualitywatch", "secret": "x"}],
        "store": {"directory": str(tmp_path / "state")},
        "timezone": "Europe/Moscow",
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
async def daemon(room: MemoryRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(command, "SystemClock", RoomClock)
    server = ControlServer(room, tmp_path / "state" / "control.sock")
    await server.start()
    yield
    await server.close()


class RoomClock:
    """Shows the hour of the room."""

    def now(self) -> float:
        return NOW


async def typed(*words: str | Path) -> int:
    return await asyncio.to_thread(cli.main, ["silence", *map(str, words)])


@pytest.mark.usefixtures("daemon")
async def test_a_silence_from_making_to_ending(config: Path, room: MemoryRoom, capsys: pytest.CaptureFixture[str]) -> None:
    assert await typed("add", "--config", config, "--subject", "SIP/61*", "--rule", "peer-loss", "--for", "2h") == 0
    assert capsys.readouterr().out == (
        "silence 1: rule peer-loss, subject SIP/61* is quiet until Mon 2025-11-24 21:00 MSK (2h). "
        f"To undo: qualitywatch silence expire --config {config} 1\n"
    )
    assert await typed("expire", "--config", config, "1") == 0
    assert capsys.readouterr().out == "silence 1 is over: rule peer-loss, subject SIP/61* is told again\n"
    assert room.silences() == ()
    assert await typed("expire", "--config", config, "1") == 1
    assert capsys.readouterr().err == ('qualitywatch: no silence 1 is in force or to come: see "qualitywatch silence list"\n')


@pytest.mark.usefixtures("daemon")
async def test_one_for_later_says_when_it_begins(config: Path, room: MemoryRoom, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--all", "--from", "22:00", "--until", "06:00", "--comment", "upgrade")
    assert await typed("add", "--config", config, *words) == 0
    assert "silence 1: everything will be quiet from Mon 2025-11-24 22:00 MSK until Tue 2025-11-25 06:00 MSK (8h)." in (
        capsys.readouterr().out
    )
    (silence,) = room.silences()
    assert (silence.subjects, silence.comment) == (("*",), "upgrade")


@pytest.mark.usefixtures("daemon")
async def test_the_list_is_a_table(config: Path, room: MemoryRoom, capsys: pytest.CaptureFixture[str]) -> None:
    assert await typed("list", "--config", config) == 0
    assert capsys.readouterr().out == "No silence is in force or to come.\n"
    hostile = "[red]not\nmarkup[/red] \x1b[31m"
    room.book.add(SilenceRequest(NOW + 5400, subjects=("SIP/61*",), comment=hostile), "Anna (12345)", NOW - 60)
    room.book.add(SilenceRequest(NOW + 7200, NOW + 3600, pbxes=("branch",)), "root on the command line", NOW)
    assert await typed("list", "--config", config) == 0
    lines = [re.split(r"  +", line.rstrip()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["ID", "What is quiet", "From", "Until", "Left", "By", "Comment"],
        [
            "1",
            "subject SIP/61*",
            "Mon 2025-11-24 18:59 MSK",
            "Mon 2025-11-24 20:30 MSK",
            "1h30m",
            "Anna (12345)",
            "[red]not markup[/red] [31m",
        ],
        ["2", "PBX branch", "Mon 2025-11-24 20:00 MSK", "Mon 2025-11-24 21:00 MSK", "to come", "root on the command line"],
    ]


@pytest.mark.usefixtures("daemon")
async def test_the_list_is_for_programs_too(config: Path, room: MemoryRoom, capsys: pytest.CaptureFixture[str]) -> None:
    room.book.add(SilenceRequest(NOW + 60, rules=("a", "b"), comment="Учения"), "Anna (12345)", NOW)
    assert await typed("list", "--config", config, "--format", "json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["id"], found["rules"], found["ends_at"], found["by"]) == (1, ["a", "b"], NOW + 60, "Anna (12345)")


@pytest.mark.usefixtures("daemon")
async def test_the_socket_itself_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state" / "control.sock"
    assert await typed("add", "--socket", path, "--severity", "warning", "--for", "15m") == 0
    out = capsys.readouterr().out
    assert out.startswith("silence 1: severity warning is quiet until ")
    assert out.endswith(f"To undo: qualitywatch silence expire --socket {path} 1\n")


@pytest.mark.usefixtures("daemon")
async def test_the_state_directory_of_the_service_is_found(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration names none: the service has it from systemd, who types this has not."""
    document = yaml.safe_load(config.read_text())
    del document["store"]
    config.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(command, "SERVICE_DIRECTORY", tmp_path / "state")
    assert await typed("list", "--config", config) == 0
    monkeypatch.setattr(command, "SERVICE_DIRECTORY", tmp_path / "elsewhere")
    assert await typed("list", "--config", config) == 1
    assert capsys.readouterr().err == (
        f"qualitywatch: no running daemon found at {tmp_path}/home/qualitywatch/control.sock or "
        f"{tmp_path}/elsewhere/control.sock: is qualitywatch running with this configuration?\n"
    )


async def test_a_configuration_that_cannot_be_read_can_be_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await typed("list", "--config", tmp_path / "missing.yml") == 2
    err = capsys.readouterr().err
    assert "missing.yml" in err
    assert "name the socket: --socket /var/lib/qualitywatch/control.sock" in err


@pytest.mark.usefixtures("daemon")
async def test_what_the_daemon_refuses_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await typed("add", "--config", config, "--subject", "/(/", "--for", "1h") == 1
    assert 'subject "/(/" is not a regular expression' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--for", "1h"], "name what is to be quiet: either some of --rule, --subject, --pbx and --severity, or --all"),
        (["--all", "--rule", "x", "--for", "1h"], "name what is to be quiet: either some of"),
        (["--all", "--for", "soon"], '--for "soon": write a duration such as 30m, 2h or 1d'),
        (["--all", "--for", "0s"], '--for "0s": write a duration'),
        (["--all", "--until", "tomorrow"], '--until "tomorrow": write a time as 08:00, or with its day as "2026-11-24 08:00"'),
        (["--all", "--until", "24:00"], '--until "24:00": write a time'),
        (["--all", "--until", "2026-02-30 08:00"], '--until "2026-02-30 08:00": write a time'),
        (["--all", "--for", "1h", "--from", "8"], '--from "8": write a time'),
    ],
)
def test_wrong_usage_is_explained(words: list[str], complaint: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["silence", "add", "--config", str(config), *words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("words", [["add", "--all"], ["add", "--all", "--for", "1h", "--until", "08:00"], [], ["expire", "x"]])
def test_half_a_command_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["silence", *words])
    assert caught.value.code == 2
    assert "usage: qualitywatch silence" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["add"], ["list"], ["expire"]])
def test_help_teaches_by_examples(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["silence", *words, "--help"])
    out = capsys.readouterr().out
    assert "qualitywatch silence add --config F --subject 'SIP/61*' --for 2h" in out
    assert r"/^SIP\/61[0-9]+$/" in out


def until(text: str, zone: ZoneInfo, now: float = NOW, begins: str | None = None) -> str:
    request = understood(Wish(everything=True, until=text, begins=begins), now, zone)
    return f"{datetime.fromtimestamp(request.ends_at, zone):%Y-%m-%d %H:%M %z}"


def test_an_hour_means_its_next_time_in_the_zone_of_the_configuration() -> None:
    assert until("20:00", MOSCOW) == "2025-11-24 20:00 +0300"  # it is 19:00 there
    assert until("19:00", MOSCOW) == "2025-11-25 19:00 +0300"  # exactly now: not in no time
    assert until("8:00", NEW_YORK) == "2025-11-25 08:00 -0500"
    assert until("2026-01-02T08:05", NEW_YORK) == "2026-01-02 08:05 -0500"
    assert until("08:00", MOSCOW, begins="2025-12-24 22:00") == "2025-12-25 08:00 +0300"


def test_clocks_that_jump_are_followed() -> None:
    evening = datetime(2026, 3, 7, 22, 0, tzinfo=NEW_YORK).timestamp()  # the night is an hour short
    assert until("08:00", NEW_YORK, evening) == "2026-03-08 08:00 -0400"
    request = understood(Wish(everything=True, until="08:00"), evening, NEW_YORK)
    assert request.ends_at - evening == 9 * 3600


@given(st.text(alphabet="0123456789:-T ", max_size=17))
def test_any_text_is_a_time_to_come_or_a_mistake(text: str) -> None:
    try:
        request = understood(Wish(everything=True, until=text), NOW, MOSCOW)
    except ConfigError as exc:
        assert text in str(exc)
    else:
        assert request.ends_at > NOW or "-" in text  # a date may be past; the daemon says so


def test_what_matches_everything_is_called_so() -> None:
    assert matched(Silence(1, 5.0, "x", 1.0)) == "everything"
    assert matched(Silence(1, 5.0, "x", 1.0, subjects=("*",))) == "everything"
    assert matched(Silence(1, 5.0, "x", 1.0, rules=("a", "b"), severities=("critical",))) == "rule a or b, severity critical"


def test_the_usual_place_is_tried_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SERVICE_DIRECTORY", tmp_path)
    assert cli.main(["silence", "list"]) == 1
    assert f"no running daemon found at {tmp_path}/control.sock" in capsys.readouterr().err
