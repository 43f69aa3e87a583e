"""Names and addresses as the rest of the program knows them, out of the spellings of chan_sip, PJSIP and IAX2.

Strategy: total functions on text; what cannot be read is None or is kept as it was written, never an error, because every value
here was chosen by a peer or by an administrator.

Standards: URIs after RFC 3261 section 19.1; caller names as ``main/callerid.c`` and ``main/utils.c`` (``ast_escape_c``) write
them.
"""

from __future__ import annotations

import re
from typing import Final

_NO_ADDRESS: Final = frozenset({"", "-none-", "(null)", "0.0.0.0", "::", "[::]"})  # noqa: S104 - printed for "no address"
_NO_TEXT: Final = frozenset({"", "-", "(null)", "<unknown>"})
_NO_NAME: Final = frozenset({"", "<unknown>"})
_SECURE: Final = re.compile(r"\bsips:", re.IGNORECASE)
_TRANSPORT: Final = re.compile(r";\s*transport=([a-z]{2,8})", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:sips?|iax2?):/{0,2}", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_END_OF_HOST: Final = re.compile(r"[;?>,\s]")
_QUOTED_NAME: Final = re.compile(r'\s*+"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_NUMBER: Final = re.compile(r"[+*#\d][-+*#\d() ]*+", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def peer_name(technology: str | None, name: str) -> str:
    """Return ``SIP/6117`` for technology ``SIP`` and name ``6117``; IAX2's two spellings become one."""
    technology = (technology or "").strip().upper()
    if technology == "IAX":
        technology = "IAX2"
    return f"{technology}/{name}" if technology else name


def trunk_name(technology: str | None, username: str | None, domain: str | None) -> str:
    """Return the one name of an outbound registration: ``SIP/74993801@127.0.0.1``, ``PJSIP/74995555@127.0.0.1:5080``.

    ``username`` is a bare user (chan_sip, IAX2) or the client URI (PJSIP); ``domain`` is a host or the server URI.  Ports stay
    as written; schemes, brackets, URI parameters and passwords go.
    """
    username = _bare_uri(username or "")
    user, at, client_host = username.rpartition("@")
    user = user.partition(":")[0] if at else username
    host = uri_address(domain) or (uri_address(client_host) if at else None)
    return peer_name(technology, f"{user}@{host}" if user and host else user or host or "")


def uri_address(uri: str | None) -> str | None:
    """Return ``host:port`` of a contact or server URI with the port as written, or None when it names no host."""
    host = _END_OF_HOST.split(_bare_uri(uri or "").rpartition("@")[2], maxsplit=1)[0]
    return None if host in _NO_ADDRESS else host


def uri_transport(uri: str | None) -> str | None:
    """Return the transport of a contact URI, ``udp`` where it names none (RFC 3261 section 19.1.1), or None without a URI."""
    if uri_address(uri) is None:
        return None
    named = _TRANSPORT.search(uri or "")
    if named is not None:
        return named[1].lower()
    return "tls" if _SECURE.search(uri or "") else "udp"


def host_port(host: str | None, port: str | None) -> str | None:
    """Return ``host:port`` (``[v6]:port``) of two headers, without the port when it is 0 or absent, or None without a host."""
    host = (host or "").strip()
    if host in _NO_ADDRESS:
        return None
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    port = (port or "").strip()
    return f"{host}:{port}" if port.strip("0") else host


def caller_name(text: str | None) -> str | None:
    """Return a ``CallerIDName`` without its C escapes, or None for ``<unknown>`` and empty."""
    name = unescape(text or "").strip()
    return None if name in _NO_NAME else name


def callerid_name(text: str | None) -> str | None:
    """Return the name of a combined caller id such as ``"Anna" <6117>``, or None when it holds a number only."""
    quoted = _QUOTED_NAME.match(text or "")
    if quoted is not None:
        return caller_name(quoted[1])
    name = (text or "").partition("<")[0].strip().strip('"')
    return None if _NUMBER.fullmatch(name) else caller_name(name)


def known_text(text: str | None) -> str | None:
    """Return a User-Agent or a cause, or None for every way Asterisk prints that it has none."""
    text = (text or "").strip()
    return None if text in _NO_TEXT else text


def unescape(text: str) -> str:
    """Undo the C escapes Asterisk puts into caller names and variables."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text) if "\\" in text else text


def _bare_uri(uri: str) -> str:
    bracketed = _BRACKETED.search(uri)
    uri = (bracketed[1] if bracketed else uri).strip()
    scheme = _SCHEME.match(uri)
    return uri[scheme.end() :] if scheme else uri
