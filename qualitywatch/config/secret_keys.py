"""The three ways to give a secret: in the configuration, in a file, or as a systemd credential; exactly one of them.

A file is first looked for among systemd's credentials under its own name: the same configuration then serves the daemon,
which may not read a root-only file but is handed it by ``LoadCredential=ami_secret:/etc/...``, and root's ``check``.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from qualitywatch.config.context import Context
from qualitywatch.config.machine import credential_path, full_path
from qualitywatch.document import Section
from qualitywatch.secrets import Secret, read_secret_file

NOWHERE: Final = Secret("")  # stands in for a secret that could not be read, until the problems are raised
_CREDENTIAL: Final = "credential"


def read_secret(section: Section, stem: str, context: Context) -> Secret | None:
    """Return the secret of ``<stem>``, ``<stem>_file`` or ``credential``; None after adding a problem."""
    return _read(section, stem, (stem, f"{stem}_file", _CREDENTIAL), context, required=True)


def read_optional_secret(section: Section, stem: str, context: Context) -> Secret | None:
    """Return the secret of ``<stem>`` or ``<stem>_file``; None when neither is given, or after adding a problem."""
    return _read(section, stem, (stem, f"{stem}_file"), context, required=False)


def read_secrets(section: Section, stem: str, context: Context) -> tuple[Secret, ...]:
    """Return the secrets of ``<stem>``, ``<stem>_file`` or ``credential``, each of which may be a list; at least one."""
    keys = (stem, f"{stem}_file", _CREDENTIAL)
    texts = {key: section.texts(key, required=key in section) for key in keys}
    key = _only_key(section, keys, required=True)
    found = [_resolve(section, stem, key, text, context) for text in texts[key]] if key else []
    return tuple(secret for secret in found if secret is not None)


def secret_key(section: Section, stem: str) -> str:
    """Return the key under which a secret was given, for a problem with what it holds."""
    return next((key for key in (stem, f"{stem}_file", _CREDENTIAL) if key in section), stem)


def _read(section: Section, stem: str, keys: Sequence[str], context: Context, *, required: bool) -> Secret | None:
    # All are read, so that none of them is taken for an unknown key.
    texts = {key: section.text(key, None) for key in keys}
    key = _only_key(section, keys, required=required)
    text = texts[key] if key else None
    return _resolve(section, stem, key, text, context) if key and text is not None else None


def _only_key(section: Section, keys: Sequence[str], *, required: bool) -> str | None:
    given = [key for key in keys if key in section]
    if not given and required:
        section.problem("", f"needs exactly one of {', '.join(keys[:-1])} or {keys[-1]}")
    if len(given) > 1:
        section.problem(given[1], f"only one of {', '.join(given)} may be given")
    return given[0] if len(given) == 1 else None


def _resolve(section: Section, stem: str, key: str, text: str, context: Context) -> Secret | None:
    if not text.strip():
        section.problem(key, "is empty")
        return None
    if key == stem:
        _warn_if_readable(Path(section.source), section, key, context)
        return Secret(text)
    try:
        return _from_credential(text, context.environ) if key == _CREDENTIAL else _from_file(section, key, text, context)
    except ValueError as exc:
        section.problem(key, str(exc))
        return None


def _from_credential(name: str, environ: Mapping[str, str]) -> Secret:
    if "/" in name or name in {".", ".."}:
        raise ValueError("is the name of a credential, not a path; for a path use the key that ends in _file")
    if not environ.get("CREDENTIALS_DIRECTORY"):
        raise ValueError(f"needs systemd and LoadCredential={name}:/path in the unit; elsewhere use the key that ends in _file")
    path = credential_path(name, environ)
    if path is None:
        way = f"add LoadCredential={name}:/path to the unit, and the secret to that file"
        raise ValueError(f"systemd gave no such credential; {way}")
    return read_secret_file(path)


def _from_file(section: Section, key: str, text: str, context: Context) -> Secret:
    if "://" in text:  # an address may hold a password
        raise ValueError(f"names a file; what is an address itself goes under {key.removesuffix('_file')}")
    path = full_path(text, context.base)
    secret = read_secret_file(credential_path(path.name, context.environ) or path)
    _warn_if_readable(path, section, key, context)
    return secret


def _warn_if_readable(path: Path, section: Section, key: str, context: Context) -> None:
    with contextlib.suppress(OSError):  # a credential's source may be out of reach: then not everybody can read it
        if path.stat().st_mode & stat.S_IROTH:
            context.warn(section, key, f"every user can read it: chmod o= {path}")
