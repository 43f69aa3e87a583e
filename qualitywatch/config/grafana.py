"""Section ``grafana``: where people look at charts, for the links in messages."""

from __future__ import annotations

from urllib.parse import urlsplit

from qualitywatch.config.checks import url_problem
from qualitywatch.document import Section


def read_grafana_url(root: Section) -> str | None:
    """Read the address of Grafana, without a slash at its end; None where there is none."""
    section = root.section("grafana", required="grafana" in root)
    if section is None:
        return None
    url = section.text("url").rstrip("/")
    if url and (reason := url_problem(url, ("https", "http")) or _no_link(url)):
        section.problem("url", reason)
    return url


def _no_link(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return "must hold no name and no password: whoever reads an alert would read them"
    return "must end where Grafana begins, without ? or #" if parts.query or parts.fragment else None
