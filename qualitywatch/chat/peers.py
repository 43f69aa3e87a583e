"""/peer: one phone or trunk, with figures and a chart; and the chart of an incident."""

from __future__ import annotations

from itertools import product
from typing import Final

from qualitywatch.charts.order import order
from qualitywatch.charts.request import ChartRequest
from qualitywatch.charts.sparkline import summary_line
from qualitywatch.chat.asking import Asking
from qualitywatch.chat.figures import Figures, Heard, summarize
from qualitywatch.chat.incidents import add_incident, pbx_now
from qualitywatch.chat.overviews import BAD, PEER_MARKS, TRUNK_MARKS
from qualitywatch.chat.page import Page
from qualitywatch.chat.parsing import read_peer
from qualitywatch.chat.subjects import Known, everybody, label, the_one
from qualitywatch.chat.tables import UNKNOWN, table
from qualitywatch.model import VOICE_METRICS, Direction, Incident, Member, MemberState, Metric
from qualitywatch.notify.inbound import Answer
from qualitywatch.notify.texts import number

DEFAULT_SPAN_S: Final = 1800.0
_AFTER_S: Final = 300.0  # of an incident that is over, to be seen on its chart
_SPARKS: Final = 20


async def peer(asking: Asking) -> Answer:
    """/peer: state, device, figures of both directions, incidents, chart."""
    room, texts, page = asking.room, asking.texts, asking.page()
    wish = read_peer(asking.words, DEFAULT_SPAN_S)
    one = the_one(await everybody(room), wish.who)
    now = one.pbx.now
    _add_standing(asking, page, one)
    points = tuple(await room.history(one.pbx.name, one.subject, now - wish.span_s, now))
    figures = summarize(points)
    page.blank()
    span = texts.last.format(span=asking.span(wish.span_s), time=f"{asking.time(now, now)} {asking.zone_at(now)}")
    if not figures.has_reports:
        page.line(f"{span}: {texts.no_reports}")
    else:
        page.line(f"{span}: {_sample(asking, figures)}")
        page.table(_figures_table(asking, figures))
    incidents = [found for found in room.incidents() if found.pbx == one.pbx.name and _members(found, one.subject)]
    page.blank()
    for incident in incidents:
        add_incident(asking, page, incident)
    if not figures.has_reports:
        return page.answer()
    request = order(
        room, one.pbx.name, one.subject, one.label, points, now - wish.span_s, now, asking.language, asking.zone, incidents
    )
    return await _with_chart(asking, page, request)


async def incident_chart(asking: Asking, incident: Incident) -> Answer | None:
    """Return a chart of what an incident is about, or None when nothing was measured of it.

    It shows the last half hour; of an incident that is over, the half hour around its end.
    """
    member = _most_telling(incident)
    alert, page = member.alert, asking.page()
    until = pbx_now(asking, incident.pbx)
    if incident.closed_at is not None:
        until = min(until, incident.closed_at + _AFTER_S)
    since = until - DEFAULT_SPAN_S
    points = tuple(await asking.room.history(incident.pbx, alert.key.subject, since, until))
    if not summarize(points).has_reports:
        return None
    name = label(alert.key.subject, alert.display_name)
    page.line(asking.texts.chart_caption.format(id=incident.id, time=asking.time(until, until)), bold=name)
    subject = alert.key.subject
    request = order(asking.room, incident.pbx, subject, name, points, since, until, asking.language, asking.zone, [incident])
    return await _with_chart(asking, page, request)


async def _with_chart(asking: Asking, page: Page, request: ChartRequest) -> Answer:
    """The answer with its picture, or with lines of blocks where there is none."""
    picture = await asking.paint(request) if asking.paint is not None else None
    if picture is not None:
        return page.answer(picture)
    page.blank()
    heard = summarize(request.points).by_direction
    for metric, direction in product((Metric.LOSS_PERCENT, Metric.JITTER_MS), heard):
        figures = heard[direction]
        if (figures.loss_percent if metric is Metric.LOSS_PERCENT else figures.jitter_ms) is not None:
            page.line(
                summary_line(
                    request.points,
                    metric,
                    direction,
                    asking.language,
                    since=request.since,
                    until=request.until,
                    columns=_SPARKS,
                )
            )
    return page.answer()


def _members(incident: Incident, subject: str) -> list[Member]:
    return [member for member in incident.members if member.key.subject == subject]


def _most_telling(incident: Incident) -> Member:
    """The member a chart says most of: one that fires, that is measured, that is worst, that came first."""
    return max(
        incident.members,
        key=lambda member: (
            member.state is MemberState.FIRING,
            member.alert.topic in VOICE_METRICS,
            member.alert.severity.rank,
            -member.joined_at,
        ),
    )


def _add_standing(asking: Asking, page: Page, one: Known) -> None:
    texts, now = asking.texts, one.pbx.now
    page.line(f"[{one.pbx.name}]" if asking.show_pbx else "", bold=one.label)
    if not one.pbx.is_seen:
        page.line(f"{texts.blind}; {texts.as_last_seen}")
    if one.peer is None and one.trunk is None:
        page.line(texts.not_watched)
    if one.trunk is not None:
        since = texts.since.format(time=asking.time(one.trunk.since_at, now), lasted=asking.lasted(now - one.trunk.since_at))
        mark, cause = TRUNK_MARKS.get(one.trunk.state, BAD), f": {one.trunk.cause}" if one.trunk.cause else ""
        page.line(f"{mark} {texts.trunk_states[one.trunk.state]}, {since}{cause}")
        carriers = [peer.subject for peer in one.pbx.peers if peer.trunk == one.subject]
        if carriers:
            page.line(texts.carried_by.format(names=", ".join(f"/peer {subject}" for subject in carriers)))
    if one.peer is not None:
        view = one.peer
        since = texts.since.format(time=asking.time(view.since_at, now), lasted=asking.lasted(now - view.since_at))
        qualify = f", qualify {view.rtt_ms:.0f} {texts.ms}" if view.rtt_ms is not None else ""
        page.line(f"{PEER_MARKS[view.state]} {texts.peer_states[view.state]}, {since}{qualify}")
        if view.address:
            page.line(texts.address.format(address=view.address))
        if view.user_agent:
            page.line(texts.agent.format(agent=view.user_agent))


def _sample(asking: Asking, figures: Figures) -> str:
    texts = asking.texts
    parts = [number(figures.calls, texts.calls)] if figures.calls else []
    parts += [number(round(figures.packets), texts.packets)] if figures.packets is not None else []
    return ", ".join(parts) or texts.measured


def _figures_table(asking: Asking, figures: Figures) -> list[str]:
    texts = asking.texts
    heard = [figures.by_direction.get(direction, Heard()) for direction in Direction]
    rows = [
        (texts.loss, *(show(one.loss_percent, 2) for one in heard)),
        (texts.highest, *(show(one.loss_percent_max, 2) for one in heard)),
        (texts.jitter, *(show(one.jitter_ms, 1) for one in heard)),
        (texts.highest, *(show(one.jitter_ms_max, 1) for one in heard)),
        ("MOS", *(show(one.mos, 2) for one in heard)),
        (texts.lowest, *(show(one.mos_min, 2) for one in heard)),
        (texts.rtt, show(figures.rtt_ms, 0), ""),
        (texts.highest, show(figures.rtt_ms_max, 0), ""),
    ]
    known = [row for row in rows if set(row[1:]) - {UNKNOWN, ""}]
    return table([("", *(texts.columns[direction] for direction in Direction)), *known], flexible=0)


def show(value: float | None, digits: int) -> str:
    """Return a figure; what is not known is a dash, never a zero."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"
