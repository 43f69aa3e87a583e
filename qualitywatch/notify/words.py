"""What a language must be able to say; ``words_en`` and ``words_ru`` say it.

A language is one ``Words`` value: a new topic is a table entry, a new language a file.  Sentences are built around the bare
name of the subject, which is never inflected: the Russian ones ask neither its case nor its gender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from qualitywatch.model import ButtonAction, Direction, Severity
from qualitywatch.notify.remedy_words import Remedies

Forms: TypeAlias = tuple[str, ...]  # of a counted noun: two as in English, three as in Russian; see ``texts.number``


@dataclass(frozen=True, slots=True)
class Series:
    """How one measured series is spoken of: its noun, one value with its unit, the verb of its good end, its extreme."""

    noun: str
    value: str
    over: str
    extreme: str


@dataclass(frozen=True, slots=True)
class Count:
    """How one thing that is counted is spoken of.  ``{many}`` is its count with its noun."""

    what: Forms
    trouble: str  # {who}, {many}, {window}, {names}
    names: Forms  # {names}: what was tried, chosen by how many there are
    over: str  # {who}
    most: str  # {many}
    subjects: Forms
    group: str  # {many}: subjects with their noun
    once: str = ""  # {who}, {names}: instead of the trouble, where one such thing is enough


@dataclass(frozen=True, slots=True)
class Shared:
    """How it is said that many peers of one place are in trouble at once."""

    trouble: str  # {who}: the place, {lossy}, {active}, {worst}
    over: str  # {who}
    most: str  # {value}: a percentage
    subjects: Forms
    group: str  # {many}: places with their noun


@dataclass(frozen=True, slots=True)
class Gists:
    """The first line of an incident with several alerts.  ``{many}`` is a count with its noun."""

    peers: Forms
    trunks: Forms
    alerts: Forms
    groups: Mapping[tuple[str, str], str]  # by (topic, state), as in ``Words.down``: {many}
    back: str  # {many} had a bad state and are well again
    backs: Mapping[str, str]  # the same by topic, where it is said in other words
    changes: Mapping[str, str]  # by topic: {many}
    series: str  # {noun}, {many}
    worst: str  # {who}, {value}
    peak: str  # {extreme}, {value}, {who}
    mixed: str  # {many}, {worst}
    mixed_over: str  # {many}
    all_over: str  # {duration}
    all_ended: str  # {duration}: nothing is left to judge
    all_removed: str  # {duration}: none is configured on the PBX any more
    part_over: Forms  # {done}, {all}; chosen by ``done``


@dataclass(frozen=True, slots=True)
class Lists:
    """Members beyond those that have a line of their own.  ``{names}`` is a list."""

    states: Mapping[tuple[str, str], str]  # by (topic, state), as in ``Words.down``: the state beside a name
    also: str
    over: str
    affected: str
    affected_over: str
    more: str  # {count}
    attached: str


@dataclass(frozen=True, slots=True)
class Statuses:
    """What became of an incident: who answered, who muted it, why it is told again.  ``{at}`` is a time of day."""

    peak: str  # {extreme}, {value}
    rules: str  # {rules}, {severity}
    raised: str  # {severity}
    acknowledged: str  # {by}, {at}
    reminder: str  # {by}, {at}, {duration}
    repeated: str  # {duration}
    unmuted: str
    flapping: str
    fired: str  # {times}, {duration}
    told_again: str
    times: Forms
    escalated: str  # {at}
    muted: str  # {until}, {reason}
    part_muted: str  # {count}, {all}, {until}, {reason}
    until: str  # {at}
    by: str  # {by}
    silence: str  # {name}
    maintenance: str  # {name}, {until}
    part_maintenance: str  # {count}, {all}, {name}, {until}
    explained: str  # {name}
    continued: str


@dataclass(frozen=True, slots=True)
class Segments:
    """Where a loss arises: one line below the first, and the same in brackets beside a name.  ``{who}`` is the peer."""

    where: str  # {place}
    places: Mapping[str, str]  # by segment: {who}, {to}, {from_}, {lossy}, {active}
    short: Mapping[str, str]  # by segment
    agree: str  # {count}, {all}: calls
    other: str  # {who}, {figures}
    other_clean: str  # {who}, {figures}
    others: str  # {count}, {clean}
    both: str  # {to}, {from_}: figures
    unknown: str


@dataclass(frozen=True, slots=True)
class Digests:
    """Several incidents in one message."""

    incidents: Forms
    head: str  # {many}
    part_over: str  # {many}, {done}
    all_over: str  # {many}
    acknowledged: str  # {by}
    muted: str
    some_over: str  # {done}


@dataclass(frozen=True, slots=True)
class Queues:
    """How it goes in a queue.  ``{told}`` is the parts that are known, with commas."""

    trouble: str  # {who}, {told}
    callers: Forms
    nobody_waits: str
    longest: str  # {duration}
    nobody_there: str
    nobody_free: str  # {logged_in}
    available: str  # {available}, {logged_in}
    subjects: Forms


@dataclass(frozen=True, slots=True)
class Words:
    """One language.  State tables are keyed by (topic, state); the empty state stands for any other."""

    prepositions: Mapping[Direction, str]
    beside: str  # instead of a preposition, where the direction is unknown
    series: Mapping[str, Series]
    tallies: Mapping[str, str]  # the trouble with what is counted, by topic: {about}, {value}, {calls}, {causes}
    in_a_row: str  # instead of the number of calls, where all of the last ones are meant: {calls}
    counts: Mapping[str, Count]  # by topic
    shares: Mapping[str, Shared]  # by topic
    and_more: str  # {count}: peers beyond those that are named
    queues: Queues
    usual: str  # {usual}: beside a figure that is not
    usual_at_hour: str  # {usual}: at this hour of the day
    no_value: str
    provisional: str
    entities: Mapping[str, str]
    down: Mapping[tuple[str, str], str]
    up: Mapping[tuple[str, str], str]
    changed: Mapping[str, str]
    passed: Mapping[str, str]  # by topic, of several changes in a row: {who}, {address}, {count}, {steps}
    appeared: Mapping[str, str]
    unknown: str
    new_peer: str
    over: str  # of a topic without a better verb
    after: str
    no_more_calls: str
    no_more_data: str
    no_more_rule: str
    removed: str  # no longer configured on the PBX
    units: tuple[str, str, str, str]  # day, hour, minute, second
    severities: Mapping[Severity, str]
    blindness: tuple[tuple[str, str], ...]  # what the log says in English of a lost PBX holds the first; said as the second
    since: str
    during: str
    at: str
    rule: str
    raised: str
    judged: str
    packets: Forms
    calls: Forms
    bad_calls: str  # {count}: more than one
    within: str
    codec: str
    gists: Gists
    lists: Lists
    statuses: Statuses
    segments: Segments
    remedies: Remedies
    digests: Digests
    buttons: Mapping[ButtonAction, str]
    caption: str  # of a chart: {who}
    charts: str  # {url}
