"""Whether the daemon can get at the secrets: files that only root may read have to be passed on by the unit.

``check`` and ``doctor`` are run by root, who can read them all; the daemon that systemd starts as another user cannot.
"""

from __future__ import annotations

from collections.abc import Iterator

from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import SecretFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown


def judge(secrets: SecretFacts, now: float) -> Iterator[Finding]:
    """Say which of them are out of reach; nothing where no unit starts the daemon."""
    del now
    if secrets.user is None or not secrets.files:
        return
    for file in secrets.files:
        if file.readable is False and not file.is_passed_on:
            yield error(
                f"{file.key}: {file.path} cannot be read by {secrets.user}, and the unit does not pass it on",
                f"systemctl edit qualitywatch: [Service] LoadCredential={file.path.name}:{file.path}",
            )
    reached = sorted(file.path.name for file in secrets.files if file.is_passed_on or file.readable)
    if len(reached) == len(secrets.files):
        yield ok(f"the daemon, as user {secrets.user}, gets at {several(reached)}")
    elif unknown_ones := [file.path.name for file in secrets.files if file.readable is None and not file.is_passed_on]:
        yield unknown(f"it cannot be seen from here who may read {several(unknown_ones)}", "run doctor as root")
