from __future__ import annotations

import errno
import socket
import ssl

import pytest

from qualitywatch.ami.endpoint import AmiEndpoint, TlsOptions
from qualitywatch.ami.failures import explain

PLAIN = AmiEndpoint("main", "pbx.example", 5038, "qw", "geheim")
TLS = AmiEndpoint("main", "pbx.example", 5039, "qw", "geheim", tls=TlsOptions())


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "tls")
    error.reason = reason
    return error


def certificate_error(code: int, message: str = "refused") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code = code
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "is Asterisk running"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] Connect call failed"),
            "is Asterisk running",
        ),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "route"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "cut"),
        (PermissionError(errno.EPERM, "not permitted"), "firewall"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"), "Cannot assign requested address"),
        (TimeoutError(), "firewall"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "firewall"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "pbx.example cannot be resolved"),
        (UnicodeError("label too long"), "not a valid host name"),
        (certificate_error(10), "expired"),
        (certificate_error(9), "clocks"),
        (certificate_error(18), "set tls.ca_file to that certificate"),
        (certificate_error(20), "set tls.ca_file to that CA"),
        (certificate_error(62), "another name than pbx.example"),
        (certificate_error(64), "another address"),
        (certificate_error(99, "policy not good"), "policy not good"),
        (tls_error("WRONG_VERSION_NUMBER"), "does not speak TLS"),
        (tls_error("UNSUPPORTED_PROTOCOL"), "too old"),
        (tls_error("UNEXPECTED_EOF_WHILE_READING"), "during the TLS handshake"),
        (tls_error("SOMETHING_ELSE"), "SOMETHING_ELSE"),
    ],
)
def test_every_failure_is_one_line_with_advice(error: Exception, advice: str) -> None:
    text = explain(error, TLS)
    assert advice in text
    assert "\n" not in text
    assert "Errno" not in text


def test_a_refused_connection_names_the_settings_of_its_kind_of_port() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    assert "bindaddr" in explain(refused, PLAIN)
    assert "tlsbindaddr" in explain(refused, TLS)


def test_the_secret_never_shows() -> None:
    assert "geheim" not in repr(PLAIN)


def test_an_ipv6_address_is_bracketed() -> None:
    assert AmiEndpoint("main", "2001:db8::1", 5038, "qw", "").address == "[2001:db8::1]:5038"
    assert PLAIN.address == "pbx.example:5038"
