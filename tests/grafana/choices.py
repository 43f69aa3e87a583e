"""What the variables of every source of series have to offer, filled with the recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qualitywatch.grafana.panels import Variable
from tests.grafana.filling import ALL, VARIABLES, Choices
from tests.grafana.recorded import PBX, TRUNK


def check_choices(values: Callable[[Variable, Choices], list[str]], choices: Mapping[str, Sequence[str] | str]) -> None:
    """``values`` asks the source for a variable, ``choices`` are those of all PBXes and sites."""
    assert {PBX, "asterisk-20.trunk-outage"} <= set(values(VARIABLES["pbx"], {}))
    assert values(VARIABLES["site"], {"pbx": ALL}) == ["Riga"]
    assert {TRUNK, "SIP/74993801@127.0.0.1"} <= set(choices["trunk"])
    assert "SIP/6118" in choices["peer"]
    one_pbx = values(VARIABLES["peer"], {"pbx": ["asterisk-22.pjsip-bridge-loss"], "site": ALL})
    assert one_pbx == ["PJSIP/701", "PJSIP/702", "PJSIP/703"], "the last one never had a call"
    of_riga = values(VARIABLES["peer"], {"pbx": ["asterisk-22.pjsip-bridge-loss"], "site": ["Riga"]})
    assert of_riga == one_pbx
    assert values(VARIABLES["peer"], {"pbx": ALL, "site": ["Vilnius"]}) == []
