"""One message: headers found without regard to case, repeats kept, odd lines survive, secrets stay out of sight."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder, Message

CAPTURES = Path(__file__).parents[1] / "captures"


def recorded(folder: str) -> list[Message]:
    return Decoder().feed((CAPTURES / folder / "input.ami").read_bytes())


def test_headers_are_found_without_regard_to_case() -> None:
    message = Message(b"Event: Cdr\r\nUniqueID: 1.2\r\n\r\n")
    assert message.get("Uniqueid") == message.get("UNIQUEID") == "1.2"
    assert message.get("Linkedid") is None
    assert message.get("Linkedid", "none") == "none"


def test_the_first_of_repeated_headers_is_got_and_all_are_kept() -> None:
    """Trap: a dict that overwrites repeated keys."""
    message = Message(b"Event: A\r\nVariable: a=1\r\nvariable:b=2\r\nX: y\r\nVariable:\r\n\r\n")
    assert message.get("Variable") == "a=1"
    assert message.get_all("Variable") == ("a=1", "b=2", "")
    assert message.headers == (("Event", "A"), ("Variable", "a=1"), ("variable", "b=2"), ("X", "y"), ("Variable", ""))


def test_odd_lines_survive() -> None:
    message = Message(b"Event: A\r\nAccountCode: \r\nNoSpace:1\r\nno colon\r\nTime: 12:30: noon\r\nNamed Callgroup: 1\r\n\r\n")
    assert message.headers == (
        ("Event", "A"),
        ("AccountCode", ""),
        ("NoSpace", "1"),
        ("", "no colon"),
        ("Time", "12:30: noon"),
        ("Named Callgroup", "1"),
    )
    assert message.get("AccountCode") == ""
    assert message.get("NoSpace") == "1"
    assert message.get("Time") == "12:30: noon"
    assert message.get("no colon") is None


def test_a_header_hidden_in_a_value_is_not_a_header() -> None:
    message = Message(b"Event: A\r\nAppData: x\nChannel: SIP/evil-1\r\nChannel: SIP/good-1\r\nXChannel: z\r\n\r\n")
    assert message.get("Channel") == "SIP/good-1"
    assert message.get_all("Channel") == ("SIP/good-1",)


def test_a_message_needs_no_end() -> None:
    message = Message(b"Event: A\r\nX: 1\r\nx: 2")
    assert message.get("X") == "1"
    assert message.get_all("X") == ("1", "2")
    assert Message(b"Event: A").name == "A"
    assert Message(b"Response: Follows\r\nActionID: 1\r\n").action_id == "1"


def test_the_first_line_alone_decides_what_a_message_is() -> None:
    """ChallengeResponseFailed carries a header called Response."""
    message = next(m for m in recorded("asterisk-20/action-responses") if m.name == "ChallengeResponseFailed")
    assert message.kind == "event"
    assert message.get("Response") == "1ba4e54d707444970e7bd969c5a39bba"
    assert Message(b"Goodbye: x\r\n\r\n").kind == "other"
    assert Message(b"Goodbye: x\r\n\r\n").name == ""


def test_action_ids_are_none_when_absent_or_empty() -> None:
    assert Message(b"Event: A\r\nActionID: 7\r\n\r\n").action_id == "7"
    assert Message(b"Event: A\r\nActionID: \r\n\r\n").action_id is None
    assert Message(b"Event: A\r\n\r\n").action_id is None


def test_command_answer_of_asterisk_13() -> None:
    """Trap: forgetting the --END COMMAND-- form."""
    (message,) = [m for m in recorded("asterisk-13/sip-bridge-loss") if m.name == "Follows"]
    assert message.action_id == "c1"
    assert message.headers == (("Response", "Follows"), ("Privilege", "Command"), ("ActionID", "c1"))
    assert [line.rstrip() for line in message.output] == [
        "Host                                    dnsmgr Username       Refresh State                Reg.Time",
        "127.0.0.1:5080                          N      74993801            15 Registered           Sun, 22 Nov 2026 20:36:52",
        "1 SIP registrations.",
    ]


def test_command_answer_of_asterisk_20() -> None:
    (message,) = [m for m in recorded("asterisk-20/action-responses") if m.action_id == "c1"]
    assert message.output == ("Asterisk 20.20.1 built for x86_64 Linux on 2026-11-22 19:43:37 UTC",)


def test_the_text_of_an_old_command_answer_is_no_header() -> None:
    raw = b"Response: Follows\r\nPrivilege: Command\r\n  Secret: x\nActionID: 9\r\n\r\nlast--END COMMAND--\r\n\r\n"
    (message,) = Decoder().feed(raw)
    assert message.action_id is None
    assert message.get("Secret") is None
    assert message.output == ("  Secret: x", "ActionID: 9", "", "last")


@pytest.mark.parametrize(
    ("raw", "output"),
    [
        (b"Response: Follows\r\nActionID: 1\r\n--END COMMAND--\r\n\r\n", ()),
        (b"Response: Follows\r\n\n--END COMMAND--\r\n\r\n", ()),
        (b"Response: Follows\r\na\n\nb\n--END COMMAND--\r\n\r\n", ("a", "", "b")),
        (b"Response: Success\r\nOutput: a\r\nOutput:   b\r\nOutput: \r\nOutput:\r\n\r\n", ("a", "  b", "", "")),
        (b"Response: Success\r\nMessage: x\r\n\r\n", ()),
    ],
)
def test_output_of_both_forms(raw: bytes, output: tuple[str, ...]) -> None:
    (message,) = Decoder().feed(raw)
    assert message.output == output


def test_names_in_another_encoding_survive() -> None:
    """Trap: strict UTF-8."""
    name = "Анна".encode("cp1251")
    message = Message(b"Event: Newchannel\r\nCallerIDName: " + name + b"\r\n\r\n")
    got = message.get("CallerIDName")
    assert got is not None
    assert got.encode("utf-8", "surrogateescape") == name
    assert Message("Event: A\r\nCallerIDName: Анна\r\n\r\n".encode()).get("CallerIDName") == "Анна"


def test_passwords_never_appear_in_a_representation() -> None:
    """Trap: logging AuthDetail."""
    (message,) = [m for m in recorded("asterisk-20/action-responses") if m.name == "AuthDetail"]
    assert message.get("Password") == "pw"
    assert repr(message) == "<Message event 'AuthDetail' action_id='a3'>"
    assert str([message]) == "[<Message event 'AuthDetail' action_id='a3'>]"


def test_messages_are_equal_by_their_bytes() -> None:
    first, second = Message(b"Event: A\r\n\r\n"), Message(b"Event: A\r\n\r\n")
    assert first == second
    assert len({first, second}) == 1
    assert first != Message(b"Event: A \r\n\r\n")
    assert first != b"Event: A\r\n\r\n"


def test_messages_cannot_be_changed() -> None:
    message = Message(b"Event: A\r\n\r\n")
    for name in ("raw", "headers", "anything"):
        with pytest.raises(AttributeError):
            setattr(message, name, b"")
    assert message.raw == b"Event: A\r\n\r\n"


@pytest.mark.parametrize(
    "folder", ["asterisk-13/sip-bridge-loss", "asterisk-20/action-responses", "asterisk-22/pjsip-bridge-loss"]
)
def test_looking_up_agrees_with_listing(folder: str) -> None:
    for message in recorded(folder):
        assert_lookups_agree(message)


@given(
    st.lists(st.sampled_from(["A: 1", "a:2", "A", ":x", "AA: 3", " A: 4", "b:\nA: 5", "ж: 6", ""]), max_size=6),
    st.binary(max_size=30),
)
def test_looking_up_agrees_with_listing_on_odd_messages(lines: list[str], tail: bytes) -> None:
    for start in (b"Event: X\r\n", b"Response: Follows\r\n", b""):
        assert_lookups_agree(Message(start + "\r\n".join(lines).encode() + b"\r\n" + tail))


def assert_lookups_agree(message: Message) -> None:
    for name in {name for name, _ in message.headers if name}:
        folded = name.encode("utf-8", "surrogateescape").lower()
        values = tuple(v for n, v in message.headers if n.encode("utf-8", "surrogateescape").lower() == folded)
        assert message.get_all(name) == values
        assert message.get(name) == values[0]
    assert message.get("Not-there") is None
    assert message.get_all("Not-there") == ()
    assert isinstance(message.output, tuple)
