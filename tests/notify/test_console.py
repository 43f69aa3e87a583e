"""A terminal as a target."""

from __future__ import annotations

import io
from datetime import UTC

import pytest

from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.model import Direction, Notification, Severity
from qualitywatch.notify.channels.console import ConsoleNotifier, Options
from tests.notify.build import SINCE, notification, transition


def console(options: Options) -> ConsoleNotifier:
    return ConsoleNotifier.from_options({"out": options}, show_pbx=True, zone=UTC, remembered={})["out"]


async def test_a_message_is_printed_as_it_is_when_there_is_no_terminal() -> None:
    stream = io.StringIO()
    await console(Options(language="ru", stream=stream)).deliver(notification("out", 6117))
    assert stream.getvalue() == (
        "🟡 [office] Потери до SIP/6117 5.45%\nс 2025-11-22 22:00:00 UTC\nправило call-loss, предупреждение\n"
    )


async def test_a_terminal_shows_colour_but_the_same_words() -> None:
    stream = io.StringIO()
    change = transition(direction=Direction.TO_PEER, name="[bold]Anna[/bold]", value=5.0, severity=Severity.CRITICAL)
    await console(Options(stream=stream, colour=True)).deliver(Notification("out", change, SINCE))
    assert "\x1b[1;31m🔴 [office] loss to [bold]Anna[/bold] SIP/6117 5.00%\x1b[0m" in stream.getvalue()


async def test_a_stream_that_cannot_show_a_letter_shows_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    await console(Options(language="ru", stream=stream)).deliver(notification("out", 6117))
    assert raw.getvalue().startswith(b"? [office] ?????? ?? SIP/6117 5.45%\n")


async def test_a_stream_that_nobody_reads_any_more_is_a_permanent_failure() -> None:
    stream = io.StringIO()
    target = console(Options(stream=stream))
    stream.close()
    with pytest.raises(NotifyError, match="the console cannot be written to: it is closed") as caught:
        await target.deliver(notification("out", 1))
    assert caught.value.permanent


async def test_standard_output_is_the_default_and_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    target = console(Options())
    await target.deliver(notification("out", 6117))
    await target.close()
    print("still here")
    assert capsys.readouterr().out.endswith("rule call-loss, warning\nstill here\n")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="out: unknown language 'fr'; known are en, ru"):
        console(Options(language="fr"))
