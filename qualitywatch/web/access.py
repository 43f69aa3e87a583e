"""Who may come in: by a token, by a link that is good once, by the cookie that either left, or by name and password.

Strategy: one pure decision for each request; ``gate`` carries it out.  Secrets are compared as digests in constant time, and
an address that guesses is not listened to for a while.  The cookie is an expiry date signed with a key that is derived from
the token: it reveals nothing of it, and a new token ends all sessions.  What a browser sends by itself (cookie, Basic) is
good for changes only from our own page: ``Sec-Fetch-Site``, or ``Origin`` where a browser is too old for it.

Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet; Fetch Metadata (W3C); RFC 6750, RFC 7617.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from qualitywatch.web.decisions import Admitted, Asked, Bounce, Decision, Doors, Refused, Visitor, Welcome
from qualitywatch.web.throttle import Throttle

COOKIE: Final = "qualitywatch"
SESSION_S: Final = 30 * 86_400
LINK_S: Final = 600
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
METRICS_PATH: Final = "/metrics"
TOKEN_HOLDER: Final = "token"  # noqa: S105 a name for audit rows
_MAX_USED: Final = 1_024
_MAX_HEADER: Final = 8_192

_NO_ACCESS: Final = Refused(401, "unauthorized", "A token or a login is needed.")
_CROSS_SITE: Final = Refused(
    403, "cross_site", "Changes are taken from our own page only, or with the token as Bearer in the Authorization header."
)


class Access:
    """Decides, and remembers who guessed and which links were used."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._throttle = Throttle()
        self._used: OrderedDict[str, None] = OrderedDict()
        self._key = _derived(doors.token.reveal() if doors.token is not None else secrets.token_urlsafe(32))

    @property
    def takes_passwords(self) -> bool:
        """Whether a browser should ask for a name and a password."""
        return bool(self._doors.users)

    @property
    def doors(self) -> Doors:
        return self._doors

    def one_time_link(self, now: float) -> str:
        """Return a path that lets its first visitor in, within some minutes."""
        what = f"{int(now) + LINK_S}.{secrets.token_urlsafe(12)}"
        return f"/?token={what}.{self._signed('link', what)}"

    def decide(self, asked: Asked, now: float) -> Decision:
        """Say what becomes of a request."""
        if asked.path in OPEN_PATHS or (asked.path == METRICS_PATH and self._doors.is_metrics_open):
            return Admitted(self._visitor_of_open(asked, now))
        if visitor := self._visitor_of_cookie(asked.cookie, now):
            if asked.link_token and asked.method == "GET":
                return Welcome(asked.cookie)  # already in: take the token out of the address
            return self._ambient(asked, visitor)
        if not asked.authorization and not asked.link_token:
            is_from_elsewhere = asked.fetch_site == "cross-site" and asked.fetch_mode == "navigate" and asked.method == "GET"
            return Bounce() if is_from_elsewhere else _NO_ACCESS
        if wait_s := self._throttle.wait_s(asked.address, now):
            text = "Too many failed logins from this address: wait a minute."
            return Refused(429, "too_many_failures", text, retry_after_s=int(wait_s) + 1)
        decision = self._by_secret(asked, now)
        if decision is _NO_ACCESS:
            self._throttle.fail(asked.address, now)
        return decision

    def _visitor_of_open(self, asked: Asked, now: float) -> Visitor | None:
        """Who asks where anybody may; whoever guesses here is counted like elsewhere."""
        if visitor := self._visitor_of_cookie(asked.cookie, now):
            return visitor
        if not asked.authorization or self._throttle.wait_s(asked.address, now):
            return None
        decision = self._by_secret(asked, now)
        if isinstance(decision, Admitted):
            return decision.visitor
        self._throttle.fail(asked.address, now)
        return None

    def _by_secret(self, asked: Asked, now: float) -> Decision:
        scheme, _, given = asked.authorization[:_MAX_HEADER].partition(" ")
        match scheme.lower():
            case "bearer":
                is_token = self._doors.token is not None and _same(given.strip(), self._doors.token.reveal())
                return Admitted(Visitor(TOKEN_HOLDER)) if is_token else _NO_ACCESS
            case "basic":
                name = self._user(given.strip())
                return _NO_ACCESS if name is None else self._ambient(asked, Visitor(name))
            case _:
                return self._by_link(asked, now)

    def _by_link(self, asked: Asked, now: float) -> Decision:
        if asked.method == "GET" and asked.link_token and self._is_good_link(asked.link_token[:_MAX_HEADER], now):
            expires = str(int(now) + SESSION_S)
            return Welcome(f"{expires}.{self._signed('cookie', expires)}")
        return _NO_ACCESS

    @staticmethod
    def _ambient(asked: Asked, visitor: Visitor) -> Decision:
        """What came by itself is good for reading; for changes it must come from our own page."""
        if asked.method in SAFE_METHODS:
            return Admitted(visitor)
        if asked.fetch_site:
            is_ours = asked.fetch_site == "same-origin"
        else:
            is_ours = bool(asked.origin) and bool(asked.host) and _place(asked.origin) == asked.host.lower()
        return Admitted(visitor) if is_ours else _CROSS_SITE

    def _is_good_link(self, given: str, now: float) -> bool:
        if self._doors.token is not None and _same(given, self._doors.token.reveal()):
            return True
        what, _, signature = given.rpartition(".")
        if not _same(signature, self._signed("link", what)) or not now < _number(what.partition(".")[0]) or what in self._used:
            return False
        self._used[what] = None
        while len(self._used) > _MAX_USED:
            self._used.popitem(last=False)
        return True

    def _visitor_of_cookie(self, cookie: str, now: float) -> Visitor | None:
        expires, _, signature = cookie[:_MAX_HEADER].partition(".")
        if not signature or not _same(signature, self._signed("cookie", expires)) or now >= _number(expires):
            return None
        return Visitor(TOKEN_HOLDER)

    def _user(self, given: str) -> str | None:
        try:
            name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        known = self._doors.users.get(name)
        # A name nobody has takes as long as a wrong password.
        is_right = _same(password, known.reveal() if known is not None else secrets.token_urlsafe(16))
        return name if colon and known is not None and is_right else None

    def _signed(self, purpose: str, what: str) -> str:
        return hmac.new(self._key, f"{purpose}:{what}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _derived(token: str) -> bytes:
    return hmac.new(token.encode(), b"qualitywatch web sessions", hashlib.sha256).digest()


def _same(one: str, other: str) -> bool:
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (one, other))
    return hmac.compare_digest(*digests)


def _number(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 15 else 0.0


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
