"""The first line of an incident: what, how many, how bad.

One alert speaks for itself.  Several are told by what they share: one subject, one topic, or nothing but their time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from qualitywatch.model import Member, MemberState
from qualitywatch.notify.members import Cast, ended_unseen, is_over, span, worst_figure, worst_peak
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.notify.terms import QUEUE_GAUGES, detail, figure, inside, noun, preposition, who
from qualitywatch.notify.texts import Words, duration, form, number, words_of
from qualitywatch.notify.words import Count, Shared


def gist(cast: Cast, language: str, zone: tzinfo) -> str:
    """Return the incident in one line, without its mark."""
    words, main = words_of(language), cast.main
    if len(main) == 1:
        return member_sentence(main[0], language, zone)
    topics = {member.alert.topic for member in main}
    is_one_subject = len(_subjects(main)) == 1
    if is_one_subject and not topics & words.gists.changes.keys():
        return _of_one_subject(cast, words)
    if is_one_subject or len(topics) > 1:
        return _mixed(cast, words, language, zone)
    topic = topics.pop()
    told = words.counts.get(topic) or words.shares.get(topic)
    if told is not None:
        return _of_one_group(cast, told, words, language, zone)
    if topic in words.gists.changes:
        return words.gists.changes[topic].format(many=_many(main, words))
    if (topic, "") in words.gists.groups:
        return _of_one_state(cast, words, language, zone)
    return _of_one_series(cast, words)


def part_over(cast: Cast, words: Words) -> str:
    """Return how many of several are over, "" when it is none or all; subjects are counted where they are all of one topic."""
    lasting = [member for member in cast.main if member.state is not MemberState.HAPPENED]
    if not cast.over or not cast.firing:
        return ""
    done, together = len(cast.over), len(lasting)
    if counts_subjects(cast.main):
        together = len(_subjects(lasting))
        done = together - len(_subjects(cast.firing))
    return form(done, words.gists.part_over).format(done=done, all=together) if done else ""


def counts_subjects(members: Sequence[Member]) -> bool:
    """Whether they are many subjects with one trouble, rather than many troubles."""
    return len({member.alert.topic for member in members}) == 1 and len(_subjects(members)) > 1


def in_short(member: Member, words: Words, *, with_noun: bool, with_direction: bool) -> str:
    """Return one member of a list: ``SIP/6204 8.10%``, or what else tells it from its neighbours."""
    alert = member.alert
    state = _state_in_short(member, words)
    if state is not None:
        return who(alert) if is_over(member) else f"{who(alert)} {state}"
    value = None if is_over(member) else figure(alert, alert.value, words)
    what = inside(noun(alert, words)) if with_noun else None
    parts: tuple[str | None, ...] = (who(alert), what, value)
    if with_direction and alert.key.direction is not None:
        parts = (what, preposition(alert, words), who(alert), value)
    return " ".join(part for part in parts if part is not None)


def _of_one_subject(cast: Cast, words: Words) -> str:
    """``Anna SIP/6117: loss 9.20%, jitter 80.0 ms``."""
    shown = cast.firing or cast.main
    by_topic: dict[str, Member] = {}
    for member in shown:  # the worst of each topic comes first
        by_topic.setdefault(member.alert.topic, member)
    parts = []
    for member in by_topic.values():
        state, value = _state_in_short(member, words), figure(member.alert, member.alert.value, words)
        if is_over(member) or value is None:
            parts.append(state if state is not None and not is_over(member) else inside(noun(member.alert, words)))
        else:
            parts.append(f"{inside(noun(member.alert, words))} {value}")
    return f"{who(shown[0].alert)}: {', '.join(parts)}{_ending(cast, words)}"


def _mixed(cast: Cast, words: Words, language: str, zone: tzinfo) -> str:
    many = number(len(cast.main), words.gists.alerts)
    ending = _ending(cast, words)
    if ending:
        return words.gists.mixed_over.format(many=many) + ending
    return words.gists.mixed.format(many=many, worst=member_sentence(cast.main[0], language, zone))


def _of_one_state(cast: Cast, words: Words, language: str, zone: tzinfo) -> str:
    """``2 trunks are not registered``: those that fire now, since it is said of the present; or that it happened to."""
    topic = cast.main[0].alert.topic
    firing = cast.firing if cast.firing or cast.over else cast.main
    if not firing:
        many, ended = _many(cast.main, words), ended_unseen(cast.main)
        return (
            many + _ending(cast, words)
            if ended
            else words.gists.backs.get(topic, words.gists.back).format(many=many) + _after(cast, words)
        )
    if len(firing) == 1:
        return member_sentence(firing[0], language, zone)
    groups = words.gists.groups
    phrases = {groups.get((topic, detail(member.alert.details, "state")), groups[topic, ""]) for member in firing}
    phrase = phrases.pop() if len(phrases) == 1 else groups[topic, ""]
    return phrase.format(many=_many(firing, words))


def _of_one_group(cast: Cast, told: Count | Shared, words: Words, language: str, zone: tzinfo) -> str:
    """``failed logins from 3 addresses``, ``packet loss at 3 sites``."""
    if len(cast.firing) == 1:
        return member_sentence(cast.firing[0], language, zone)
    many = number(len(_subjects(cast.firing or cast.main)), told.subjects)
    return told.group.format(many=many) + _ending(cast, words)


def _of_one_series(cast: Cast, words: Words) -> str:
    """``loss: 14 peers, worst SIP/6203 24.51%``."""
    told = words.gists.series.format(noun=noun(cast.main[0].alert, words), many=_many(cast.main, words))
    ending = _ending(cast, words)
    if ending:
        return told + ending + _peak(cast, words)
    worst = worst_figure(cast.firing)
    value = figure(worst.alert, worst.alert.value, words) if worst is not None else None
    return told if worst is None or value is None else told + words.gists.worst.format(who=who(worst.alert), value=value)


def _peak(cast: Cast, words: Words) -> str:
    worst = worst_peak(cast.main)
    value = figure(worst.alert, worst.alert.peak, words) if worst is not None else None
    if worst is None or value is None:
        return ""
    return words.gists.peak.format(extreme=words.series[worst.alert.topic].extreme, value=value, who=who(worst.alert))


def _ending(cast: Cast, words: Words) -> str:
    """How all of them ended, "" while any fires or where nothing ever lasted."""
    if cast.firing or not cast.over:
        return ""
    start, end = span(cast.over)
    template = words.gists.all_ended if ended_unseen(cast.over) else words.gists.all_over
    if all(member.resolved_because == "removed" for member in cast.over):
        template = words.gists.all_removed
    return template.format(duration=duration(end - start, words) if end is not None else "?")


def _after(cast: Cast, words: Words) -> str:
    start, end = span(cast.over)
    return words.after.format(duration=duration(end - start, words) if end is not None else "?")


def _state_in_short(member: Member, words: Words) -> str | None:
    states, topic = words.lists.states, member.alert.topic
    return states.get((topic, detail(member.alert.details, "state")), states.get((topic, "")))


def _many(members: Sequence[Member], words: Words) -> str:
    if all(member.alert.topic in QUEUE_GAUGES for member in members):
        return number(len(_subjects(members)), words.queues.subjects)
    is_trunks = all(member.alert.topic == "trunk_state" for member in members)
    return number(len(_subjects(members)), words.gists.trunks if is_trunks else words.gists.peers)


def _subjects(members: Sequence[Member]) -> frozenset[str]:
    return frozenset(member.alert.key.subject for member in members)
