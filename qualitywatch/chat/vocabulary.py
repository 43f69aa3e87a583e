"""What an answer must be able to say; ``texts_en`` and ``texts_ru`` say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qualitywatch.chat.misread import Problem
from qualitywatch.model import Direction, Metric, PeerState, Severity, TrunkState
from qualitywatch.notify.words import Forms


@dataclass(frozen=True, slots=True)
class Buttons:
    """What a thumb is told; at most 200 UTF-16 units with everything filled in.  ``{at}`` is a time of day."""

    unknown: str  # an incident that is not known any more
    over: str
    taken: str
    taken_before: str  # {by}, {at}
    yours_before: str  # {at}
    given_back: str
    not_taken: str
    muted: str  # {at}
    muted_before: str  # {at}, {by}
    unmuted: str
    not_muted: str
    muted_elsewhere: str  # {why}
    chart: str
    no_chart: str
    odd: str  # a button nobody knows
    of_lost_state: str  # a button of before the state was lost


@dataclass(frozen=True, slots=True)
class Texts:
    """One language.  ``{time}`` is a local time, ``{lasted}`` and ``{span}`` are durations in words."""

    more: str  # {count}
    since: str  # {time}, {lasted}
    until: str  # {time}
    not_before: str  # {time}
    last: str  # {span}, {time}
    last_span: str  # {span}
    ms: str
    months: tuple[str, ...]  # beside a day
    calls: Forms
    packets: Forms

    # how things stand
    seen: str
    blind: str
    as_last_seen: str
    trunks: str  # {told}
    peers: str  # {told}
    none: str
    counted: str  # {word}, {count}
    up: str
    down: str
    unsure: str
    calls_now: str  # {count}
    no_trunks: str
    peer_states: Mapping[PeerState, str]
    trunk_states: Mapping[TrunkState, str]

    # incidents
    no_incidents: str
    open_incidents: str  # {told}
    severities: Mapping[Severity, Forms]
    acknowledged: str  # {count}
    muted_count: str  # {count}
    pending: str  # {count}
    taken: str  # {by}, {time}
    muted: str
    maintained: str  # {name}
    explained: str  # {name}

    # one peer
    address: str  # {address}
    agent: str  # {agent}
    not_watched: str
    carried_by: str  # {names}
    no_reports: str
    measured: str
    columns: Mapping[Direction, str]
    loss: str
    jitter: str
    rtt: str
    highest: str
    lowest: str
    chart_caption: str  # {id}, {time}

    # comparing
    worst_by: Mapping[Metric, str]
    metrics: Mapping[Metric, str]
    to_and_from: Mapping[Direction, str]
    highest_short: str
    lowest_short: str
    calls_short: str
    nothing_measured: str
    too_short: str  # {count}
    unreported: str  # {count}
    direct_media: str  # beside the name of one of them
    report: str  # {span}
    coverage: str  # {calls}, {reporting}, {count}
    worst_peers: str
    worst_trunks: str

    # silences
    everything: str
    cannot_store: str
    part_failed: str
    cannot_tell: str
    readings_wait: str  # {name}, {count}, {reason}
    readings_lost: str  # {name}, {count}
    readings_refused: str  # {name}, {count}
    silence_count: str  # {count}
    no_silences: str
    silence_of_incident: str  # {id}
    silenced: str  # {what}, {until}, {lasts}
    undo: str  # {id}
    silence_ended: str  # {what}
    silence_was_over: str  # {what}

    # language, help, errors, refusals
    language_now: str
    language_set: str
    help_head: str
    needs_user: str  # beside a command, on a line that explains a star
    help_user: str  # {by}
    help_guest: str  # {id}
    refused: str  # {id}
    refused_press: str  # {id}
    problems: Mapping[Problem, str]  # {word}
    nearest: str  # {names}
    choose: str
    works: str
    buttons: Buttons
