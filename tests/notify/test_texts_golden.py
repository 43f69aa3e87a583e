"""The headlines, written out in full: what an administrator reads, in both languages."""

from __future__ import annotations

import pytest

from qualitywatch.model import Direction, NotifyReason, Transition
from qualitywatch.notify.render import headline
from tests.notify.build import resolved, transition

TO, FROM = Direction.TO_PEER, Direction.FROM_PEER
TRUNK = "SIP/74993801@127.0.0.1"
UA = {"old": "None", "new": "Cisco-CP7960G/8.0", "address": "37.110.158.23:5060"}
UA_NEW = {"new": "Cisco-CP7960G/8.0", "address": "37.110.158.23:5060", "new_peer": "yes"}

GOLDEN: list[tuple[Transition, str, str]] = [
    # series, firing
    (
        transition(direction=TO, name="Anna", value=5.4545),
        "loss to Anna SIP/6117 5.45%",
        "Потери до Anna SIP/6117 5.45%",
    ),
    (
        transition(direction=FROM, name="Anna", value=5.4545),
        "loss from Anna SIP/6117 5.45%",
        "Потери от Anna SIP/6117 5.45%",
    ),
    (transition(direction=TO, value=5.4545), "loss to SIP/6117 5.45%", "Потери до SIP/6117 5.45%"),
    (transition(value=100.0), "loss at SIP/6117 100.00%", "Потери у SIP/6117 100.00%"),
    (transition(direction=TO), "loss to SIP/6117, value unknown", "Потери до SIP/6117, значение неизвестно"),
    (
        transition("loss_percent_reported", direction=TO, value=15.0),
        "reported loss to SIP/6117 15.00%",
        "Потери по отчётам RTCP до SIP/6117 15.00%",
    ),
    (transition("jitter_ms", direction=TO, value=34.51), "jitter to SIP/6117 34.5 ms", "Джиттер до SIP/6117 34.5 мс"),
    (
        transition("jitter_ms", direction=FROM, value=34.51, name="Анна"),
        "jitter from Анна SIP/6117 34.5 ms",
        "Джиттер от Анна SIP/6117 34.5 мс",
    ),
    (
        transition("rtt_ms", direction=TO, value=312.4),
        "round trip to SIP/6117 312 ms",
        "Задержка туда-обратно до SIP/6117 312 мс",
    ),
    (transition("rtt_ms", value=312.4), "round trip to SIP/6117 312 ms", "Задержка туда-обратно до SIP/6117 312 мс"),
    (transition("mos", direction=TO, value=3.414), "MOS to SIP/6117 3.41", "MOS до SIP/6117 3.41"),
    (
        transition("mos", direction=TO, value=3.414, details={"provisional": "yes"}),
        "MOS~ to SIP/6117 3.41 (provisional)",
        "MOS~ до SIP/6117 3.41 (оценочно)",
    ),
    (transition("r_factor", direction=FROM, value=62.12), "R factor from SIP/6117 62.1", "R-фактор от SIP/6117 62.1"),
    (
        transition(direction=TO, name="Anna", value=12.4, reason=NotifyReason.SEVERITY_INCREASED),
        "loss to Anna SIP/6117 12.40%",
        "Потери до Anna SIP/6117 12.40%",
    ),
    (transition(direction=TO, value=4.0, reason=NotifyReason.NONE), "loss to SIP/6117 4.00%", "Потери до SIP/6117 4.00%"),
    # series, over
    (
        resolved(direction=TO, name="Anna", peak=12.4),
        "loss to Anna SIP/6117 is over after 7 min, peak 12.40%",
        "Потери до Anna SIP/6117 прекратились через 7 мин, пик 12.40%",
    ),
    (
        resolved("jitter_ms", direction=FROM, peak=80.0, lasted_s=72),
        "jitter from SIP/6117 is back to normal after 1 min 12 s, peak 80.0 ms",
        "Джиттер от SIP/6117 снова в норме через 1 мин 12 с, пик 80.0 мс",
    ),
    (
        resolved("rtt_ms", direction=TO, peak=512.0, lasted_s=45),
        "round trip to SIP/6117 is back to normal after 45 s, peak 512 ms",
        "Задержка туда-обратно до SIP/6117 снова в норме через 45 с, пик 512 мс",
    ),
    (
        resolved("mos", direction=TO, peak=2.1, details={"provisional": "yes"}),
        "MOS~ to SIP/6117 is back to normal after 7 min, lowest 2.10 (provisional)",
        "MOS~ до SIP/6117 снова в норме через 7 мин, минимум 2.10 (оценочно)",
    ),
    (
        resolved(direction=TO, name="Anna", peak=12.4, because="no_data"),
        "loss to Anna SIP/6117: no more calls to judge, ended after 7 min, peak 12.40%",
        "Потери до Anna SIP/6117: звонков для оценки больше нет, завершено через 7 мин, пик 12.40%",
    ),
    (
        resolved(direction=TO, peak=12.4, because="dropped"),
        "loss to SIP/6117: no longer watched, ended after 7 min, peak 12.40%",
        "Потери до SIP/6117: больше не отслеживается, завершено через 7 мин, пик 12.40%",
    ),
    (
        resolved(direction=TO),
        "loss to SIP/6117 is over after 7 min",
        "Потери до SIP/6117 прекратились через 7 мин",
    ),
    # trunks
    (
        transition("trunk_state", TRUNK, details={"state": "silent"}),
        f"trunk {TRUNK} is not registered (no answer to registration)",
        f"Транк {TRUNK} не зарегистрирован (нет ответа на регистрацию)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "retrying"}),
        f"trunk {TRUNK} is not registered (no answer to registration)",
        f"Транк {TRUNK} не зарегистрирован (нет ответа на регистрацию)",
    ),
    (
        transition("trunk_state", TRUNK, name="Mango", details={"state": "rejected", "cause": "403 Forbidden"}),
        f"trunk Mango {TRUNK} is not registered (rejected by the provider: 403 Forbidden)",
        f"Транк Mango {TRUNK} не зарегистрирован (провайдер отклонил регистрацию: 403 Forbidden)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "rejected", "cause": ""}),
        f"trunk {TRUNK} is not registered (rejected by the provider)",
        f"Транк {TRUNK} не зарегистрирован (провайдер отклонил регистрацию)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "failed"}),
        f"trunk {TRUNK} is not registered (registration failed)",
        f"Транк {TRUNK} не зарегистрирован (ошибка регистрации)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "unregistered", "cause": "DNS error"}),
        f"trunk {TRUNK} is not registered (DNS error)",
        f"Транк {TRUNK} не зарегистрирован (DNS error)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "unreachable"}),
        f"trunk {TRUNK} is unreachable",
        f"Транк {TRUNK} недоступен",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "lagged"}),
        f"trunk {TRUNK} answers slowly",
        f"Транк {TRUNK} отвечает с задержкой",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "unknown"}),
        f"the state of trunk {TRUNK} is unknown",
        f"Транк {TRUNK}: состояние неизвестно",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=72, details={"state": "registered"}),
        f"trunk {TRUNK} is registered again after 1 min 12 s",
        f"Транк {TRUNK} снова зарегистрирован через 1 мин 12 с",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=72, details={"state": "silent"}),
        f"trunk {TRUNK} is registered again after 1 min 12 s",
        f"Транк {TRUNK} снова зарегистрирован через 1 мин 12 с",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=60, details={"state": "unreachable"}),
        f"trunk {TRUNK} is reachable again after 1 min",
        f"Транк {TRUNK} снова доступен через 1 мин",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=60, details={"state": "lagged"}),
        f"trunk {TRUNK} answers in time again after 1 min",
        f"Транк {TRUNK} снова отвечает без задержки через 1 мин",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=7500, because="no_data"),
        f"trunk {TRUNK}: nothing more is known, ended after 2 h 5 min",
        f"Транк {TRUNK}: данных больше нет, завершено через 2 ч 5 мин",
    ),
    (
        resolved("trunk_state", TRUNK, lasted_s=7500, because="removed", details={"state": "rejected"}),
        f"trunk {TRUNK}: no longer configured on the PBX, ended after 2 h 5 min",
        f"Транк {TRUNK}: больше нет в настройках АТС, завершено через 2 ч 5 мин",
    ),
    # peers
    (transition("peer_state", "SIP/6102", details={"state": "unreachable"}), "SIP/6102 is unreachable", "SIP/6102: нет связи"),
    (
        transition("peer_state", "SIP/6102", name="Anna", details={"state": "unreachable"}),
        "Anna SIP/6102 is unreachable",
        "Anna SIP/6102: нет связи",
    ),
    (
        transition("peer_state", "SIP/6102", details={"state": "lagged", "cause": "2100 ms"}),
        "SIP/6102 answers slowly (2100 ms)",
        "SIP/6102: отвечает с задержкой (2100 ms)",
    ),
    (
        transition("peer_state", "PJSIP/701", details={"state": "unregistered"}),
        "PJSIP/701 is not registered",
        "PJSIP/701: нет регистрации",
    ),
    (
        transition("peer_state", "PJSIP/701", details={"state": "unknown"}),
        "the state of PJSIP/701 is unknown",
        "PJSIP/701: состояние неизвестно",
    ),
    (transition("peer_state", "SIP/6102"), "SIP/6102 is not available", "SIP/6102: не на связи"),
    (
        resolved("peer_state", "SIP/6102", name="Anna", lasted_s=180, details={"state": "reachable"}),
        "Anna SIP/6102 is reachable again after 3 min",
        "Anna SIP/6102: связь восстановлена через 3 мин",
    ),
    (
        resolved("peer_state", "SIP/6102", lasted_s=180, details={"state": "registered"}),
        "SIP/6102 is registered again after 3 min",
        "SIP/6102: регистрация восстановлена через 3 мин",
    ),
    (
        resolved("peer_state", "SIP/6102", lasted_s=180, details={"state": "lagged"}),
        "SIP/6102 answers in time again after 3 min",
        "SIP/6102: снова отвечает без задержки через 3 мин",
    ),
    # the PBX
    (
        transition("pbx_state", "office", details={"state": "blind", "cause": "connection refused"}),
        "PBX office cannot be seen: connection refused",
        "АТС office не видна: соединение отклонено: работает ли Asterisk?",
    ),
    (transition("pbx_state", "office"), "PBX office cannot be seen", "АТС office не видна"),
    (
        resolved("pbx_state", "office", lasted_s=100_000),
        "PBX office is seen again after 1 d 4 h",
        "АТС office снова видна через 1 дн 4 ч",
    ),
    # changes
    (
        transition("user_agent", "SIP/105", reason=NotifyReason.HAPPENED, details=UA),
        'User-Agent on peer SIP/105 (37.110.158.23:5060) changed from "None" to "Cisco-CP7960G/8.0"',
        'User-Agent на SIP/105 (37.110.158.23:5060) изменился с "None" на "Cisco-CP7960G/8.0"',
    ),
    (
        transition("user_agent", "SIP/105", reason=NotifyReason.HAPPENED, details=UA_NEW),
        'User-Agent on peer SIP/105 (37.110.158.23:5060) changed from "New peer" to "Cisco-CP7960G/8.0"',
        'User-Agent на SIP/105 (37.110.158.23:5060) изменился с "Новый пир" на "Cisco-CP7960G/8.0"',
    ),
    (
        transition("user_agent", "SIP/105", reason=NotifyReason.HAPPENED, details={**UA_NEW, "old": ""}, name="Anna"),
        'User-Agent on peer SIP/105 (37.110.158.23:5060) changed from "New peer" to "Cisco-CP7960G/8.0" (Anna)',
        'User-Agent на SIP/105 (37.110.158.23:5060) изменился с "Новый пир" на "Cisco-CP7960G/8.0" (Anna)',
    ),
    (
        transition("user_agent", "SIP/105", reason=NotifyReason.HAPPENED, details={"old": "Yealink T46", "new": "scanner"}),
        'User-Agent on peer SIP/105 changed from "Yealink T46" to "scanner"',
        'User-Agent на SIP/105 изменился с "Yealink T46" на "scanner"',
    ),
    (
        transition("user_agent", "SIP/105", reason=NotifyReason.HAPPENED, details={"new": "scanner"}),
        'User-Agent on peer SIP/105 changed from "unknown" to "scanner"',
        'User-Agent на SIP/105 изменился с "неизвестно" на "scanner"',
    ),
    (
        transition(
            "address", "SIP/105", reason=NotifyReason.HAPPENED, details={"old": "10.0.4.7:5060", "new": "185.1.2.3:5060"}
        ),
        "address of peer SIP/105 changed from 10.0.4.7:5060 to 185.1.2.3:5060",
        "Адрес SIP/105 изменился с 10.0.4.7:5060 на 185.1.2.3:5060",
    ),
    (
        transition("address", "SIP/105", reason=NotifyReason.HAPPENED, details={"new": "185.1.2.3:5060", "new_peer": "yes"}),
        "new peer SIP/105 at 185.1.2.3:5060",
        "Новый пир SIP/105, адрес 185.1.2.3:5060",
    ),
    # what nobody foresaw
    (
        transition("one_way_audio", direction=TO, value=3.0, details={"cause": "no packets"}),
        "one way audio to SIP/6117 3 (no packets)",
        "one way audio до SIP/6117 3 (no packets)",
    ),
    (transition("one_way_audio"), "one way audio at SIP/6117", "one way audio у SIP/6117"),
    (
        resolved("one_way_audio", direction=TO),
        "one way audio to SIP/6117 is over after 7 min",
        "one way audio до SIP/6117: завершено через 7 мин",
    ),
    (
        transition("peer_state", "SIP/6102", details={"state": "melted"}),
        "SIP/6102 is not available (melted)",
        "SIP/6102: не на связи (melted)",
    ),
    (
        transition("trunk_state", TRUNK, details={"state": "melted", "cause": "heat"}),
        f"trunk {TRUNK} is not registered (melted: heat)",
        f"Транк {TRUNK} не зарегистрирован (melted: heat)",
    ),
    (transition("", "", pbx=""), "? at ?", "? у ?"),
]


