"""The words on charts, as one table for each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import Direction, Metric, Severity


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    nouns: Mapping[Metric, str]
    units: Mapping[Metric, str]  # as they follow a number, with their space where one belongs
    to_and_from: Mapping[Direction, str]  # in a line of text, after the noun
    legend: Mapping[Direction, str]
    trunk_legend: Mapping[Direction, str]
    reported: str
    incident: str
    limits: Mapping[Severity, str]
    highest: str
    lowest: str
    no_calls: str
    months: tuple[str, ...]  # beside a day


_EN: Final = Words(
    nouns={
        Metric.LOSS_PERCENT: "loss",
        Metric.LOSS_PERCENT_REPORTED: "reported loss",
        Metric.JITTER_MS: "jitter",
        Metric.RTT_MS: "round trip",
        Metric.MOS: "MOS",
    },
    units={
        Metric.LOSS_PERCENT: "%",
        Metric.LOSS_PERCENT_REPORTED: "%",
        Metric.JITTER_MS: " ms",
        Metric.RTT_MS: " ms",
        Metric.MOS: "",
    },
    to_and_from={Direction.TO_PEER: "to it", Direction.FROM_PEER: "from it"},
    legend={Direction.TO_PEER: "to the phone", Direction.FROM_PEER: "from the phone"},
    trunk_legend={Direction.TO_PEER: "to the provider", Direction.FROM_PEER: "from the provider"},
    reported="as reported",
    incident="incident",
    limits={Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"},
    highest="max",
    lowest="min",
    no_calls="No calls in this time",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

_RU: Final = Words(
    nouns={
        Metric.LOSS_PERCENT: "потери",
        Metric.LOSS_PERCENT_REPORTED: "потери по отчётам",
        Metric.JITTER_MS: "джиттер",
        Metric.RTT_MS: "задержка туда-обратно",
        Metric.MOS: "MOS",
    },
    units={
        Metric.LOSS_PERCENT: "%",
        Metric.LOSS_PERCENT_REPORTED: "%",
        Metric.JITTER_MS: " мс",
        Metric.RTT_MS: " мс",
        Metric.MOS: "",
    },
    to_and_from={Direction.TO_PEER: "туда", Direction.FROM_PEER: "оттуда"},
    legend={Direction.TO_PEER: "к аппарату", Direction.FROM_PEER: "от аппарата"},
    trunk_legend={Direction.TO_PEER: "к провайдеру", Direction.FROM_PEER: "от провайдера"},
    reported="по отчётам",
    incident="инцидент",
    limits={Severity.INFO: "информация", Severity.WARNING: "предупреждение", Severity.CRITICAL: "критично"},
    highest="макс.",
    lowest="мин.",
    no_calls="За это время звонков нет",
    months=("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
)

_WORDS: Final[Mapping[str, Words]] = {"en": _EN, "ru": _RU}


def words_of(language: str) -> Words:
    """Return the words of a language; English for one that is not known."""
    return _WORDS.get(language, _EN)
