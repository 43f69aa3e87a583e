"""What is asked of a PBX: a phone call, lamps; and which of its peers belong to a trunk."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualitywatch.config import CallConfig, LampConfig
from qualitywatch.errors import ConfigError
from tests.config.conftest import ONE_PBX, TWO_PBXES, Problems, Read

TRUNK = "PJSIP/74995555@127.0.0.1:5080"


def test_nothing_is_asked_unless_configured(read: Read) -> None:
    config = read(ONE_PBX)
    assert (config.call, config.lamps, config.trunk_peers) == (None, (), {})


def test_a_call_needs_a_channel_only(read: Read) -> None:
    assert read(ONE_PBX + "call: {channel: PJSIP/100}").call == CallConfig(
        "office", "PJSIP/100", "qualitywatch <100>", 300.0, "beep", 3, 300.0, 45.0, 6
    )


def test_everything_of_a_call_can_be_set(read: Read) -> None:
    call = read(
        TWO_PBXES + "call: {pbx: depot, channel: Local/79161234567@from-internal/n, caller_id: 'АТС <+7499>', after: 1m, "
        "prompt: custom/alarm, attempts: 1, every: 10m, ring: 20s, per_hour: 2}"
    ).call
    assert call == CallConfig(
        "depot", "Local/79161234567@from-internal/n", "АТС <+7499>", 60.0, "custom/alarm", 1, 600.0, 20.0, 2
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("after: 5m", "channel: missing"),
        ("channel: '100'", "channel: must be one channel such as PJSIP/100 or Local/79161234567@from-internal"),
        ("channel: PJSIP/100&PJSIP/101", "channel: must be one channel such as PJSIP/100 or Local/79161234567@from-internal"),
        (
            "channel: 'PJSIP/100,20,m(x)'",
            "channel: must be one channel such as PJSIP/100 or Local/79161234567@from-internal",
        ),
        ('channel: "PJSIP/100\\r\\nVariable: x"', "channel: holds a control character or broken Unicode"),
        ("channel: PJSIP/1, caller_id: 'a, b <1>'", "caller_id: must be a name and a number, such as qualitywatch <100>"),
        ("channel: PJSIP/1, caller_id: '<1><2>'", "caller_id: must be a name and a number, such as qualitywatch <100>"),
        (
            "channel: PJSIP/1, prompt: 'beep,s'",
            "prompt: must be a sound file of Asterisk without its extension, or several joined by &, such as beep&custom/alarm",
        ),
        ("channel: PJSIP/1, pbx: ofice", 'pbx: must be one of office, not "ofice", did you mean "office"?'),
        ("channel: PJSIP/1, attempts: 0", "attempts: must be between 1 and 100, not 0"),
        ("channel: PJSIP/1, every: 1s", "every: must be between 10s and 1d, not 1s"),
        ("channel: PJSIP/1, ring: 1h", "ring: must be between 5s and 10m, not 1h"),
        ("channel: PJSIP/1, per_hour: 100", "per_hour: must be between 1 and 60, not 100"),
        ("channel: PJSIP/1, chanel: x", 'chanel: unknown key, did you mean "channel"?'),
    ],
)
def test_wrong_calls(problems: Problems, call: str, expected: str) -> None:
    assert problems(f"{ONE_PBX}call: {{{call}}}") == [f"2: call.{expected}"]


def test_an_emptied_call_is_no_call_that_was_meant(problems: Problems) -> None:
    assert problems(ONE_PBX + "call:\n") == ["2: call: is empty; fill it in or remove it"]


def test_with_several_pbxes_the_one_that_calls_is_named(problems: Problems) -> None:
    assert problems(TWO_PBXES + "call: {channel: PJSIP/1}") == ["2: call.pbx: missing"]


def test_lamps_are_read(read: Read) -> None:
    assert read(f"{ONE_PBX}lamps: {{'{TRUNK}': trunk-mango, SIP/a@b: {{device: b}}}}").lamps == (
        LampConfig(TRUNK, "office", "trunk-mango"),
        LampConfig("SIP/a@b", "office", "b"),
    )
    assert read(f"{TWO_PBXES}lamps: {{'{TRUNK}': {{pbx: depot, device: trunk-mango}}}}").lamps == (
        LampConfig(TRUNK, "depot", "trunk-mango"),
    )


PLAIN = "must be letters, digits, . _ and - only, such as trunk-mango: what stands after Custom: in the hint of the dialplan"


@pytest.mark.parametrize(
    ("lamp", "expected"),
    [
        ("SIP/a@b: Custom:x", f"SIP/a@b: {PLAIN}"),
        ("SIP/a@b: 'x)'", f"SIP/a@b: {PLAIN}"),
        ('SIP/a@b: "x\\nAction: Command"', "SIP/a@b: must be one line of text"),
        ("SIP/a@b: {device: 'a b'}", f"SIP/a@b|device: {PLAIN}"),
        ("SIP/a@b: {pbx: x, device: a}", 'SIP/a@b|pbx: must be one of office, not "x"'),
        ("SIP/a@b: {}", "SIP/a@b|device: missing"),
        ("SIP/a@b: [x]", "SIP/a@b: must be text, not a list"),
        (
            "mango: x",
            "mango: must be a name as alerts show it, such as SIP/6117 or PJSIP/74995555@192.0.2.1:5060 (SIP, PJSIP or IAX2)",
        ),
        (
            "SIP/a@b: x, SIP/c@b: x",
            'SIP/c@b: another trunk has the lamp "x" already; give each its own',
        ),
    ],
)
def test_wrong_lamps(problems: Problems, lamp: str, expected: str) -> None:
    (problem,) = problems(f"{ONE_PBX}lamps: {{{lamp}}}")
    assert (
        problem.removeprefix("2: lamps.")
        .replace('"SIP/a@b".', "SIP/a@b|")
        .replace('"SIP/a@b":', "SIP/a@b:")
        .replace('"SIP/c@b":', "SIP/c@b:")
        == expected
    )


def test_with_several_pbxes_a_lamp_names_its_own(problems: Problems) -> None:
    assert problems(TWO_PBXES + "lamps: {SIP/a@b: x}") == ['2: lamps."SIP/a@b": say on which PBX: {pbx: office, device: ...}']


def test_peers_belong_to_trunks(read: Read, problems: Problems) -> None:
    assert read(f"{ONE_PBX}trunk_peers: {{PJSIP/provider: '{TRUNK}'}}").trunk_peers == {"PJSIP/provider": TRUNK}
    name = "must be a name as alerts show it, such as SIP/6117 or PJSIP/74995555@192.0.2.1:5060 (SIP, PJSIP or IAX2)"
    assert problems(f"{ONE_PBX}trunk_peers:\n  provider: '{TRUNK}'\n  SIP/x: mango\n  SIP/y: ''\n") == [
        f"3: trunk_peers.provider: {name}",
        f'4: trunk_peers."SIP/x": {name}',
        '5: trunk_peers."SIP/y": is empty',
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12))
def test_no_text_becomes_another_line_or_argument_of_an_action(read: Read, junk: str) -> None:
    quoted = junk.replace("'", "''")
    for text in (f"call: {{channel: 'PJSIP/1{quoted}', prompt: 'b{quoted}'}}", f"lamps: {{SIP/a@b: 'x{quoted}'}}"):
        try:
            config = read(ONE_PBX + text)
        except ConfigError:
            continue
        said = [config.call.channel, config.call.prompt] if config.call else [lamp.device for lamp in config.lamps]
        assert not set("".join(said)) & set("\r\n\0,()&${}[]\"'|; ")
