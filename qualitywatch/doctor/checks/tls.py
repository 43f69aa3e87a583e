"""Whether somebody on the way could read or change what is said, and for how long the certificate is good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qualitywatch.doctor.facts import PbxFacts, Stage
from qualitywatch.doctor.finding import Finding, Level, error, from_text, ok, warning

SOON_DAYS: Final = 30.0
_DAY_S: Final = 86_400.0
_RENEW: Final = (
    "renew the file that tlscertfile in manager.conf (for transport: ajam http.conf) names, then: asterisk -rx reload"
)


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say how the connection is protected."""
    if pbx.failure is not None and pbx.failure.stage is Stage.REACH:
        return
    if pbx.failure is not None and pbx.failure.stage is Stage.TLS:
        yield from_text(Level.ERROR, pbx.failure.text, "see tlsenable, tlsbindaddr and tlscertfile in manager.conf")
    elif pbx.tls is None and pbx.is_here:
        yield ok("plain TCP, which does not leave this machine")
    elif pbx.tls is None:
        file, port = ("http.conf", 8089) if pbx.over_http else ("manager.conf", 5039)
        yield warning(
            "plain TCP over the network: everybody on the way can read numbers and names, and take over the session",
            f"tlsenable=yes and tlsbindaddr in {file}, and tls: {{enabled: true}} with port {port} in the configuration; "
            "or a tunnel to 127.0.0.1",
        )
    elif not pbx.tls.verify:
        yield warning(
            "TLS, but nobody checks who answers",
            "name the PBX's certificate as tls.ca_file and remove tls.verify: false",
        )
    elif pbx.tls.ends_at is None:
        yield ok("TLS, certificate checked")
    else:
        yield _lasts((pbx.tls.ends_at - now) / _DAY_S)


def _lasts(days: float) -> Finding:
    if days <= 0:
        return error("TLS, but the certificate has expired", _RENEW)
    if days < SOON_DAYS:
        return warning(f"TLS, certificate checked; it ends in {days:.0f} days", _RENEW)
    return ok(f"TLS, certificate checked; it is good for {days:.0f} days")
