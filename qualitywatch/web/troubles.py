"""What ails the daemon itself: a full disk, a chat or a database that takes nothing; a sentence each, in each language.

Strategy: the sentence says what it means for the reader; the reason is appended as whoever refused has put it, in English.
Targets have the names of the configuration; of an address nothing but the host is in a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.notify.legible import legible
from qualitywatch.ports import Supervised, Telling
from qualitywatch.web.inside import SinkFigures
from qualitywatch.web.sources import Sources


@dataclass(frozen=True, slots=True)
class _Sentences:
    cannot_store: str
    cannot_tell: str
    part_failed: str
    waiting: str
    lost: str
    refused: str


_WORDS: Final[Mapping[str, _Sentences]] = {
    "en": _Sentences(
        cannot_store="Alerts are told all the same. Nothing can be stored: {reason}",
        cannot_tell=(
            "Messages do not arrive; they are kept and tried again. {reason}. "
            "Where its settings are wrong, correct them under notify: in the configuration, then run: qualitywatch reload"
        ),
        part_failed="Part “{name}” stumbles over a mistake of this program and is begun again, times so far: {count}. {what}",
        waiting="{name}: nothing can be written there, readings waiting on disk: {count}. {reason}",
        lost="{name}: readings lost since the start, there was no room on disk or it damaged them: {count}",
        refused="{name}: readings it refused for good since the start: {count}",
    ),
    "ru": _Sentences(
        cannot_store="О тревогах сообщается по-прежнему. Ничего нельзя сохранить: {reason}",
        cannot_tell=(
            "Сообщения не доходят; они хранятся и отправляются снова. {reason}. "
            "Если неверны её настройки, исправьте их в разделе notify: конфигурации и выполните: qualitywatch reload"
        ),
        part_failed="Часть «{name}» споткнулась об ошибку этой программы и запускается снова, уже раз: {count}. {what}",
        waiting="{name}: туда нельзя писать, измерений ждёт на диске: {count}. {reason}",
        lost="{name}: потеряно измерений с запуска, на диске не хватило места или он их испортил: {count}",
        refused="{name}: измерений, которые база не приняла, с запуска: {count}",
    ),
}


def troubles(sources: Sources) -> list[dict[str, str]]:
    """Everything at present, by language."""
    told = [_in_each("cannot_store", reason=reason) for reason in sources.room.troubles()]
    untold = sources.room.untold() if isinstance(sources.room, Telling) else ()
    told += [_in_each("cannot_tell", reason=reason) for reason in untold]
    parts = sources.room.failing_parts() if isinstance(sources.room, Supervised) else ()
    told += [_in_each("part_failed", name=part.name, what=part.what, count=part.times) for part in parts]
    return told + [each for name, sink in sources.inside().sinks.items() for each in _of_database(name, sink)]


def _of_database(name: str, sink: SinkFigures) -> Iterator[dict[str, str]]:
    if sink.trouble is not None:
        yield _in_each("waiting", name=name, count=sink.spooled, reason=sink.trouble)
    if sink.dropped:
        yield _in_each("lost", name=name, count=sink.dropped)
    if sink.refused:
        yield _in_each("refused", name=name, count=sink.refused)


def _in_each(sentence: str, **facts: object) -> dict[str, str]:
    return {language: legible(str(getattr(words, sentence)).format(**facts)) for language, words in _WORDS.items()}
