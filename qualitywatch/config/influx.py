"""Section ``influx``: time series databases that are fed with everything measured."""

from __future__ import annotations

from typing import Final

from qualitywatch.config.checks import is_plain_to_others, url_problem
from qualitywatch.config.context import Context
from qualitywatch.config.secret_keys import read_optional_secret
from qualitywatch.config.settings import InfluxConfig
from qualitywatch.document import Section

KINDS: Final = ("influxdb", "influxdb1", "victoriametrics")
_PORTS: Final = {"influxdb": 8086, "influxdb1": 8086, "victoriametrics": 8428}
_NAME: Final = "qualitywatch"
_MIB: Final = 1 << 20
_DAY_S: Final = 86_400.0


def read_influx(root: Section, context: Context) -> tuple[InfluxConfig, ...]:
    """Read the databases; none unless there is a section."""
    found: list[InfluxConfig] = []
    for section in root.sections("influx"):
        one = _read(section, context)
        if any(other.name == one.name for other in found):
            section.problem("name", f"{one.name} is there twice: give each database a name of its own")
        found.append(one)
    return tuple(found)


def _read(section: Section, context: Context) -> InfluxConfig:
    kind = section.text("kind", KINDS[0], choices=KINDS)
    url = section.text("url", f"http://127.0.0.1:{_PORTS[kind]}").rstrip("/")
    if reason := url_problem(url, ("https", "http")):
        section.problem("url", reason)
    elif is_plain_to_others(url):
        context.warn(section, "url", "everybody on the way can read what is sent: use https://")
    is_bucket, is_database = kind == "influxdb", kind == "influxdb1"
    token = read_optional_secret(section, "token", context) if not is_database else None
    return InfluxConfig(
        name=section.text("name", kind),
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
    )
