"""Whether the manager user is let in, and whether its secret can be overheard on the way."""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.facts import PbxFacts, Stage
from qualitywatch.doctor.finding import Finding, Level, from_text, ok, unknown, warning

_IN_USE = "login already in use"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say what became of the login."""
    del now
    if pbx.failure is not None:
        if pbx.failure.stage is Stage.LOGIN:
            yield _refused(pbx)
        return
    version = pbx.abilities.asterisk_version if pbx.abilities is not None else None
    where = f"Asterisk {version or 'of an unknown version'}{', over HTTP' * pbx.over_http}"
    yield ok(f"logged in as {pbx.username} by {pbx.login_by} at {where}")
    if pbx.secret_is_sent and pbx.tls is None and not pbx.is_here:
        yield warning("the secret crosses the network in clear", "remove md5: false, or use TLS")


def _refused(pbx: PbxFacts) -> Finding:
    text = pbx.failure.text if pbx.failure is not None else ""
    if pbx.daemon_runs and _IN_USE in text.casefold():
        return unknown(
            f"the running daemon is logged in as {pbx.username}, so a second login is refused and nothing more is seen",
            "systemctl stop qualitywatch while doctor runs; or set allowmultiplelogin=yes in manager.conf",
        )
    return from_text(Level.ERROR, text, f"see section [{pbx.username}] of manager.conf")
