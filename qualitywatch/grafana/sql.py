"""Asks as SQL on ``rollup.db``, for Grafana's plug-in frser-sqlite-datasource, which opens the file read-only.

Times beyond three days are read from the hours, as the daemon itself does.  Peers come first in each join: the rows' primary
key leads with the peer, so only what is shown is read.  Calls count when they ended, but are found by when they began.
``${peer:sqlstring}`` is a variable's choice as quoted texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qualitywatch.grafana import figures as of
from qualitywatch.grafana.asks import EITHER, Ask, Counts, Lines, Log, Scope, Story, Totals, Values
from qualitywatch.grafana.figures import Figure
from qualitywatch.grafana.language import EVENT_KINDS, MOST_ROWS, Json, Marks, Query

_FINE_MS: Final = 3 * 86_400_000
_LONGEST_CALL_S: Final = 86_400
_FROM: Final = "$__from"
_NOWHERE: Final = "(none)"
_PEERS: Final = "peer p LEFT JOIN place l ON l.peer = p.id"
_SITE: Final = f"coalesce(l.site, '{_NOWHERE}')"
_TRUNK: Final = f"coalesce(l.trunk, '{_NOWHERE}')"
_CARRIED: Final = "coalesce(l.trunk, p.name)"  # figures of a trunk's calls are stored under the peer that carries them
_PEER_SEEN: Final = (  # also one that never had a call
    "(EXISTS (SELECT * FROM r1h r WHERE r.peer = p.id) "
    "OR p.id IN (SELECT peer FROM event WHERE kind IN ('peer', 'user_agent')))"
)
_DIRECTION: Final = "CASE r.dir WHEN 1 THEN 'to_peer' WHEN 2 THEN 'from_peer' END"
_OF_PEER: Final = {"pbx": "p.pbx", "peer": "p.name", "trunk": _TRUNK, "site": _SITE}
_OF_SUBJECT: Final = {"pbx": "p.pbx", **dict.fromkeys(("peer", "trunk", "queue", "site", "sink", "severity"), "p.name")}


@dataclass(frozen=True, slots=True)
class _Source:
    """A pair of tables, of minutes and of hours, or one of things that happened; ``ts`` is the column of time.

    ``found_by``: a column with an index, where ``ts`` has none; it is before ``ts``, but by no more than a day.
    """

    tables: tuple[tuple[str, int], ...]  # with the seconds a row speaks for
    columns: Mapping[str, str]
    ts: str = "r.ts"
    where: str = ""
    found_by: str = ""


_VOICE: Final = _Source((("r1m", 60), ("r1h", 3600)), {**_OF_PEER, "direction": _DIRECTION})
_CALL: Final = _Source((("call", 1),), _OF_PEER, ts="r.stop", found_by="r.start")
_PEER_STATES: Final = _Source((("event", 1),), _OF_SUBJECT, where="r.kind = 'peer' AND r.text NOT IN ('unknown', 'lagged')")


def _kpi(name: str) -> _Source:
    return _Source((("k1m", 60), ("k1h", 3600)), {**_OF_SUBJECT, "trunk": _CARRIED}, where=f"r.kpi = '{name}'")


_OUTCOMES: Final = _Source(
    (("k1m", 60), ("k1h", 3600)),
    {"outcome": "substr(p.name, 1, instr(p.name, ' ') - 1)", "sink": "substr(p.name, instr(p.name, ' ') + 1)"},
    where="r.kpi = 'daemon_lines'",
)
_MEAN: Final = "sum(r.total) / sum(r.n)"
_HIGH: Final = "max(r.high)"
_READ: Final[Mapping[str, tuple[_Source, str]]] = {
    of.LOSS.name: (_VOICE, "100.0 * sum(r.lost) / nullif(sum(r.packets), 0)"),
    of.LOSS_MAX.name: (_VOICE, "max(r.loss_max)"),
    of.LOSS_NET_MAX.name: (_VOICE, "100.0 * sum(r.lost) / nullif(sum(r.packets), 0)"),
    of.LOSS_REPORTED_MAX.name: (_VOICE, "100.0 * sum(r.lost_reported) / nullif(sum(r.packets_reported), 0)"),
    of.JITTER_MAX.name: (_VOICE, "max(r.jitter_max)"),
    of.RTT_MAX.name: (_VOICE, "max(r.rtt_max)"),
    of.MOS_MIN.name: (_VOICE, "min(r.mos_min)"),
    of.CALLS.name: (_CALL, "count(*)"),
    of.CAUSE.name: (_CALL, "count(*)"),
    of.QUALIFY_MAX.name: (_kpi("qualify_rtt_ms"), _HIGH),
    of.PEER_UP.name: (_PEER_STATES, "min(r.text IN ('registered', 'reachable'))"),
    of.TRUNK_UP.name: (_kpi("up"), "min(r.low)"),
    of.ASR.name: (_kpi("answered"), f"100.0 * {_MEAN}"),
    of.NER.name: (_kpi("delivered"), f"100.0 * {_MEAN}"),
    of.ACD.name: (_kpi("call_duration_s"), _MEAN),
    of.DIAL_DELAY.name: (_kpi("post_dial_delay_s"), _MEAN),
    of.CONCURRENT.name: (_kpi("concurrent_calls"), _HIGH),
    of.EVENTS.name: (_kpi("daemon_events"), _MEAN),
    of.LINES.name: (_OUTCOMES, _MEAN),
    of.LAG.name: (_kpi("daemon_lag_s"), _HIGH),
    of.SPOOL.name: (_kpi("daemon_spool_lines"), _HIGH),
    of.OUTBOX.name: (_kpi("daemon_waiting"), _HIGH),
    of.FIRING.name: (_kpi("daemon_firing"), _HIGH),
}


class Sql:
    """``language.Language``."""

    plugin = "frser-sqlite-datasource"
    all_value = None

    def query(self, ask: Ask, ref: str) -> Query | None:
        """The query of a panel; None where the file does not hold it."""
        match ask:
            case Lines(figure, by, scope, _, only):
                if figure.name not in _READ:
                    return None
                branches = [_branch(figure, by, scope, only, table, width) for table, width in _READ[figure.name][0].tables]
                return _query(f"{_union(branches)}\nORDER BY time", ref, "time series")
            case Totals(figure, by, scope, name, only, last_s):
                if figure.name not in _READ:
                    return None
                since = f"max($__from, $__to - {last_s * 1000})" if last_s else _FROM
                branches = [
                    _branch(figure, by, scope, only, table, width, total=name, since=since)
                    for table, width in _READ[figure.name][0].tables
                ]
                return _query(_union(branches), ref, "table")
            case Counts(figure, scope):
                where = " AND ".join([*_terms(_CALL, scope, {}, 0), f"r.{figure.field} IS NOT NULL"])
                text = (
                    f"SELECT CAST(r.{figure.field} AS TEXT) AS {figure.field}, count(*) AS calls\n"
                    f"FROM {_PEERS} JOIN call r ON r.peer = p.id\nWHERE {where}\nGROUP BY 1 ORDER BY 2 DESC"
                )
                return _query(text, ref, "table")
            case Log():
                return _query(f"{_story(ask)}\nORDER BY r.ts DESC LIMIT {MOST_ROWS}", ref, "table")

    def values(self, ask: Values) -> Json:
        """What a variable asks for."""
        terms = [f"{_OF_PEER[tag]} IN (${{{variable}:sqlstring}})" for tag, variable in ask.scope.items()]
        column = {**_OF_PEER, "trunk": _CARRIED}[ask.tag]
        terms += {
            "pbx": ["p.pbx <> ''"],
            "peer": [_PEER_SEEN],
            "trunk": ["EXISTS (SELECT * FROM k1h r WHERE r.peer = p.id AND r.kpi IN ('up', 'answered'))"],
            "site": ["EXISTS (SELECT * FROM r1h r WHERE r.peer = p.id)"],
        }[ask.tag]
        return {"query": f"SELECT DISTINCT {column} FROM {_PEERS} WHERE {' AND '.join(terms)} ORDER BY 1"}  # noqa: S608

    def marks(self, ask: Log) -> Marks:
        """The query of an annotation; Grafana knows the columns by their names."""
        text = f"{_story(ask)}\nORDER BY r.ts"
        return Marks(_query(text, "marks", "table").target, text)


def _query(text: str, ref: str, shape: str) -> Query:
    target: Json = {"refId": ref, "rawQueryText": text, "queryText": text, "queryType": shape, "timeColumns": ["time"]}
    return Query(target, text, labels=shape == "time series")


def _branch(
    figure: Figure,
    by: tuple[str, ...],
    scope: Scope,
    only: Mapping[str, str],
    table: str,
    width: int,
    *,
    total: str = "",
    since: str = _FROM,
) -> str:
    source, expression = _READ[figure.name]
    step = f"max($__interval_ms / 1000, {width})"
    name = f'"{total}"' if total else "value"
    columns = [f"{source.ts} / {step} * {step} AS time"] if not total else []
    columns += [f"{source.columns[tag]} AS {tag}" for tag in by]
    terms = _terms(source, scope, only, width, since)
    if len(source.tables) > 1:
        terms.append(f"$__to - {since} {'<=' if width == source.tables[0][1] else '>'} {_FINE_MS}")
    grouped = ", ".join(map(str, range(1, len(columns) + 1)))
    return (
        f"SELECT {', '.join([*columns, f'{expression} AS {name}'])}\n"
        f"FROM {_PEERS} CROSS JOIN {table} r ON r.peer = p.id\n"
        f"WHERE {' AND '.join(terms)}\n" + (f"GROUP BY {grouped} " if grouped else "") + f"HAVING {name} IS NOT NULL"
    )


def _union(branches: list[str]) -> str:
    return "\nUNION ALL\n".join(branches)


def _terms(source: _Source, scope: Scope, only: Mapping[str, str], width: int, since: str = _FROM) -> list[str]:
    terms = [f"{source.ts} >= {since} / 1000 - {width}", f"{source.ts} < $__to / 1000"]
    if source.found_by:
        terms += [f"{source.found_by} >= {since} / 1000 - {_LONGEST_CALL_S}", f"{source.found_by} < $__to / 1000"]
    terms += [source.where] if source.where else []
    for tag, text in only.items():
        terms.append(f"r.dir = {1 if text == 'to_peer' else 2}" if tag == "direction" else f"{source.columns[tag]} = '{text}'")
    for tags, variable in scope.items():
        either = [f"{source.columns[tag]} IN (${{{variable}:sqlstring}})" for tag in tags.split(EITHER)]
        terms.append(either[0] if len(either) == 1 else f"({' OR '.join(either)})")
    return terms


def _story(ask: Log) -> str:
    kinds = ("alert",) if ask.story is Story.ALERTS else EVENT_KINDS[ask.story]
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    events = _Source((("event", 1),), _OF_PEER, where=f"r.kind IN ({listed})")
    where = " AND ".join(_terms(events, ask.scope, {}, 0))
    return (
        "SELECT r.ts AS time, p.name AS title, r.text AS text, r.kind AS tags, p.pbx AS pbx, p.name AS peer\n"
        f"FROM event r JOIN peer p ON p.id = r.peer LEFT JOIN place l ON l.peer = p.id\nWHERE {where}"
    )
