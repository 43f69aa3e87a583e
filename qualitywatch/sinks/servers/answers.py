"""What the HTTP answers of these databases mean: keep the batch, have something fixed, or give it up.

Standard: InfluxDB 2 API, POST /api/v2/write; InfluxDB 1 API, POST /write.  Both: 400 and 422 unreadable lines (the good ones
are stored), 401 and 403 not allowed, 404 no such bucket or database, 413 too large, 429 and 5xx busy.
"""

from __future__ import annotations

import json
from typing import Final

from qualitywatch.secrets import Secret
from qualitywatch.sinks.server import Refusal, SinkError

_SHOWN: Final = 200


def refused(
    where: str, status: int, body: bytes | str | None, retry_after: str | None, missing: str, hidden: Secret | None = None
) -> SinkError:
    """Translate an answer that is no success; ``missing`` says what a 404 means and how to put it right.

    ``hidden`` is the secret we sent: a server that repeats it, or a proxy before it, must not have it written into our log.
    """
    reason = _reason(body, hidden)
    match status:
        case 401 | 403:
            return SinkError(
                f"{where} refuses the token or password ({status}{reason}): check it and its right to write", Refusal.FIX
            )
        case 404:
            return SinkError(f"{where}: {missing}", Refusal.FIX)
        case 429 | 500 | 502 | 503 | 504:
            pause_s = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
            return SinkError(f"{where} cannot take data now ({status}{reason})", Refusal.LATER, retry_after_s=pause_s)
        case 413:
            return SinkError(f"{where} finds a batch too large (413): raise its limit of the size of requests", Refusal.NEVER)
        case _:
            return SinkError(f"{where} does not accept our lines ({status}{reason})", Refusal.NEVER)


def unreachable(where: str, reason: object) -> SinkError:
    """Nothing answers, or not in time."""
    return SinkError(f"{where} cannot be reached ({reason})", Refusal.LATER)


def _reason(body: bytes | str | None, hidden: Secret | None) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if isinstance(said, dict):
        text = str(said.get("message") or said.get("error") or "")
    if hidden is not None and hidden.reveal():
        text = text.replace(hidden.reveal(), "***")
    text = " ".join(text.split())
    return f": {text[:_SHOWN]}" if text and not text.startswith("<") else ""
