"""One screen of ``qualitywatch top``: what the daemon told, in the order and with the filter asked for.  Pure, but for rich.

Strategy: rows are chosen before they are drawn, so that a screen is never longer than the terminal: alerts take at most a
third, trunks a sixth, peers what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from qualitywatch.control.protocol import Heard, View
from qualitywatch.document import format_duration
from qualitywatch.model import Alert, AlertState, Member, MemberState, PeerState, Severity, TrunkState
from qualitywatch.notify.legible import legible
from qualitywatch.notify.phrases import member_sentence
from qualitywatch.room import PbxView, PeerView

_GOOD_PEERS: Final = frozenset({PeerState.REACHABLE, PeerState.REGISTERED})
_STYLES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_HEADS: Final = 5  # lines: the first line, three heads of tables and the last line
_LEAST: Final = 3  # rows of peers, however small the terminal


@dataclass(frozen=True, slots=True)
class Row:
    """One peer."""

    view: PbxView
    peer: PeerView
    heard: Heard | None

    @property
    def loss_percent(self) -> float | None:
        """Of the worse direction."""
        known = [self.heard.loss_to_percent, self.heard.loss_from_percent] if self.heard is not None else []
        return max((loss for loss in known if loss is not None), default=None)


def _high(value: float | None) -> float:
    return -1.0 if value is None else value


SORTS: Final[Mapping[str, tuple[str, Callable[[Row], Any]]]] = {
    "l": ("loss", lambda row: -_high(row.loss_percent)),
    "m": ("mos", lambda row: 9.0 if row.heard is None or row.heard.mos is None else row.heard.mos),
    "r": ("rtt", lambda row: -_high(row.heard.rtt_ms if row.heard is not None and row.heard.rtt_ms else row.peer.rtt_ms)),
    "s": ("state", lambda row: (row.peer.state in _GOOD_PEERS, str(row.peer.state))),
    "n": ("name", lambda row: ""),
}
KEYS: Final = "l loss  m MOS  r rtt  s state  n name  / filter  q quit"


@dataclass(frozen=True, slots=True)
class Looks:
    """How the screen is wanted; ``height`` None: as long as it gets."""

    sort: str = "l"
    filter: str = ""
    height: int | None = None
    is_typing: bool = False


def screen(view: View, looks: Looks, zone: tzinfo, trouble: str | None = None) -> Group:
    """Draw it; ``trouble`` is why nothing newer is known."""
    alerts = [alert for pbx in view.pbxes for alert in pbx.alerts if alert.state is AlertState.FIRING]
    alerts = [
        alert for alert in alerts if _matches(looks, alert.key.pbx, alert.key.subject, alert.display_name, alert.key.rule)
    ]
    alerts.sort(key=lambda alert: (-alert.severity.rank, alert.since_at))
    show_pbx = len(view.pbxes) > 1
    trunks = [(pbx, trunk) for pbx in view.pbxes for trunk in pbx.trunks]
    trunks = [(pbx, trunk) for pbx, trunk in trunks if _matches(looks, pbx.name, trunk.trunk, trunk.name)]
    trunks.sort(key=lambda pair: pair[1].state is TrunkState.REGISTERED)
    peers = rows(view, looks)
    troubles = [*view.troubles, *([] if trouble is None else [trouble])]
    heads = [*_pbx_lines(view, zone), *(_line(f"! {legible(each)}", "bold red") for each in troubles)]
    many = None if looks.height is None else max(looks.height - len(heads) - _HEADS, _LEAST)
    shown_alerts = alerts if many is None else alerts[: max(many // 3, 1)]
    shown_trunks = trunks if many is None else trunks[: max(many // 6, 1)]
    left = None if many is None else max(many - len(shown_alerts) - len(shown_trunks), 0)
    parts: list[Text | Table] = [*heads]
    if shown_alerts:
        parts.append(_alert_table(shown_alerts, len(alerts), {pbx.name: pbx.now for pbx in view.pbxes}, zone, show_pbx))
    if shown_trunks:
        parts.append(_trunk_table(shown_trunks, len(trunks), show_pbx))
    parts.append(_peer_table(peers if left is None else peers[:left], len(peers), show_pbx))
    asked = f"filter: {legible(looks.filter)}{'_' if looks.is_typing else ''}  " if looks.filter or looks.is_typing else ""
    parts.append(_line(f"{asked}by {SORTS[looks.sort][0]}  |  {KEYS}", "dim"))
    return Group(*parts)


def rows(view: View, looks: Looks) -> list[Row]:
    """The peers that match, in order."""
    heard = {(each.pbx, each.subject): each for each in view.heard}
    found = [
        Row(pbx, peer, heard.get((pbx.name, peer.subject)))
        for pbx in view.pbxes
        for peer in pbx.peers
        if _matches(looks, pbx.name, peer.subject, peer.name, peer.address, peer.user_agent, peer.site)
    ]
    key = SORTS[looks.sort][1]
    return sorted(found, key=lambda row: (key(row), row.view.name, row.peer.subject))


def _matches(looks: Looks, *texts: str | None) -> bool:
    return looks.filter.casefold() in " ".join(filter(None, texts)).casefold()


def _pbx_lines(view: View, zone: tzinfo) -> Iterable[Text]:
    at = datetime.fromtimestamp(view.now, zone).strftime("%H:%M:%S")
    for number, pbx in enumerate(view.pbxes):
        up = sum(peer.state in _GOOD_PEERS for peer in pbx.peers)
        registered = sum(trunk.state is TrunkState.REGISTERED for trunk in pbx.trunks)
        told = (
            f"{legible(pbx.name)}: {'' if pbx.is_seen else 'CANNOT BE SEEN, as it was last: '}{pbx.calls} channels, "
            f"peers {up}/{len(pbx.peers)}, trunks {registered}/{len(pbx.trunks)}"
        )
        lead = f"{at}  {view.incidents} incidents  " if number == 0 else " " * 10
        yield _line(lead + told, "" if pbx.is_seen else "bold red")


def _line(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _table(*columns: str, first: int = 4) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="reverse", expand=True)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=first if number == 0 else 2)
    return table


def _alert_table(alerts: list[Alert], count: int, clocks: Mapping[str, float], zone: tzinfo, show_pbx: bool) -> Table:
    table = _table(f"alerts ({count})", "severity", "for", "rule", first=12)  # what is wrong takes a whole sentence
    for alert in alerts:
        told = member_sentence(Member(alert, MemberState.FIRING, alert.since_at), "en", zone)
        lasted_s = max(0.0, clocks[alert.key.pbx] - alert.since_at) if alert.key.pbx in clocks else 0.0
        told = f"[{alert.key.pbx}] {told}" if show_pbx else told  # before it: a long sentence is cut off
        cells = (told, str(alert.severity), format_duration(round(lasted_s)), alert.key.rule)
        table.add_row(*_texts(cells), style=_STYLES[alert.severity])
    return table


def _trunk_table(trunks: list[Any], count: int, show_pbx: bool) -> Table:
    table = _table(f"trunks ({count})", "state", "for", "cause", first=6)
    for pbx, trunk in trunks:
        lasted = format_duration(round(max(0.0, pbx.now - trunk.since_at)))
        style = "" if trunk.state is TrunkState.REGISTERED else "red"
        who = f"[{pbx.name}] {trunk.name or trunk.trunk}" if show_pbx else trunk.name or trunk.trunk
        table.add_row(*_texts((who, str(trunk.state), lasted, trunk.cause or "")), style=style)
    return table


def _peer_table(peers: list[Row], count: int, show_pbx: bool) -> Table:
    table = _table(f"peers ({count})", "state", "loss to", "loss from", "jitter", "rtt ms", "MOS", "address", first=5)
    for row in peers:
        peer, heard = row.peer, row.heard
        who = f"{peer.name} {peer.subject}" if peer.name else peer.subject
        jitters = [jitter for jitter in (heard.jitter_to_ms, heard.jitter_from_ms) if jitter is not None] if heard else []
        rtt_ms = heard.rtt_ms if heard is not None and heard.rtt_ms is not None else peer.rtt_ms
        cells = (
            f"[{row.view.name}] {who}" if show_pbx else who,
            str(peer.state),
            _figure(heard.loss_to_percent if heard else None),
            _figure(heard.loss_from_percent if heard else None),
            _figure(max(jitters, default=None), 1),
            _figure(rtt_ms, 0),
            _figure(heard.mos if heard else None),
            peer.address or "",
        )
        table.add_row(*_texts(cells), style="" if peer.state in _GOOD_PEERS else "dim" if heard is None else "yellow")
    return table


def _texts(cells: Iterable[str]) -> list[Text]:
    return [Text(legible(cell)) for cell in cells]


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
