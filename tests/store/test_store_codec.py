"""What is written is read back; what a newer version wrote is read as far as it is understood; what is broken is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.errors import StoreError
from qualitywatch.model import AgentRecord, Alert, AuditRow, Incident, Post, Severity, Silence
from qualitywatch.store.codec import dumps, loads, printable
from tests.store import model_values
from tests.store.model_values import an_alert, an_incident, any_text

values = st.one_of(
    model_values.alerts,
    model_values.incidents,
    model_values.posts,
    model_values.silences,
    model_values.audit_rows,
    model_values.agents,
)


@given(values)
def test_round_trip_is_exact(value: Alert | Incident | Post | Silence | AuditRow | AgentRecord) -> None:
    text = dumps(value)
    assert text.isascii()
    again = loads(type(value), text)
    assert dumps(again) == text
    if "\\ud" not in text:  # no surrogates: not even halves could have been joined
        assert again == value


@dataclass(frozen=True, slots=True)
class Groups:
    """What the model may one day hold: groups of values."""

    words: tuple[str, ...]
    severities: frozenset[Severity]
    ranges: tuple[tuple[float, ...], ...] = ()


@given(st.builds(Groups, st.lists(st.text()).map(tuple), st.frozensets(st.sampled_from(Severity)), st.just(((1.0, 2.0), ()))))
def test_groups_keep_their_kind(groups: Groups) -> None:
    assert loads(Groups, dumps(groups)) == groups


@given(any_text)
def test_half_surrogates_survive(text: str) -> None:
    again = loads(AgentRecord, dumps(AgentRecord("office", "SIP/1", text, None, 1.0))).user_agent
    assert again is not None
    assert again.encode("utf-16-le", "surrogatepass") == text.encode("utf-16-le", "surrogatepass")


MAPPINGS = ("level_since", "details", "texts", "values")


def with_strangers(data: object) -> object:
    """The JSON a newer version might write: one more field in every object that is a dataclass."""
    if isinstance(data, dict):
        known = {
            name: item if name in ("level_since", "details", "texts", "values") else with_strangers(item)
            for name, item in data.items()
        }
        return {"from_the_future": [1, {"x": None}], **known}
    if isinstance(data, list):
        return [with_strangers(item) for item in data]
    return data


@given(model_values.incidents)
def test_fields_of_a_newer_version_are_passed_over(incident: Incident) -> None:
    text = json.dumps(with_strangers(json.loads(dumps(incident))))
    assert dumps(loads(Incident, text)) == dumps(incident)


def test_missing_fields_take_their_defaults() -> None:
    data = json.loads(dumps(an_alert()))
    for name in ("fired_at", "peak", "details"):
        del data[name]
    alert = loads(Alert, json.dumps(data))
    assert (alert.fired_at, alert.peak, alert.details) == (None, None, {})
    assert alert.value == 5.45


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"members": None}, "stored Incident.members: unexpected NoneType"),
        ({"ack": {"by": 5}}, "stored Incident.ack.by: unexpected int"),
        ({"news": True}, "stored Incident.news: unexpected bool"),
        ({"opened_at": "yesterday"}, "stored Incident.opened_at: unexpected str"),
        ({"opened_at": 10**400}, "stored Incident.opened_at: number out of range"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, object], complaint: str) -> None:
    data = json.loads(dumps(an_incident())) | change
    with pytest.raises(StoreError) as caught:
        loads(Incident, json.dumps(data))
    assert str(caught.value) == complaint


def test_unknown_words_and_missing_fields_are_named() -> None:
    data = json.loads(dumps(an_alert()))
    with pytest.raises(StoreError, match=r"stored Alert.state: unknown value 'asleep'"):
        loads(Alert, json.dumps(data | {"state": "asleep"}))
    del data["since_at"]
    with pytest.raises(StoreError, match=r"stored Alert: field since_at is missing"):
        loads(Alert, json.dumps(data))


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_garbage_raises_one_error_only(text: str) -> None:
    with pytest.raises(StoreError):
        loads(Incident, text)


def test_deeply_nested_garbage_raises_the_same_error() -> None:
    with pytest.raises(StoreError, match="not JSON"):
        loads(Alert, "[" * 100_000)


@given(any_text)
def test_printable_text_is_valid_utf8(text: str) -> None:
    clean = printable(text)
    assert clean.encode("utf-8").decode("utf-8") == clean
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert clean == text
