"""Section ``influx``: time series databases that are fed with everything measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from qualitywatch.config.checks import is_plain_to_others, report_twins, url_problem
from qualitywatch.config.context import Context
from qualitywatch.config.machine import path_problem
from qualitywatch.config.secret_keys import read_optional_secret, secret_key
from qualitywatch.config.settings import InfluxConfig
from qualitywatch.document import Section
from qualitywatch.sinks.server import SinkError
from qualitywatch.sinks.servers.trust import authority

KINDS: Final = ("influxdb", "influxdb1", "victoriametrics")
_PORTS: Final = {"influxdb": 8086, "influxdb1": 8086, "victoriametrics": 8428}
_NAME: Final = "qualitywatch"
_MIB: Final = 1 << 20
_DAY_S: Final = 86_400.0
_FILE_NAME: Final = re.compile(r"[\w-][\w.-]{0,63}")  # the spool is called after it


def read_influx(root: Section, context: Context) -> tuple[InfluxConfig, ...]:
    """Read the databases; none unless there is a section."""
    sections = root.sections("influx")
    found = tuple(_read(section, context) for section in sections)
    report_twins(sections, [each.name for each in found])
    return found


def _read(section: Section, context: Context) -> InfluxConfig:
    kind = section.text("kind", KINDS[0], choices=KINDS)
    url = section.text("url", f"http://127.0.0.1:{_PORTS[kind]}").rstrip("/")
    if reason := url_problem(url, ("https", "http")) or _more_than_a_place(url):
        section.problem("url", reason)
    elif is_plain_to_others(url):
        context.warn(section, "url", "everybody on the way can read what is sent: use https://")
    name = section.text("name", kind)
    if not _FILE_NAME.fullmatch(name):
        section.problem("name", "must be letters, digits, dots, hyphens and underscores only: a file is called after it")
    is_bucket, is_database = kind == "influxdb", kind == "influxdb1"
    token = read_optional_secret(section, "token", context) if not is_database else None
    if token is not None and not (token.reveal().isascii() and token.reveal().isprintable()):
        section.problem(secret_key(section, "token"), "holds signs that no token has: copy it anew, it alone")
    return InfluxConfig(
        name=name,
        kind=kind,
        url=url,
        org=section.text("org", _NAME) if is_bucket else "",
        bucket=section.text("bucket", _NAME) if is_bucket else "",
        token=token,
        database=section.text("database", _NAME) if is_database else "",
        username=section.text("username", None) if is_database else None,
        password=read_optional_secret(section, "password", context) if is_database else None,
        spool_bytes=section.integer("spool_mb", 256, minimum=1, maximum=1 << 20) * _MIB,
        keep_s=section.duration_s("keep", minimum=_DAY_S) if "keep" in section else None,
        ca_file=_ca_file(section, url, context),
    )


def _ca_file(section: Section, url: str, context: Context) -> Path | None:
    path = context.path(section, "ca_file")
    if path is None:
        return None
    if not url.startswith("https://"):
        section.problem("ca_file", "has a meaning only where url begins with https://")
    elif reason := path_problem(path, directory=False):
        section.problem("ca_file", reason)
    else:
        try:
            authority(path)
        except SinkError as exc:
            section.problem("ca_file", str(exc))
    return path


def _more_than_a_place(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return "must hold no name and no password: they have keys of their own, and the address is shown"
    return "must end where the database begins, without ? or #" if parts.query or parts.fragment else None
