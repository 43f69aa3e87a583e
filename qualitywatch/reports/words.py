"""The words of a report, in the languages of chats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    title: str  # {since} {until} {zone}
    daily: str
    weekly: str
    total: str  # {calls} {answered} {coverage} {to_peer} {from_peer}
    worst_peers: str
    worst_trunks: str
    trunks: str
    nothing: str
    columns: tuple[str, ...]  # of the list of the worst
    evidence: tuple[str, ...]  # of the table of trunks
    short: tuple[str, ...]  # the same in a chat: name, attempts, ASR, NER, both losses
    causes: str
    cause_columns: tuple[str, str]
    hours: str
    hour_columns: tuple[str, str, str]
    causes_since: str  # {since}
    how: str
    chart: str  # {peer}


EN: Final = Words(
    title="Call quality {since} - {until} ({zone})",
    daily="Daily report",
    weekly="Weekly report",
    total="{calls} legs, {answered} answered, {coverage} of those over 15 s measured; "
    "loss {to_peer} to them, {from_peer} from them",
    worst_peers="Worst phones",
    worst_trunks="Worst trunks",
    trunks="Trunks",
    nothing="No calls were recorded.",
    columns=("who", "to it", "from it", "MOS", "calls", "change"),
    evidence=(
        *("trunk", "attempts", "ASR %", "NER %", "ACD s", "loss to provider %", "loss from provider %"),
        *("jitter to ms", "jitter from ms", "MOS", "legs", "measured %"),
    ),
    short=("trunk", "tried", "ASR", "NER", "to", "from"),
    causes="Why calls were not answered",
    cause_columns=("cause (Q.850) and SIP code", "calls"),
    hours="Worst hours",
    hour_columns=("hour", "loss to provider %", "loss from provider %"),
    causes_since="(known since {since})",
    how="Loss is 100 x lost / expected packets of all calls together, by RTCP reports (RFC 3550); ASR, NER as in ITU-T E.425.",
    chart="Worst: {peer}",
)
RU: Final = Words(
    title="Качество связи {since} - {until} ({zone})",
    daily="Отчёт за день",
    weekly="Отчёт за неделю",
    total="Плеч: {calls}, отвечено {answered}, из тех, что дольше 15 с, измерено {coverage}; "
    "потери: к ним {to_peer}, от них {from_peer}",
    worst_peers="Худшие телефоны",
    worst_trunks="Худшие транки",
    trunks="Транки",
    nothing="Вызовов не записано.",
    columns=("кто", "к нему", "от него", "MOS", "вызовов", "изменение"),
    evidence=(
        *("транк", "попыток", "ASR %", "NER %", "ACD с", "потери к провайдеру %", "потери от провайдера %"),
        *("джиттер к, мс", "джиттер от, мс", "MOS", "плеч", "измерено %"),
    ),
    short=("транк", "попыток", "ASR", "NER", "к", "от"),
    causes="Почему не ответили",
    cause_columns=("причина (Q.850) и код SIP", "вызовов"),
    hours="Худшие часы",
    hour_columns=("час", "потери к провайдеру %", "потери от провайдера %"),
    causes_since="(известно с {since})",
    how="Потери: 100 x потерянные / ожидавшиеся пакеты всех вызовов вместе, по RTCP (RFC 3550); ASR и NER по ITU-T E.425.",
    chart="Хуже всех: {peer}",
)
WORDS: Final[Mapping[str, Words]] = {"en": EN, "ru": RU}
