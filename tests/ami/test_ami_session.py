from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.ami.answers import Answer
from qualitywatch.ami.codec import Message
from qualitywatch.ami.session import Answered, LoggedIn, Outcome, Session, SessionTimeouts, State, Trigger, next_state
from qualitywatch.errors import AmiAuthError, AmiConnectError, AmiProtocolError, QualitywatchError

CAPTURES = Path(__file__).parent.parent / "captures"

BANNER = b"Asterisk Call Manager/9.0.0\r\n"
CHALLENGE = b"Response: Success\r\nActionID: qw-1\r\nChallenge: 845581724\r\n\r\n"
ACCEPTED = b"Response: Success\r\nActionID: qw-2\r\nMessage: Authentication accepted\r\n\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 8123\r\nStatus: Fully Booted\r\n\r\n"
HANGUP = b"Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\n\r\n"

# Every cell of the state table: rows are states, columns triggers.
TABLE = """
            connected greeted   greeted_plain challenged accepted ended
connecting  banner    -         -             -          -        closed
banner      -         challenge login         -          -        closed
challenge   -         -         -             login      -        closed
login       -         -         -             -          ready    closed
ready       -         -         -             -          -        closed
closed      -         -         -             -          -        closed
"""


def cells() -> list[tuple[State, Trigger, str]]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return [(State(row[0]), Trigger(name), cell) for row in rows for name, cell in zip(head, row[1:], strict=True)]


def ready_session(timeouts: SessionTimeouts | None = None, now: float = 0.0) -> Session:
    session = Session("qw", "geheim", timeouts=timeouts)
    session.connected(now)
    session.receive(BANNER, now)
    session.receive(CHALLENGE, now)
    session.receive(ACCEPTED, now)
    session.data_to_send()
    return session


def answers(outcomes: list[Outcome]) -> list[Answer]:
    return [outcome.answer for outcome in outcomes if isinstance(outcome, Answered)]


def messages(outcomes: list[Outcome]) -> list[Message]:
    return [outcome for outcome in outcomes if isinstance(outcome, Message)]


def listing(action_id: str, *items: bytes, start: bytes = b"start", complete: bytes = b"EventList: Complete\r\n") -> bytes:
    tag = b"ActionID: " + action_id.encode() + b"\r\n"
    head = b"Response: Success\r\n" + tag + b"EventList: " + start + b"\r\nMessage: follows\r\n\r\n"
    body = b"".join(b"Event: PeerEntry\r\n" + tag + b"ObjectName: " + item + b"\r\n\r\n" for item in items)
    return head + body + b"Event: PeerlistComplete\r\n" + tag + complete + b"\r\n"


class TestTable:
    def test_covers_every_state_and_trigger(self) -> None:
        assert {(state, trigger) for state, trigger, _ in cells()} == {
            (state, trigger) for state in State for trigger in Trigger
        }

    @pytest.mark.parametrize(("state", "trigger", "expected"), cells())
    def test_cell(self, state: State, trigger: Trigger, expected: str) -> None:
        if expected == "-":
            with pytest.raises(AmiProtocolError, match=f"{trigger} while {state}"):
                next_state(state, trigger)
        else:
            assert next_state(state, trigger) is State(expected)


