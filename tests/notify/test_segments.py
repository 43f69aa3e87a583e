"""The line that says where a loss arises, written out in both languages."""

from __future__ import annotations

from datetime import UTC

import pytest

from qualitywatch.model import Direction, Member, MemberState
from qualitywatch.notify.composition import plain_text
from qualitywatch.notify.living import living
from tests.notify.build import incident, member

CALLS = {"lossy_calls": "2", "known_calls": "2"}
ANNA = {"other_leg": "SIP/6117"}
CLEAN = {**ANNA, "other_clean": "yes", "other_to_peer": "0.0", "other_from_peer": "0.2"}
SHARED = {"segment": "pbx", "lossy_peers": "4", "active_peers": "5", **CALLS, **CLEAN}


def loss(details: dict[str, str], subject: str = "SIP/6118", direction: Direction = Direction.TO_PEER) -> Member:
    return member(subject=subject, direction=direction, value=6.25, rule="loss", details=details)


def told(*members: Member, language: str = "en") -> list[str]:
    message, _ = living(incident(*members), language, UTC, show_pbx=False)
    return plain_text(message).splitlines()


CASES: list[tuple[dict[str, str], str, str]] = [
    (
        {"segment": "peer_down", **CALLS, **CLEAN},
        "where: its downlink (PBX to SIP/6118), 2 of 2 calls; other leg SIP/6117 is clean: to it 0.0%, from it 0.2%",
        "где: путь от АТС (до SIP/6118), звонков: 2 из 2; другое плечо SIP/6117 чистое: к нему 0.0%, от него 0.2%",
    ),
    (
        {"segment": "peer_up", **CALLS, **ANNA, "other_from_peer": "6.1"},
        "where: its uplink (SIP/6118 to PBX), 2 of 2 calls; other leg SIP/6117: to it unknown, from it 6.1%",
        "где: путь к АТС (от SIP/6118), звонков: 2 из 2; другое плечо SIP/6117: к нему неизвестно, от него 6.1%",
    ),
    (
        {"segment": "peer_both", "own_from_peer": "4.0"},
        "where: its access line (to it 6.25%, from it 4.0%)",
        "где: линия SIP/6118 (к нему 6.25%, от него 4.0%)",
    ),
    (
        {"segment": "trunk_down", "lossy_calls": "3", "known_calls": "4", "other_legs": "3", "clean_legs": "2"},
        "where: the trunk's side (PBX to provider), 3 of 4 calls; 2 of 3 other legs are clean",
        "где: сторона транка (от АТС к провайдеру), звонков: 3 из 4; других плеч без потерь: 2 из 3",
    ),
    (
        SHARED,
        "where: the PBX itself or its network (4 of 5 active peers lose)",
        "где: сама АТС или её сеть (потери у 4 из 5 активных)",
    ),
    (
        {"segment": "unsplit", **CALLS, **ANNA},
        "where: not split, the other leg may lose some of it, 2 of 2 calls; other leg SIP/6117: to it unknown, from it unknown",
        "где: не разделить, часть может теряться на другом плече, звонков: 2 из 2; другое плечо SIP/6117: к нему неизвестно, "
        "от него неизвестно",
    ),
]


@pytest.mark.parametrize(("details", "english", "russian"), CASES, ids=[case[0]["segment"] for case in CASES])
def test_one_loss_has_a_line_of_its_own(details: dict[str, str], english: str, russian: str) -> None:
    assert told(loss(details))[1] == english
    assert told(loss(details), language="ru")[1] == russian


def test_several_losses_have_it_in_brackets() -> None:
    lines = told(
        loss({"segment": "peer_up", **CALLS}, "SIP/6117", Direction.FROM_PEER),
        loss({"segment": "peer_down", **CALLS}),
        loss({}, "SIP/6119"),
    )
    assert lines[1:4] == [
        "🟡 loss from SIP/6117 6.25% (its uplink, 2 of 2 calls)",
        "🟡 loss to SIP/6118 6.25% (its downlink, 2 of 2 calls)",
        "🟡 loss to SIP/6119 6.25%",
    ]


def test_what_all_of_them_share_is_said_once() -> None:
    lines = told(loss(SHARED, "SIP/6117"), loss(SHARED, "SIP/6118"))
    assert lines[1] == "where: the PBX itself or its network (4 of 5 active peers lose)"
    assert lines[2:4] == ["🟡 loss to SIP/6117 6.25%", "🟡 loss to SIP/6118 6.25%"]


@pytest.mark.parametrize("details", [{}, {"segment": "", **CLEAN}, {"segment": "of a later version", **CLEAN}])
def test_where_nothing_is_known_nothing_is_said(details: dict[str, str]) -> None:
    assert not [line for line in told(loss(details)) if "where" in line or "leg" in line]


def test_what_is_over_is_not_placed_any_more() -> None:
    over = member(
        subject="SIP/6118",
        direction=Direction.TO_PEER,
        value=0.0,
        peak=6.0,
        state=MemberState.RESOLVED,
        details={"segment": "peer_down"},
    )
    assert not [line for line in told(over) if "where" in line or "downlink" in line]


def test_a_name_that_a_stranger_chose_stays_a_name() -> None:
    lines = told(loss({"segment": "peer_down", **CLEAN, "other_leg": "SIP/<b>\n{who}\u202e"}))
    assert lines[1].startswith("where: its downlink (PBX to SIP/6118); other leg SIP/<b> {who}")
