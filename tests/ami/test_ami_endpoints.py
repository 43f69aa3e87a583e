"""Asking for endpoints by name: what is known, what is unknown, and when nothing can be said."""

from __future__ import annotations

import pytest

from qualitywatch.ami.endpoints import ask_endpoints
from tests.ami.test_ami_resync import Pbx
from tests.fakes.scripted_manager import DENIED


def value(question: str, text: str) -> dict[str, str]:
    return {f"Getvar {question}": f"Response: Success\nActionID: {{id}}\nVariable: {question}\nValue: {text}\n\n"}


ENDPOINT = "PJSIP_ENDPOINT({},direct_media)"
AOR = "PJSIP_AOR({},max_contacts)"


async def test_each_is_known_by_a_setting_that_every_endpoint_or_aor_has() -> None:
    pbx = Pbx(
        {
            **value(ENDPOINT.format("701"), "true"),
            **value(ENDPOINT.format("702"), ""),
            **value(AOR.format("702"), "1"),
            **value(ENDPOINT.format("703"), ""),
            **value(AOR.format("703"), ""),
        }
    )
    found = await ask_endpoints(pbx, ["PJSIP/701", "PJSIP/702", "PJSIP/703"])
    assert found == (frozenset({"PJSIP/701", "PJSIP/702"}), frozenset({"PJSIP/703"}))


@pytest.mark.parametrize("name", ["SIP/6117", "PJSIP/a,b", "PJSIP/x)", "PJSIP/x\r\nAction: Reboot", "PJSIP/"])
async def test_a_name_that_cannot_be_asked_for_is_left_out(name: str) -> None:
    pbx = Pbx({})
    assert await ask_endpoints(pbx, [name]) == (frozenset(), frozenset())
    assert pbx.asked == []


@pytest.mark.parametrize("answer", [DENIED, "", "Response: Success\nActionID: {id}\nVariable: else\nValue: \n\n"])
async def test_one_question_without_an_answer_voids_the_round(answer: str) -> None:
    pbx = Pbx({**value(ENDPOINT.format("701"), "true"), f"Getvar {ENDPOINT.format('702')}": answer})
    assert await ask_endpoints(pbx, ["PJSIP/701", "PJSIP/702"]) is None