class TestLogin:
    def test_md5_sends_the_digest_and_never_the_secret(self) -> None:
        session = Session("qw", "geheim", "system,call")
        session.connected(0.0)
        assert session.data_to_send() == b""  # nothing before the banner: it may be somebody else's port

        assert session.receive(BANNER, 0.1) == []
        assert session.data_to_send() == b"Action: Challenge\r\nActionID: qw-1\r\nAuthType: MD5\r\n\r\n"

        assert session.receive(CHALLENGE, 0.2) == []
        login = session.data_to_send()
        assert b"Key: " + hashlib.md5(b"845581724geheim").hexdigest().encode() + b"\r\n" in login
        assert b"Username: qw\r\n" in login
        assert b"Events: system,call\r\n" in login
        assert b"geheim" not in login

        assert session.receive(ACCEPTED + HANGUP, 0.3) == [LoggedIn("Asterisk Call Manager/9.0.0"), Message(HANGUP)]
        assert session.state is State.READY

    def test_plain_only_when_configured(self) -> None:
        session = Session("qw", "geheim", use_md5=False)
        session.connected(0.0)
        session.receive(BANNER, 0.1)
        login = session.data_to_send()
        assert b"Secret: geheim\r\n" in login
        assert b"AuthType" not in login
        accepted = ACCEPTED.replace(b"qw-2", b"qw-1")
        assert session.receive(accepted, 0.2) == [LoggedIn("Asterisk Call Manager/9.0.0")]

    def test_a_secret_in_any_encoding_gives_the_digest_of_its_bytes(self) -> None:
        session = Session("qw", b"gr\xfc\xdf".decode("utf-8", "surrogateescape"))
        session.connected(0.0)
        session.receive(BANNER + CHALLENGE, 0.0)
        assert hashlib.md5(b"845581724gr\xfc\xdf").hexdigest().encode() in session.data_to_send()

    def test_a_refused_challenge_does_not_fall_back_to_plain(self) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        session.receive(BANNER, 0.0)
        session.data_to_send()
        with pytest.raises(AmiAuthError, match="md5: false"):
            session.receive(b"Response: Error\r\nActionID: qw-1\r\nMessage: Must specify AuthType\r\n\r\n", 0.1)
        assert session.data_to_send() == b""
        assert session.state is State.CLOSED

    @pytest.mark.parametrize(
        ("text", "error", "advice"),
        [
            ("Authentication failed", AmiAuthError, "secret, deny and permit"),
            ("Login Already In Use", AmiAuthError, "allowmultiplelogin"),
            ("Permission denied", AmiAuthError, r"section \[qw\]"),
            ("Something new", AmiAuthError, "Something new"),
            ("Two\nlines \x1b[31m", AmiAuthError, r"\(Two lines \[31m\)"),
            ("Asterisk is shutting down", AmiConnectError, "shutting down"),
        ],
    )
    def test_a_refused_login_says_what_to_do_in_one_line(self, text: str, error: type[QualitywatchError], advice: str) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        session.receive(BANNER + CHALLENGE, 0.0)
        with pytest.raises(error, match=advice) as caught:
            session.receive(f"Response: Error\r\nActionID: qw-2\r\nMessage: {text}\r\n\r\n".encode(), 0.1)
        assert "\n" not in str(caught.value)
        assert "geheim" not in str(caught.value)
        assert session.state is State.CLOSED

    def test_what_others_asked_for_during_the_login_is_not_the_login(self) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        session.receive(BANNER, 0.0)
        session.receive(b"Response: Success\r\nActionID: a7\r\nChallenge: 1\r\n\r\n" + HANGUP, 0.0)
        assert session.state is State.CHALLENGE

    def test_a_secret_that_would_break_its_line_is_refused_unseen(self) -> None:
        session = Session("qw", "ge\nheim", use_md5=False)
        session.connected(0.0)
        with pytest.raises(AmiAuthError, match="Secret") as caught:
            session.receive(BANNER, 0.0)
        assert "heim" not in str(caught.value)

    def test_messages_before_a_banner_are_no_session(self) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        with pytest.raises(AmiProtocolError, match="before its banner"):
            session.receive(HANGUP, 0.0)

    def test_another_protocol_is_named(self) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        with pytest.raises(AmiProtocolError, match="SSH"):
            session.receive(b"SSH-2.0-OpenSSH_9.2p1\r\n", 0.0)
        assert session.state is State.CLOSED

    def test_fully_booted_is_remembered(self) -> None:
        session = ready_session()
        assert not session.fully_booted
        assert messages(session.receive(BOOTED, 1.0))[0].name == "FullyBooted"
        assert session.fully_booted


