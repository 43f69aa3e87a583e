"""What is told in place of a message that a mistake of the program keeps from being worded: who, how bad, over or not.

It reads as little of the incidents as it can, in one language, and shows no figure: what tripped the usual words must not trip
these, and nobody else's message waits for the mistake to be mended.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from qualitywatch.model import Bulletin, Form, Incident, Notification
from qualitywatch.notify.composition import html_text, line, lines, plain_text
from qualitywatch.notify.payload import VERSION

_TOLD: Final = 15  # incidents; with lines of 200 units at most that fits
_NEWER: Final = "A newer message goes on with this."
_WHY: Final = "The usual words failed by a mistake of the program; its log says where."


def bare(bulletin: Bulletin) -> Notification:
    """Return the bulletin in bare words, without buttons."""
    told = [_in_short(incident) for incident in bulletin.incidents[:_TOLD]]
    left = len(bulletin.incidents) - len(told)
    ends = (f"and {left} more" if left else "", _NEWER if bulletin.form is Form.SUPERSEDED else "", _WHY)
    message = (line(told[0], tag="b"), *lines((*told[1:], *ends)))
    plain, html = plain_text(message), html_text(message)
    machines = [_for_machines(incident) for incident in bulletin.incidents]
    payload = {"version": VERSION, "digest": machines} if bulletin.form is Form.DIGEST else machines[0]
    is_over = not any(incident.is_open for incident in bulletin.incidents)
    common = {"status": "resolved" if is_over else "firing", "severity": str(bulletin.severity), "text": plain}
    looks = blake2b(html.encode("utf-8", "replace"), digest_size=12).hexdigest()
    return Notification(plain, html, looks, bulletin.severity, payload={**payload, **common})


def _in_short(incident: Incident) -> str:
    key = incident.members[0].alert.key
    more = f" and {len(incident.members) - 1} more" if len(incident.members) > 1 else ""
    state = "" if incident.is_open else ", over"
    return f"{incident.severity}: {key.rule} {key.subject}{more} ({incident.pbx}, incident {incident.id}){state}"


def _for_machines(incident: Incident) -> dict[str, object]:
    status = "firing" if incident.is_open else "resolved"
    return {"version": VERSION, "incident": incident.id, "status": status, "severity": str(incident.severity)}
