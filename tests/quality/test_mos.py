"""The E-model against vectors computed independently from ITU-T G.107, G.107.1 and G.113."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.quality.codecs import CODECS, UNKNOWN_CODEC, Codec, Scale, codec_named
from qualitywatch.quality.mos import (
    delay_impairment,
    loss_impairment,
    mos,
    mouth_to_ear_ms,
    normalised_r,
    r_factor,
)

ULAW, G729, G722, OPUS = CODECS["ulaw"], CODECS["g729"], CODECS["g722"], CODECS["opus"]
G711_WITHOUT_PLC = Codec("ulaw", 8000, Scale.NARROWBAND, 0.0, 4.3, 0.0, grounded=True)


def scores(codec: Codec, loss_percent: float, delay_ms: float = 0.0) -> tuple[float, float]:
    r = r_factor(codec, loss_percent, delay_ms)
    return round(r, 3), round(mos(normalised_r(codec, r)), 3)


@pytest.mark.parametrize(
    ("loss", "ulaw", "without_plc", "g729", "g722", "opus"),
    [
        (0, (93.2, 4.409), (93.2, 4.409), (82.2, 4.104), (116.0, 4.337), (124.0, 4.459)),
        (1, (89.56, 4.328), (75.275, 3.834), (78.0, 3.946), (108.545, 4.171), (118.375, 4.380)),
        (3, (83.058, 4.134), (54.159, 2.794), (70.745, 3.632), (97.077, 3.833), (109.0, 4.182)),
        (5.45, (76.252, 3.875), (40.097, 2.069), (63.476, 3.278), (87.074, 3.478), (100.015, 3.927)),
        (10, (66.134, 3.411), (26.766, 1.481), (53.234, 2.745), (75.0, 3.003), (88.0, 3.512)),
    ],
)
def test_loss_vectors(
    loss: float,
    ulaw: tuple[float, float],
    without_plc: tuple[float, float],
    g729: tuple[float, float],
    g722: tuple[float, float],
    opus: tuple[float, float],
) -> None:
    assert scores(ULAW, loss) == pytest.approx(ulaw, abs=0.001)
    assert scores(G711_WITHOUT_PLC, loss) == pytest.approx(without_plc, abs=0.001)
    assert scores(G729, loss) == pytest.approx(g729, abs=0.001)
    assert scores(G722, loss) == pytest.approx(g722, abs=0.001)
    assert scores(OPUS, loss) == pytest.approx(opus, abs=0.001)


@pytest.mark.parametrize(
    ("delay", "r", "score"),
    [
        (20, 89.08, 4.316),
        (100, 87.16, 4.263),
        (150, 85.96, 4.228),
        (200, 82.263, 4.107),
        (300, 68.863, 3.543),
        (400, 55.463, 2.863),
    ],
)
def test_delay_vectors_at_one_percent(delay: float, r: float, score: float) -> None:
    assert scores(ULAW, 1, delay) == pytest.approx((r, score), abs=0.001)


@pytest.mark.parametrize(
    ("delay", "impairment"), [(50, 1.2), (150, 3.6), (177.3, 4.255), (200, 7.297), (300, 20.697), (400, 34.097)]
)
def test_simplified_delay_impairment(delay: float, impairment: float) -> None:
    assert delay_impairment(delay) == pytest.approx(impairment, abs=0.001)


@pytest.mark.parametrize(
    ("burst_ratio", "impairment", "r", "score"),
    [(1, 10.142, 81.858, 4.092), (2, 10.714, 81.286, 4.072), (3, 10.92, 81.08, 4.064)],
)
def test_burst_vectors(burst_ratio: float, impairment: float, r: float, score: float) -> None:
    assert loss_impairment(3, 0, 25.1, burst_ratio) == pytest.approx(impairment, abs=0.001)
    scored = r_factor(ULAW, 3, 50, burst_ratio)
    assert (scored, mos(scored)) == pytest.approx((r, score), abs=0.001)


def test_worked_example_of_an_alert() -> None:
    delay = mouth_to_ear_ms(80, 12, ULAW)
    assert delay == 84
    assert scores(ULAW, 5.45, delay) == pytest.approx((74.236, 3.789), abs=0.001)
    delay_g729 = mouth_to_ear_ms(80, 12, G729)
    assert delay_g729 == 89
    assert scores(G729, 5.45, delay_g729) == pytest.approx((61.34, 3.170), abs=0.001)


@pytest.mark.parametrize(("r", "score"), [(90, 4.339), (80, 4.024), (70, 3.597), (60, 3.1), (50, 2.575)])
def test_bands(r: float, score: float) -> None:
    assert mos(r) == pytest.approx(score, abs=0.001)


@pytest.mark.parametrize(("ie", "score"), [(1, 4.4940), (8, 4.4206), (13, 4.3371), (41, 3.5123)])
def test_wideband_vectors(ie: float, score: float) -> None:
    codec = Codec("x", 16000, Scale.WIDEBAND, ie, 10, 0, grounded=True)
    assert mos(normalised_r(codec, r_factor(codec, 0, None))) == pytest.approx(score, abs=0.0001)


def test_amr_wideband_with_loss() -> None:
    codec = CODECS["amrwb"]
    assert loss_impairment(2, codec.ie, codec.bpl) == pytest.approx(43.8095, abs=0.0001)
    assert mos(normalised_r(codec, r_factor(codec, 2, None))) == pytest.approx(3.4062, abs=0.0001)


def test_mos_never_dips_below_one_where_the_cubic_does() -> None:
    assert mos(2.95) == 1.0


def test_without_a_round_trip_only_listening_is_scored() -> None:
    assert mouth_to_ear_ms(None, 30, ULAW) is None
    assert r_factor(ULAW, 0, None) == 93.2


def test_unknown_codecs_are_provisional_but_an_unnamed_48_khz_stream_is_opus() -> None:
    assert codec_named("slin") is UNKNOWN_CODEC
    assert not codec_named(None).grounded
    assert codec_named(None, 48000).name == "opus"


@given(st.sampled_from(sorted(CODECS)), st.floats(0, 100), st.floats(0, 100), st.floats(0, 2000), st.floats(0, 2000))
def test_mos_falls_with_loss_and_delay_and_stays_in_range(name: str, a: float, b: float, c: float, d: float) -> None:
    codec = CODECS[name]

    def score(loss: float, delay: float) -> float:
        return mos(normalised_r(codec, r_factor(codec, loss, delay)))

    assert 1.0 <= score(max(a, b), max(c, d)) <= score(min(a, b), min(c, d)) + 1e-9 <= 4.5 + 1e-9
