"""One name for one thing, whichever driver tells of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.ami.names import (
    caller_name,
    callerid_name,
    host_port,
    known_text,
    peer_name,
    trunk_name,
    unescape,
    uri_address,
    uri_transport,
)


@pytest.mark.parametrize(
    ("technology", "username", "domain", "name"),
    [
        ("SIP", "74993801", "127.0.0.1", "SIP/74993801@127.0.0.1"),
        ("SIP", "74993801", "prov.example:5080", "SIP/74993801@prov.example:5080"),
        ("PJSIP", "sip:74995555@127.0.0.1:5080", "sip:127.0.0.1:5080", "PJSIP/74995555@127.0.0.1:5080"),
        ("PJSIP", "sip:100@client.example", "sip:server.example", "PJSIP/100@server.example"),
        ("PJSIP", "<sips:100@a.example;transport=tls>", "sips:b.example:5061;transport=tls", "PJSIP/100@b.example:5061"),
        ("PJSIP", '"Office" <sip:+7495@a.example>', "<sip:[2001:db8::1]:5060;lr>", "PJSIP/+7495@[2001:db8::1]:5060"),
        ("PJSIP", "sip:user:secret@a.example", "sip:b.example", "PJSIP/user@b.example"),
        ("PJSIP", "sip:100@a.example:5070", "", "PJSIP/100@a.example:5070"),
        ("IAX2", "user", "192.0.2.1:4569", "IAX2/user@192.0.2.1:4569"),
        ("IAX", "user", "192.0.2.1:4569", "IAX2/user@192.0.2.1:4569"),
        ("sip", " 7499 ", " localhost ", "SIP/7499@localhost"),
        ("SIP", "7499", None, "SIP/7499"),
        ("SIP", None, "prov.example", "SIP/prov.example"),
        ("SIP", None, None, "SIP/"),
        (None, "7499", "prov.example", "7499@prov.example"),
    ],
)
def test_trunk_names(technology: str | None, username: str | None, domain: str | None, name: str) -> None:
    assert trunk_name(technology, username, domain) == name


def test_peer_names() -> None:
    assert peer_name("SIP", "6117") == "SIP/6117"
    assert peer_name("IAX", "branch") == peer_name("IAX2", "branch") == "IAX2/branch"
    assert peer_name(None, "6117") == "6117"


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:705@127.0.0.1:7105;ob", "127.0.0.1:7105"),
        ("sip:prov.example:5060", "prov.example:5060"),
        ("localhost:5060", "localhost:5060"),
        ("<sip:705@[2001:db8::7]:5060;transport=tcp>;expires=60", "[2001:db8::7]:5060"),
        ("sip:a@host?subject=x", "host"),
        ("127.0.0.1:6117", "127.0.0.1:6117"),
        ("", None),
        ("sip:", None),
        ("sip:705@", None),
        ("(null)", None),
        (None, None),
    ],
)
def test_addresses_of_uris(uri: str | None, address: str | None) -> None:
    assert uri_address(uri) == address


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", "5070", "127.0.0.1:5070"),
        ("2001:db8::7", "5060", "[2001:db8::7]:5060"),
        ("[2001:db8::7]", "5060", "[2001:db8::7]:5060"),
        ("127.0.0.1", "0", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("-none-", "0", None),
        ("(null)", "0", None),
        ("", "", None),
        (None, "5060", None),
    ],
)
def test_addresses_of_two_headers(host: str | None, port: str | None, address: str | None) -> None:
    assert host_port(host, port) == address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Anna", "Anna"),
        ("<unknown>", None),
        ("", None),
        (None, None),
        (r"O\'Neil \"Bob\"", 'O\'Neil "Bob"'),
        (r"one\ntwo", "one\ntwo"),
        (r"C:\\new", r"C:\new"),
        ("half\\", "half\\"),
        ("Анна", "Анна"),
    ],
)
def test_caller_names(text: str | None, name: str | None) -> None:
    assert caller_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"Anna" <6117>', "Anna"),
        ('"Roman P." <100>', "Roman P."),
        (r'"Anna \"A\" \\" <6117>', 'Anna "A" \\'),
        ("Anna <6117>", "Anna"),
        ("Anna", "Anna"),
        ('"" <>', None),
        ('"" <6117>', None),
        ("<6117>", None),
        ("6117", None),
        ("+7 (495) 555-00-11", None),
        ('"6117" <6117>', "6117"),
        ('"broken <6117>', "broken"),
        ("<unknown>", None),
        ("", None),
        (None, None),
    ],
)
def test_names_in_caller_ids(text: str | None, name: str | None) -> None:
    assert callerid_name(text) == name


@pytest.mark.parametrize("text", ["", "-", "(null)", "<unknown>", " - ", None])
def test_every_way_of_printing_nothing_is_none(text: str | None) -> None:
    assert known_text(text) is None


def test_a_user_agent_is_kept_as_it_is() -> None:
    assert known_text("Yealink SIP-T46U 108.86.0.70") == "Yealink SIP-T46U 108.86.0.70"


odd = st.none() | st.text(max_size=30) | st.text(alphabet='sip:@;<>[]"\\ /.,?-(null)0\udcff', max_size=30)


@given(odd, odd, odd)
def test_no_text_makes_a_name_fail(first: str | None, second: str | None, third: str | None) -> None:
    trunk = trunk_name(first, second, third)
    assert trunk_name(first, second, third) == trunk
    assert "\n" not in (uri_address(first) or "")
    for result in (uri_address(first), host_port(first, second), caller_name(first), callerid_name(first), known_text(first)):
        assert result is None or (result and result == result.strip())


@given(st.text(max_size=30))
def test_unescape_undoes_the_escapes_of_asterisk(name: str) -> None:
    escapes = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
    escapes |= {character: "\\" + character for character in "\\'\"?"}
    assert unescape("".join(escapes.get(character, character) for character in name)) == name


@pytest.mark.parametrize(
    ("uri", "transport"),
    [
        ("sip:6103@127.0.0.1:6303;ob", "udp"),
        ("sip:6103@127.0.0.1:6303;transport=TLS;ob", "tls"),
        ("<sip:6103@127.0.0.1:6303;transport=tcp>;expires=60", "tcp"),
        ("sips:6103@127.0.0.1", "tls"),
        ("sip:6103@127.0.0.1;transport=ws", "ws"),
        ("", None),
        ("-none-", None),
        (None, None),
    ],
)
def test_the_transport_of_a_contact(uri: str | None, transport: str | None) -> None:
    assert uri_transport(uri) == transport
