"""Section ``pbx``: the Asterisk servers to watch, and how to log in to them."""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.config.checks import host_problem, report_twins
from qualitywatch.config.context import Context
from qualitywatch.config.machine import path_problem
from qualitywatch.config.queues import read_queues
from qualitywatch.config.secret_keys import NOWHERE, read_secret
from qualitywatch.config.settings import PbxConfig, TlsConfig
from qualitywatch.document import Section

_PATH: Final = re.compile(r"(/[\w.~-]+)*/(a?rawman|a?mxml)", re.ASCII)


def read_pbxes(root: Section, context: Context) -> tuple[PbxConfig, ...]:
    """Read the servers; at least one is required."""
    sections = root.sections("pbx", required=True)
    pbxes = tuple(_pbx(section, context) for section in sections)
    report_twins(sections, [pbx.name for pbx in pbxes])
    return pbxes


def _pbx(section: Section, context: Context) -> PbxConfig:
    host = section.text("host")
    if reason := host_problem(host):
        section.problem("host", reason)
    tls = _tls(section, context)
    ajam_path = _ajam_path(section)
    port = (8089 if tls else 8088) if ajam_path else (5039 if tls else 5038)
    return PbxConfig(
        name=section.text("name", host),
        host=host,
        port=section.integer("port", port, minimum=1, maximum=65_535),
        username=section.text("username"),
        secret=read_secret(section, "secret", context) or NOWHERE,
        md5=section.boolean("md5", True),
        tls=tls,
        queues=read_queues(section),
        ajam_path=ajam_path,
    )


def _ajam_path(section: Section) -> str:
    """Where the manager interface is on the PBX's HTTP server; empty where it is not asked for over HTTP."""
    if section.text("transport", "tcp", choices=("tcp", "ajam")) == "tcp":
        if "path" in section:
            section.problem("path", "only transport: ajam has a path")
            section.text("path", "")
        return ""
    path = section.text("path", "/rawman")
    if not _PATH.fullmatch(path):
        section.problem("path", "must be the path of rawman, mxml, arawman or amxml, such as /rawman or /asterisk/arawman")
    return path


def _tls(parent: Section, context: Context) -> TlsConfig | None:
    section = parent.section("tls", required="tls" in parent)  # an emptied section must not mean plain text
    if section is None:
        return None
    enabled, verify = section.boolean("enabled", True), section.boolean("verify", True)
    ca_file = context.path(section, "ca_file")
    if enabled and ca_file is not None and (reason := path_problem(ca_file, directory=False)):
        section.problem("ca_file", reason)
    if enabled and not verify:
        context.warn(section, "verify", "anybody can pretend to be this PBX; give its certificate as ca_file instead")
    return TlsConfig(ca_file, verify) if enabled else None
