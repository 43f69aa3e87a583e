"""Section ``routes``: who is told of which alerts, again when, and who next when nobody reacts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from qualitywatch.config.context import Context
from qualitywatch.config.matching import read_matcher
from qualitywatch.config.shapes import read_duration_or_never
from qualitywatch.desk.policy import Matcher, Route
from qualitywatch.document import Section

_MINUTE_S: Final = 60.0
_ESCALATE_AFTER_S: Final = 900.0


def read_routes(root: Section, context: Context, pbxes: Collection[str], targets: Collection[str]) -> tuple[Route, ...]:
    """Read the routes, and put one for everything else behind them."""
    routes: list[Route] = []
    catch_all = 0  # line of the route behind which nothing comes
    for section in root.sections("routes"):
        if catch_all:
            context.warn(section, "", f"is never reached: the route in line {catch_all} takes everything; move it up")
        route = _route(section, context, pbxes, targets)
        if route.match == Matcher() and not route.go_on and not catch_all:
            catch_all = section.line
        routes.append(route)
    return (*routes, Route()) if not catch_all else tuple(routes)


def _route(section: Section, context: Context, pbxes: Collection[str], targets: Collection[str]) -> Route:
    default = Route()
    match = read_matcher(section, "match", context, pbxes)
    to = section.texts("to", required="to" in section, choices=targets)
    escalate = section.section("escalate", required="escalate" in section)
    return Route(
        match=match,
        targets=to,
        repeat_s=read_duration_or_never(section, "repeat", default.repeat_s, minimum=_MINUTE_S),
        escalate_after_s=escalate.duration_s("after", _ESCALATE_AFTER_S) if escalate else None,
        escalate_to=escalate.texts("to", required=True, choices=targets) if escalate else (),
        remind_s=read_duration_or_never(section, "remind", default.remind_s, minimum=_MINUTE_S),
        go_on=section.boolean("continue", False),
    )
