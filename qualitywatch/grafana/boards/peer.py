"""One phone: both directions of its calls, whether it was there, what device it was."""

from __future__ import annotations

from typing import Final

from qualitywatch.grafana import names
from qualitywatch.grafana.asks import Lines, Log, Scope, Story
from qualitywatch.grafana.boards.common import FROM_PEER, PBX, PEER, SITE, TO_PEER, alerts, both_ways, marks
from qualitywatch.grafana.figures import (
    CALLS,
    JITTER_MAX,
    LOSS_MAX,
    LOSS_NET_MAX,
    LOSS_REPORTED_MAX,
    MOS_MIN,
    PEER_UP,
    QUALIFY_MAX,
    RTT_MAX,
)
from qualitywatch.grafana.panels import Board, Panel, Shape

_PEER: Final[Scope] = {"pbx": PBX.name, "peer": PEER.name}


def _loss(title: str, only: dict[str, str]) -> Panel:
    asks = (Lines(LOSS_NET_MAX, (), _PEER, "net", only), Lines(LOSS_REPORTED_MAX, (), _PEER, "reported", only))
    why = "Net of gaps that came with the call's other leg; reported is what the report says."
    return Panel(title, Shape.LINES, 12, 8, asks, LOSS_MAX, why, step="5s")


BOARD: Final = Board(
    names.PEER,
    "Peer",
    "One phone or trunk peer: loss, jitter, round trip, score, calls, registration, device.",
    (PBX, SITE, PEER),
    marks(_PEER),
    (
        _loss("Loss heard by the peer", TO_PEER),
        _loss("Loss heard from the peer", FROM_PEER),
        Panel("Jitter", Shape.LINES, 12, 8, both_ways(JITTER_MAX, _PEER), JITTER_MAX, step="5s"),
        Panel(
            "Round trip",
            Shape.LINES,
            12,
            8,
            (Lines(RTT_MAX, (), _PEER, "of calls"), Lines(QUALIFY_MAX, (), _PEER, "of the PBX's own question (qualify)")),
            RTT_MAX,
            step="5s",
        ),
        Panel(
            "MOS", Shape.LINES, 12, 8, both_ways(MOS_MIN, _PEER), MOS_MIN, "Estimated by the E-model (ITU-T G.107).", step="5s"
        ),
        Panel("Calls ended", Shape.BARS, 12, 8, (Lines(CALLS, (), _PEER, "calls"),), CALLS, step="5m"),
        Panel("Registered", Shape.STATES, 24, 4, (Lines(PEER_UP, ("peer",), _PEER, "{peer}"),), PEER_UP, step="15s"),
        Panel("Devices (User-Agent)", Shape.TABLE, 12, 7, (Log(Story.AGENTS, _PEER),)),
        alerts(_PEER, width=12, height=7),
    ),
)