class TestRequests:
    def test_an_answer_finds_its_action(self) -> None:
        session = ready_session()
        first = session.request("CoreSettings", (), 1.0)
        second = session.request("Getvar", (("Variable", "X"),), 1.0)
        assert session.data_to_send().count(b"\r\n\r\n") == 2
        late_first = f"Response: Success\r\nActionID: {second}\r\nValue: 7\r\n\r\n".encode()
        outcomes = session.receive(late_first + f"Response: Success\r\nActionID: {first}\r\n\r\n".encode(), 1.1)
        assert [(o.action_id, o.answer.action) for o in outcomes if isinstance(o, Answered)] == [
            (second, "Getvar"),
            (first, "CoreSettings"),
        ]
        assert len(messages(outcomes)) == 2  # the pipeline reads answers too

    @pytest.mark.parametrize("start", [b"start", b"Start", b"START"])
    @pytest.mark.parametrize("complete", [b"EventList: Complete\r\n", b"EventList: complete\r\n", b"Items: 2\r\n"])
    def test_a_list_is_gathered_up_to_its_completion(self, start: bytes, complete: bytes) -> None:
        session = ready_session()
        action_id = session.request("SIPpeers", (), 1.0)
        outcomes = session.receive(listing(action_id, b"100", b"101", start=start, complete=complete), 1.1)
        (answer,) = answers(outcomes)
        assert answer.ok
        assert [item.get("ObjectName") for item in answer.items] == ["100", "101"]
        assert [message.name for message in messages(outcomes)] == ["Success", "PeerEntry", "PeerEntry", "PeerlistComplete"]

    def test_events_between_the_items_are_not_items(self) -> None:
        session = ready_session()
        action_id = session.request("SIPpeers", (), 1.0)
        cut = listing(action_id, b"100").replace(b"Event: PeerlistComplete", HANGUP + b"Event: PeerlistComplete")
        (answer,) = answers(session.receive(cut, 1.1))
        assert [item.name for item in answer.items] == ["PeerEntry"]

    def test_an_error_is_a_value(self) -> None:
        session = ready_session()
        action_id = session.request("SIPpeers", (), 1.0)
        text = f"Response: Error\r\nActionID: {action_id}\r\nMessage: Permission denied\r\n\r\n"
        (answer,) = answers(session.receive(text.encode(), 1.1))
        assert not answer.ok
        assert answer.message == "Permission denied"

    @pytest.mark.parametrize("text", ["No Contacts found\n", "No endpoints found", "Could not get Contacts"])
    def test_an_empty_pjsip_list_is_an_empty_list(self, text: str) -> None:
        session = ready_session()
        action_id = session.request("PJSIPShowContacts", (), 1.0)
        (answer,) = answers(
            session.receive(f"Response: Error\r\nActionID: {action_id}\r\nMessage: {text}\r\n\r\n".encode(), 1.1)
        )
        assert answer.ok
        assert answer.items == ()

    def test_an_old_command_answer_is_no_error(self) -> None:
        session = ready_session()
        action_id = session.request("Command", (("Command", "core show version"),), 1.0)
        text = f"Response: Follows\r\nPrivilege: Command\r\nActionID: {action_id}\r\nAsterisk 13\n--END COMMAND--\r\n\r\n"
        (answer,) = answers(session.receive(text.encode(), 1.1))
        assert answer.ok
        assert answer.response is not None
        assert answer.response.output == ("Asterisk 13",)

    def test_no_answer_is_an_answer_after_the_timeout(self) -> None:
        session = ready_session(SessionTimeouts(request_s=10.0))
        action_id = session.request("SIPpeers", (), 5.0)
        assert session.next_deadline() == 15.0
        assert session.tick(14.9) == []
        assert session.tick(15.0) == [Answered(action_id, Answer("SIPpeers", False, "no answer within 10 s"))]
        # What comes too late is an ordinary message.
        late = f"Response: Success\r\nActionID: {action_id}\r\n\r\n".encode()
        assert session.receive(late, 16.0) == [Message(late)]

    def test_a_long_list_may_take_longer_as_long_as_it_moves(self) -> None:
        session = ready_session(SessionTimeouts(request_s=10.0, ping_interval_s=1000.0))
        action_id = session.request("SIPpeers", (), 0.0)
        whole = listing(action_id, b"100", b"101")
        outcomes: list[Outcome] = []
        for now, frame in zip((8.0, 16.0, 24.0, 32.0), whole.split(b"\r\n\r\n"), strict=False):
            assert session.tick(now) == []
            outcomes = session.receive(frame + b"\r\n\r\n", now)
        assert answers(outcomes)[0].ok

    def test_recorded_answers_for_others_are_passed_on(self) -> None:
        session = ready_session()
        session.request("SIPpeers", (), 1.0)
        outcomes = session.receive(listing("ua-6103", b"6103"), 1.1)
        assert answers(outcomes) == []
        assert len(messages(outcomes)) == 3

    def test_nothing_can_be_asked_before_the_login(self) -> None:
        session = Session("qw", "geheim")
        with pytest.raises(AmiConnectError, match="not logged in"):
            session.request("SIPpeers", (), 0.0)

    def test_passwords_in_lists_reach_nobody(self) -> None:
        recorded = (CAPTURES / "asterisk-20/action-responses/input.ami").read_bytes()
        assert b"Password: pw\r\n" in recorded
        session = ready_session()
        action_id = session.request("PJSIPShowRegistrationsOutbound", (), 1.0)
        stream = recorded.partition(b"\r\n")[2].replace(b"ActionID: a3\r\n", f"ActionID: {action_id}\r\n".encode())
        outcomes = session.receive(stream, 1.1)
        (answer,) = answers(outcomes)
        assert [item.name for item in answer.items] == ["OutboundRegistrationDetail"]
        assert b"Password: pw" not in b"".join(message.raw for message in messages(outcomes))

    def test_unwanted_events_are_dropped_but_not_those_the_session_needs(self) -> None:
        session = Session("qw", "geheim", wanted=frozenset({"PeerStatus"}))
        session.connected(0.0)
        session.receive(BANNER + CHALLENGE + ACCEPTED, 0.0)
        assert messages(session.receive(HANGUP + BOOTED, 0.1)) == [Message(BOOTED)]


