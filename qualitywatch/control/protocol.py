"""What goes over the control socket: one line of JSON with a request, one line with the answer.

    {"do": "silence.add", "ends_at": 1764000000, "subjects": ["SIP/61*"], "comment": "new switch"}
    {"ok": true, "now": 1763990000.0, "silences": [{"id": 7, ...}]}
    {"ok": false, "error": "would be over already: its end is in the past"}

Fields are those of the dataclasses.  A request is read strictly, for a misspelt selector would silence more than was meant; an
answer may have fields that are not known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from qualitywatch.errors import QualitywatchError, StoreError
from qualitywatch.model import Silence
from qualitywatch.room import PbxView, SilenceRequest
from qualitywatch.store.codec import dumps, loads
from qualitywatch.why import Why, WhyRequest

SOCKET: Final = "control.sock"  # in the state directory
MAX_LINE: Final = 65_536  # bytes of a request, newline included
_LAST: Final = 32_503_680_000.0  # the year 3000: what lies beyond is a mistake, or milliseconds

T = TypeVar("T")


class ControlError(QualitywatchError):
    """A request was not understood, could not be carried out, or reached nobody."""


@dataclass(frozen=True, slots=True)
class ListSilences:
    """Asks for the silences in force or to come."""


@dataclass(frozen=True, slots=True)
class ExpireSilence:
    """Ends a silence now."""

    id: int


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Asks how things stand."""


@dataclass(frozen=True, slots=True)
class AskView:
    """Asks for everybody and everything, as a screen shows it."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Asks to read the configuration and the rules again."""


Request: TypeAlias = SilenceRequest | ListSilences | ExpireSilence | AskStatus | AskView | WhyRequest | Reload

_REQUESTS: Final[Mapping[str, type[Request]]] = {
    "silence.add": SilenceRequest,
    "silence.list": ListSilences,
    "silence.expire": ExpireSilence,
    "status": AskStatus,
    "why": WhyRequest,
    "view": AskView,
    "reload": Reload,
}
_NAMES: Final = {kind: name for name, kind in _REQUESTS.items()}


@dataclass(frozen=True, slots=True)
class Silences:
    """The silence that was made or ended, or all that were asked for, by id."""

    now: float
    silences: tuple[Silence, ...]


@dataclass(frozen=True, slots=True)
class PbxStatus:
    """One PBX in a few figures."""

    name: str
    is_seen: bool
    since_at: float | None
    peers: int
    trunks: int
    calls: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand; ``incidents`` are those that are open."""

    now: float
    pbxes: tuple[PbxStatus, ...]
    incidents: int
    silences: int


@dataclass(frozen=True, slots=True)
class Heard:
    """How a peer sounded in the last minute; None: nobody measured it."""

    pbx: str
    subject: str
    loss_to_percent: float | None
    loss_from_percent: float | None
    jitter_to_ms: float | None
    jitter_from_ms: float | None
    rtt_ms: float | None
    mos: float | None  # the lowest


@dataclass(frozen=True, slots=True)
class View:
    """Everybody and everything; ``troubles`` are the daemon's own."""

    now: float
    pbxes: tuple[PbxView, ...]
    heard: tuple[Heard, ...]
    incidents: int
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload: what is different now, or, where it was refused as a whole, everything that is wrong."""

    applied: bool
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


Answer: TypeAlias = Silences | Status | View | Why | Reloaded


def encode_request(request: Request) -> bytes:
    """Return the line of a request; raises ControlError when it is too long to be sent."""
    line = _line({"do": _NAMES[type(request)], **json.loads(dumps(request))})
    if len(line) > MAX_LINE:
        raise ControlError(f"the request is longer than {MAX_LINE} bytes: use fewer or shorter selectors")
    return line


def decode_request(line: bytes) -> Request:
    """Return the request of a line; raises ControlError saying what is wrong with it."""
    data = _object(line, "request")
    name = data.pop("do", None)
    kind = _REQUESTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ControlError(f'"do" must be one of {", ".join(_REQUESTS)}')
    known = [field.name for field in fields(kind)]
    if strangers := data.keys() - known:
        wanted = f"it takes {', '.join(known)}" if known else "it takes nothing else"
        raise ControlError(f"{name}: unknown {', '.join(sorted(map(ascii, strangers)))}; {wanted}")
    request = _typed(kind, data)
    if isinstance(request, SilenceRequest):
        for at in (request.ends_at, request.starts_at):
            if at is not None and not 0 <= at <= _LAST:
                raise ControlError("silence.add: times are Unix seconds")
    return request


def encode_answer(answer: Answer) -> bytes:
    """Return the line of an answer."""
    return _line({"ok": True, **json.loads(dumps(answer))})


def encode_error(reason: str) -> bytes:
    """Return the line that tells why a request failed."""
    return _line({"ok": False, "error": reason})


def decode_answer(kind: type[T], line: bytes) -> T:
    """Return the answer of a line; raises ControlError with the daemon's reason, or when it cannot be read."""
    data = _object(line, "answer")
    if data.pop("ok", None) is not True:
        error = data.get("error")
        raise ControlError(error if isinstance(error, str) else "the daemon refused without giving a reason")
    return _typed(kind, data)


def _line(data: Mapping[str, object]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        data = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise ControlError(f"the {what} is not one line of JSON") from exc
    if not isinstance(data, dict):
        raise ControlError(f"the {what} is not a JSON object")
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _typed(kind: type[T], data: Mapping[str, object]) -> T:
    try:
        return loads(kind, json.dumps(data))
    except StoreError as exc:
        raise ControlError(str(exc).removeprefix("stored ")) from exc
