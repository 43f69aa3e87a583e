"""What the HTTP answers of these databases mean: keep the batch, have something fixed, or give it up.

Strategy: a batch is given up only when the database itself says that it has read it and will not have it.  Whatever else comes
(a proxy's redirection, its page for guests, a TLS port's complaint about plain HTTP) keeps it until somebody has looked.
Standard: InfluxDB 2 API, POST /api/v2/write; InfluxDB 1 API, POST /write.  Both: 204 stored, 400 and 422 unreadable lines (the
good ones are stored), 401 and 403 not allowed, 404 no such bucket or database, 413 too large, 429 and 5xx busy.
"""

from __future__ import annotations

import json
from typing import Final

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError

STORED: Final = 204
TIMEOUT_S: Final = 10.0
NOTHING: Final = b"# may we write?"  # a comment is a write without a point
_DAY_S: Final = 86_400
_BUSY: Final = frozenset({408, 425, 429})
LONGEST_PAUSE_S: Final = 600.0  # whatever a server asks for
_SHOWN: Final = 200
_STRANGER: Final = "nobody trusted here vouches for its certificate: name its CA's certificate as ca_file"
_CERTIFICATES: Final = (  # what OpenSSL says in its words, https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
    ("certificate has expired", "its certificate has expired: renew it"),
    ("certificate is not yet valid", "its certificate is not valid yet: check the clocks of both machines"),
    ("mismatch, certificate is not valid for", "its certificate is made out to another name: write that name in url"),
    ("self-signed certificate", _STRANGER),
    ("self signed certificate", _STRANGER),
    ("unable to get local issuer certificate", _STRANGER),
    ("unable to get issuer certificate", _STRANGER),
)


def refused(
    where: str, status: int, body: bytes | str | None, retry_after: str | None, missing: str, hidden: Secret | None = None
) -> SinkError:
    """Translate an answer that is no success; ``missing`` says what a 404 means and how to put it right.

    ``hidden`` is the secret we sent: a server that repeats it, or a proxy before it, must not have it written into our log.
    """
    text = _text(body)
    if hidden is not None and hidden.reveal():
        text = text.replace(hidden.reveal(), "***")
    said = _said(text)
    reason = _shown(said or text)
    match status:
        case 401 | 403:
            return SinkError(
                f"{where} refuses the token or password ({status}{reason}): check it and its right to write", Refusal.FIX
            )
        case 404:
            return SinkError(f"{where}: {missing}", Refusal.FIX)
        case _ if status in _BUSY or status >= 500:
            pause_s = min(float(retry_after), LONGEST_PAUSE_S) if retry_after is not None and retry_after.isdecimal() else None
            return SinkError(f"{where} cannot take data now ({status}{reason})", Refusal.LATER, retry_after_s=pause_s)
        case 413:
            return SinkError(f"{where} finds a batch too large (413): raise its limit of the size of requests", Refusal.FIX)
        case 400 | 422 if said:
            return SinkError(f"{where} does not accept our lines ({status}{reason})", Refusal.NEVER)
        case _:
            return no_database(where, status, reason)


def no_database(where: str, status: int | None, reason: str = "") -> SinkError:
    """Something answers as no time series database does: a proxy, a page to log in to."""
    shown = f" ({status}{reason})" if status is not None else ""
    return SinkError(f"{where} does not answer as a time series database does{shown}: look at its address", Refusal.FIX)


def unreachable(where: str, reason: object) -> SinkError:
    """Nothing answers, not in time, or nobody we trust."""
    text = str(reason)
    plain = next((ours for theirs, ours in _CERTIFICATES if theirs in text), text)
    return SinkError(f"{where} cannot be reached ({plain})", Refusal.LATER)


def kept(keep_s: float | None) -> str:
    """Say how long a database keeps what it is given; None is for ever."""
    if keep_s is None:
        return "data is kept for ever"
    return (
        f"data is kept for {round(keep_s / _DAY_S)} days" if keep_s >= _DAY_S else f"data is kept for {keep_s / 3600:g} hours"
    )


def _text(body: bytes | str | None) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else body or ""


def _said(text: str) -> str:
    """What a database says in its own words, which are JSON; nothing when whoever answered is none."""
    try:
        said = json.loads(text)
    except ValueError:
        return ""
    return str(said.get("message") or said.get("error") or "") if isinstance(said, dict) else ""


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return f": {text[:_SHOWN]}" if text and not text.startswith("<") else ""


def is_other(version: str, wanted: int) -> bool:
    """Whether a version is known and begins with another number: ``v2.7.1``, ``1.6.7~rc0``."""
    first = version.lstrip("v").partition(".")[0]
    return first.isdecimal() and (int(first) < 2) != (wanted < 2)