@pytest.mark.parametrize(("change", "english", "russian"), GOLDEN, ids=[english for _, english, _ in GOLDEN])
def test_headline_reads_as_promised(change: Transition, english: str, russian: str) -> None:
    assert headline(change, "en") == english
    assert headline(change, "ru") == russian


def test_an_unknown_language_is_answered_in_english() -> None:
    assert headline(transition(direction=TO, value=5.0), "eo") == "loss to SIP/6117 5.00%"


def test_the_end_is_dated_to_when_the_trouble_went_away_not_to_when_it_was_believed() -> None:
    change = transition(
        direction=TO,
        reason=NotifyReason.RESOLVED,
        lasted_s=540,
        peak=12.4,
        because="clear",
        clear_since=transition().alert.since_at + 420,
    )
    assert headline(change, "en") == "loss to SIP/6117 is over after 7 min, peak 12.40%"


def test_a_name_that_repeats_the_subject_is_not_said_twice() -> None:
    assert headline(transition(direction=TO, name="6117", value=5.0), "en") == "loss to SIP/6117 5.00%"


def test_a_cause_that_repeats_the_state_is_not_said_twice() -> None:
    change = transition("trunk_state", TRUNK, details={"state": "rejected", "cause": "Rejected"})
    assert headline(change, "en") == f"trunk {TRUNK} is not registered (rejected by the provider)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_impossible_number_is_called_unknown(value: float) -> None:
    assert headline(transition(direction=TO, value=value), "en") == "loss to SIP/6117, value unknown"
