"""The three ways to give a secret: in the configuration, in a file, or as a systemd credential; exactly one of them.

A file is first looked for among systemd's credentials under its own name: the same configuration then serves the daemon,
which may not read a root-only file but is handed it by ``LoadCredential=ami_secret:/etc/...``, and root's ``check``.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping
from pathlib import Path

from qualitywatch.config.machine import credential_path, full_path
from qualitywatch.document import Problems, Section
from qualitywatch.secrets import Secret, read_secret_file


def read_secret(section: Section, stem: str, environ: Mapping[str, str], base: Path, notes: Problems) -> Secret | None:
    """Return the secret of ``<stem>``, ``<stem>_file`` or ``credential``; None after adding a problem.

    ``base`` is where relative files begin; warnings go to ``notes``.
    """
    inline, file, credential = stem, f"{stem}_file", "credential"
    given = [key for key in (inline, file, credential) if key in section]
    # All three are read, so that none of them is taken for an unknown key.
    texts = {key: section.text(key, None) for key in (inline, file, credential)}
    if not given:
        section.problem("", f"needs exactly one of {inline}, {file} or credential")
        return None
    if len(given) > 1:
        section.problem(given[1], f"only one of {', '.join(given)} may be given")
        return None
    key, text = given[0], texts[given[0]]
    if text is None:
        return None
    if key == inline:
        _warn_if_readable(Path(section.source), section, key, notes)
        return Secret(text)
    try:
        return _from_credential(text, environ) if key == credential else _from_file(section, file, text, environ, base, notes)
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
        raise ValueError(f"systemd gave no such credential; add LoadCredential={name}:/path to the unit")
    return read_secret_file(path)


def _from_file(section: Section, key: str, text: str, environ: Mapping[str, str], base: Path, notes: Problems) -> Secret:
    path = full_path(text, base)
    secret = read_secret_file(credential_path(path.name, environ) or path)
    _warn_if_readable(path, section, key, notes)
    return secret


def _warn_if_readable(path: Path, section: Section, key: str, notes: Problems) -> None:
    with contextlib.suppress(OSError):  # a credential's source may be out of reach: then not everybody can read it
        if path.stat().st_mode & stat.S_IROTH:
            notes.add(section.source, section.line_of(key), section.path_of(key), f"every user can read it: chmod o= {path}")
