"""Whether systemd keeps the daemon running, as confined as the shipped unit wants it.

Strategy: the unit with its drop-ins is compared with the shipped one, key by key.  What every installation sets for itself may
differ; everything else that was taken away or changed is told.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from qualitywatch.doctor.checks.wording import several
from qualitywatch.doctor.facts import UnitFacts
from qualitywatch.doctor.finding import Finding, error, ok, unknown, warning
from qualitywatch.doctor.unitfile import Settings, read_unit, with_dropins

OWN: Final = frozenset(
    {
        *("ExecStart", "ExecReload", "Environment", "EnvironmentFile", "User", "Group", "SupplementaryGroups"),
        *("LoadCredential", "LoadCredentialEncrypted", "SetCredential", "MemoryMax", "TasksMax", "IPAddressAllow"),
        *("IPAddressDeny", "ReadWritePaths", "StateDirectory", "StateDirectoryMode", "TimeoutStopSec", "RestartSec"),
        *("Description", "Documentation", "Wants", "After", "Requires", "WantedBy", "Before", "BindsTo", "PartOf"),
    }
)
"""What an installation sets for itself."""

_EDIT: Final = "systemctl edit qualitywatch, and systemd/qualitywatch.service of this version as the unit itself"
_ROOTS: Final = frozenset({"root", "0"})


def judge(unit: UnitFacts, now: float) -> Iterator[Finding]:
    """Say what is different, and whether it runs."""
    del now
    if unit.path is None and not unit.has_systemd:
        yield ok("this machine is not run by systemd: whatever runs it has to start the daemon, and start it again")
        return
    if unit.path is None:
        yield unknown(
            "no systemd unit qualitywatch.service is installed here: nothing starts the daemon after a reboot",
            "install systemd/qualitywatch.service, whose first lines say how",
        )
        return
    shipped, installed = read_unit(unit.shipped), read_unit(unit.text)
    effective = with_dropins(installed, [read_unit(text) for text in unit.dropins.values()])
    found = [*_different(shipped, installed, effective, unit), *_user(effective), *_starts(effective, unit)]
    found += _state(unit.state)
    yield from found
    if not found:
        yield ok(f"{unit.path} is as shipped" + (f", with {len(unit.dropins)} drop-ins" if unit.dropins else ""))


def _different(shipped: Settings, installed: Settings, effective: Settings, unit: UnitFacts) -> Iterator[Finding]:
    changed = [
        f"{key}={' '.join(effective.get(key, ())) or '(gone)'}"
        for key, values in shipped.items()
        if key not in OWN and effective.get(key, ()) != values
    ]
    if changed:
        yield warning(f"the unit is weaker or older than the shipped one: {several(changed)}", _EDIT)
    edited = sorted(key for key in {*shipped, *installed} & OWN if installed.get(key, ()) != shipped.get(key, ()))
    if edited:
        yield warning(f"{unit.path} itself was edited ({several(edited)}): an upgrade replaces it", _EDIT)


def _user(effective: Settings) -> Iterator[Finding]:
    user = (effective.get("User") or ("root",))[-1]
    if user in _ROOTS and "DynamicUser" not in effective:
        yield error("the unit runs the daemon as root", "User=qualitywatch and Group=qualitywatch")


def _starts(effective: Settings, unit: UnitFacts) -> Iterator[Finding]:
    command = (effective.get("ExecStart") or ("",))[-1]
    words = _words(command)
    config = next((after for word, after in pairwise(words) if word == "--config"), None)
    if config is None or Path(config) != unit.config:
        yield warning(
            f"the unit starts the daemon with {config or 'no --config'}, not with {unit.config} that is looked at here",
            f"qualitywatch doctor --config {config}" if config else "systemctl edit qualitywatch",
        )
    elif words and not Path(words[0].lstrip("@-:+!")).exists():
        yield error(f"{words[0]}, which the unit starts, does not exist", "install qualitywatch there, or correct ExecStart")


def _words(command: str) -> list[str]:
    """systemd quotes much like a shell; what a shell would not take apart is taken apart at blanks."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _state(state: Mapping[str, str]) -> Iterator[Finding]:
    active, enabled = state.get("ActiveState", ""), state.get("UnitFileState", "")
    if active == "failed":
        yield error("the service has failed", "journalctl -u qualitywatch -n 50 says why; then: systemctl restart qualitywatch")
    elif active == "inactive":
        yield warning("the service is not running", "systemctl enable --now qualitywatch")
    elif enabled in {"disabled", "masked"}:
        yield warning(f"the service is {enabled}: it does not start after a reboot", "systemctl enable qualitywatch")
    if state.get("NeedDaemonReload") == "yes":
        yield warning("the unit was changed since systemd read it", "systemctl daemon-reload && systemctl restart qualitywatch")
    restarts = state.get("NRestarts", "0")
    if restarts.isdecimal() and int(restarts) > 0 and active == "active":
        yield warning(f"the service was restarted {restarts} times by itself", "journalctl -u qualitywatch -p warning says why")
