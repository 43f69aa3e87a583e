"""Whether something between Asterisk and us drops events: an eventfilter of the user, or disabledevents of the server.

Neither can be read over the manager interface.  But what should have come and did not can be seen: channels in a list that
nobody announced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import PbxFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown, warning

BUSY_PER_S: Final = 500.0
_WHERE: Final = (
    "eventfilter in section [{user}] of manager.conf, disabledevents in [general], and [declined_message_types] of stasis.conf"
)


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say which events are missing, and whether many come for nothing."""
    del now
    heard = pbx.heard
    if pbx.failure is not None or heard is None:
        return
    where = _WHERE.format(user=pbx.username)
    hidden = sorted({call.peer for call in heard.calls if not call.announced})
    vanished = sorted({call.peer for call in heard.calls if call.vanished})
    wasted_per_s = heard.unread / heard.seconds if heard.seconds > 0 else 0.0
    if hidden and "call" in heard.classes:
        yield error(f"new channels of {several(hidden)} were not announced: a filter drops Newchannel", f"look at {where}")
    elif vanished and "call" in heard.classes:
        yield error(f"channels of {several(vanished)} ended untold: a filter drops Hangup", f"look at {where}")
    elif hidden or vanished:
        return  # the right is missing, which is another check's business
    elif wasted_per_s > BUSY_PER_S:
        yield warning(
            f"{wasted_per_s:.0f} events a second come that are not read: Asterisk spends time on writing them",
            "the eventfilter lines of systemd/manager.conf.example",
        )
    elif heard.unread:
        yield ok("no filter is in the way: events come that nobody asked for")
    elif heard.events:
        yield ok("only events that are read come; none of them was missed")
    else:
        yield unknown("not a single event came", "run doctor again when there is traffic; if it stays so, look at " + where)
