"""What several dashboards share: variables, annotations, and pairs of queries for both directions of a call."""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana.asks import Lines, Log, One, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import (
    ASR,
    CALLS,
    JITTER_MAX,
    LOSS,
    LOSS_MAX,
    MOS_MIN,
    PEER_UP,
    RTT_MAX,
    TRUNK_UP,
    Figure,
)
from qualitywatch.grafana.panels import Mark, Panel, Shape, Variable

TO_PEER: Final = {"direction": "to_peer"}
FROM_PEER: Final = {"direction": "from_peer"}
OF_PBX: Final[Scope] = {"pbx": "pbx"}

PBX: Final = Variable("pbx", "PBX", Values("pbx", (TRUNK_UP, LOSS_MAX), {}))
SITE: Final = Variable("site", "Site", Values("site", (LOSS_MAX,), OF_PBX))
PEER: Final = Variable(One("peer"), "Peer", Values("peer", (LOSS_MAX, PEER_UP), {"pbx": "pbx", "site": "site"}))
TRUNK: Final = Variable(One("trunk"), "Trunk", Values("trunk", (TRUNK_UP, ASR), OF_PBX))


def marks(subjects: Scope) -> tuple[Mark, ...]:
    """Alerts of the subjects, and restarts of the PBX."""
    return (
        Mark("Alerts", "red", Log(Story.ALERTS, subjects)),
        Mark("Restarts", "purple", Log(Story.RESTARTS, OF_PBX)),
    )


def both_ways(figure: Figure, scope: Scope, by: tuple[str, ...] = (), of: str = "the peer") -> tuple[Lines, ...]:
    """A figure of both directions: what the far end heard, and what we heard of it."""
    names = " ".join(f"{{{tag}}}" for tag in by)
    before = f"{names}: " if names else ""
    return (
        Lines(figure, by, scope, f"{before}heard by {of}", TO_PEER),
        Lines(figure, by, scope, f"{before}heard from {of}", FROM_PEER),
    )


def worst(title: str, scope: Scope, *, last_m: int = 0) -> Panel:
    """A table of peers, the one that loses most on top; ``last_m``: of so many minutes and not the dashboard's time."""
    by, last_s = ("pbx", "peer"), last_m * 60
    return Panel(
        title,
        Shape.TABLE,
        24,
        9,
        (
            Totals(LOSS, by, scope, "Loss heard by it", TO_PEER, last_s),
            Totals(LOSS, by, scope, "Loss heard from it", FROM_PEER, last_s),
            Totals(JITTER_MAX, by, scope, "Jitter, worst", last_s=last_s),
            Totals(RTT_MAX, by, scope, "Round trip, worst", last_s=last_s),
            Totals(MOS_MIN, by, scope, "MOS, worst", last_s=last_s),
            Totals(CALLS, by, scope, "Calls ended", last_s=last_s),
        ),
        description="Loss is lost packets over expected packets of the whole time, gaps of a call's other leg left out.",
        last=f"{last_m}m" if last_m else "",
    )


def alerts(scope: Scope, *, width: int = 24, height: int = 8) -> Panel:
    """What was told."""
    return Panel("Alerts", Shape.TABLE, width, height, (Log(Story.ALERTS, scope),))
