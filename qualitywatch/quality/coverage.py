"""Whether a finished call was reported on by its far end: silence is unknown quality, never good quality."""

from __future__ import annotations

from qualitywatch.model import CallRecord, TallyObservation


def coverage(call: CallRecord) -> tuple[TallyObservation, ...]:
    """Count an answered call that lasted long enough to be reported on; nothing for any other."""
    return ()
