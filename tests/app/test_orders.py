"""What Asterisk says to an order, told apart by what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.codec import Decoder, Message
from qualitywatch.app.orders import Refusal, read, send
from qualitywatch.errors import AmiConnectError
from qualitywatch.model import RemedyAction, RemedyReason
from qualitywatch.remedies.action import Request
from qualitywatch.remedies.registry import ACTIONS

VALUES = {"family": "trunk", "key": "main", "value": "backup", "variable": "X", "channel": ""}
HANGUP = Request("Hangup", (("Channel", "SIP/1-1"),), ("call", "system"))


class Scripted:
    """Asterisk with one thing to say; None is silence."""

    def __init__(self, text: str | None, item: str = "") -> None:
        self._response = None if text is None else _message(f"Response: {text}")
        self._items = (_message(item),) if item else ()

    async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        response = self._response
        if response is None:
            return Answer(action, False, "no answer within 10 s")
        good = response.get("Response") == "Success"
        return Answer(action, good, response.get("Message") or "", response, self._items)


def _message(text: str) -> Message:
    banner = b"Asterisk Call Manager/9.0.0\r\n"
    return Decoder().feed(banner + text.replace("|", "\r\n").encode() + b"\r\n\r\n")[-1]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Success|Message: Channel Hungup", None),
        ("Error|Message: Permission denied", Refusal(RemedyReason.RIGHT, "call")),
        ("Error|Message: No such channel", Refusal(RemedyReason.GONE)),
        ("Error|Message: Variable not set", Refusal(RemedyReason.REFUSED, "Variable not set")),
        (None, Refusal(RemedyReason.SILENT)),
    ],
)
async def test_a_refusal_says_why(said: str | None, expected: Refusal | None) -> None:
    assert await send(HANGUP, Scripted(said), ACTIONS[RemedyAction.HANGUP].gone) == expected


@pytest.mark.parametrize(
    ("action", "said", "item", "expected"),
    [
        ("dbput", "Success|EventList: start", "Event: DBGetResponse|Family: trunk|Key: main|Val: mango", "mango"),
        ("dbput", "Success|EventList: start", "Event: DBGetResponse|Family: trunk|Key: main|Val: ", ""),
        ("dbput", "Error|Message: Database entry not found", "", None),
        ("dbput", "Error|Message: Permission denied", "", Refusal(RemedyReason.RIGHT, "system")),
        ("setvar", "Success|Variable: X|Value: mango", "", "mango"),
        ("setvar", "Success|Variable: X|Value: ", "", ""),
    ],
)
async def test_what_there_is_can_be_read(action: RemedyAction, said: str, item: str, expected: object) -> None:
    switch = ACTIONS[RemedyAction(action)].switch
    assert switch is not None
    assert await read(VALUES, switch, Scripted(said, item)) == expected


async def test_silence_is_no_value() -> None:
    """Or a backup that was there before would be deleted at the end."""
    switch = ACTIONS[RemedyAction.DBPUT].switch
    assert switch is not None
    with pytest.raises(AmiConnectError):
        await read(VALUES, switch, Scripted(None))


async def test_what_fits_no_line_is_not_sent() -> None:
    class Strict:
        async def request(self, action: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
            raise ValueError("too long")

    assert await send(HANGUP, Strict(), ()) == Refusal(RemedyReason.UNFIT)
