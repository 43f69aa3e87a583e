"""Requests and answers as lines: what is sent arrives, what is wrong is named, garbage raises one error only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.control.protocol import (
    MAX_LINE,
    AskStatus,
    ControlError,
    ExpireSilence,
    ListSilences,
    PbxStatus,
    Request,
    Silences,
    Status,
    decode_answer,
    decode_request,
    encode_answer,
    encode_error,
    encode_request,
)
from qualitywatch.model import Silence
from qualitywatch.room import SilenceRequest

texts = st.lists(st.text(max_size=8), max_size=3).map(tuple)
instants = st.floats(0, 4e9)
requests = st.one_of(
    st.builds(SilenceRequest, instants, st.none() | instants, texts, texts, texts, texts, st.text()),
    st.builds(ListSilences),
    st.builds(ExpireSilence, st.integers()),
    st.builds(AskStatus),
)


@given(requests)
def test_a_request_arrives_as_it_was_sent(request: Request) -> None:
    line = encode_request(request)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_request(line) == request


def test_a_request_can_be_written_by_hand() -> None:
    line = b'{"do": "silence.add", "ends_at": 1764000000, "subjects": ["SIP/61*"]}'
    assert decode_request(line) == SilenceRequest(1764000000.0, subjects=("SIP/61*",))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "the request is not one line of JSON"),
        (b"\xff\xfe", "the request is not one line of JSON"),
        (b"[" * 60_000, "the request is not one line of JSON"),
        (b'{"do": "silence.add", "ends_at": NaN}', "the request is not one line of JSON"),
        (b"[]", "the request is not a JSON object"),
        (b"{}", '"do" must be one of silence.add, silence.list, silence.expire, status, why, view, reload'),
        (
            b'{"do": ["silence.list"]}',
            '"do" must be one of silence.add, silence.list, silence.expire, status, why, view, reload',
        ),
        (b'{"do": "silence.expire"}', "ExpireSilence: field id is missing"),
        (b'{"do": "silence.expire", "id": "7"}', "ExpireSilence.id: unexpected str"),
        (b'{"do": "silence.list", "all": 1}', "silence.list: unknown 'all'; it takes nothing else"),
        (b'{"do": "silence.add", "ends_at": 1, "rules": "x"}', "SilenceRequest.rules: unexpected str"),
        (b'{"do": "silence.add", "ends_at": 1764000000000}', "silence.add: times are Unix seconds"),
        (b'{"do": "silence.add", "ends_at": 1e999}', "silence.add: times are Unix seconds"),
        (b'{"do": "silence.add", "ends_at": 5, "starts_at": -1}', "silence.add: times are Unix seconds"),
    ],
)
def test_what_is_wrong_is_named(line: bytes, complaint: str) -> None:
    with pytest.raises(ControlError) as caught:
        decode_request(line)
    assert str(caught.value) == complaint


def test_a_misspelt_selector_does_not_silence_more_than_was_meant() -> None:
    with pytest.raises(ControlError, match="unknown 'subject'; it takes ends_at, starts_at, rules, subjects, pbxes"):
        decode_request(b'{"do": "silence.add", "ends_at": 5, "rules": ["*"], "subject": ["SIP/1"]}')


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_garbage_raises_one_error_only(line: bytes) -> None:
    with pytest.raises(ControlError):
        decode_request(line)
    with pytest.raises(ControlError):
        decode_answer(Silences, line)


def test_a_request_too_long_for_the_daemon_is_not_sent() -> None:
    with pytest.raises(ControlError, match="longer than 65536 bytes: use fewer or shorter selectors"):
        encode_request(SilenceRequest(5.0, comment="x" * MAX_LINE))


def test_answers_arrive_as_they_were_sent() -> None:
    silences = Silences(9.0, (Silence(7, 60.0, "root on the command line", 5.0, rules=("*",), comment="Учения \udc80"),))
    assert decode_answer(Silences, encode_answer(silences)) == silences
    status = Status(9.0, (PbxStatus("office", True, None, 40, 2, 3, 1),), incidents=1, silences=0)
    assert decode_answer(Status, encode_answer(status)) == status


def test_a_refusal_carries_its_reason() -> None:
    with pytest.raises(ControlError, match=r"^would end before it begins$"):
        decode_answer(Silences, encode_error("would end before it begins"))
    with pytest.raises(ControlError, match="without giving a reason"):
        decode_answer(Silences, b'{"ok": 1}')


def test_an_answer_of_a_newer_daemon_is_understood() -> None:
    assert decode_answer(Silences, b'{"ok": true, "now": 1, "silences": [], "mood": "calm"}') == Silences(1.0, ())
