"""What strangers can send, and who reads it: each target takes bytes, and only its declared errors may escape.

The corpus comes from the recordings, the shipped rules and what people really type, so that a fuzzer begins where it counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.ami.events import translate
from qualitywatch.ami.fields import timestamp
from qualitywatch.ami.recording import read_recording
from qualitywatch.ami.session import Session
from qualitywatch.config import read_config_and_rules
from qualitywatch.document import Problems
from qualitywatch.errors import AmiProtocolError, ConfigError, QualitywatchError, StoreError
from qualitywatch.model import Alert, Incident, Post, Silence
from qualitywatch.notify.render import headline
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import SeriesBatch
from qualitywatch.rules.loader import collect_rules, load_rules
from qualitywatch.sinks.encoding import encode
from qualitywatch.sinks.measurements import measurements
from qualitywatch.store.codec import loads
from tests.chat.build import LOSS, NOW, TRUNK, Desk
from tests.chat.room import MemoryRoom
from tests.conftest import CAPTURES
from tests.fakes.telegram_html import visible_text

RULES: Final = Path(__file__).parents[2] / "rules"
SMALL_BYTES: Final = 40_000  # of a recording: a fuzzer wants short inputs
_BANNER: Final = b"Asterisk Call Manager/9.0.0\r\n"
_ACCEPTED: Final = b"Response: Success\r\nActionID: f-1\r\nMessage: Authentication accepted\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` may raise what is ``declared`` and nothing else."""

    run: Callable[[bytes], object]
    corpus: Callable[[], Iterable[bytes]]
    declared: tuple[type[Exception], ...] = ()

    def check(self, data: bytes) -> None:
        """Try one input; whatever escapes is a finding."""
        with suppress(*self.declared):
            self.run(data)


def _recorded() -> list[bytes]:
    return [path.read_bytes()[:SMALL_BYTES] for path in sorted(CAPTURES.glob("*/*/input.ami"))]


def _frames() -> list[bytes]:
    """One message of each kind of each recording."""
    found: dict[bytes, bytes] = {}
    for path in sorted(CAPTURES.glob("*/*/input.ami")):
        for message in Decoder().feed(path.read_bytes()):
            found.setdefault(message.raw.partition(b"\r\n")[0] + str(message.raw.count(b"\n")).encode(), message.raw)
    return list(found.values())


def _codec(data: bytes) -> None:
    """Whole, and cut in pieces whose size the first byte tells: the same comes of both."""
    if not data:
        return
    size, stream = data[0] + 1, data[1:]
    whole, pieces = _decoded([stream]), _decoded([stream[at : at + size] for at in range(0, len(stream), size)])
    if whole != pieces:
        raise AssertionError("another cutting gives other messages")


def _decoded(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    decoder, found = Decoder(max_message_bytes=4096), list[bytes]()
    try:
        for piece in pieces:
            found += [message.raw for message in decoder.feed(piece)]
        decoder.close()
    except AmiProtocolError:
        return found, True
    return found, False


def _session(data: bytes) -> None:
    session, now = Session("u", "s", use_md5=False, id_prefix="f"), 0.0
    session.connected(now)
    logged_in = bool(data[:1] > b"\x40")
    if logged_in:
        session.receive(_BANNER, now)
        session.receive(_ACCEPTED, now)
        session.request("CoreShowChannels", (), now)
    try:
        for at in range(1, len(data), 997):
            now += 3.0
            session.receive(data[at : at + 997], now)
            session.tick(now)
    finally:
        session.data_to_send()
        session.next_deadline()
    session.lost()


@cache
def _specs() -> tuple[Any, ...]:
    return load_rules([RULES])


def _pipeline(data: bytes) -> None:
    """Everything that is made of what a PBX says: states, samples, alerts, their words, lines for a database."""
    pipeline = Pipeline("office", _specs())
    at = 1_700_000_000.0
    for raw in re.split(rb"(?<=\r\n\r\n)", data)[:50]:
        message = Message(raw)
        at = timestamp(message) or at + 1.0
        for event in translate(message, at):
            effects = pipeline.feed(event)
            batch = SeriesBatch(effects.samples, effects.calls, effects.logs, effects.observed, effects.kpis)
            encode(measurements(batch, lambda pbx, subject: {}))
            for transition in effects.transitions:
                for language in ("en", "ru"):
                    told = headline(transition, language)
                    if not told.isprintable() and "\u200d" not in told and any(char < " " for char in told):
                        raise AssertionError(f"a control character is told: {told!r}")


def _events(data: bytes) -> None:
    for raw in re.split(rb"(?<=\r\n\r\n)", data)[:200]:
        message = Message(raw)
        assert isinstance(message.headers, tuple)
        list(translate(message, 1_700_000_000.0))


def _recording(data: bytes) -> None:
    for timed in read_recording(data):
        if timed.at < 0:
            raise AssertionError("a negative instant")


@cache
def _scratch() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="qualitywatch-fuzz-", dir=shared if shared.is_dir() else None))


