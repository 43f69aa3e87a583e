"""What a language must be able to say of remedies, and the languages that can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import RemedyOutcome, RemedyReason


@dataclass(frozen=True, slots=True)
class Remedies:
    """What was done about an incident.  Values of deeds are those of the action (``remedies.actions``)."""

    deeds: Mapping[str, tuple[str, str]]  # by ``RemedyNote.what``: what was done, and the same as something to do
    outcomes: Mapping[RemedyOutcome, str]  # {did}, {to_do}, {why}
    reasons: Mapping[RemedyReason, str]  # {detail}
    nothing: str  # an empty value
    earlier: str  # {count}


REMEDIES_EN: Final = Remedies(
    deeds={
        "hangup": ("hung up {channel}", "hang up {channel}"),
        "redirect": ("sent {channel} to {exten} in {context}", "send {channel} to {exten} in {context}"),
        "originate": ("called {to}", "call {to}"),
        "setvar": ("set {variable} to {value}", "set {variable} to {value}"),
        "setvar_back": ("set {variable} back to {value}", "set {variable} back to {value}"),
        "setvar_delete": ("emptied {variable} again", "empty {variable} again"),
        "setvar_before": ("set {variable} back to what it was", "set {variable} back to what it was"),
        "dbput": ("turned DB {family}/{key} to {value}", "turn DB {family}/{key} to {value}"),
        "dbput_back": ("turned DB {family}/{key} back to {value}", "turn DB {family}/{key} back to {value}"),
        "dbput_delete": ("deleted DB {family}/{key} again", "delete DB {family}/{key} again"),
        "dbput_before": ("turned DB {family}/{key} back to what it was", "turn DB {family}/{key} back to what it was"),
    },
    outcomes={
        RemedyOutcome.DONE: "{did}",
        RemedyOutcome.UNDONE: "{did}",
        RemedyOutcome.WOULD: "would have {did} (dry run)",
        RemedyOutcome.WOULD_UNDO: "would have {did} (dry run)",
        RemedyOutcome.NOT_DONE: "did not {to_do}: {why}",
        RemedyOutcome.NOT_UNDONE: "did not {to_do}: {why}",
    },
    reasons={
        RemedyReason.NONE: "",
        RemedyReason.RIGHT: "refused, manager user lacks {detail} in write= of manager.conf",
        RemedyReason.LIMIT: "no more than {detail} an hour",
        RemedyReason.REFUSED: "Asterisk said '{detail}'",
        RemedyReason.SILENT: "Asterisk did not answer, so perhaps it was done",
        RemedyReason.GONE: "the channel was gone already",
        RemedyReason.LATE: "too late for that",
        RemedyReason.HELD: "another alert still needs it so",
        RemedyReason.CHANGED: "somebody set it to {detail} meanwhile",
        RemedyReason.UNFIT: "such a name cannot be sent to Asterisk",
    },
    nothing="nothing",
    earlier="{count} more remedies before these",
)

REMEDIES_RU: Final = Remedies(
    deeds={
        "hangup": ("завершён вызов {channel}", "завершить вызов {channel}"),
        "redirect": ("вызов {channel} переведён на {exten} в {context}", "перевести {channel} на {exten} в {context}"),
        "originate": ("сделан звонок на {to}", "позвонить на {to}"),
        "setvar": ("переменная {variable} теперь {value}", "задать {variable} = {value}"),
        "setvar_back": ("переменная {variable} снова {value}", "вернуть {variable} = {value}"),
        "setvar_delete": ("переменная {variable} снова пуста", "очистить {variable}"),
        "setvar_before": ("переменной {variable} возвращено прежнее значение", "вернуть прежнее значение {variable}"),
        "dbput": ("запись DB {family}/{key} переключена на {value}", "переключить DB {family}/{key} на {value}"),
        "dbput_back": ("запись DB {family}/{key} возвращена на {value}", "вернуть DB {family}/{key} на {value}"),
        "dbput_delete": ("запись DB {family}/{key} снова удалена", "снова удалить DB {family}/{key}"),
        "dbput_before": ("записи DB {family}/{key} возвращено прежнее значение", "вернуть прежнее значение DB {family}/{key}"),
    },
    outcomes={
        RemedyOutcome.DONE: "{did}",
        RemedyOutcome.UNDONE: "{did}",
        RemedyOutcome.WOULD: "пробный режим, следовало бы {to_do}",
        RemedyOutcome.WOULD_UNDO: "пробный режим, следовало бы {to_do}",
        RemedyOutcome.NOT_DONE: "не сделано ({to_do}): {why}",
        RemedyOutcome.NOT_UNDONE: "не сделано ({to_do}): {why}",
    },
    reasons={
        RemedyReason.NONE: "",
        RemedyReason.RIGHT: "отказано, у пользователя AMI нет {detail} в write= (manager.conf)",
        RemedyReason.LIMIT: "не больше {detail} в час",
        RemedyReason.REFUSED: "ответ Asterisk «{detail}»",
        RemedyReason.SILENT: "Asterisk не ответил, возможно, всё же сделано",
        RemedyReason.GONE: "такого канала уже нет",
        RemedyReason.LATE: "слишком поздно",
        RemedyReason.HELD: "это ещё нужно другой тревоге",
        RemedyReason.CHANGED: "кто-то уже поставил {detail}",
        RemedyReason.UNFIT: "такое имя нельзя передать в Asterisk",
    },
    nothing="(пусто)",
    earlier="до этого ещё действий: {count}",
)
