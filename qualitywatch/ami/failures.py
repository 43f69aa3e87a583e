"""What it means when a manager port cannot be reached, and which setting to look at.

Strategy: every way a connection can fail is translated here, once, into one line for an administrator.

Standard: certificate checks as OpenSSL numbers them (``X509_V_ERR_*``), errors of connect(2) and getaddrinfo(3).
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from qualitywatch.ami.endpoint import AmiEndpoint

_NO_ANSWER: Final = "no answer to the connection attempt: check the address, the firewall and that the PBX is up"


def explain(error: Exception, endpoint: AmiEndpoint) -> str:
    """Return one line on why connecting failed and what to do, without the address."""
    match error:
        case TimeoutError():
            text = _NO_ANSWER
        case ssl.SSLCertVerificationError():
            text = _explain_certificate(error, endpoint)
        case ssl.SSLError():
            text = _explain_tls(error)
        case socket.gaierror():
            text = f"host name {endpoint.host} cannot be resolved ({error.strerror}): check the spelling and DNS"
        case UnicodeError():
            text = f"{endpoint.host} is not a valid host name"
        case OSError():
            text = _explain_network(error, endpoint)
        case _:
            text = str(error)
    return text


_CERTIFICATE_PROBLEMS: Final[Mapping[int, str]] = {
    9: "is not valid yet: check the clocks of both machines",
    10: "has expired: renew the file that tlscertfile in manager.conf names",
    18: "is self-signed: set tls.ca_file to that certificate",
    19: "was signed by a CA that is not known here: set tls.ca_file to that CA's certificate",
    20: "was signed by a CA that is not known here: set tls.ca_file to that CA's certificate",
    21: "was signed by a CA that is not known here: set tls.ca_file to that CA's certificate",
    23: "was revoked",
    62: "is made out to another name",
    64: "is made out to another address",
    66: "has a key too weak for this machine's OpenSSL: make a new one (2048 bits or more)",
}
_NAME_MISMATCHES: Final = (62, 64)


def _explain_certificate(error: ssl.SSLCertVerificationError, endpoint: AmiEndpoint) -> str:
    code = error.verify_code
    problem = _CERTIFICATE_PROBLEMS.get(code, f"was refused ({error.verify_message})")
    if code in _NAME_MISMATCHES:
        expected = (endpoint.tls and endpoint.tls.server_name) or endpoint.host
        problem = f"{problem} than {expected}: set host to the name in the certificate, or issue one for this name"
    return f"the TLS certificate {problem} (or, on a network you trust, tls.verify: false)"


def _explain_tls(error: ssl.SSLError) -> str:
    reason = (error.reason or "").upper()
    # What OpenSSL makes of a banner, or of any other plain text, where it expects a TLS record.
    if reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"):
        return "this port does not speak TLS: use the port of tlsbindaddr in manager.conf (5039 by default), or remove tls"
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"):
        return "the PBX only offers TLS versions too old for this machine's OpenSSL: update Asterisk or its tls settings"
    if "EOF" in reason:
        return "the connection was closed during the TLS handshake: is this the port of tlsbindaddr in manager.conf?"
    return f"TLS could not be agreed ({error.reason or error.strerror or error})"


def _explain_network(error: OSError, endpoint: AmiEndpoint) -> str:
    match _error_number(error):
        case errno.ECONNREFUSED:
            what = "tlsenable=yes and tlsbindaddr" if endpoint.tls else "enabled=yes, bindaddr and port"
            file = "http.conf" if endpoint.ajam_path else "manager.conf"
            return f"connection refused: is Asterisk running, and are {what} right in {file}?"
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.EHOSTDOWN:
            return "there is no way to this address: check the address, the route and the firewall"
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return "the connection was cut: a firewall, a proxy, or not the manager port"
        case errno.EACCES | errno.EPERM:
            return "this machine does not let the program connect: check its own firewall and the systemd unit's restrictions"
        case _:
            return f"cannot connect ({error.strerror or error})"


def _error_number(error: OSError) -> int | None:
    """Of several addresses that all failed, asyncio only keeps the texts: take the first one's number."""
    if error.errno is not None:
        return error.errno
    found = re.search(r"\[Errno (\d+)\]", str(error))
    return int(found.group(1)) if found else None
