"""What the E-model and the jitter arithmetic must know of each codec, as one table.

Names are Asterisk's format names.  ``clock_hz`` is the RTP timestamp clock (8000 for G.722 by RFC 3551 section 4.5.2).
``ie`` and ``bpl`` are the equipment impairment and the packet-loss robustness of ITU-T G.113 Appendix I (narrowband) and
Appendix IV (wideband); ``grounded`` is False where the ITU publishes nothing and the figures are provisional: messages then
say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scale(StrEnum):
    """Which E-model applies: G.107 (narrowband) or G.107.1 (wideband). Figures of different scales never mix."""

    NARROWBAND = "narrowband"
    WIDEBAND = "wideband"


@dataclass(frozen=True, slots=True)
class Codec:
    name: str
    clock_hz: int
    scale: Scale
    ie: float
    bpl: float
    lookahead_ms: float
    grounded: bool


UNKNOWN_CODEC: Final = Codec("unknown", 8000, Scale.NARROWBAND, 10.0, 10.0, 0.0, grounded=False)

_NB, _WB = Scale.NARROWBAND, Scale.WIDEBAND

# G.711 is taken with packet-loss concealment (Bpl 25.1): every phone of the last fifteen years conceals. Without it Bpl is 4.3.
_TABLE: Final = (
    Codec("ulaw", 8000, _NB, 0.0, 25.1, 0.0, grounded=True),
    Codec("alaw", 8000, _NB, 0.0, 25.1, 0.0, grounded=True),
    Codec("g729", 8000, _NB, 11.0, 19.0, 5.0, grounded=True),
    Codec("g723", 8000, _NB, 15.0, 16.1, 7.5, grounded=False),
    Codec("g726", 8000, _NB, 10.0, 10.0, 0.0, grounded=False),
    Codec("gsm", 8000, _NB, 10.0, 10.0, 0.0, grounded=False),
    Codec("ilbc", 8000, _NB, 10.0, 10.0, 0.0, grounded=False),
    Codec("speex", 8000, _NB, 10.0, 10.0, 0.0, grounded=False),
    Codec("g722", 8000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("amrwb", 16000, _WB, 20.0, 4.3, 5.0, grounded=True),
    Codec("speex16", 16000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("siren7", 16000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("silk16", 16000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("siren14", 32000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("speex32", 32000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("g719", 48000, _WB, 13.0, 10.0, 0.0, grounded=False),
    Codec("opus", 48000, _WB, 5.0, 15.0, 6.5, grounded=False),
)
CODECS: Final[Mapping[str, Codec]] = {codec.name: codec for codec in _TABLE}


def codec_named(name: str | None, clock_hz: int | None = None) -> Codec:
    """Look a codec up by Asterisk's name; an unnamed one with a 48 kHz clock can only be Opus in practice."""
    if name is not None and name in CODECS:
        return CODECS[name]
    if name is None and clock_hz == 48000:
        return CODECS["opus"]
    return UNKNOWN_CODEC
