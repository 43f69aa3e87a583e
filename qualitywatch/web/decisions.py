"""What is asked of the door, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from qualitywatch.secrets import Secret


@dataclass(frozen=True, slots=True)
class Doors:
    """What opens: a token, users with their passwords, or both; ``is_metrics_open`` lets anybody read ``/metrics``."""

    token: Secret | None = None
    users: Mapping[str, Secret] = field(default_factory=dict)
    is_metrics_open: bool = False
    is_behind_tls: bool = False  # a proxy in front of us speaks TLS, and tells who is asking


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision needs to know of a request.  ``link_token`` is the ``token`` of the query."""

    method: str
    path: str
    address: str = ""
    authorization: str = ""
    cookie: str = ""
    link_token: str = ""
    fetch_site: str = ""
    fetch_mode: str = ""
    origin: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who came in; ``name`` is what an audit row says."""

    name: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go on; ``visitor`` None: anybody may."""

    visitor: Visitor | None


@dataclass(frozen=True, slots=True)
class Welcome:
    """A link was good: leave this cookie and show the page without the token in its address."""

    cookie: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """Ask again from our own page: a browser that follows a link from elsewhere keeps the cookie to itself."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No; ``code`` and ``message`` are for the body."""

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


Decision: TypeAlias = Admitted | Welcome | Bounce | Refused
