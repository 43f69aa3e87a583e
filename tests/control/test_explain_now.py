"""``qualitywatch explain ALERT`` as it is typed, over a real socket, of a desk and a pipeline that live through real calls."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from qualitywatch import cli
from qualitywatch.ami.client import AmiClient
from qualitywatch.ami.endpoint import AmiEndpoint
from qualitywatch.ami.events import translate
from qualitywatch.app.keeper import Keeper
from qualitywatch.app.room import DaemonRoom
from qualitywatch.app.watcher import Watcher
from qualitywatch.control.client import ask
from qualitywatch.control.server import ControlServer
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import Audience, DeskPolicy
from qualitywatch.model import Direction, PbxEvent, PeerState, PeerStateSeen, TrunkState, TrunkStateSeen
from qualitywatch.pipeline import Effects, Pipeline
from qualitywatch.room import SilenceRequest
from qualitywatch.rules.loader import load_rules
from qualitywatch.store.backends.memory import MemoryStateStore
from qualitywatch.testing.calls import Call, Line, messages
from qualitywatch.why import Why, WhyRequest

RULES = load_rules([Path(__file__).parents[2] / "rules"])
START = 1_764_000_000.0  # 2025-11-24 16:00:00 UTC
TRUNK = "SIP/74993801@sip.example"


class Clock:
    """Shows what a test wants."""

    at = START

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Here:
    """A daemon without a network: pipeline, desk and room are the real ones, events come from the test."""

    def __init__(self, store: MemoryStateStore) -> None:
        self.clock = Clock()
        self.pipeline = Pipeline("office", RULES, names={"SIP/6117": "Anna"})
        self.desk = Desk(DeskPolicy(audiences=(Audience("noc"),)))
        keeper = Keeper(store, [], self.clock)
        client = AmiClient(AmiEndpoint("office", "127.0.0.1", 1, "qualitywatch", "secret"), self.clock)
        watcher = Watcher(client, self.pipeline, self.desk, keeper, self.clock)
        self.room = DaemonRoom(self.desk, {"office": watcher}, RULES, keeper, None, self.clock)

    def call(self, until: float, *lines: Line, codec: str | None = "ulaw") -> None:
        """Live through a call until so many seconds after the beginning."""
        story = messages(Call("SIP/6117", 600.0, lines, codec=codec), 1, START)
        self.hear([event for at, message in story if at < START + until for event in translate(message, at)])
        self.wait(until)

    def hear(self, events: Sequence[PbxEvent]) -> None:
        for event in events:
            self._step(self.pipeline.feed(event))

    def wait(self, until: float) -> None:
        self.clock.at = START + until
        self._step(self.pipeline.advance(self.clock.at))

    def _step(self, effects: Effects) -> None:
        self.desk.step("office", effects.transitions, self.pipeline.alerts, self.pipeline.now or START, self.clock.at)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    place = Here(await MemoryStateStore.open(Path("unused"), now=START))
    server = ControlServer(place.room, tmp_path / "control.sock")
    await server.start()
    yield place
    await server.close()


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("TZ", "UTC")
    return Typed(tmp_path / "control.sock", capsys)


class Typed:
    """The command as it is typed, and what it shows."""

    def __init__(self, socket: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._socket, self._capsys = socket, capsys

    async def __call__(self, *words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(cli.main, ["explain", *words, "--socket", str(self._socket)])
        shown = self._capsys.readouterr()
        return code, shown.out + shown.err


async def test_an_alert_that_fires_is_accounted_for(here: Here, typed: Typed) -> None:
    here.call(60, Line(loss_to=6))
    code, text = await typed("loss", "SIP/6117", "to")
    assert code == 0
    assert text.startswith("Anna SIP/6117 to_peer\n  rule loss (threshold, ")
    assert re.search(r"now: 6 %; warning breach, critical keep; packets \d+, window s 60, calls 1, codec ulaw", text)
    assert re.search(r"window: 10 samples: 16:00:20 6 %, .*16:00:55 6 %, 2 before\n", text)
    assert re.search(r"=> fires since 16:00:\d\d, bad since 16:00:\d\d\n  => told in incident #1\n", text)


@pytest.mark.parametrize("words", [("loss", "6117"), ("loss Anna",), ("LOSS", "sip/6117"), ("loss", "SIP/61*"), ("loss",)])
async def test_names_may_be_written_as_people_write_them(here: Here, typed: Typed, words: tuple[str, ...]) -> None:
    here.call(60, Line(loss_to=6))
    code, text = await typed(*words)
    assert code == 0
    assert "Anna SIP/6117 to_peer" in text
    assert "rule jitter" not in text


async def test_what_does_not_fire_is_explained_by_its_figure(here: Here, typed: Typed) -> None:
    here.call(60, Line(loss_to=2))
    code, text = await typed("loss", "SIP/6117")
    assert code == 0
    assert "warning keep, critical clear" in text
    assert "=> does not fire: its condition does not hold" in text
    assert "told" not in text


async def test_what_waits_says_how_long(here: Here, typed: Typed) -> None:
    here.call(22, Line(loss_to=6))
    _, text = await typed("loss", "SIP/6117", "to")
    assert re.search(r"=> pending: warning since 16:00:\d\d \(\d+s\), fires after 20s", text)


async def test_too_few_packets_are_said_to_be_too_few(here: Here, typed: Typed) -> None:
    here.call(12, Line(loss_to=50))
    _, text = await typed("loss", "SIP/6117", "to")
    assert "no figure; warning unknown, critical unknown; not enough to judge by" in text
    assert "=> does not fire: there is nothing to judge, or not enough" in text


async def test_samples_that_were_left_out_are_named_with_the_reason(here: Here, typed: Typed) -> None:
    here.call(60, Line(loss_to=2), codec=None)
    _, text = await typed("mos", "6117", "to")
    assert "left out: 10 samples, unknown_codec: nobody told the codec: the score is a guess" in text
    assert "=> does not fire: there is nothing to judge, or not enough" in text


async def test_a_silence_is_named_with_who_asked_for_it(here: Here, typed: Typed) -> None:
    await here.room.silence(SilenceRequest(START + 7200, subjects=("SIP/6117",), comment="new switch"), "Boris")
    here.call(60, Line(loss_to=6))
    _, text = await typed("loss", "Anna", "to")
    assert "=> nobody is told: silence 1 by Boris until 2025-11-24 18:00 (new switch); incident #1" in text


async def test_an_incident_is_accounted_for_as_a_whole(here: Here, typed: Typed) -> None:
    here.hear(
        [TrunkStateSeen(START + at, TRUNK, state) for at, state in ((0, TrunkState.REGISTERED), (5, TrunkState.REJECTED))]
    )
    here.wait(60)
    code, text = await typed("#1")
    assert (code, text.splitlines()[0]) == (0, TRUNK)
    assert "critical breach; state rejected" in text
    assert "=> told in incident #1" in text
    assert (await typed("#7"))[0] == 1


async def test_an_alert_that_another_one_explains_says_which(here: Here, typed: Typed) -> None:
    here.call(60, Line(loss_to=12))
    _, text = await typed("mos", "6117", "to")
    assert "=> does not fire: the alert of loss on the same subject explains it (yields_to)" in text


async def test_who_is_not_known_is_said_not_to_be(here: Here, typed: Typed) -> None:
    here.hear([PeerStateSeen(START, "SIP/6117", PeerState.REACHABLE)])
    code, text = await typed("loss", "SIP/9999")
    assert (code, text) == (1, "nothing that loss could judge was seen of SIP/9999\n")
    code, text = await typed("los", "SIP/6117")
    assert code == 1
    assert "any rule" in text
    assert "rules: loss, jitter" in text
    assert (await typed("loss", "6117", "--pbx", "branch")) == (1, "no PBX is named branch: there are office\n")


async def test_asking_changes_nothing(here: Here, tmp_path: Path) -> None:
    here.call(40, Line(loss_to=6))
    before = here.pipeline.alerts
    for _ in range(3):
        found = await asyncio.to_thread(ask, tmp_path / "control.sock", WhyRequest(("6117",)), Why)
        assert {reason.rule for reason in found.reasons} >= {"loss", "jitter", "mos"}
        assert all(reason.direction in {None, *Direction} for reason in found.reasons)
    assert here.pipeline.alerts == before


async def test_without_a_daemon_the_way_without_one_is_shown(typed: Typed) -> None:
    code, text = await typed("loss", "SIP/6117")
    assert code == 1
    assert "no running daemon found at" in text
    assert "qualitywatch explain session.ami --rule loss --subject SIP/6117" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the alert, such as: qualitywatch explain loss SIP/6117"),
        (("--rule", "loss"), "of a recorded session give its file, --rule and --subject"),
        (("pyproject.toml",), "a recorded session needs --rule and --subject"),
    ],
)
async def test_half_a_question_is_told_how_to_be_whole(typed: Typed, words: tuple[str, ...], said: str) -> None:
    code, text = await typed(*words)
    assert code == 2
    assert said in text
