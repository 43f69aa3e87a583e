"""Every rule that rules/README.md shows is loaded, looked over, and does what the text beside it says."""

from __future__ import annotations

import io
import re
import textwrap
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from qualitywatch.commands.rules_test import RunOptions, rules_test
from qualitywatch.rules.lint import lint
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.registry import RULE_KINDS

RULES = Path(__file__).parents[2] / "rules"
TEXT = (RULES / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
EXAMPLES = {rule["name"]: block for block in BLOCKS for rule in yaml.safe_load(block)}

# By the name of the example: the story that shows it at work.
STORIES = {
    "no-satellites": """
        - name: a call to a satellite is ended, one to London is not, and somebody is called
          events:
            - {at: 10s, dial: {peer: SIP/6117, number: "0088216123456", trunk: SIP/provider, lasts: 1m}}
            - {at: 10s, dial: {peer: SIP/6118, number: "00442071234567", trunk: SIP/provider, lasts: 1m}}
          expect:
            - {between: [10s, 11s], remedy: "/would have hung up SIP.6117-[^ ]+ .dry run./"}
            - {between: [10s, 11s], remedy: "called PJSIP/100"}
            - {never: {remedy: SIP/6118}}
    """,
    "peer-down": """
        - name: a phone that is off at night is told five minutes after the office opens, in Moscow
          start: 2026-01-05T01:00:00
          events:
            - {at: 0s, peer: {peer: SIP/6117, status: Registered}}
            - {at: 0s, peer: {peer: SIP/6118, status: Registered}}
            - {at: 1m, peer: {peer: SIP/6117, status: Unregistered}}
            - {at: 1m, peer: {peer: SIP/6118, status: Unregistered}}
            - {at: 4h4m, peer: {peer: SIP/6118, status: Registered}}
          until: 4h30m
          expect:
            - {never: {rule: peer-down}, between: [0s, 4h4m59s]}
            - {between: [4h5m, 4h5m1s], state: firing, rule: peer-down, subject: SIP/6117, severity: warning}
            - {never: {rule: peer-down, subject: SIP/6118}}
        - name: in business hours after five minutes, at the weekend never
          start: 2026-01-09T09:00:00
          events:
            - {at: 0s, peer: {peer: SIP/6117, status: Registered}}
            - {at: 1m, peer: {peer: SIP/6117, status: Unregistered}}
            - {at: 10m, peer: {peer: SIP/6117, status: Registered}}
            - {at: 24h, peer: {peer: SIP/6117, status: Unregistered}}
          until: 26h
          expect:
            - {between: [6m, 6m1s], state: firing, rule: peer-down, subject: SIP/6117}
            - {never: {rule: peer-down}, between: [11m, 26h]}
    """,
    "trunk-full": """
        - name: eight of ten lines for a minute are a warning until six are left
          events:
            - {at: 0s, DialBegin: {DestChannel: PJSIP/provider-1, DestUniqueid: "1", DialString: 74951110001@provider}}
            - {at: 1s, Newchannel: {Channel: PJSIP/provider-1, Uniqueid: "1", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-2, Uniqueid: "2", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-3, Uniqueid: "3", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-4, Uniqueid: "4", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-5, Uniqueid: "5", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-6, Uniqueid: "6", ChannelStateDesc: Up}}
            - {at: 2s, Newchannel: {Channel: PJSIP/provider-7, Uniqueid: "7", ChannelStateDesc: Up}}
            - {at: 10s, Newchannel: {Channel: PJSIP/provider-8, Uniqueid: "8", ChannelStateDesc: Ring}}
            - {at: 30m, Hangup: {Channel: PJSIP/provider-1, Uniqueid: "1", Cause: 16}}
            - {at: 31m, Hangup: {Channel: PJSIP/provider-2, Uniqueid: "2", Cause: 16}}
            - {at: 32m, Hangup: {Channel: PJSIP/provider-3, Uniqueid: "3", Cause: 16}}
          expect:
            - {between: [70s, 71s], state: firing, rule: trunk-full, subject: PJSIP/provider, severity: warning, value: 8}
            - {at: 29m, state: firing, rule: trunk-full}
            - {never: {rule: trunk-full, severity: critical}}
            - {at: 31m59s, state: firing, rule: trunk-full}
            - {between: [32m, 32m1s], state: resolved, rule: trunk-full}
    """,
    "slow-provider": """
        - name: five calls that ring after 9 s are enough
          events:
            - {every: 30s, from: 0s, until: 5m, DialBegin: {DestChannel: PJSIP/provider-1, DestUniqueid: "1", DialString: 7@x}}
            - {every: 30s, from: 9s, until: 5m, Newstate: {Channel: PJSIP/provider-1, Uniqueid: "1", ChannelStateDesc: Ringing}}
            - {every: 30s, from: 20s, until: 5m, Hangup: {Channel: PJSIP/provider-1, Uniqueid: "1", Cause: 19}}
          expect:
            - {between: [129s, 131s], state: firing, rule: slow-provider, subject: PJSIP/provider, value: 9}
    """,
    "loss": """
        - name: phones on a poor line are given more patience
          events:
            - call: {peer: SIP/6117, until: 1m, loss_to: 4%}
            - call: {peer: SIP/6201, until: 1m, loss_to: 4%}
            - call: {peer: SIP/6202, until: 1m, loss_to: 7%}
          expect:
            - {between: [20s, 36s], state: firing, rule: loss, subject: SIP/6117, severity: warning}
            - {never: {rule: loss, subject: SIP/6201, state: pending}}
            - {between: [20s, 36s], state: firing, rule: loss, subject: SIP/6202, severity: warning}
    """,
    "trunk-down": """
        - name: a refusal does not wait, an expiry does
          events:
            - {at: 10s, registry: {trunk: SIP/a@one.example, status: Rejected}}
            - {at: 10s, registry: {trunk: SIP/b@two.example, status: Unregistered}}
            - {at: 2m, registry: {trunk: SIP/a@one.example, status: Registered}}
          expect:
            - {at: 10s, state: firing, rule: trunk-down, subject: SIP/a@one.example, severity: critical}
            - {at: 39s, state: pending, rule: trunk-down, subject: SIP/b@two.example}
            - {between: [40s, 41s], state: firing, rule: trunk-down, subject: SIP/b@two.example, severity: warning}
            - {between: [70s, 71s], state: firing, rule: trunk-down, subject: SIP/b@two.example, severity: critical}
            - {between: [2m, 2m6s], state: resolved, rule: trunk-down, subject: SIP/a@one.example}
        - name: calls go another way while the trunk is down, and back when it has recovered
          events:
            - {at: 10s, registry: {trunk: SIP/a@one.example, status: Unregistered}}
            - {at: 2m, registry: {trunk: SIP/a@one.example, status: Registered}}
          expect:
            - {never: {remedy: DB}, between: [0s, 69s]}
            - {between: [70s, 71s], remedy: "would have turned DB trunk/SIP/a@one.example to backup (dry run)"}
            - {between: [2m, 2m6s], remedy: "would have deleted DB trunk/SIP/a@one.example again (dry run)"}
    """,
    "jitter-unusual": """
        - name: what is usual at noon is news in the morning, and told with what is usual
          learned:
            - {rule: jitter-unusual, subject: SIP/6117, direction: from_peer, usual: 8, deviation: 1, hours: {9: 6, 12: 23}}
          events:
            - call: {peer: SIP/6117, until: 2m, jitter: 24ms}
            - {at: 3h, call: {peer: SIP/6117, lasts: 2m, jitter: 24ms}}
          expect:
            - {between: [60s, 80s], state: firing, rule: jitter-unusual, subject: SIP/6117, severity: warning}
            - {message: "jitter from SIP/6117 24.0 ms, usually 6.0 ms at this hour", between: [60s, 80s], new: true}
            - {never: {rule: jitter-unusual, state: pending}, between: [1h, 4h]}
    """,
    "one-way-audio": """
        - name: a phone that hears nothing is told within two reports
          events:
            - call: {peer: PJSIP/706, until: 1m, changes: [{at: 20s, silent: [to_peer]}]}
            - call: {peer: PJSIP/708, until: 1m}
          expect:
            - {between: [20s, 35s], state: firing, rule: one-way-audio, subject: PJSIP/706}
            - {never: {rule: one-way-audio, subject: PJSIP/708, state: pending}}
    """,
    "calls-at-night": """
        - name: a call at night is told, to the police it is not, and one that was begun by day may go on
          start: 2026-01-05T18:00:00
          events:
            - {at: 30m, dial: {peer: SIP/6117, number: 112, trunk: SIP/provider}}
            - {at: 59m, dial: {peer: SIP/6118, number: 030123456, trunk: SIP/provider, lasts: 30m}}
            - {at: 61m, dial: {peer: SIP/6117, number: 030123456, trunk: SIP/provider}}
            - {at: 62m, dial: {peer: SIP/6200, number: 030123456, trunk: SIP/provider}}
            - {at: 63m, dial: {peer: SIP/6119, number: 112, trunk: SIP/provider}}
          expect:
            - {at: 61m, state: firing, rule: calls-at-night, subject: SIP/6117, severity: warning}
            - {never: {rule: calls-at-night, subject: SIP/6118, state: pending}}
            - {never: {rule: calls-at-night, subject: SIP/6119, state: pending}}
            - {never: {rule: calls-at-night, subject: SIP/6200, state: pending}}
            - {never: {rule: calls-at-night, state: pending}, between: [0s, 60m]}
    """,
    "user-agent": """
        - name: other firmware of the same make is no news, another make is
          events:
            - {at: 0s, agent: {peer: SIP/6103, user_agent: Yealink SIP-T46U 108.86.0.70}}
            - {at: 1m, agent: {peer: SIP/6103, user_agent: Yealink SIP-T46U 108.86.0.99}}
            - {at: 2m, agent: {peer: SIP/6103, user_agent: Zoiper}}
          expect:
            - {never: {rule: user-agent}, between: [0s, 119s]}
            - {between: [2m, 2m1s], state: firing, rule: user-agent, subject: SIP/6103, severity: warning}
    """,
}


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_every_kind_has_an_example_in_its_chapter(kind: str) -> None:
    chapter = re.search(rf"^## `{kind}`.*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert chapter is not None
    blocks = re.findall(r"```yaml\n(.*?)```", chapter[0], re.DOTALL)
    assert kind in {rule["kind"] for block in blocks for rule in yaml.safe_load(block)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads_in_the_place_of_the_shipped_rule(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("rules:\n" + textwrap.indent(EXAMPLES[name], "  "), encoding="utf-8")
    specs = load_rules([RULES, tmp_path])
    assert [spec.name for spec in specs if spec.source.startswith(str(tmp_path))]
    assert [str(finding) for finding in lint(specs)] == []


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in STORIES])
def test_an_example_does_what_it_says(name: str, tmp_path: Path) -> None:
    rules = textwrap.indent(EXAMPLES[name], "  ")
    tests = textwrap.indent(textwrap.dedent(STORIES[name]), "  ")
    (tmp_path / "t.yml").write_text(f"rules:\n{rules}\ntests:\n{tests}", encoding="utf-8")
    out = io.StringIO()
    assert rules_test(RunOptions((tmp_path / "t.yml",)), out) == 0, out.getvalue()


def test_a_kind_of_ones_own_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    kind: dict[str, Any] = {}
    exec(compile(code, "rules/README.md", "exec"), kind)
    monkeypatch.setitem(cast("dict[str, Any]", RULE_KINDS), "spike", kind["parse"])
    test = """
        rules:
          - {name: spiky, kind: spike, metric: loss_percent, limit: 30}
        tests:
          - name: one report is enough, and the next one ends it
            events:
              - call: {peer: SIP/6117, until: 2m, changes: [{at: 50s, loss_to: 40%}, {at: 55s, loss_to: 0%}]}
            expect:
              - {at: 50s, state: none, rule: spiky}
              - {between: [55s, 56s], state: firing, rule: spiky, direction: to_peer, value: 40}
              - {between: [60s, 61s], state: resolved, rule: spiky}
              - {messages: 1}
    """
    (tmp_path / "t.yml").write_text(textwrap.dedent(test), encoding="utf-8")
    out = io.StringIO()
    assert rules_test(RunOptions((tmp_path / "t.yml",)), out) == 0, out.getvalue()


def test_no_story_is_left_without_its_example() -> None:
    assert set(STORIES) <= set(EXAMPLES)
