"""Whose name is printed beside ``SIP/6117``."""

from __future__ import annotations

import pytest

from qualitywatch.model import AgentSeen, Channel
from qualitywatch.peers.names import NameBook


def channel(name: str = "SIP/6117-00000002", number: str | None = "6117", caller: str | None = "Anna") -> Channel:
    return Channel(name, "1.1", caller_number=number, caller_name=caller)


def test_a_phone_s_own_name_is_learnt_from_its_channel() -> None:
    book = NameBook({})
    book.hear_channel(channel())
    assert book.name("SIP/6117") == "Anna"


@pytest.mark.parametrize(
    "heard",
    [
        channel("SIP/trunk-00000001", "74950001122", "A stranger"),  # whoever called in over a trunk
        channel("SIP/6118-00000003", "6117", "Anna"),  # the other leg of her call
        channel(caller=None),
        channel(number=None),
    ],
)
def test_a_stranger_s_name_is_not_learnt(heard: Channel) -> None:
    book = NameBook({})
    book.hear_channel(heard)
    assert book.name("SIP/6117") is None
    assert book.name(heard.peer) is None


def test_a_name_with_a_dash_in_the_peer() -> None:
    book = NameBook({})
    book.hear_channel(channel("PJSIP/hall-2-0000001a", "hall-2", "Hall"))
    assert book.name("PJSIP/hall-2") == "Hall"


def test_the_pbx_s_answer_about_a_peer_names_it() -> None:
    book = NameBook({})
    book.hear_agent(AgentSeen(1.0, "SIP/6117", None, name="Anna"))
    book.hear_agent(AgentSeen(2.0, "SIP/6117", "Yealink"))
    assert book.name("SIP/6117") == "Anna"


def test_the_configuration_always_wins() -> None:
    book = NameBook({"SIP/6117": "Reception", "SIP/74993801@sip.example": "Mango"})
    book.hear_channel(channel())
    assert book.name("SIP/6117") == "Reception"
    assert book.name("SIP/74993801@sip.example") == "Mango"


def test_nobody_s_name() -> None:
    assert NameBook({}).name("SIP/1") is None
