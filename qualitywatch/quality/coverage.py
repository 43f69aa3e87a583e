"""Whether a finished call was reported on by its far end: silence is unknown quality, never good quality.

A call counts when it was answered, carried RTP, and was watched for so long that a report must have come.
"""

from __future__ import annotations

from typing import Final

from qualitywatch.model import CallRecord, Tally, TallyObservation

# Reports come every 5 s as a rule; a call that outlived three of them should have had one.
REPORTED_AFTER_S: Final = 15.0
RTP_TECHNOLOGIES: Final = ("SIP/", "PJSIP/")  # Local, IAX2 and DAHDI channels have no RTCP to miss
DIRECT_MEDIA: Final = "direct_media"


def coverage(
    call: CallRecord, *, seen_since: float | None = None, direct_with: str | None = None
) -> tuple[TallyObservation, ...]:
    """Count an answered call that lasted long enough to be reported on; nothing for any other.

    ``seen_since`` is when the PBX came into sight: reports from before then were missed, not withheld.  ``direct_with`` is the
    peer with which media was exchanged past the PBX.
    """
    if watched_s(call, seen_since) < REPORTED_AFTER_S:
        return ()
    covered = call.to_peer.expected_reported > 0
    detail = DIRECT_MEDIA if direct_with is not None and not covered else None
    return (TallyObservation(call.ended_at, Tally.COVERED, call.pbx, call.subject, 1 if covered else 0, 1, detail),)


def unmeasured(call: CallRecord, *, seen_since: float | None = None, direct_with: str | None = None) -> str | None:
    """Say of a call that nothing is known of it; None for one that was measured, or could not have been."""
    lasted_s = watched_s(call, seen_since)
    if lasted_s < REPORTED_AFTER_S or call.to_peer.expected_reported or call.from_peer.expected_reported:
        return None
    why = f"direct media with {direct_with}, past the PBX" if direct_with is not None else "quality unknown"
    return f"call of {lasted_s:.0f} s without any usable RTCP report: {why}"


def watched_s(call: CallRecord, seen_since: float | None) -> float:
    """How long a call could have been reported on; 0 for one without RTP."""
    if call.answered_at is None or not call.subject.startswith(RTP_TECHNOLOGIES):
        return 0.0
    since = call.answered_at if seen_since is None else max(call.answered_at, seen_since)
    return call.ended_at - since
