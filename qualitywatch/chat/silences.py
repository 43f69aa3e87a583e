"""/silence, /silences and /unsilence: quiet that somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qualitywatch.chat.asking import Asking
from qualitywatch.chat.misread import Misread, Problem, near
from qualitywatch.chat.page import Page
from qualitywatch.chat.parsing import is_pattern, read_silence_ids
from qualitywatch.chat.silence_parsing import read_silence
from qualitywatch.chat.subjects import Known, choices, everybody, named, nearest
from qualitywatch.model import Silence
from qualitywatch.notify.inbound import Answer
from qualitywatch.room import SilenceRequest

_EVERYTHING = ("*",)  # of PBXes: said in so many words, never by leaving everything out


async def silence(asking: Asking) -> Answer:
    """/silence: make one."""
    room = asking.room
    wish = read_silence(asking.words, room.now(), asking.zone, asking.morning)
    known = await everybody(room)
    names = tuple(view.name for view in room.pbxes())
    of_names = {name.casefold(): name for name in names}
    called = [of_names[word.casefold()] for word in wish.named if word.casefold() in of_names]
    pbxes = (*(_pbx(names, word) for word in wish.pbxes), *called)
    subjects: dict[tuple[str, ...], list[str]] = {}  # by the PBXes that they are to be silenced on; of none: on all
    for typed in (*(word for word in wish.named if word.casefold() not in of_names), *wish.subjects):
        word, there = _split_pbx(names, typed)
        where = (there,) if there is not None else pbxes
        if is_pattern(word):
            subjects.setdefault(where, []).append(word)
        else:
            subject, pbx = _subject(known, word, where)
            subjects.setdefault(where or ((pbx,) if len(names) > 1 else ()), []).append(subject)
    if not subjects:
        subjects[pbxes if pbxes or wish.rules or wish.severities else _EVERYTHING] = []
    page = asking.page()
    for where, found in subjects.items():
        request = SilenceRequest(
            wish.ends_at,
            rules=wish.rules,
            subjects=tuple(found),
            pbxes=where,
            severities=wish.severities,
            comment=wish.comment,
        )
        try:
            _add_made(asking, page, await room.silence(request, asking.by))
        except ValueError as exc:
            raise Misread(Problem.REFUSED_BY_DESK, str(exc)) from exc
    return page.answer()


def _add_made(asking: Asking, page: Page, made: Silence) -> None:
    texts = asking.texts
    ends = f"{asking.time(made.ends_at)} {asking.zone_at(made.ends_at)}".strip()
    lasts = asking.lasted(made.ends_at - asking.room.now())
    page.line(
        texts.silenced.format(what=what(asking, made), until=texts.until.format(time=ends), lasts=lasts), bold=f"#{made.id}"
    )
    page.line(texts.undo.format(id=made.id))


async def silences(asking: Asking) -> Answer:
    """/silences: those in force or to come."""
    page, found = asking.page(), in_force(asking)
    if not found:
        page.line(asking.texts.no_silences)
    add_silences(asking, page, found)
    if found:
        page.line(asking.texts.undo.format(id=found[0].id))
    return page.answer()


async def unsilence(asking: Asking) -> Answer:
    """/unsilence: end some, or all."""
    room, texts = asking.room, asking.texts
    valid = in_force(asking)
    ids = read_silence_ids(asking.words)
    wanted = [one.id for one in valid] if ids is None else list(ids)
    page = asking.page()
    if not wanted:
        page.line(texts.no_silences)
    missing = []
    for silence_id in wanted:
        ended = await room.expire_silence(silence_id, asking.by)
        if ended is None:
            missing.append(silence_id)
            continue
        was_over = all(one.id != silence_id for one in valid)
        told = texts.silence_was_over if was_over else texts.silence_ended
        page.line(told.format(what=what(asking, ended)), bold=f"#{silence_id}")
    if len(missing) == len(wanted) and wanted:
        raise Misread(Problem.NO_SUCH_SILENCE, str(missing[0]), tuple(str(one.id) for one in valid))
    for silence_id in missing:
        page.line(texts.problems[Problem.NO_SUCH_SILENCE].format(word=silence_id))
    return page.answer()


def in_force(asking: Asking) -> Sequence[Silence]:
    """Return the silences in force or to come."""
    now = asking.room.now()
    return [one for one in asking.room.silences() if one.expired_at is None and one.ends_at > now]


def add_silences(asking: Asking, page: Page, found: Iterable[Silence]) -> None:
    """Add a line for each: what, until when, who asked, and why."""
    texts, now = asking.texts, asking.room.now()
    for one in found:
        told = f"{what(asking, one)} {texts.until.format(time=asking.time(one.ends_at))}"
        if one.starts_at is not None and one.starts_at > now:
            told += f", {texts.not_before.format(time=asking.time(one.starts_at))}"
        page.line(f"{told}, {one.by}" + (f": {one.comment}" if one.comment else ""), bold=f"#{one.id}")


def what(asking: Asking, one: Silence) -> str:
    """Return what a silence covers, in the words it can be asked for with."""
    if one.incident:
        return asking.texts.silence_of_incident.format(id=one.incident)
    parts = [", ".join(one.subjects)] if one.subjects else []
    parts += [f"rule={','.join(one.rules)}"] if one.rules else []
    parts += [f"pbx={','.join(one.pbxes)}"] if one.pbxes and one.pbxes != _EVERYTHING else []
    parts += [f"severity={','.join(one.severities)}"] if one.severities else []
    return " ".join(parts) or asking.texts.everything


def _split_pbx(names: tuple[str, ...], word: str) -> tuple[str, str | None]:
    """Take ``office:SIP/6117`` apart."""
    name, colon, rest = word.partition(":")
    found = next((one for one in names if one.casefold() == name.casefold()), None)
    return (rest, found) if colon and rest and found is not None else (word, None)


def _pbx(names: tuple[str, ...], word: str) -> str:
    if is_pattern(word):
        return word
    found = next((name for name in names if name.casefold() == word.casefold()), None)
    if found is None:
        raise Misread(Problem.NO_SUCH_PBX, word, near(word, names) or names)
    return found


def _subject(known: Sequence[Known], word: str, pbxes: Sequence[str]) -> tuple[str, str]:
    """The subject a word names, and its PBX; never a guess, for quiet about the wrong one is not noticed."""
    everywhere = not pbxes or any(is_pattern(name) for name in pbxes)
    found = named([one for one in known if everywhere or one.pbx.name in pbxes], word)
    if len({one.subject for one in found}) > 1 or (len(found) > 1 and not pbxes):
        raise Misread(Problem.SEVERAL, word, choices(found))
    if not found:
        raise Misread(Problem.NO_SUCH_PEER, word, nearest(known, word))
    return found[0].subject, found[0].pbx.name
