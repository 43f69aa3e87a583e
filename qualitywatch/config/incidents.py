"""Section ``incidents``: how alerts become incidents, and which of them explain others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from qualitywatch.config.context import Context
from qualitywatch.config.matching import read_matcher
from qualitywatch.config.shapes import Shape, is_off, shape_of
from qualitywatch.desk.policy import DeskPolicy, Inhibition, Matcher
from qualitywatch.document import Section, compile_selector, read_time
from qualitywatch.model import Metric, Share, Tally

GROUP_KEYS: Final = ("rule", "topic", "subject", "direction", "severity")
_SHARED: Final = ("subject", "direction", "trunk", "site")
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_MORNING: Final = 8 * 60

# A trunk that is down explains whatever is wrong with its calls and its peer; a PBX that cannot be seen, everything on it.
_OF_CALLS: Final = tuple(tally for tally in Tally if tally is not Tally.LOGIN_FAILED)
# Many peers of one place that lose packets explain whatever is heard on their calls.
_OF_SOUND: Final = (
    *(Metric.LOSS_PERCENT, Metric.LOSS_PERCENT_REPORTED, Metric.JITTER_MS, Metric.RTT_MS, Metric.MOS, Metric.R_FACTOR),
    "audio_state",
)
_OF_PLACES: Final = (Share.SITE_LOSS, Share.TRUNK_LOSS)
DEFAULT_INHIBITIONS: Final = (
    Inhibition(
        source=Matcher(topics=(compile_selector("trunk_state"),)),
        target=Matcher(
            topics=tuple(
                compile_selector(topic) for topic in (*Metric, *_OF_CALLS, Share.TRUNK_LOSS, "peer_state", "audio_state")
            )
        ),
        equal=("trunk",),
    ),
    Inhibition(source=Matcher(topics=(compile_selector("pbx_state"),)), target=Matcher()),
    Inhibition(
        source=Matcher(topics=(compile_selector(Share.PBX_LOSS),)),
        target=Matcher(topics=tuple(compile_selector(topic) for topic in (*_OF_SOUND, *_OF_PLACES))),
        merge=True,
    ),
    Inhibition(
        source=Matcher(topics=tuple(compile_selector(topic) for topic in _OF_PLACES)),
        target=Matcher(topics=tuple(compile_selector(topic) for topic in _OF_SOUND)),
        equal=("site",),
        merge=True,
    ),
)


def read_incidents(root: Section, context: Context, pbxes: Collection[str]) -> tuple[DeskPolicy, tuple[int, int]]:
    """Read the section; return a policy with its part filled in, and the hour and minute at which morning is."""
    default = DeskPolicy(inhibitions=DEFAULT_INHIBITIONS)
    section = root.section("incidents")
    if section is None:
        return default, divmod(_MORNING, 60)
    group_by = default.group_by
    if "group_by" in section:
        # Only [] means never: a key that was left without a value is a slip.
        group_by = section.texts("group_by", required=shape_of(section, "group_by") is not Shape.LIST, choices=GROUP_KEYS)
    flap_fires, flap_within_s = _flap(section, default)
    policy = DeskPolicy(
        inhibitions=_inhibitions(section, context, pbxes),
        group_by=group_by,
        group_within_s=section.duration_s("within", default.group_within_s, maximum=_HOUR_S),
        refresh_s=section.duration_s("refresh", default.refresh_s, minimum=1, maximum=_HOUR_S),
        flap_fires=flap_fires,
        flap_within_s=flap_within_s,
    )
    morning = read_time(section, "morning", _MORNING)
    return policy, divmod(_MORNING if morning is None else morning, 60)


def _flap(parent: Section, default: DeskPolicy) -> tuple[int, float]:
    """Return how often is flapping (0: never), and within how many seconds."""
    if is_off(parent, "flap"):
        return 0, default.flap_within_s
    section = parent.section("flap", required="flap" in parent)
    if section is None:
        return default.flap_fires, default.flap_within_s
    fires = section.integer("fires", default.flap_fires, minimum=2, maximum=1000)
    return fires, section.duration_s("within", default.flap_within_s, minimum=1, maximum=_DAY_S)


def _inhibitions(parent: Section, context: Context, pbxes: Collection[str]) -> tuple[Inhibition, ...]:
    if "inhibit" not in parent:
        return DEFAULT_INHIBITIONS
    if shape_of(parent, "inhibit") is not Shape.LIST:
        parent.sections("inhibit", required=True)  # tells what it should be
        return ()
    found = []
    for section in parent.sections("inhibit"):
        source = read_matcher(section, "source", context, pbxes, required=True)
        if source == Matcher() and (named := section.section("source")) is not None and not list(named):
            section.problem("source", "must say which alerts explain others, such as {topic: trunk_state}")
        target = read_matcher(section, "target", context, pbxes, required=True)
        equal = section.texts("equal", choices=_SHARED)
        found.append(Inhibition(source, target, equal, section.boolean("merge", False)))
    return tuple(found)
