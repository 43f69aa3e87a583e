"""Whether a finished call was reported on by its far end: silence is unknown quality, never good quality.

A call counts when it was answered, carried RTP, and was watched for so long that a report must have come: that of a phone that
reports every 30 s comes later than that of others.  One that was reported on is proof, however slow the phone.
"""

from __future__ import annotations

from typing import Final

from qualitywatch.model import CallRecord, Tally, TallyObservation

# Reports come every 5 s as a rule; a call that outlived three of them should have had one.
REPORTED_AFTER_S: Final = 15.0
REPORTED_AFTER_INTERVALS: Final = 3.0
RTP_TECHNOLOGIES: Final = ("SIP/", "PJSIP/")  # Local, IAX2 and DAHDI channels have no RTCP to miss
DIRECT_MEDIA: Final = "direct_media"


def coverage(
    call: CallRecord,
    *,
    seen_since: float | None = None,
    direct_with: str | None = None,
    interval_s: float | None = None,
) -> tuple[TallyObservation, ...]:
    """Count an answered call that lasted long enough to be reported on; nothing for any other.

    ``seen_since`` is when the PBX came into sight: reports from before then were missed, not withheld.  ``direct_with`` is the
    peer with which media may have gone past the PBX, ``interval_s`` how often the call's own peer reports, where that is known.
    """
    covered = call.to_peer.expected_reported > 0
    patience_s = REPORTED_AFTER_S
    if interval_s is not None and not covered:
        patience_s = max(patience_s, REPORTED_AFTER_INTERVALS * interval_s)
    if watched_s(call, seen_since) < patience_s:
        return ()
    detail = DIRECT_MEDIA if direct_with is not None and not covered else None
    return (TallyObservation(call.ended_at, Tally.COVERED, call.pbx, call.subject, 1 if covered else 0, 1, detail),)


def unmeasured(call: CallRecord, *, seen_since: float | None = None, direct_with: str | None = None) -> str | None:
    """Say of a call that nothing is known of it; None for one that was measured, or could not have been."""
    lasted_s = watched_s(call, seen_since)
    if lasted_s < REPORTED_AFTER_S or call.to_peer.expected_reported or call.from_peer.expected_reported:
        return None
    why = "quality unknown"
    if direct_with is not None:
        why = f"perhaps direct media with {direct_with}, past the PBX (directmedia=no or direct_media=no would tell)"
    return f"call of {lasted_s:.0f} s without any usable RTCP report: {why}"


def watched_s(call: CallRecord, seen_since: float | None) -> float:
    """How long a call could have been reported on; 0 for one without RTP."""
    if call.answered_at is None or not call.subject.startswith(RTP_TECHNOLOGIES):
        return 0.0
    since = call.answered_at if seen_since is None else max(call.answered_at, seen_since)
    return call.ended_at - since
