"""Section ``grafana``: where people look at charts, for the links in messages."""

from __future__ import annotations

from qualitywatch.config.checks import url_problem
from qualitywatch.document import Section


def read_grafana_url(root: Section) -> str | None:
    """Read the address of Grafana, without a slash at its end; None where there is none."""
    section = root.section("grafana", required="grafana" in root)
    if section is None:
        return None
    url = section.text("url").rstrip("/")
    if url and (reason := url_problem(url, ("https", "http"))):
        section.problem("url", reason)
    return url
