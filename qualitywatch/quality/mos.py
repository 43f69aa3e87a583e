"""The E-model: from loss, delay and codec to R and MOS.

Standard: ITU-T G.107 (narrowband), G.107.1 (wideband), with the defaults of the planning examples folded into one base
value and no advantage factor.  Loss is taken as random (BurstR 1) because RTCP tells nothing of bursts.  The delay
impairment is the widely used simplified form.
"""

from __future__ import annotations

from qualitywatch.quality.codecs import Codec, Scale

R0_NARROWBAND = 93.2  # G.107: Ro - Is with all defaults
R0_WIDEBAND = 129.0  # G.107.1
WIDEBAND_STRETCH = 1.29  # R of G.107.1 back to the 0..100 range of the MOS formula
DELAY_KNEE_MS = 177.3
PACKETISATION_MS = 20.0


def mouth_to_ear_ms(rtt_ms: float | None, jitter_ms: float | None, codec: Codec) -> float | None:
    """Estimate one-way delay: half the round trip, a jitter buffer of twice the jitter, one packet and the codec's look-ahead.

    None without a round trip: then the score is one of listening quality only.
    """
    if rtt_ms is None:
        return None
    return rtt_ms / 2 + 2 * (jitter_ms or 0.0) + PACKETISATION_MS + codec.lookahead_ms


def delay_impairment(delay_ms: float | None) -> float:
    """Id, simplified: 0.024 per ms and 0.11 more beyond 177.3 ms; 0 when the delay is unknown."""
    if delay_ms is None:
        return 0.0
    return 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - DELAY_KNEE_MS)


def loss_impairment(loss_percent: float, ie: float, bpl: float, burst_ratio: float = 1.0) -> float:
    """Ie,eff of G.107 section 7.5; ``loss_percent`` is 0..100, the loss constant is 95 in both scales."""
    if loss_percent <= 0:
        return ie
    return ie + (95 - ie) * loss_percent / (loss_percent / burst_ratio + bpl)


def r_factor(codec: Codec, loss_percent: float, delay_ms: float | None, burst_ratio: float = 1.0) -> float:
    """R on the codec's own scale: up to 93.2 narrowband, up to 129 wideband; may be negative on a hopeless call."""
    base = R0_WIDEBAND if codec.scale is Scale.WIDEBAND else R0_NARROWBAND
    return base - delay_impairment(delay_ms) - loss_impairment(loss_percent, codec.ie, codec.bpl, burst_ratio)


def normalised_r(codec: Codec, r: float) -> float:
    """R on the common 0..100 range, so that one chart and one threshold can hold every codec."""
    return r / WIDEBAND_STRETCH if codec.scale is Scale.WIDEBAND else r


def mos(r: float) -> float:
    """MOS-CQE from a normalised R (G.107 Annex B), held within 1..4.5: the cubic dips below 1 for R under 6.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
