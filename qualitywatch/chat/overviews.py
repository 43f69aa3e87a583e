"""/status and /trunks: how every PBX stands at this moment."""

from __future__ import annotations

from collections import Counter
from typing import Final

from qualitywatch.chat.asking import Asking
from qualitywatch.chat.incidents import tally
from qualitywatch.chat.page import Page
from qualitywatch.chat.silences import add_silences, in_force
from qualitywatch.chat.subjects import label
from qualitywatch.model import PeerState, TrunkState
from qualitywatch.notify.inbound import Answer
from qualitywatch.ports import Feeding, Supervised, Telling
from qualitywatch.room import PbxView

GOOD: Final = "🟢"
BAD: Final = "🔴"
UNSURE: Final = "⚪"
PEER_MARKS: Final = {
    PeerState.REACHABLE: GOOD,
    PeerState.REGISTERED: GOOD,
    PeerState.LAGGED: "🟡",
    PeerState.UNREACHABLE: BAD,
    PeerState.UNREGISTERED: BAD,
    PeerState.UNKNOWN: UNSURE,
}
TRUNK_MARKS: Final = {TrunkState.REGISTERED: GOOD, TrunkState.RETRYING: "🟡", TrunkState.UNKNOWN: UNSURE}  # all others: BAD


async def status(asking: Asking) -> Answer:
    """/status: PBXes, trunks, phones, calls, incidents, silences."""
    page = asking.page()
    for view in asking.room.pbxes():
        _add_pbx(asking, page, view)
        page.blank()
    for trouble in asking.room.troubles():
        page.line(asking.texts.cannot_store.format(reason=trouble), bold=f"{BAD} ")
    _add_failing_parts(asking, page)
    for trouble in asking.room.untold() if isinstance(asking.room, Telling) else ():
        page.line(asking.texts.cannot_tell.format(reason=trouble), bold=f"{BAD} ")
    _add_databases(asking, page)
    page.line(tally(asking, asking.room.incidents()))
    page.line(asking.texts.silence_count.format(count=len(in_force(asking))))
    add_silences(asking, page, in_force(asking))
    return page.answer()


async def trunks(asking: Asking) -> Answer:
    """/trunks: every registration of ours."""
    texts, page = asking.texts, asking.page()
    for view in asking.room.pbxes():
        if asking.show_pbx or not view.is_seen:
            add_head(asking, page, view)
        for trunk in view.trunks:
            mark = TRUNK_MARKS.get(trunk.state, BAD)
            page.line(bold=f"{mark} {label(trunk.trunk, trunk.name)}")
            since = asking.time(trunk.since_at, view.now)
            parts = [
                texts.trunk_states[trunk.state],
                texts.since.format(time=since, lasted=_lasted(asking, view, trunk.since_at)),
            ]
            page.line(", ".join(parts) + (f": {trunk.cause}" if trunk.cause else ""))
        if not view.trunks:
            page.line(texts.no_trunks)
        page.blank()
    return page.answer()


def _add_failing_parts(asking: Asking, page: Page) -> None:
    """Add what a mistake of this program has ended: whoever reads this is asked to pass it on."""
    room = asking.room
    for part in room.failing_parts() if isinstance(room, Supervised) else ():
        page.line(asking.texts.part_failed.format(name=part.name, what=part.what, count=part.times), bold=f"{BAD} ")


def _add_databases(asking: Asking, page: Page) -> None:
    """Add what is wrong with time series databases, and what it has cost."""
    texts, room = asking.texts, asking.room
    for database in room.databases() if isinstance(room, Feeding) else ():
        for text, count, is_said in (
            (texts.readings_wait, database.waiting, database.trouble is not None),
            (texts.readings_lost, database.lost, database.lost > 0),
            (texts.readings_refused, database.refused, database.refused > 0),
        ):
            if is_said:
                page.line(text.format(name=database.name, count=count, reason=database.trouble or ""), bold=f"{BAD} ")


def add_head(asking: Asking, page: Page, view: PbxView) -> None:
    """Add the name of a PBX, and since when it cannot be seen."""
    texts = asking.texts
    if view.is_seen:
        page.line(texts.seen, bold=f"{GOOD} {view.name}:")
        return
    if view.since_at is None:
        page.line(texts.blind, bold=f"{BAD} {view.name}:")
    else:
        since = texts.since.format(time=asking.time(view.since_at, view.now), lasted=_lasted(asking, view, view.since_at))
        page.line(f"{texts.blind} {since}", bold=f"{BAD} {view.name}:")
    page.line(texts.as_last_seen)


def _add_pbx(asking: Asking, page: Page, view: PbxView) -> None:
    texts = asking.texts
    add_head(asking, page, view)
    up = sum(trunk.state is TrunkState.REGISTERED for trunk in view.trunks)
    unsure = sum(trunk.state is TrunkState.UNKNOWN for trunk in view.trunks)
    counts = [(texts.up, up), (texts.down, len(view.trunks) - up - unsure), (texts.unsure, unsure)]
    page.line(texts.trunks.format(told=_counted(asking, counts)))
    states = Counter(peer.state for peer in view.peers)
    page.line(texts.peers.format(told=_counted(asking, [(texts.peer_states[state], states[state]) for state in PEER_MARKS])))
    if view.is_seen:  # nobody knows how many there are in a PBX that cannot be seen
        page.line(texts.calls_now.format(count=view.calls))


def _counted(asking: Asking, counts: list[tuple[str, int]]) -> str:
    texts = asking.texts
    return ", ".join(texts.counted.format(word=word, count=count) for word, count in counts if count) or texts.none


def _lasted(asking: Asking, view: PbxView, since_at: float) -> str:
    return asking.lasted(view.now - since_at)
