"""A web hook as a target: every piece of news is one POST of JSON that its receiver can trust, repeat and tell apart.

Signed as the field does it: ``X-Qualitywatch-Signature`` is ``sha256=`` and the hex HMAC-SHA256 (RFC 2104) over the value of
``X-Qualitywatch-Timestamp``, a dot and the body.  ``Idempotency-Key`` is the same for every attempt at the same message, though
its figures may be newer.  An answer counts by its status alone (RFC 9110): its body is never read, no redirect is followed.

The address may hold a token, so no text and no log ever shows more of it than scheme and host.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from qualitywatch import __version__
from qualitywatch.errors import NotifyError
from qualitywatch.model import Notification
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.legible import clip, legible
from qualitywatch.notify.options import language_problems
from qualitywatch.notify.plain_target import PlainTarget
from qualitywatch.secrets import Secret

if TYPE_CHECKING:
    import httpx

_REASON_UNITS: Final = 200
_LONGEST_PAUSE_S: Final = 3_600.0  # a receiver's wrong clock must not silence us for years
_TRY_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_REMEDIES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "check the secret and what the address holds of a password",
    HTTPStatus.FORBIDDEN: "check the secret and what the address holds of a password",
    HTTPStatus.NOT_FOUND: "check the address",
    HTTPStatus.METHOD_NOT_ALLOWED: "check the address: this one takes no POST",
    HTTPStatus.GONE: "the receiver is gone for good, so remove the target or give it a new address",
    413: "allow larger messages at the receiver",  # renamed by Python 3.13
}


@dataclass(frozen=True, slots=True)
class Options:
    """One address.  ``secret`` is the key of the signature, None for no signature; ``now`` reads Unix seconds for it."""

    url: Secret
    secret: Secret | None
    now: Callable[[], float]
    language: str = "en"
    timeout_s: float = 15.0
    dashboards: Dashboards | None = None

    def problems(self) -> list[str]:
        """Return what cannot work, in words fit for an administrator; empty when all is well.  Nobody is asked."""
        found = []
        if _origin(self.url.reveal()) is None:
            found.append("url must be an address such as https://example.org/hook")
        if self.secret is not None and not self.secret.reveal():
            found.append("secret is empty; leave it out for messages without a signature")
        found += language_problems(self.language)
        if self.timeout_s <= 0:
            found.append("timeout_s must be more than 0")
        return found


class WebhookNotifier(PlainTarget[Options]):
    """Posts notifications to one address."""

    options_type = Options
    for_machines = True

    def __init__(self, options: Options, *, show_pbx: bool, zone: tzinfo) -> None:
        """Prepare connections without opening any."""
        super().__init__(options, show_pbx=show_pbx, zone=zone)
        self._host = _origin(options.url.reveal()) or "the web hook"
        # httpx logs every URL at INFO.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        library = import_module("httpx")  # only now: it costs 100 ms
        self._client: httpx.AsyncClient = library.AsyncClient(timeout=None, follow_redirects=False)

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> None:
        """Post one message and return when the receiver has taken it; raises NotifyError.  There are no ids and no replies."""
        del reply_to
        body = json.dumps(notification.payload, separators=(",", ":"), allow_nan=False).encode("ascii")
        told = notification.tells or hashlib.sha256(body).hexdigest()
        failure = await self._post(body, self._headers(body, told))
        # Raised out here, where no exception of the library, which knows the address, becomes its context.
        if failure is not None:
            raise failure

    async def edit(self, message_id: int, notification: Notification) -> NoReturn:
        """What was posted cannot be changed: always raises a permanent NotifyError."""
        raise NotifyError(f"{self._host}: a message to a web hook cannot be changed", permanent=True)

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> NoReturn:
        """A web hook takes no pictures: always raises a permanent NotifyError."""
        raise NotifyError(f"{self._host}: a web hook takes no pictures", permanent=True)

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> NotifyError | None:
        errors: Any = import_module("httpx")
        try:
            async with (
                asyncio.timeout(self._options.timeout_s),
                self._client.stream("POST", self._options.url.reveal(), content=body, headers=headers) as response,
            ):
                return self._judged(response.status_code, response.headers.get("Retry-After"))
        except TimeoutError:
            text = f"{self._host} did not answer within {self._options.timeout_s:g} s; the message may arrive twice"
        except errors.InvalidURL:
            return NotifyError(f"{self._host}: the address cannot be used; correct it in the configuration", permanent=True)
        except errors.HTTPError as error:
            text = f"{self._host} could not be asked ({self._legible(error)}): check the network and the receiver"
        return NotifyError(text, permanent=False)

    def _legible(self, error: Exception) -> str:
        """What the library says, unless it repeats anything of the address but its host."""
        said, parts = clip(legible(str(error)), _REASON_UNITS), urlsplit(self._options.url.reveal())
        private = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password)
        return said if said and not any(part and part in said for part in private) else type(error).__name__

    def _headers(self, body: bytes, told: str) -> dict[str, str]:
        timestamp = str(int(self._options.now()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"qualitywatch/{__version__}",
            "Idempotency-Key": told,
            "X-Qualitywatch-Timestamp": timestamp,
        }
        if self._options.secret is not None:
            key = self._options.secret.reveal().encode()
            signature = hmac.new(key, f"{timestamp}.".encode() + body, hashlib.sha256)
            headers["X-Qualitywatch-Signature"] = f"sha256={signature.hexdigest()}"
        return headers

    def _judged(self, status: int, retry_after: str | None) -> NotifyError | None:
        """What an answer means: None for "taken"."""
        if 200 <= status < 300:
            return None
        said = f"{self._host} answers {_named(status)}"
        if status in _TRY_AGAIN or status >= 500:
            pause_s = self._pause_s(retry_after)
            asks = "" if pause_s is None else f" and asks for a pause of {pause_s:.0f} s"
            return NotifyError(said + asks, permanent=False, retry_after_s=pause_s)
        if 300 <= status < 400:
            return NotifyError(f"{said}: redirects are not followed, so configure the address it leads to", permanent=True)
        return NotifyError(f"{said}: {_REMEDIES.get(status, 'the receiver refuses the message')}", permanent=True)

    def _pause_s(self, retry_after: str | None) -> float | None:
        """Read Retry-After, which is seconds or a date (RFC 9110, 10.2.3); None for anything else."""
        text = (retry_after or "").strip()
        if text.isascii() and text.isdecimal():
            return min(_LONGEST_PAUSE_S, float(text))
        try:
            date = parsedate_to_datetime(text)
            pause_s = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - self._options.now()
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        return max(0.0, min(_LONGEST_PAUSE_S, pause_s))


def _origin(url: str) -> str | None:
    """Return scheme and host of a usable address, which is all that may be shown of it; None for any other text."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    if not usable or not parts.hostname or any(char.isspace() or not char.isprintable() for char in url):
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}"


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)
