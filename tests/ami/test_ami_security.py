"""Failed logins as Asterisk tells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.codec import Decoder
from qualitywatch.ami.events import WANTED_EVENTS, translate
from qualitywatch.ami.recording import read_recording
from qualitywatch.ami.session import DEFAULT_EVENTS
from qualitywatch.model import LoginFailed, PbxEvent
from tests.conftest import CAPTURES

AT = 1795377883.17668


def told(name: str = "InvalidPassword", **headers: str) -> tuple[PbxEvent, ...]:
    given = {
        "Timestamp": str(AT),
        "Service": "SIP",
        "AccountID": "6104",
        "RemoteAddress": "IPV4/UDP/203.0.113.9/6304",
        **headers,
    }
    lines = [f"Event: {name}", "Privilege: security,all", *(f"{key}: {value}" for key, value in given.items())]
    (message,) = Decoder(None).feed(b"Asterisk Call Manager/7.0.3\r\n" + "\r\n".join([*lines, "", ""]).encode())[1:]
    return translate(message, 0.0)


@pytest.mark.parametrize("name", ["InvalidPassword", "InvalidAccountID", "ChallengeResponseFailed", "FailedACL"])
def test_who_failed_to_log_in_from_where(name: str) -> None:
    assert told(name) == (LoginFailed(AT, "6104", "203.0.113.9", "SIP", name),)
    assert name in WANTED_EVENTS


@pytest.mark.parametrize("name", ["ChallengeSent", "SuccessfulAuth"])
def test_what_is_said_of_every_good_login_is_dropped_unread(name: str) -> None:
    assert told(name) == ()
    assert name not in WANTED_EVENTS


@pytest.mark.parametrize(
    ("account", "read"),
    [
        ("6104", "6104"),
        ("<unknown>", ""),
        ("sip:6117@127.0.0.1;tag=e0d91c4d", "6117"),
        ('"Anna" <sip:6117@127.0.0.1>;tag=1', "6117"),
        ("sips:6117@[2001:db8::1]", "6117"),
        ("anna@example.org", "anna@example.org"),
    ],
)
def test_the_account_is_the_name_that_was_tried(account: str, read: str) -> None:
    ((event),) = told(AccountID=account)
    assert isinstance(event, LoginFailed)
    assert event.account == read


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("IPV4/UDP/203.0.113.9/6304", "203.0.113.9"),
        ("IPV6/TLS/2001:db8::9/5061", "2001:db8::9"),
        ("IPV6/TLS/[2001:db8::9]/5061", "2001:db8::9"),
        ("IPV4/UDP/nonsense/6304", None),
        ("", None),
    ],
)
def test_the_address_is_the_host_alone(remote: str, address: str | None) -> None:
    ((event),) = told(RemoteAddress=remote)
    assert isinstance(event, LoginFailed)
    assert event.address == address


def test_neither_who_nor_from_where_is_nothing() -> None:
    assert told(AccountID="<unknown>", RemoteAddress="") == ()


@given(account=st.text(max_size=60), remote=st.text(max_size=60))
def test_no_header_makes_it_raise(account: str, remote: str) -> None:
    clean = {key: "".join(char for char in value if char.isprintable()) for key, value in {"a": account, "r": remote}.items()}
    told(AccountID=clean["a"], RemoteAddress=clean["r"])


def test_the_wrong_password_of_a_recorded_phone() -> None:
    data = (CAPTURES / "asterisk-20/peer-reachability-user-agent/input.ami").read_bytes()
    found = [event for timed in read_recording(data) for event in translate(timed.message, timed.at)]
    assert LoginFailed(AT, "6104", "127.0.0.1", "SIP", "InvalidPassword") in found


def test_security_is_asked_for_at_login() -> None:
    assert "security" in DEFAULT_EVENTS.split(",")
