"""The words: what an alert is called in English and in Russian, as tables by topic, state and reason.

A language is one ``Words`` value: a new topic is a table entry, a new language a table.  Sentences are built around the bare
name of the subject, which is never inflected: the Russian ones ask neither its case nor its gender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.model import Direction, Metric, Severity
from qualitywatch.wording import check_template

__all__ = ["LANGUAGES", "Series", "Words", "check_template", "duration", "number", "words_of"]


@dataclass(frozen=True, slots=True)
class Series:
    """How one measured series is spoken of: its noun, one value with its unit, the verb of its good end, its extreme."""

    noun: str
    value: str
    over: str
    extreme: str


@dataclass(frozen=True, slots=True)
class Words:
    """One language.  State tables are keyed by (topic, state); the empty state stands for any other."""

    prepositions: Mapping[Direction, str]
    beside: str  # instead of a preposition, where the direction is unknown
    series: Mapping[str, Series]
    no_value: str
    provisional: str
    entities: Mapping[str, str]
    down: Mapping[tuple[str, str], str]
    up: Mapping[tuple[str, str], str]
    changed: Mapping[str, str]
    appeared: Mapping[str, str]
    unknown: str
    new_peer: str
    over: str  # of a topic without a better verb
    after: str
    no_more_calls: str
    no_more_data: str
    units: tuple[str, str, str, str]  # day, hour, minute, second
    severities: Mapping[Severity, str]
    since: str
    during: str
    at: str
    rule: str
    raised: str
    judged: str
    packets: tuple[str, ...]  # plural forms, see ``number``
    calls: tuple[str, ...]
    within: str
    codec: str


_EN: Final = Words(
    prepositions={Direction.TO_PEER: "to", Direction.FROM_PEER: "from"},
    beside="at",
    series={
        Metric.LOSS_PERCENT: Series("loss", "{:.2f}%", "is over", "peak"),
        Metric.LOSS_PERCENT_REPORTED: Series("reported loss", "{:.2f}%", "is over", "peak"),
        Metric.JITTER_MS: Series("jitter", "{:.1f} ms", "is back to normal", "peak"),
        Metric.RTT_MS: Series("round trip", "{:.0f} ms", "is back to normal", "peak"),
        Metric.MOS: Series("MOS", "{:.2f}", "is back to normal", "lowest"),
        Metric.R_FACTOR: Series("R factor", "{:.1f}", "is back to normal", "lowest"),
    },
    no_value="value unknown",
    provisional="provisional",
    entities={"trunk_state": "trunk {who}", "peer_state": "{who}", "pbx_state": "PBX {who}"},
    down={
        ("trunk_state", "rejected"): "trunk {who} is not registered (rejected by the provider{cause})",
        ("trunk_state", "failed"): "trunk {who} is not registered (registration failed{cause})",
        ("trunk_state", "silent"): "trunk {who} is not registered (no answer to registration{cause})",
        ("trunk_state", "retrying"): "trunk {who} is not registered (no answer to registration{cause})",
        ("trunk_state", "unregistered"): "trunk {who} is not registered{why}",
        ("trunk_state", "unreachable"): "trunk {who} is unreachable{why}",
        ("trunk_state", "lagged"): "trunk {who} answers slowly{why}",
        ("trunk_state", "unknown"): "the state of trunk {who} is unknown{why}",
        ("trunk_state", ""): "trunk {who} is not registered{why}",
        ("peer_state", "unreachable"): "{who} is unreachable{why}",
        ("peer_state", "lagged"): "{who} answers slowly{why}",
        ("peer_state", "unregistered"): "{who} is not registered{why}",
        ("peer_state", "unknown"): "the state of {who} is unknown{why}",
        ("peer_state", ""): "{who} is not available{why}",
        ("pbx_state", ""): "PBX {who} cannot be seen{cause}",
    },
    up={
        ("trunk_state", "unreachable"): "trunk {who} is reachable again",
        ("trunk_state", "reachable"): "trunk {who} is reachable again",
        ("trunk_state", "lagged"): "trunk {who} answers in time again",
        ("trunk_state", ""): "trunk {who} is registered again",
        ("peer_state", "unregistered"): "{who} is registered again",
        ("peer_state", "registered"): "{who} is registered again",
        ("peer_state", "lagged"): "{who} answers in time again",
        ("peer_state", ""): "{who} is reachable again",
        ("pbx_state", ""): "PBX {who} is seen again",
    },
    changed={
        "user_agent": 'User-Agent on peer {who}{address} changed from "{old}" to "{new}"',
        "address": "address of peer {who} changed from {old} to {new}",
    },
    appeared={"address": "new peer {who} at {new}"},
    unknown="unknown",
    new_peer="New peer",
    over=" is over",
    after=" after {duration}",
    no_more_calls=": no more calls to judge, ended after {duration}",
    no_more_data=": nothing more is known, ended after {duration}",
    units=("d", "h", "min", "s"),
    severities={Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"},
    since="since {start}",
    during="from {start} to {end}",
    at="at {start}",
    rule="rule {rule}, {severity}",
    raised="rule {rule}, now {severity}",
    judged="judged: ",
    packets=("packet", "packets"),
    calls=("call", "calls"),
    within=" in {duration}",
    codec="codec {codec}",
)

_RU: Final = Words(
    prepositions={Direction.TO_PEER: "до", Direction.FROM_PEER: "от"},
    beside="у",
    series={
        Metric.LOSS_PERCENT: Series("Потери", "{:.2f}%", "прекратились", "пик"),
        Metric.LOSS_PERCENT_REPORTED: Series("Потери по отчётам RTCP", "{:.2f}%", "прекратились", "пик"),
        Metric.JITTER_MS: Series("Джиттер", "{:.1f} мс", "снова в норме", "пик"),
        Metric.RTT_MS: Series("Задержка туда-обратно", "{:.0f} мс", "снова в норме", "пик"),
        Metric.MOS: Series("MOS", "{:.2f}", "снова в норме", "минимум"),
        Metric.R_FACTOR: Series("R-фактор", "{:.1f}", "снова в норме", "минимум"),
    },
    no_value="значение неизвестно",
    provisional="оценочно",
    entities={"trunk_state": "Транк {who}", "peer_state": "{who}", "pbx_state": "АТС {who}"},
    down={
        ("trunk_state", "rejected"): "Транк {who} не зарегистрирован (провайдер отклонил регистрацию{cause})",
        ("trunk_state", "failed"): "Транк {who} не зарегистрирован (ошибка регистрации{cause})",
        ("trunk_state", "silent"): "Транк {who} не зарегистрирован (нет ответа на регистрацию{cause})",
        ("trunk_state", "retrying"): "Транк {who} не зарегистрирован (нет ответа на регистрацию{cause})",
        ("trunk_state", "unregistered"): "Транк {who} не зарегистрирован{why}",
        ("trunk_state", "unreachable"): "Транк {who} недоступен{why}",
        ("trunk_state", "lagged"): "Транк {who} отвечает с задержкой{why}",
        ("trunk_state", "unknown"): "Транк {who}: состояние неизвестно{why}",
        ("trunk_state", ""): "Транк {who} не зарегистрирован{why}",
        ("peer_state", "unreachable"): "{who}: нет связи{why}",
        ("peer_state", "lagged"): "{who}: отвечает с задержкой{why}",
        ("peer_state", "unregistered"): "{who}: нет регистрации{why}",
        ("peer_state", "unknown"): "{who}: состояние неизвестно{why}",
        ("peer_state", ""): "{who}: не на связи{why}",
        ("pbx_state", ""): "АТС {who} не видна{cause}",
    },
    up={
        ("trunk_state", "unreachable"): "Транк {who} снова доступен",
        ("trunk_state", "reachable"): "Транк {who} снова доступен",
        ("trunk_state", "lagged"): "Транк {who} снова отвечает без задержки",
        ("trunk_state", ""): "Транк {who} снова зарегистрирован",
        ("peer_state", "unregistered"): "{who}: регистрация восстановлена",
        ("peer_state", "registered"): "{who}: регистрация восстановлена",
        ("peer_state", "lagged"): "{who}: снова отвечает без задержки",
        ("peer_state", ""): "{who}: связь восстановлена",
        ("pbx_state", ""): "АТС {who} снова видна",
    },
    changed={
        "user_agent": 'User-Agent на {who}{address} изменился с "{old}" на "{new}"',
        "address": "Адрес {who} изменился с {old} на {new}",
    },
    appeared={"address": "Новый пир {who}, адрес {new}"},
    unknown="неизвестно",
    new_peer="Новый пир",
    over=": завершено",
    after=" через {duration}",
    no_more_calls=": звонков для оценки больше нет, завершено через {duration}",
    no_more_data=": данных больше нет, завершено через {duration}",
    units=("дн", "ч", "мин", "с"),
    severities={Severity.INFO: "информация", Severity.WARNING: "предупреждение", Severity.CRITICAL: "критично"},
    since="с {start}",
    during="с {start} до {end}",
    at="в {start}",
    rule="правило {rule}, {severity}",
    raised="правило {rule}, теперь {severity}",
    judged="выборка: ",
    packets=("пакет", "пакета", "пакетов"),
    calls=("звонок", "звонка", "звонков"),
    within=" за {duration}",
    codec="кодек {codec}",
)

_WORDS: Final[Mapping[str, Words]] = {"en": _EN, "ru": _RU}
LANGUAGES: Final = tuple(_WORDS)


def words_of(language: str) -> Words:
    """Return the words of a language; English for one that is not known."""
    return _WORDS.get(language, _EN)


def number(count: int, forms: tuple[str, ...]) -> str:
    """Return a count with its noun: two forms as in English, three as in Russian (1 пакет, 2 пакета, 5 пакетов)."""
    if len(forms) == 2:
        return f"{count} {forms[0 if count == 1 else 1]}"
    tens, ones = count % 100 // 10, count % 10
    if tens == 1 or ones == 0 or ones > 4:
        return f"{count} {forms[2]}"
    return f"{count} {forms[0 if ones == 1 else 1]}"


def duration(seconds: float, words: Words) -> str:
    """Return a duration as people say it: at most two units, seconds only while they matter (below five minutes)."""
    day, hour, minute, second = words.units
    whole = max(0, round(seconds)) if abs(seconds) < 1e12 else 0
    if whole < 300:
        parts = (whole // 60, minute), (whole % 60, second)
    elif whole < 3600 - 30:
        parts = (round(whole / 60), minute), (0, second)
    elif whole < 86400 - 30:
        minutes = round(whole / 60)
        parts = (minutes // 60, hour), (minutes % 60, minute)
    else:
        hours = round(whole / 3600)
        parts = (hours // 24, day), (hours % 24, hour)
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown) or f"0 {second}"
