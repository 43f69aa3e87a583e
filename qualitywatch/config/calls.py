"""Sections ``call``, ``lamps`` and ``trunk_peers``: what is asked of a PBX, and which of its names belong together.

What goes into an AMI action is checked to be a plain token: the protocol is made of lines, and Asterisk gives commas,
parentheses and ``&`` a meaning of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from qualitywatch.config.checks import thing_problem
from qualitywatch.config.settings import CallConfig, LampConfig
from qualitywatch.config.shapes import Shape, shape_of
from qualitywatch.document import Section

_CHANNEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{1,19}/[A-Za-z0-9_.+*#@:/-]{1,100}")
_CALLER_ID: Final = re.compile(r"[\w .+*#-]{0,60}(?:<[0-9+*#]{1,30}>)?")
_SOUND: Final = re.compile(r"[A-Za-z0-9_./-]{1,100}(?:&[A-Za-z0-9_./-]{1,100}){0,9}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_DAY_S: Final = 86_400.0


def read_call(root: Section, pbxes: Sequence[str]) -> CallConfig | None:
    """Read how somebody is called by phone; None when nobody is."""
    section = root.section("call", required="call" in root)
    if section is None:
        return None
    channel = section.text("channel")
    _check(section, "channel", channel, _CHANNEL, "must be one channel such as PJSIP/100 or Local/79161234567@from-internal")
    caller_id = section.text("caller_id", "qualitywatch <100>")
    _check(section, "caller_id", caller_id, _CALLER_ID, "must be a name and a number, such as qualitywatch <100>")
    prompt = section.text("prompt", "beep")
    reason = "must be a sound file of Asterisk without its extension, or several joined by &, such as beep&custom/alarm"
    _check(section, "prompt", prompt, _SOUND, reason)
    return CallConfig(
        pbx=_pbx(section, pbxes),
        channel=channel,
        caller_id=caller_id,
        after_s=section.duration_s("after", 300.0, maximum=_DAY_S),
        prompt=prompt,
        attempts=section.integer("attempts", 3, minimum=1, maximum=100),
        every_s=section.duration_s("every", 300.0, minimum=10, maximum=_DAY_S),
        ring_s=section.duration_s("ring", 45.0, minimum=5, maximum=600),
        per_hour=section.integer("per_hour", 6, minimum=1, maximum=60),
    )


def read_lamps(root: Section, pbxes: Sequence[str]) -> tuple[LampConfig, ...]:
    """Read the lamps of trunks; a plain text is the device on the only PBX."""
    parent = root.section("lamps")
    if parent is None:
        return ()
    lamps: list[LampConfig] = []
    for trunk in parent:
        if reason := thing_problem(trunk):
            parent.problem(trunk, reason)
        lamp = _lamp(parent, trunk, pbxes)
        if lamp.device and (lamp.pbx, lamp.device) in {(other.pbx, other.device) for other in lamps}:
            parent.problem(trunk, f'another trunk has the lamp "{lamp.device}" already; give each its own')
        lamps.append(lamp)
    return tuple(lamps)


def read_trunk_peers(root: Section) -> dict[str, str]:
    """Read which peers belong to which registration."""
    section = root.section("trunk_peers")
    peers = root.text_map("trunk_peers")
    for peer, trunk in peers.items():
        reason = thing_problem(peer) or (thing_problem(trunk) if trunk else None)  # an empty one was told already
        if section is not None and reason:
            section.problem(peer, reason)
    return peers


def _lamp(parent: Section, trunk: str, pbxes: Sequence[str]) -> LampConfig:
    reason = (
        "must be letters, digits, . _ and - only, such as trunk-mango: what stands after Custom: in the hint of the dialplan"
    )
    if shape_of(parent, trunk) is Shape.SECTION:
        section = parent.section(trunk, required=True)
        if section is None:
            return LampConfig(trunk, "", "")
        device = section.text("device")
        _check(section, "device", device, _DEVICE, reason)
        return LampConfig(trunk, _pbx(section, pbxes), device)
    device = parent.text(trunk)
    _check(parent, trunk, device, _DEVICE, reason)
    if device and len(pbxes) > 1:
        parent.problem(trunk, f"say on which PBX: {{pbx: {pbxes[0]}, device: ...}}")
    return LampConfig(trunk, pbxes[0] if pbxes else "", device)


def _pbx(section: Section, pbxes: Sequence[str]) -> str:
    if not pbxes:
        return section.text("pbx", "")  # the names could not be read, which was told already
    return section.text("pbx", pbxes[0], choices=pbxes) if len(pbxes) == 1 else section.text("pbx", choices=pbxes)


def _check(section: Section, key: str, value: str, grammar: re.Pattern[str], reason: str) -> None:
    if value and not grammar.fullmatch(value):
        section.problem(key, reason)
