"""QueueSummary as Asterisk prints it, and as nobody should."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.codec import Message
from qualitywatch.ami.events import WANTED_EVENTS, translate
from qualitywatch.model import QueuesListed, QueueSummarySeen

FIGURES = {"LoggedIn": "logged_in", "Available": "available", "Callers": "callers", "LongestHoldTime": "longest_hold_s"}


def read(*lines: str) -> tuple[object, ...]:
    return translate(Message(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")), 1000.0)


def test_an_item_as_asterisk_22_prints_it() -> None:
    seen = read(
        "Event: QueueSummary",
        "Queue: support",
        "LoggedIn: 3",
        "Available: 0",
        "Callers: 7",
        "HoldTime: 41",
        "TalkTime: 180",
        "LongestHoldTime: 200",
        "ActionID: qw-1-9",
    )
    assert seen == (QueueSummarySeen(1000.0, "support", callers=7, longest_hold_s=200, available=0, logged_in=3),)


def test_the_end_of_the_list_is_heard() -> None:
    assert read("Event: QueueSummaryComplete", "EventList: Complete", "ListItems: 1") == (QueuesListed(1000.0),)
    assert {"QueueSummary", "QueueSummaryComplete"} <= WANTED_EVENTS


def test_a_queue_without_a_name_is_none() -> None:
    assert read("Event: QueueSummary", "Callers: 7") == ()
    assert read("Event: QueueSummary", "Queue: ", "Callers: 7") == ()


headers = st.sampled_from([*FIGURES, "HoldTime", "TalkTime"])
texts = st.integers(-10, 10**25).map(str) | st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8
)


@settings(max_examples=150)
@given(st.dictionaries(headers, texts))
def test_each_figure_is_read_by_itself_and_nothing_odd_is_a_number(found: dict[str, str]) -> None:
    (seen,) = read("Event: QueueSummary", "Queue: support", *(f"{name}: {value}" for name, value in found.items()))
    assert isinstance(seen, QueueSummarySeen)
    for header, field in FIGURES.items():
        text = found.get(header, "").strip(" \t\v\f")  # white space of ASCII: what is on the wire is bytes
        is_number = text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) < 2**32
        assert getattr(seen, field) == (int(text) if is_number else None)


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_no_bytes_of_a_queue_make_it_raise(name: bytes) -> None:
    clean = name.replace(b"\r", b"").replace(b"\n", b"")
    raw = b"Event: QueueSummary\r\nQueue: " + clean + b"\r\nCallers: 1\r\n\r\n"
    for seen in translate(Message(raw), 0.0):
        assert isinstance(seen, QueueSummarySeen)
        assert seen.queue.strip()