class TestKeepalive:
    def test_ping_every_interval_and_its_answer_is_nobody_elses_business(self) -> None:
        session = ready_session(SessionTimeouts(ping_interval_s=20.0, ping_answer_s=10.0))
        assert session.next_deadline() == 20.0
        assert session.tick(19.9) == []
        assert session.data_to_send() == b""
        session.tick(20.0)
        assert session.data_to_send() == b"Action: Ping\r\nActionID: qw-3\r\n\r\n"
        assert session.next_deadline() == 30.0
        assert session.receive(b"Response: Success\r\nActionID: qw-3\r\nPing: Pong\r\n\r\n", 20.5) == []
        assert session.next_deadline() == 40.5

    def test_an_unanswered_ping_ends_the_session(self) -> None:
        session = ready_session(SessionTimeouts(ping_interval_s=20.0, ping_answer_s=10.0))
        session.tick(20.0)
        session.tick(29.9)
        with pytest.raises(AmiConnectError, match="Ping unanswered for 10 s"):
            session.tick(30.0)
        assert session.state is State.CLOSED
        assert session.next_deadline() is None

    def test_a_flood_of_events_in_front_of_the_answer_is_life(self) -> None:
        session = ready_session(SessionTimeouts(ping_interval_s=20.0, ping_answer_s=10.0))
        session.tick(20.0)
        session.receive(HANGUP, 29.0)
        session.tick(30.0)
        with pytest.raises(AmiConnectError):
            session.tick(39.0)

    def test_silence_instead_of_a_banner(self) -> None:
        session = Session("qw", "geheim", timeouts=SessionTimeouts(banner_s=10.0))
        assert session.next_deadline() is None
        session.connected(100.0)
        assert session.next_deadline() == 110.0
        with pytest.raises(AmiProtocolError, match="said nothing for 10 s"):
            session.tick(110.0)

    def test_silence_instead_of_a_login(self) -> None:
        session = Session("qw", "geheim", timeouts=SessionTimeouts(login_s=10.0))
        session.connected(100.0)
        session.receive(BANNER, 105.0)
        assert session.next_deadline() == 115.0
        with pytest.raises(AmiConnectError, match="login within 10 s"):
            session.tick(115.0)


class TestEnd:
    def test_reasons(self) -> None:
        session = Session("qw", "geheim")
        session.connected(0.0)
        assert "authlimit" in session.lost()

        session = Session("qw", "geheim")
        session.connected(0.0)
        session.receive(BANNER, 0.0)
        assert "during the login" in session.lost()

        assert ready_session().lost() == "closed the connection"

        session = ready_session()
        session.receive(HANGUP[:20], 1.0)
        assert "middle of a message" in session.lost()

    @pytest.mark.parametrize(("restart", "reason"), [(b"True", "is being restarted"), (b"False", "was shut down")])
    def test_a_shutdown_is_announced(self, restart: bytes, reason: str) -> None:
        session = ready_session()
        session.receive(b"Event: Shutdown\r\nShutdown: Cleanly\r\nRestart: " + restart + b"\r\n\r\n", 1.0)
        assert session.lost() == reason

    def test_logoff_says_goodbye_once_logged_in(self) -> None:
        session = ready_session()
        session.logoff()
        assert session.data_to_send() == b"Action: Logoff\r\nActionID: qw-3\r\n\r\n"
        assert session.state is State.CLOSED
        session = Session("qw", "geheim")
        session.logoff()
        assert session.data_to_send() == b""


STREAM = (
    BANNER
    + CHALLENGE
    + ACCEPTED
    + BOOTED
    + (CAPTURES / "asterisk-20/action-responses/input.ami").read_bytes().partition(b"\r\n")[2]
)


def run_in_pieces(pieces: list[bytes]) -> tuple[list[Outcome], bytes]:
    session = Session("qw", "geheim")
    session.connected(0.0)
    outcomes: list[Outcome] = []
    sent = b""
    for piece in pieces:
        outcomes += session.receive(piece, 0.0)
        sent += session.data_to_send()
    return outcomes, sent


WHOLE = run_in_pieces([STREAM])


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=40))
@settings(deadline=None, max_examples=50)
def test_any_cutting_of_the_stream_gives_the_same_session(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert run_in_pieces([STREAM[a:b] for a, b in pairwise(edges)]) == WHOLE


def test_byte_by_byte_gives_the_same_session() -> None:
    assert run_in_pieces([STREAM[i : i + 1] for i in range(len(STREAM))]) == WHOLE


@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([BANNER, CHALLENGE, ACCEPTED, BOOTED, HANGUP])), max_size=8))
@settings(deadline=None)
def test_garbage_raises_only_our_own_errors_and_ends_the_session(pieces: list[bytes]) -> None:
    session = Session("qw", "geheim")
    session.connected(0.0)
    try:
        for piece in pieces:
            session.receive(piece, 0.0)
    except QualitywatchError:
        assert session.state is State.CLOSED
    else:
        assert session.state is not State.CONNECTING
