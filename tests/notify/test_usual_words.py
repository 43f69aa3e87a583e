"""What is usual, beside the figure that is not, in both languages."""

from __future__ import annotations

from datetime import UTC

import pytest

from qualitywatch.model import Direction, NotifyReason
from qualitywatch.notify.phrases import sentence
from tests.notify.build import transition

HOUR = {"usual": "6", "deviation": "1.5", "limit": "20", "learned": "143", "hour": "14"}


@pytest.mark.parametrize(
    ("topic", "value", "details", "english", "russian"),
    [
        (
            "jitter_ms",
            24.0,
            HOUR,
            "jitter from SIP/6117 24.0 ms, usually 6.0 ms at this hour",
            "Джиттер от SIP/6117 24.0 мс, обычно в этот час 6.0 мс",
        ),
        (
            "loss_percent",
            2.04,
            {**HOUR, "usual": "0.04312", "hour": "any"},
            "loss from SIP/6117 2.04%, usually 0.04%",
            "Потери от SIP/6117 2.04%, обычно 0.04%",
        ),
        (
            "mos",
            3.7,
            {**HOUR, "usual": "4.31", "provisional": "yes"},
            "MOS~ from SIP/6117 3.70, usually 4.31 at this hour (provisional)",
            "MOS~ от SIP/6117 3.70, обычно в этот час 4.31 (оценочно)",
        ),
        ("jitter_ms", 24.0, {"usual": "often"}, "jitter from SIP/6117 24.0 ms", "Джиттер от SIP/6117 24.0 мс"),
        ("jitter_ms", 24.0, {"usual": "nan"}, "jitter from SIP/6117 24.0 ms", "Джиттер от SIP/6117 24.0 мс"),
        ("jitter_ms", 24.0, {}, "jitter from SIP/6117 24.0 ms", "Джиттер от SIP/6117 24.0 мс"),
    ],
)
def test_the_trouble(topic: str, value: float, details: dict[str, str], english: str, russian: str) -> None:
    said = transition(topic, direction=Direction.FROM_PEER, value=value, details=details)
    assert (sentence(said, "en", UTC), sentence(said, "ru", UTC)) == (english, russian)


def test_the_end_names_the_peak_only() -> None:
    over = transition(
        "jitter_ms", direction=Direction.FROM_PEER, peak=31.0, details=HOUR, reason=NotifyReason.RESOLVED, lasted_s=420
    )
    assert sentence(over, "en", UTC) == "jitter from SIP/6117 is back to normal after 7 min, peak 31.0 ms"
