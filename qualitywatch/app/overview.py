"""A PBX as people see it: a frozen snapshot of what its pipeline knows."""

from __future__ import annotations

from qualitywatch.model import TrunkState
from qualitywatch.pipeline import Pipeline
from qualitywatch.room import PbxView, PeerView, TrunkView


def overview(name: str, pipeline: Pipeline, connected: bool, now: float) -> PbxView:
    """Return how a PBX stands; ``now`` is its own clock."""
    return PbxView(
        name=name,
        now=now,
        is_seen=connected and pipeline.blind_since is None,
        since_at=pipeline.blind_since,
        peers=tuple(
            PeerView(
                standing.subject,
                pipeline.names.name(standing.subject),
                standing.state,
                standing.since_at,
                standing.address,
                pipeline.agent(standing.subject),
                standing.rtt_ms,
                labels.get("trunk"),
                labels.get("site"),
            )
            for standing in pipeline.peers.standings()
            for labels in (pipeline.labels_of(standing.subject),)
        ),
        trunks=tuple(
            TrunkView(
                standing.subject,
                pipeline.names.name(standing.subject),
                TrunkState(standing.status),
                standing.since_at,
                standing.detail,
            )
            for standing in pipeline.trunks.standings()
        ),
        calls=len(pipeline.streams),
        alerts=tuple(pipeline.alerts),
        direct_media=pipeline.direct_media,
    )
