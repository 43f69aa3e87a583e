"""A terminal as a target."""

from __future__ import annotations

import io
from datetime import UTC

import pytest

from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.model import Severity
from qualitywatch.notify.channels.console import ConsoleNotifier, Options
from tests.notify.told import bulletin, notification


def console(options: Options) -> ConsoleNotifier:
    return ConsoleNotifier.from_options({"out": options}, show_pbx=True, zone=UTC, remembered={})["out"]


async def test_a_message_is_printed_as_it_is_when_there_is_no_terminal() -> None:
    stream = io.StringIO()
    target = console(Options(language="ru", stream=stream))
    await target.send(target.render(bulletin()))
    first, *_, last = stream.getvalue().splitlines()
    assert first == "🟡 [office] Потери до SIP/6117 5.45%"
    assert last == "правило call-loss, предупреждение"
    assert (target.can_edit, target.takes_pictures, target.pause_s()) == (False, False, 0.0)


@pytest.mark.parametrize(
    ("mark", "severity", "style"),
    [
        ("🔴", Severity.CRITICAL, "1;31"),
        ("🟡", Severity.WARNING, "33"),
        ("🔵", Severity.INFO, "36"),
        ("🟢", Severity.CRITICAL, "32"),
        ("⚪", Severity.WARNING, "32"),
    ],
)
async def test_a_terminal_shows_colour_but_the_same_words(mark: str, severity: Severity, style: str) -> None:
    stream = io.StringIO()
    message = notification("[bold]Anna[/bold]", mark=mark, severity=severity)
    await console(Options(stream=stream, colour=True)).send(message)
    assert f"\x1b[{style}m{mark} loss to [bold]Anna[/bold] 5.45%\x1b[0m" in stream.getvalue()


async def test_a_stream_that_cannot_show_a_letter_shows_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    target = console(Options(language="ru", stream=stream))
    await target.send(target.render(bulletin()))
    assert raw.getvalue().startswith(b"? [office] ?????? ?? SIP/6117 5.45%\n")


async def test_a_stream_that_nobody_reads_any_more_is_a_permanent_failure() -> None:
    stream = io.StringIO()
    target = console(Options(stream=stream))
    stream.close()
    with pytest.raises(NotifyError, match="the console cannot be written to: it is closed") as caught:
        await target.send(notification())
    assert caught.value.permanent


async def test_standard_output_is_the_default_and_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    target = console(Options())
    await target.send(notification())
    await target.close()
    print("still here")
    assert capsys.readouterr().out.endswith("since 22:00:00\nstill here\n")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="out: unknown language 'fr'; known are en, ru"):
        console(Options(language="fr"))
