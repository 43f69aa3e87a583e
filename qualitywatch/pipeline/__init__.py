"""The fold: one PBX's events in, effects out.  ``calls`` and ``presence`` watch, ``fold`` judges, ``effects`` follow."""

from __future__ import annotations

from qualitywatch.pipeline.effects import ALERT_LOG, BLIND_LOG, SEEN_LOG, UNMEASURED_LOG, Effects
from qualitywatch.pipeline.fold import CLOCK_STEP_S, PBX_TOPIC, Pipeline
from qualitywatch.pipeline.leaving import LeftOff

__all__ = [
    "ALERT_LOG",
    "BLIND_LOG",
    "CLOCK_STEP_S",
    "PBX_TOPIC",
    "SEEN_LOG",
    "UNMEASURED_LOG",
    "Effects",
    "LeftOff",
    "Pipeline",
]
