"""One order to Asterisk and what it says to that: the manager actions behind remedies.

Strategy: a refusal is a value.  Asterisk's few texts are told apart by what an administrator can do about them: a right that is
missing, a channel that is gone, and whatever else in Asterisk's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.refusals import one_line
from qualitywatch.ami.resync import Asker
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import RemedyReason
from qualitywatch.remedies.action import Request, Switch, Values

_DENIED: Final = "permission denied"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Asterisk did not do it."""

    why: RemedyReason
    detail: str = ""


async def read(values: Values, switch: Switch, asker: Asker) -> str | Refusal | None:
    """Return what a switch is set to; None when to nothing.

    Raises AmiConnectError, also when no answer came: nothing was changed, so it can be asked again.
    """
    request = switch.read(values)
    try:
        answer = await asker.request(request.action, request.headers)
    except ValueError:
        return Refusal(RemedyReason.UNFIT)
    if answer.response is None:
        raise AmiConnectError(f"did not answer {request.action}")
    if not answer.ok:
        absent = bool(switch.absent) and answer.message.casefold().startswith(switch.absent)
        return None if absent else _refusal(answer, request, ())
    value = next(
        (value for message in answer.items or (answer.response,) if (value := message.get(switch.header)) is not None), None
    )
    return value if value is not None else Refusal(RemedyReason.REFUSED, one_line(answer.message))


async def send(request: Request, asker: Asker, gone: Sequence[str]) -> Refusal | None:
    """Send it; None when it was done. Raises AmiConnectError."""
    try:
        answer = await asker.request(request.action, request.headers)
    except ValueError:
        return Refusal(RemedyReason.UNFIT)
    return None if answer.ok else _refusal(answer, request, gone)


def _refusal(answer: Answer, request: Request, gone: Sequence[str]) -> Refusal:
    if answer.response is None:
        return Refusal(RemedyReason.SILENT)
    text = answer.message.casefold()
    if text.startswith(_DENIED):
        return Refusal(RemedyReason.RIGHT, request.rights[0])
    if any(text.startswith(start) for start in gone):
        return Refusal(RemedyReason.GONE)
    return Refusal(RemedyReason.REFUSED, one_line(answer.message))
