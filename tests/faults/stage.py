"""One daemon between a PBX that fails on command, a chat, a database and a disk; and what came of it, counted.

What is counted: the alerts that ``replay`` foresees for the recording and that no chat shows in the end (lost), the messages
beyond those (twice), and the samples that the pipeline makes of the recording and that no database has (missing).  Samples
whose reports never reached the daemon whole, or that fell into the seconds a fault costs, are explained and counted apart.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml

from qualitywatch.ami.events import translate
from qualitywatch.ami.fields import timestamp
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.loader import load_rules
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.measurements import measurements
from tests.accuracy.findings import RULES, fired
from tests.conftest import CAPTURES
from tests.e2e.chat import foreseen, shown
from tests.e2e.processes import CHAT, Site
from tests.fakes.fake_telegram import FakeTelegram
from tests.fakes.influx_server import InfluxServer
from tests.faults.pbx import FaultyPbx, is_report, serving

BRIDGE = CAPTURES / "asterisk-20/sip-bridge-loss"
OUTAGE = CAPTURES / "asterisk-20/trunk-outage"
PBX = "office"
SPEED = 30.0
REPORT = "Daily report"
# Windows are measured anew after a fault, so figures and durations of the same alert may differ.
_MEASURED = re.compile(r"[\dN.]+%|( is over| are back| is registered again)? after .*$|, (now|again).*$")
# Who was killed between judging and telling, and has not asked the PBX yet, knows no more than that of a silent provider.
_NOT_HEARD_YET = re.compile(r"the state of (trunk SIP/\S+) is unknown")
_OF_THE_FAULT = re.compile(rf"{REPORT[1:]}|cannot be seen|can be seen again|is not visible|nothing is seen|PBX", re.IGNORECASE)
_TAG = re.compile(r"(?:^|,)(peer|direction)=((?:\\.|[^, \\])*)")

Sample = tuple[str, str, int]  # peer, direction, microseconds


# After a gap counters stand anew, and of two legs that both lose it takes up to four reports until they tell what is whose.
REPORTS_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault cost.  ``problems`` is empty when all that was promised was kept."""

    times: int = 1
    alerts: int = 0  # that had to be told
    lost: int = 0
    twice: int = 0
    samples: int = 0  # that had to be stored
    explained: int = 0  # not stored, and why is known
    missing: int = 0  # not stored
    anew: int = 0  # messages told once more, because what knew of the first ones was destroyed
    remark: str = ""
    problems: tuple[str, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.times + other.times,
            self.alerts + other.alerts,
            self.lost + other.lost,
            self.twice + other.twice,
            self.samples + other.samples,
            self.explained + other.explained,
            self.missing + other.missing,
            self.anew + other.anew,
            other.remark or self.remark,
            self.problems + other.problems,
        )


@dataclass
class Stage:
    """Everything around one daemon; ``config`` is what it is started with."""

    folder: Path
    pbx: FaultyPbx
    telegram: FakeTelegram
    influx: InfluxServer
    config: Path
    recording: Path
    after_gaps: tuple[Path, ...] = ()  # the rest of the recording, where the connection was lost
    forgets: bool = False  # the fault costs what was told: each alert's subject must have been named at some time
    problems: list[str] = field(default_factory=list)

    @cached_property
    def heads_expected(self) -> Counter[str]:
        """What the chat must show in the end."""
        return heads(foreseen(self.recording, self.config, *self.after_gaps))

    @cached_property
    def subjects(self) -> frozenset[str]:
        """Whom an alert must be told of."""
        events = (event for timed in self.pbx.script.messages for event in translate(timed.message, timed.at))
        return frozenset(transition.alert.key.subject for transition in fired(events))

    def configure(self, **more: Any) -> None:
        """Put sections over those of the configuration."""
        document = yaml.safe_load(self.config.read_text(encoding="utf-8")) | more
        self.config.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        self.config.chmod(0o600)

    def demand(self, is_so: bool, complaint: str) -> None:
        """Note what was promised and not kept."""
        if not is_so:
            self.problems.append(complaint)

    async def over(self) -> None:
        """Wait until everything was played and the chat shows what it should, or has had time enough to."""
        await asyncio.wait_for(self.pbx.finished.wait(), 180)
        with suppress(TimeoutError):
            await self.telegram.wait(lambda: not self._lost(), timeout_s=60)

    async def handed_over(self, last: Sample) -> None:
        """Wait until the database has this sample, or the daemon has had time enough to read and store that far."""
        with suppress(TimeoutError):
            async with asyncio.timeout(120):
                while last not in samples_in(self.influx.lines):
                    await asyncio.sleep(0.5)

    def _lost(self) -> Counter[str]:
        if not self.forgets:
            return self.heads_expected - heads(shown(self.telegram))
        ever = "\n".join(text for message in self.telegram.living(CHAT) for text in (message.text, *message.history))
        return Counter(subject for subject in self.subjects if subject not in ever)

    def outcome(
        self,
        log: Iterable[str],
        *,
        times: int = 1,
        allowed_twice: int = 0,
        forgotten: int = 0,
        explains: Callable[[Sample], bool] = lambda sample: False,
        remark: str = "",
        stored: set[Sample] | None = None,
    ) -> Outcome:
        """Count; ``explains`` tells of a sample that is not stored whether that is the fault's price.

        ``forgotten`` messages were known to nobody any more after the fault; as many may be told anew.
        """
        lost, twice = self._lost(), heads(shown(self.telegram)) - self.heads_expected
        of_the_fault = Counter({text: count for text, count in twice.items() if _OF_THE_FAULT.search(text)})
        twice -= of_the_fault
        anew = min(twice.total(), forgotten)
        wanted = samples_of(self.pbx)
        missing = wanted - (samples_in(self.influx.lines) if stored is None else stored)
        explained = {sample for sample in missing if explains(sample)}
        problems = [
            *self.problems,
            *(f"lost: {text}; told beyond what was foreseen: {', '.join(twice) or 'nothing'}" for text in lost),
            *(f"twice: {text}" for text in twice if twice.total() - anew > allowed_twice),
            *(f"not stored: {sample}" for sample in sorted(missing - explained)[:3]),
            *(f"traceback: {line}" for line in log if "Traceback" in line or "this_is_a_bug" in line),
        ]
        return Outcome(
            times,
            len(self.subjects) if self.forgets else self.heads_expected.total(),
            lost.total(),
            twice.total() - anew,
            len(wanted),
            len(explained),
            len(missing - explained),
            anew,
            remark,
            tuple(problems),
        )


