"""/worst and /report: everybody who had calls, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qualitywatch.chat.asking import Asking
from qualitywatch.chat.figures import Figures, Heard, summarize
from qualitywatch.chat.incidents import tally
from qualitywatch.chat.overviews import add_head
from qualitywatch.chat.page import Page
from qualitywatch.chat.parsing import read_span, read_worst
from qualitywatch.chat.peers import show
from qualitywatch.chat.subjects import label
from qualitywatch.chat.tables import table
from qualitywatch.model import Direction, Metric
from qualitywatch.notify.inbound import Answer
from qualitywatch.notify.legible import legible
from qualitywatch.notify.texts import number
from qualitywatch.room import PbxView, PeerView

DEFAULT_SPAN_S: Final = 86_400.0
MIN_PACKETS: Final = 1500.0  # 30 s of speech at 20 ms: one short call must not lead the list
_TOP: Final = 10
_TOP_OF_REPORT: Final = 5
_NAMES_A_LINE: Final = 4
_DIGITS: Final = {Metric.LOSS_PERCENT: 2, Metric.JITTER_MS: 1, Metric.MOS: 2, Metric.RTT_MS: 0}


@dataclass(frozen=True, slots=True)
class _Measured:
    """One subject that had calls."""

    pbx: PbxView
    subject: str
    figures: Figures
    view: PeerView | None

    @property
    def label(self) -> str:
        return label(self.subject, self.view.name if self.view else None)

    @property
    def carries_trunk(self) -> bool:
        """Whether calls with a provider go through it."""
        is_trunk = any(trunk.trunk == self.subject for trunk in self.pbx.trunks)
        return is_trunk or (self.view is not None and self.view.trunk is not None)


@dataclass(frozen=True, slots=True)
class _Place:
    """A subject's figure of one metric, in its worse direction."""

    who: _Measured
    value: float
    extreme: float | None
    direction: Direction | None


async def worst(asking: Asking) -> Answer:
    """/worst: top ten by one metric."""
    texts, page = asking.texts, asking.page()
    wish = read_worst(asking.words, DEFAULT_SPAN_S)
    found = [one for view in asking.room.pbxes() for one in await _measured(asking, view, wish.span_s)]
    places, too_short = _ranked(found, wish.metric)
    page.line(texts.last_span.format(span=asking.span(wish.span_s)), bold=texts.worst_by[wish.metric])
    _add_places(asking, page, places[:_TOP], wish.metric)
    if not places:
        page.line(texts.nothing_measured)
    if too_short:
        page.line(texts.too_short.format(count=too_short))
    _add_unreported(asking, page, found)
    return page.answer()


async def report(asking: Asking) -> Answer:
    """/report: calls, the worst phones and trunks, and who says nothing."""
    texts, page = asking.texts, asking.page()
    span_s = read_span(asking.words, DEFAULT_SPAN_S)
    page.line(bold=texts.report.format(span=asking.span(span_s)))
    for view in asking.room.pbxes():
        found = await _measured(asking, view, span_s)
        page.blank()
        add_head(asking, page, view)
        reporting = [one for one in found if one.figures.has_reports]
        calls = number(sum(one.figures.calls for one in reporting), texts.calls)
        page.line(
            texts.coverage.format(calls=calls, reporting=len(reporting), count=len(found)) if found else texts.nothing_measured
        )
        for title, group in (
            (texts.worst_peers, [one for one in found if not one.carries_trunk]),
            (texts.worst_trunks, [one for one in found if one.carries_trunk]),
        ):
            places, _ = _ranked(group, Metric.LOSS_PERCENT)
            if places:
                page.line(bold=title)
                _add_places(asking, page, places[:_TOP_OF_REPORT], Metric.LOSS_PERCENT)
        _add_unreported(asking, page, found)
    page.blank()
    page.line(tally(asking, asking.room.incidents()))
    return page.answer()


async def _measured(asking: Asking, view: PbxView, span_s: float) -> list[_Measured]:
    room, since = asking.room, view.now - span_s
    peers = {peer.subject: peer for peer in view.peers}
    return [
        _Measured(view, subject, summarize(await room.history(view.name, subject, since, view.now)), peers.get(subject))
        for subject in await room.subjects(view.name, since, view.now)
    ]


def _ranked(found: Sequence[_Measured], metric: Metric) -> tuple[list[_Place], int]:
    """Return the places, worst first, and how many subjects had too little speech to be compared."""
    places, too_short = [], 0
    for one in found:
        candidates = _candidates(one, metric)
        enough = [place for place, packets in candidates if packets is not None and packets >= MIN_PACKETS]
        if enough:
            places.append(min(enough, key=lambda place: _order(place, metric)))
        elif candidates:
            too_short += 1
    return sorted(places, key=lambda place: _order(place, metric)), too_short


def _candidates(one: _Measured, metric: Metric) -> list[tuple[_Place, float | None]]:
    figures = one.figures
    if metric is Metric.RTT_MS:
        value = figures.rtt_ms
        return [] if value is None else [(_Place(one, value, figures.rtt_ms_max, None), figures.packets)]
    found = []
    for direction, heard in figures.by_direction.items():
        value, extreme = _of(heard, metric)
        if value is not None:
            packets = heard.packets if heard.packets is not None else figures.packets
            found.append((_Place(one, value, extreme, direction), packets))
    return found


def _of(heard: Heard, metric: Metric) -> tuple[float | None, float | None]:
    if metric is Metric.JITTER_MS:
        return heard.jitter_ms, heard.jitter_ms_max
    return (heard.mos, heard.mos_min) if metric is Metric.MOS else (heard.loss_percent, heard.loss_percent_max)


def _order(place: _Place, metric: Metric) -> tuple[float, str, str]:
    value = place.value if metric is Metric.MOS else -place.value
    return value, place.who.pbx.name, place.who.subject


def _add_places(asking: Asking, page: Page, places: Sequence[_Place], metric: Metric) -> None:
    if not places:
        return
    texts, digits = asking.texts, _DIGITS[metric]
    rows = [(texts.metrics[metric], texts.lowest_short if metric is Metric.MOS else texts.highest_short, texts.calls_short, "")]
    for place in places:
        preposition = f"{texts.to_and_from[place.direction]} " if place.direction is not None else ""
        pbx = f" [{legible(place.who.pbx.name)}]" if asking.show_pbx else ""
        subject = f"{preposition}{place.who.subject}{pbx}"
        name = place.who.label.removesuffix(legible(place.who.subject)).strip()
        rows.append(
            (show(place.value, digits), show(place.extreme, digits), str(place.who.figures.calls), f"{subject} {name}".strip())
        )
    page.table(table(rows, flexible=3, left=frozenset({3})))


def _add_unreported(asking: Asking, page: Page, found: Sequence[_Measured]) -> None:
    """Name those who had calls and said nothing of them: that is unknown, not good."""
    silent = [_unreported(asking, one) for one in found if not one.figures.has_reports]
    if not silent:
        return
    page.line(asking.texts.unreported.format(count=len(silent)))
    for start in range(0, len(silent), _NAMES_A_LINE):
        page.line(", ".join(silent[start : start + _NAMES_A_LINE]))


def _unreported(asking: Asking, one: _Measured) -> str:
    """Name one of them, with the reason where it may be that its media does not come by."""
    return f"{one.label} ({asking.texts.direct_media})" if one.subject in one.pbx.direct_media else one.label
