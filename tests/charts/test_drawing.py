"""Pictures: what is on them."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from qualitywatch.charts.drawing import HEIGHT_PX, HEIGHT_WITH_MOS_PX, WIDTH_PX, draw, figure
from qualitywatch.charts.request import ChartRequest
from qualitywatch.charts.timeaxis import span, zone_of
from qualitywatch.charts.words import words_of
from qualitywatch.model import Metric, Severity
from qualitywatch.room import Limit
from tests.charts.build import FROM, SINCE, TO, minute, request

CALLS = [minute(number, TO, loss=1.0, worst=2.0, jitter=8.0) for number in range(10)]


def size(png: bytes) -> tuple[int, int]:
    """Width and height as the header tells (RFC 2083, 4.1.1)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert png[12:16] == b"IHDR"
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def written(chart: Figure) -> list[Text]:
    """Every text that can be seen, where it was drawn."""
    chart.canvas.draw()
    return [text for text in chart.findobj(lambda artist: isinstance(artist, Text)) if text.get_visible() and text.get_text()]  # type: ignore[attr-defined, misc]


def texts(chart: Figure) -> set[str]:
    return {text.get_text() for text in written(chart)}


def line(axes: Axes, label: str) -> list[float]:
    """Values of a line; NaN where the pen is lifted."""
    (found,) = [line for line in axes.get_lines() if line.get_label() == label]
    return [float(value) for value in np.asarray(found.get_ydata(), dtype=float)]


def dashed(axes: Axes) -> list[float]:
    """Heights of the limits."""
    return sorted(float(np.asarray(line.get_ydata())[0]) for line in axes.get_lines() if str(line.get_label()).startswith("_"))


def shades(axes: Axes) -> list[tuple[float, float]]:
    """Begin and end of the shaded times, in seconds since SINCE."""
    boxes = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
    return [(round(box.x0 * 86_400 - SINCE), round(box.x1 * 86_400 - SINCE)) for box in boxes]


def test_a_picture_is_a_png_as_wide_as_a_phone() -> None:
    assert size(draw(request(CALLS))) == (WIDTH_PX, HEIGHT_PX)


def test_another_past_is_another_picture_and_the_same_is_the_same() -> None:
    other = [*CALLS[:-1], minute(9, TO, loss=9.0, jitter=8.0)]
    assert draw(request(CALLS)) == draw(request(CALLS))
    assert draw(request(CALLS)) != draw(request(other))


def test_a_known_score_gets_a_panel_of_its_own() -> None:
    scored = request([minute(0, TO, loss=1.0, mos=4.2)])
    assert size(draw(scored)) == (WIDTH_PX, HEIGHT_WITH_MOS_PX)
    assert len(figure(scored).axes) == 3
    assert figure(scored).axes[2].get_ylim() == (1.0, 4.5)
    assert "MOS" in texts(figure(scored))


def test_both_directions_are_drawn_and_times_without_calls_are_gaps() -> None:
    points = [
        minute(0, TO, loss=1.0),
        minute(1, TO, loss=2.0),
        minute(3, TO, loss=3.0),
        minute(0, FROM, loss=0.5),
    ]
    axes = figure(request(points)).axes[0]
    assert line(axes, "to_peer") == pytest.approx([1.0, 2.0, float("nan"), 3.0], nan_ok=True)
    assert line(axes, "from_peer") == [0.5]


def test_a_single_minute_of_speech_can_be_seen() -> None:
    with_it = np.frombuffer(_pixels(request([minute(12, TO, loss=2.0)])), dtype=np.uint8)
    without = np.frombuffer(_pixels(request([minute(12, TO)])), dtype=np.uint8)
    assert with_it.size == without.size
    axes = figure(request([minute(12, TO, loss=2.0)])).axes[0]
    (drawn,) = [line for line in axes.get_lines() if line.get_label() == "to_peer"]
    assert drawn.get_marker() == "o"
    blue = np.all(with_it.reshape(-1, 4)[:, :3] == (0x00, 0x65, 0xA5), axis=1)
    assert blue.sum() > 60  # a dot, besides the legend's and the heading's


def _pixels(wanted: ChartRequest) -> bytes:
    chart = figure(wanted)
    # Only the first panel: neither legend nor headings.
    for text in chart.findobj(Text):
        text.set_visible(False)
    for legend in chart.legends:
        legend.set_visible(False)
    chart.canvas.draw()
    return bytes(chart.canvas.buffer_rgba())  # type: ignore[attr-defined]


def test_limits_are_drawn_and_named_where_they_are_near() -> None:
    chart = figure(request(CALLS))
    loss, jitter = chart.axes
    assert dashed(loss) == [3.0, 10.0]
    assert dashed(jitter) == [30.0]
    assert {"warning", "critical"} <= texts(chart)


def test_a_limit_far_away_does_not_flatten_the_curve() -> None:
    chart = figure(request(CALLS, limits=(Limit(Metric.LOSS_PERCENT, Severity.CRITICAL, 80.0),)))
    assert dashed(chart.axes[0]) == []
    assert chart.axes[0].get_ylim() == (0.0, 5.0)


def test_trifles_are_shown_on_a_scale_on_which_they_look_like_trifles() -> None:
    chart = figure(request([minute(0, TO, loss=0.02, jitter=0.4)], limits=()))
    assert [axes.get_ylim() for axes in chart.axes] == [(0.0, 5.0), (0.0, 50.0)]


def test_one_very_bad_report_does_not_flatten_the_rest_but_its_figure_is_told() -> None:
    chart = figure(request([minute(0, TO, loss=2.0, worst=100.0)], limits=()))
    assert chart.axes[0].get_ylim()[1] <= 15
    assert "100.0" in texts(chart)


