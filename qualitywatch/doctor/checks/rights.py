"""What the manager user may see and do: everything that is needed, and no more than that.

Standard: the classes of ``manager.conf``; ``systemd/manager.conf.example`` has the least that works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from qualitywatch.doctor.facts import Heard, PbxFacts
from qualitywatch.doctor.finding import Finding, Level, error, from_text, ok, unknown, warning

LEAST: Final = frozenset({"reporting"})
POWERFUL: Final[Mapping[str, str]] = {
    "system": "load modules and restart Asterisk, which is as good as a shell",
    "command": "run every command of Asterisk's console",
    "config": "read and change Asterisk's configuration, with all its passwords",
    "originate": "place calls at your expense",
    "call": "hang up, redirect and change calls",
    "dialplan": "change the dialplan",
    "agent": "add and remove agents of queues",
    "user": "send events of its own",
    "agi": "run programs for calls",
    "message": "send messages in your name",
    "aoc": "send advice of charge",
}
_LATER: Final = "run doctor again while somebody calls and hangs up"
_RESTART: Final = "and restart qualitywatch: rights are taken at login"


def judge(pbx: PbxFacts, now: float) -> Iterator[Finding]:
    """Say which rights are missing and which are too many."""
    del now
    if pbx.failure is not None or pbx.heard is None:
        return
    yield from _read(pbx, pbx.heard)
    yield from _write(pbx)


def _read(pbx: PbxFacts, heard: Heard) -> Iterator[Finding]:
    if pbx.booted is False and "system" not in heard.classes:
        what = "changes of peers, contacts and registrations cannot be seen: FullyBooted did not come"
        yield error(what, f"add system to read= in manager.conf, {_RESTART}; or Asterisk is still starting")
    proven = {*heard.classes, *(["system"] if pbx.booted else [])}
    unproven = [name for name in ("call", "reporting") if name not in proven]
    if "reporting" in unproven and any(call.up_s > 0 for call in heard.calls):
        unproven.remove("reporting")  # whoever asks for reports says so
    if "call" in unproven and any(call.vanished or not call.announced for call in heard.calls):
        yield error("calls cannot be seen beginning and ending", f"add call to read= in manager.conf, {_RESTART}")
    elif unproven:
        # A call that merely goes on raises no event of class call.
        what = f"nothing happened that would show whether read= holds {' and '.join(unproven)}"
        yield unknown(what, _LATER)
    else:
        optional = (
            "" if "security" in heard.classes else "; failed logins are not (read= lacks security, or a filter drops them)"
        )
        yield ok(f"read: {', '.join(sorted(proven & {'system', 'call', 'reporting', 'security', 'dtmf'}))} are seen{optional}")


def _write(pbx: PbxFacts) -> Iterator[Finding]:
    abilities = pbx.abilities
    missing = abilities.missing() if abilities is not None else ()
    for text in missing:
        yield from_text(Level.WARNING, f"not visible: {text}", "see write= in manager.conf", at_last=True)
    granted = pbx.granted
    if granted is None:
        if not missing:
            yield unknown("Asterisk does not list what this user may send", "compare write= in manager.conf with the example")
        return
    for right, purpose in sorted(pbx.needed.items()):
        if right not in granted:
            yield error(f"{purpose} needs {right}", f"add {right} to write= in manager.conf, {_RESTART}")
    spare = granted - LEAST - set(pbx.needed)
    for right in sorted(spare):
        what = POWERFUL.get(right, "do more than is needed")
        yield warning(f"write= holds {right}, which nothing needs: it lets this user {what}", f"remove {right} from write=")
    if not spare and not missing:
        limits = abilities.limits() if abilities is not None else ()
        yield ok(
            f"write: {', '.join(sorted(granted)) or 'nothing'}, no more than is needed"
            + "".join(f"; not seen: {it}" for it in limits)
        )
