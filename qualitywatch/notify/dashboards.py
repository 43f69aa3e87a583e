"""Where an incident is shown in Grafana: the dashboard of what it is about, at its time.

The address is made of the incident and of nothing else but where Grafana is and which trunk a peer carries; while the incident
is open it ends now, so that a message is not edited for its link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from qualitywatch.grafana import names
from qualitywatch.model import VOICE_METRICS, Gauge, Incident, Metric, Share, Tally
from qualitywatch.notify.members import cast_of
from qualitywatch.notify.terms import finite

AROUND_S: Final = 900.0  # before it began and after it ended, to see what was usual
LONGEST: Final = 1000  # characters: a link must not be cut
_OF_TRUNKS: Final = frozenset(
    {
        *("trunk_state", Share.TRUNK_LOSS, Tally.ANSWERED, Tally.DELIVERED, Tally.LONG_ENOUGH),
        *(Metric.CALL_DURATION_S, Metric.POST_DIAL_DELAY_S, Gauge.CONCURRENT_CALLS),
    }
)
_OF_PEERS: Final = frozenset(
    {
        *VOICE_METRICS,
        *(Metric.QUALIFY_RTT_MS, Tally.COVERED, f"{Tally.COVERED}_fall"),
        *("peer_state", "audio_state", "peer_flaps", "user_agent", "address", "transport"),
    }
)


def _time(incident: Incident) -> dict[str, str]:
    """From a while before it began until a while after it ended, in milliseconds, as Grafana has it."""
    start, end = finite(incident.opened_at), finite(incident.closed_at)
    if start is None:
        return {}
    until = "now" if end is None else str(round(end + AROUND_S) * 1000)
    return {"from": str(round(start - AROUND_S) * 1000), "to": until}


def _no_trunk(pbx: str, subject: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Dashboards:
    """Grafana at ``url``, without a slash at its end; ``trunk_of`` tells the registration a peer's calls go through."""

    url: str
    trunk_of: Callable[[str, str], str | None] = _no_trunk

    def address(self, incident: Incident) -> str:
        """Return where the incident is seen best: one subject on its own dashboard, several on the overview."""
        board, subject = self._place(incident)
        time = _time(incident)
        found = self._joined(board, {"var-pbx": incident.pbx, **subject, **time})
        return found if len(found) <= LONGEST else self._joined(names.OVERVIEW, time)

    def _joined(self, board: str, chosen: Mapping[str, str]) -> str:
        # Bytes that were never UTF-8 may be in any name, and must not keep a message from being told.
        return f"{self.url}/d/{board}?{urlencode(chosen, quote_via=quote, safe='/@:', errors='replace')}"

    def _place(self, incident: Incident) -> tuple[str, dict[str, str]]:
        alerts = [member.alert for member in cast_of(incident).main]
        if len({alert.key.subject for alert in alerts}) != 1:
            return names.OVERVIEW, {}
        topic, subject = alerts[0].topic, alerts[0].key.subject
        if topic in _OF_TRUNKS:
            return names.TRUNK, {"var-trunk": self.trunk_of(incident.pbx, subject) or subject}
        if topic == Share.SITE_LOSS:
            return names.SITE, {"var-site": subject}
        if topic in _OF_PEERS:
            return names.PEER, {"var-peer": subject}
        return names.OVERVIEW, {}