def test_the_worst_mean_is_always_inside() -> None:
    chart = figure(request([minute(0, TO, loss=64.0, jitter=300.0)]))
    assert [axes.get_ylim()[1] > value for axes, value in zip(chart.axes, (64.0, 300.0), strict=True)] == [True, True]


def test_incidents_are_shaded_until_they_end_or_until_now() -> None:
    chart = figure(request(CALLS, shaded=((SINCE - 999, SINCE + 300), (SINCE + 600, None), (SINCE - 99, SINCE - 9))))
    for axes in chart.axes:
        assert shades(axes) == [(0, 300), (600, 1800)]
    assert "incident" in texts(chart)
    assert "incident" not in texts(figure(request(CALLS)))


def test_a_short_incident_is_seen_too() -> None:
    ((start, end),) = shades(figure(request(CALLS, shaded=((SINCE + 60, SINCE + 61),))).axes[0])
    assert start == 60
    assert end - start > 5


def test_reported_loss_is_drawn_where_the_other_leg_makes_a_difference() -> None:
    equal = figure(request([minute(0, TO, loss=2.0, reported=2.0)]))
    assert "as reported" not in texts(equal)
    differs = figure(request([minute(0, TO, loss=0.0, reported=6.0), minute(1, TO, loss=0.0, reported=6.0)]))
    assert line(differs.axes[0], "reported to_peer") == [6.0, 6.0]
    assert differs.axes[0].get_ylim()[1] > 6.0
    assert "as reported" in texts(differs)


def test_texts_are_english_and_tell_local_time() -> None:
    found = texts(figure(request(CALLS)))
    assert {"Anna SIP/6117", "23 Nov 2025, 01:00–01:30 MSK", "Loss, %", "Jitter, ms", "to the phone", "from the phone"} <= found
    assert "01:10" in found


def test_texts_are_russian_for_those_who_read_it() -> None:
    found = texts(figure(request(CALLS, language="ru", title="Анна SIP/6117", shaded=((SINCE, None),))))
    assert {"Анна SIP/6117", "23 ноя 2025, 01:00–01:30 MSK", "Потери, %", "Джиттер, мс", "к аппарату", "от аппарата"} <= found
    assert {"инцидент", "предупреждение", "критично", "макс."} <= found


@pytest.mark.parametrize(("language", "said"), [("en", "No calls in this time"), ("ru", "За это время звонков нет")])
def test_a_time_without_calls_says_so(language: str, said: str) -> None:
    assert said in texts(figure(request(language=language)))
    assert said in texts(figure(request([minute(99, TO, loss=1.0), minute(1, TO)], language=language)))
    assert said not in texts(figure(request(CALLS, language=language)))


def test_a_name_is_no_formula_and_a_strange_letter_no_failure() -> None:
    chart = figure(request(CALLS, title="$x^2$ and $ \\frac"))
    assert "$x^2$ and $ \\frac" in texts(chart)
    assert size(draw(request(CALLS, title="$\\frac{ 小林 🦊"))) == (WIDTH_PX, HEIGHT_PX)


def test_a_long_title_fits_and_keeps_both_ends() -> None:
    chart = figure(request(CALLS, title="Anna " + "of a department far away " * 9 + "SIP/6117"))
    (title,) = [text for text in chart.texts if text.get_text().startswith("Anna")]
    assert title.get_text().endswith("SIP/6117")
    assert title.get_window_extent().x1 <= WIDTH_PX


def test_every_letter_is_inside_the_picture_and_large_enough() -> None:
    points = [
        minute(number, direction, loss=99.9, jitter=999.0, reported=1.0, mos=1.0)
        for number in (0, 29)
        for direction in (TO, FROM)
    ]
    chart = figure(request(points, language="ru", shaded=((SINCE, None),)))
    width, height = chart.canvas.get_width_height()
    for text in written(chart):
        box, size_px = text.get_window_extent(), float(text.get_fontsize()) * 2
        if box.x1 > 0:  # the library keeps ticks outside of the axis in hand
            assert (box.x0 >= 0, box.x1 <= width, box.y0 >= 0, box.y1 <= height) == (True,) * 4, text.get_text()
            assert size_px >= 22, text.get_text()


def test_a_span_over_the_end_of_summer_time_tells_both_zones() -> None:
    words, zone = words_of("en"), zone_of("Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()  # 02:30, which comes twice that night
    assert span(first, first + 3600, zone, words) == "25 Oct 2026, 02:30 CEST–02:30 CET"
    assert span(first - 86_400, first + 3600, zone, words) == "24 Oct, 02:30 CEST – 25 Oct 2026, 02:30 CET"


def test_a_span_of_several_days_tells_both_of_them() -> None:
    words, zone = words_of("en"), zone_of("Europe/Moscow")
    assert span(SINCE, SINCE + 86_400, zone, words) == "23 Nov, 01:00 – 24 Nov 2025, 01:00 MSK"
    assert span(SINCE, SINCE + 40 * 86_400, zone, words) == "23 Nov 2025, 01:00 – 2 Jan 2026, 01:00 MSK"
    week = figure(request([minute(0, TO, loss=1.0)], until=SINCE + 7 * 86_400))
    assert "25 Nov" in texts(week)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd"])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
    assert "22 Nov 2025, 22:00–22:30 UTC" in texts(figure(request(CALLS, zone=name)))


def test_no_time_at_all_is_still_a_picture() -> None:
    assert size(draw(request(CALLS, until=SINCE))) == (WIDTH_PX, HEIGHT_PX)