@asynccontextmanager
async def stage(folder: Path, pbx: FaultyPbx | None = None) -> AsyncIterator[Stage]:
    """Set everything up but the daemon; ``pbx`` plays a call with loss, then an outage of trunks, unless it is given."""
    folder.mkdir(parents=True, exist_ok=True)
    pbx = pbx or FaultyPbx(BRIDGE, OUTAGE, speed=SPEED)
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(FakeTelegram())
        influx = await stack.enter_async_context(InfluxServer())
        await stack.enter_async_context(serving(pbx))
        config = Site(folder, {PBX: pbx.port}, telegram.url).write()
        it = Stage(folder, pbx, telegram, influx, config, as_recording(pbx, folder / "played"))
        it.configure(influx=[{"url": influx.url, "org": "office", "token": "token-of-the-fake"}])
        yield it


def as_recording(pbx: FaultyPbx, folder: Path) -> Path:
    """What a PBX plays as a file, for ``replay`` to say what must come of it."""
    return _recorded(pbx, [timed.message.raw for timed in pbx.script.messages], folder / "played.ami")


def as_heard(pbx: FaultyPbx, places: Sequence[int], folder: Path) -> tuple[Path, ...]:
    """The same with a new file after each message that is cut; a report is lost, anything else told again."""
    raw = [timed.message.raw for timed in pbx.script.messages]
    bounds = [0, *sorted(places), len(raw)]
    parts = [raw[begin:end] for begin, end in pairwise(bounds)]
    for part in parts[1:]:
        if is_report(part[0]):
            del part[0]
    return tuple(_recorded(pbx, part, folder / f"heard-{number}.ami") for number, part in enumerate(parts) if part)


def _recorded(pbx: FaultyPbx, messages: Iterable[bytes], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pbx.script.banner + b"".join(messages))
    return path


def heads(texts: Counter[str]) -> Counter[str]:
    """First lines without colours, figures and severities."""
    found: Counter[str] = Counter()
    for text, count in texts.items():
        head = _NOT_HEARD_YET.sub(r"\1 is not registered (no answer to registration)", text.splitlines()[0][1:])
        found[_MEASURED.sub("…", head)] += count
    return found


def samples_of(pbx: FaultyPbx) -> set[Sample]:
    """The samples that an undisturbed daemon makes of what a PBX plays."""
    pipeline = Pipeline(PBX, load_rules([RULES]))
    lines: list[str] = []
    for timed in pbx.script.messages:
        for event in translate(timed.message, timestamp(timed.message) or timed.at):
            effects = pipeline.feed(event)
            batch = SeriesBatch(samples=effects.samples)
            lines += encode(measurements(batch, lambda pbx, subject: {})).decode().splitlines()
    return samples_in(lines)


def samples_in(lines: Iterable[str]) -> set[Sample]:
    """Whose loss was measured when, in line protocol."""
    found = set()
    for line in lines:
        if line.startswith("loss,"):
            tags = dict(_TAG.findall(line))
            found.add((tags["peer"], tags["direction"], int(line.rpartition(" ")[2])))
    return found