def _config(data: bytes) -> None:
    path = _scratch() / f"{os.getpid()}.yml"
    path.write_bytes(data)
    path.chmod(0o600)
    read_config_and_rules(path, {"STATE_DIRECTORY": "/var/lib/qualitywatch", "TZ": "UTC"})


def _rules(data: bytes) -> None:
    path = _scratch() / f"{os.getpid()}-rule.yml"
    path.write_bytes(data)
    problems = Problems()
    collect_rules([path], problems)
    problems.raise_if_any()


_CONFIG: Final = (
    b"pbx: [{name: office, host: 192.0.2.1, username: u, secret: s}]\n",
    b"pbx:\n  - {host: h, username: u, secret: s, tls: {enabled: true}, queues: {every: 30s, only: ['a*']}}\n"
    b"telegram: {token: '123456:AA-bb_cc', users: {1: Anna}}\nnotify:\n  - {name: ops, kind: telegram, chat_id: -100}\n"
    b"routes:\n  - {match: {severity: critical}, to: [ops], escalate: {after: 20s, to: [ops]}}\n",
    b"maintenance:\n  - {name: night, days: [mon, tue], from: '22:00', until: '06:00'}\nincidents: {group_by: [rule]}\n",
    b"influx: [{url: 'http://127.0.0.1:8086', org: o, token: t, keep: 30d}]\nweb: {listen: '127.0.0.1:8080', token: abc}\n",
    b"reports: [{every: day, at: '08:00'}]\nsites: {office: [10.0.0.0/8]}\ntimezone: Europe/Berlin\nlanguage: ru\n",
    b"a: &a [x, x]\nb: &b [*a, *a]\npbx: [*b, *b]\n",
)


def _rule_files() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(RULES.glob("*.yml"))]
    return texts + [b"rules:\n" + part for text in texts for part in re.split(rb"(?m)^(?=  - name:)", text)[1:]]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _chat(data: bytes) -> None:
    """A command and a press of anybody; what is answered must be what Telegram takes."""
    text = data[1:].decode("utf-8", "replace")
    desk = Desk(MemoryRoom(NOW, open=[TRUNK, LOSS]), language="ru" if data[:1] > b"\x80" else "en")
    answer = _loop().run_until_complete(desk.say(text, user=1 if data[:1] < b"\x08" else 4711))
    for message in getattr(answer, "messages", ()) or ():
        visible_text(getattr(message, "html", ""))
    _loop().run_until_complete(desk.press(text))


_TYPED: Final = (
    "/status", "/peer 6117 1h", "/worst mos 7d", "/silence SIP/6117 2h new cable", "/silence all до 08:00", "/silences",
    "/unsilence #3", "/lang ru", "/trunks", "/help", "/calls 6117", "/Status@our_bot", "/silence rule=loss,mos pbx=office 1h",
    "ack:12", "unack:12", "mute:12", "/peer <b>&amp;\u202e{0}%s", "/incident 12", "/queues", "/report day",
)  # fmt: skip


