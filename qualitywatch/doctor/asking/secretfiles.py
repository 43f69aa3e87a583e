"""The files a configuration takes its secrets from, and who may read them.  None of them is opened.

Standard: path_resolution(7): reading takes x on every directory above, and r on the file.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from qualitywatch.doctor.asking.machine import user_of
from qualitywatch.doctor.facts import SecretFacts, SecretFile, UnitFacts
from qualitywatch.doctor.unitfile import read_unit, with_dropins

_STEM: Final = "_file"
_NO_SECRETS: Final = frozenset({"ca_file"})
_PASSING: Final = ("LoadCredential", "LoadCredentialEncrypted")


def ask_secrets(config: Path, unit: UnitFacts) -> SecretFacts:
    """Look at every file that is named; the configuration is one that can be read."""
    user = user_of(unit)
    if user is None:
        return SecretFacts(None)
    settings = with_dropins(read_unit(unit.text), [read_unit(text) for text in unit.dropins.values()])
    passed_on = {value.partition(":")[0] for key in _PASSING for value in settings.get(key, ())}
    try:
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # it was good a moment ago: somebody is writing it
        return SecretFacts(user)
    files = [
        SecretFile(key, path, path.name in passed_on, _may_read(path, user))
        for key, text in _named(document, "")
        for path in (config.parent.absolute() / text,)
    ]
    return SecretFacts(user, tuple(files))


def _named(node: object, where: str) -> Iterator[tuple[str, str]]:
    """Each ``..._file`` with its place in the document."""
    if isinstance(node, dict):
        for key, value in node.items():
            place = f"{where}.{key}".lstrip(".")
            if str(key).endswith(_STEM) and key not in _NO_SECRETS:
                yield from ((place, text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
            else:
                yield from _named(value, place)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _named(value, f"{where}[{index}]")


def _may_read(path: Path, name: str) -> bool | None:
    try:
        user = pwd.getpwnam(name)
        groups = set(os.getgrouplist(name, user.pw_gid))
        above = all(_allowed(each, user.pw_uid, groups, stat.S_IXUSR) for each in path.parents)
        return above and _allowed(path, user.pw_uid, groups, stat.S_IRUSR)
    except (KeyError, OSError):
        return None


def _allowed(path: Path, user: int, groups: set[int], right: int) -> bool:
    """``right`` is the bit of the owner; those of group and others lie three and six places below."""
    status = path.stat()
    if user == 0:
        return True
    if status.st_uid == user:
        return bool(status.st_mode & right)
    return bool(status.st_mode & (right >> 3 if status.st_gid in groups else right >> 6))