@cache
def _application() -> Any:
    from qualitywatch.store.backends.memory import MemorySeriesStore  # noqa: PLC0415 - the web is an extra
    from qualitywatch.web.access import Access  # noqa: PLC0415
    from qualitywatch.web.application import build_application  # noqa: PLC0415
    from qualitywatch.web.decisions import Doors  # noqa: PLC0415
    from qualitywatch.web.sources import Sources  # noqa: PLC0415

    store = _loop().run_until_complete(MemorySeriesStore.open(Path("unused"), MemorySeriesStore.Options(), now=NOW))
    sources = Sources(MemoryRoom(NOW, open=[TRUNK, LOSS]), store, _specs(), _Clock())
    from qualitywatch.secrets import Secret  # noqa: PLC0415

    return build_application(sources, Access(Doors(Secret("t"), {}, is_metrics_open=False, is_behind_tls=False)))


class _Clock:
    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 1000.0


def _http(data: bytes) -> None:
    """A request as it comes: method, target, a header and a body, one a line; 500 is a finding."""
    first, _, body = data.partition(b"\n")
    second, _, body = body.partition(b"\n")
    method, _, target = first.decode("latin-1").partition(" ")
    path, _, query = target.partition("?")
    if path.startswith("/api/v1/stream"):
        return  # it has no end
    name, _, value = second.partition(b":")
    headers = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer t"), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.upper() or "GET",
        "scheme": "http", "path": path, "raw_path": path.encode("utf-8", "replace"), "root_path": "",
        "query_string": query.encode("utf-8", "replace"), "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
        "headers": [*headers, (name.lower().strip() or b"x", value.strip())],
    }  # fmt: skip
    answers: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        answers.append(message)

    _loop().run_until_complete(asyncio.wait_for(_application()(scope, receive, send), 10))
    status = next((int(answer["status"]) for answer in answers if answer["type"] == "http.response.start"), 0)
    if status >= 500 and status != 503:
        raise AssertionError(f"answered {status}")


_REQUESTS: Final = tuple(
    f"{method} {path}\nx: y\n{body}".encode()
    for method, path, body in (
        ("GET", "/api/v1/pbxes", ""),
        ("GET", "/api/v1/peers?pbx=office&limit=5", ""),
        ("GET", "/api/v1/peers/office/SIP%2F6117?since=1700000000&until=1700003600", ""),
        ("GET", "/api/v1/series?pbx=office&subject=SIP/6117&metric=loss&since=2026-01-01T00:00:00Z", ""),
        ("GET", "/api/v1/incidents?state=open", ""),
        ("POST", "/api/v1/incidents/12/acknowledge", "{}"),
        ("POST", "/api/v1/silences", json.dumps({"everything": True, "ends_at": NOW + 60, "comment": "x"})),
        ("DELETE", "/api/v1/silences/1", ""),
        ("GET", "/api/v1/events?kinds=alert&offset=1", ""),
        ("GET", "/api/v1/calls?linkedid=1.1", ""),
        ("GET", "/metrics", ""),
        ("GET", "/static/../../etc/passwd", ""),
        ("GET", "/?token=t", ""),
        ("GET", "/healthz", ""),
        ("GET", "/api/v1/rules", ""),
    )
)


def _stored(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for kind in (Alert, Incident, Post, Silence):
        try:
            loads(kind, text)
        except StoreError:
            continue


def _stored_corpus() -> list[bytes]:
    from qualitywatch.store.codec import dumps  # noqa: PLC0415

    return [dumps(LOSS).encode(), dumps(TRUNK.members[0].alert).encode(), b"{}", b"[" * 5000]


TARGETS: Final[Mapping[str, Target]] = {
    "codec": Target(_codec, lambda: [b"\x40" + text for text in (*_frames(), *(each[:4000] for each in _recorded()))]),
    "session": Target(
        _session, lambda: [first + text for text in _recorded() for first in (b"\x00", b"\xff")], (QualitywatchError,)
    ),
    "events": Target(_events, _frames),
    "pipeline": Target(_pipeline, lambda: [*_frames(), *_recorded()]),
    "recording": Target(_recording, _recorded, (AmiProtocolError,)),
    "config": Target(_config, lambda: _CONFIG, (ConfigError,)),
    "rules": Target(_rules, _rule_files, (ConfigError,)),
    "http": Target(_http, lambda: _REQUESTS),
    "chat": Target(_chat, lambda: [b"\x10" + text.encode() for text in _TYPED]),
    "store": Target(_stored, _stored_corpus),
}
