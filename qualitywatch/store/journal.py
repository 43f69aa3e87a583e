"""What was judged beside the reports' samples, as text: states, changes, counts and figures of calls, gaps in what was seen.

Strategy: whole batches in one stream, because one call looks like another; fields by name, those at their default and the
PBX left out, so that fields may be added.  What has the same class and fields is written as a table, column by column: like
stands beside like, and LZMA, or zlib where Python was built without it, makes half of what it was line by line, which is how
older files hold it.  A value of a class this version does not know is passed over when read.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, TypeAlias, get_args

from qualitywatch.errors import StoreError
from qualitywatch.model.observations import Belonging, Gap, Observation, Observed, Whereabouts
from qualitywatch.store.codec import loads, plain

try:
    import lzma
except ImportError:  # Python was built on a machine without liblzma
    lzma = None  # type: ignore[assignment]

_CLASSES: Final[dict[str, type[Any]]] = {cls.__name__: cls for cls in (*get_args(Observation), Gap, Belonging, Whereabouts)}
_IN_TABLES: Final = b"\x01"  # before the stream; a zlib stream begins otherwise (RFC 1950 section 2.2)
_IN_LZMA: Final = b"\x02"
_DAMAGE: Final = (zlib.error, ValueError, TypeError, LookupError, AttributeError, RecursionError)  # LZMA has no checksum
_DICTIONARY_BYTES: Final = 1 << 18  # LZMA takes ten times that of memory, for a moment

_Shape: TypeAlias = tuple[str, ...]
"""A class, and the fields that are told."""

_Line: TypeAlias = tuple[float, int, Sequence[str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Journal:
    """A batch of one PBX, packed; all of it was judged in [first_at, last_at]."""

    first_at: float
    last_at: float
    pbx: str
    packed: bytes


def pack(observed: Iterable[Observed]) -> list[Journal]:
    """Pack a batch, one journal for each PBX, the order kept."""
    by_pbx: dict[str, list[Observed]] = {}
    for each in observed:
        by_pbx.setdefault(each.what.pbx, []).append(each)
    return [_journal(pbx, batch) for pbx, batch in by_pbx.items()]


def _journal(pbx: str, batch: list[Observed]) -> Journal:
    instants = [each.at for each in batch]
    tables: dict[_Shape, tuple[int, list[list[Any]]]] = {}
    order = []
    for each in batch:
        name, values = _values(each)
        number, columns = tables.setdefault((name, *values), (len(tables), [[] for _ in range(len(values) + 2)]))
        order.append(number)
        for column, value in zip(columns, (each.at, int(each.by_tick), *values.values()), strict=True):
            column.append(value)
    text = json.dumps([order, [[shape, columns] for shape, (_, columns) in tables.items()]], separators=(",", ":"))
    return Journal(min(instants), max(instants), pbx, _squeezed(text.encode()))


def _squeezed(text: bytes) -> bytes:
    if lzma is None:
        return _IN_TABLES + zlib.compress(text, zlib.Z_BEST_COMPRESSION)
    return _IN_LZMA + lzma.compress(text, lzma.FORMAT_RAW, filters=_filters())


def _filters() -> list[dict[str, Any]]:
    """Text has no alignment: the bits for it are left to what came before."""
    return [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": _DICTIONARY_BYTES, "lc": 4, "lp": 0, "pb": 0}]


def _values(observed: Observed) -> tuple[str, dict[str, Any]]:
    what = observed.what
    kind: Any = type(what)
    values = {}
    for name, default in _fields(kind):
        value = getattr(what, name)
        if value != default and (name != "at" or value != observed.at):
            values[name] = plain(value)
    return kind.__name__, values


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Names of the fields that may be told, each with its default."""
    return tuple((each.name, each.default) for each in fields(kind) if each.name != "pbx")


def joined(first: bytes, then: bytes, pbx: str) -> bytes | None:
    """Two packed batches as one, which is shorter than both; None where the first is of an older version, or damaged."""
    if first[:1] not in (_IN_TABLES, _IN_LZMA):
        return None
    try:
        return _squeezed(_merged(_expanded(first, pbx), _expanded(then, pbx)))
    except (*_DAMAGE, StoreError):
        return None  # what cannot be read takes no more with it, nor does it keep anything from being written


def _merged(first: bytes, then: bytes) -> bytes:
    order, tables = json.loads(first)
    more, more_tables = json.loads(then)
    told = Counter(order)
    counts = {number: {len(column) for column in columns} for number, (_, columns) in enumerate(tables)}
    if counts != {number: {count} for number, count in told.items()}:
        raise ValueError("not as many values as there were observations")
    numbers = {tuple(shape): number for number, (shape, _) in enumerate(tables)}
    places = []
    for shape, columns in more_tables:
        places.append(numbers.setdefault(tuple(shape), len(tables)))
        if places[-1] == len(tables):
            tables.append([shape, columns])
        else:
            for column, values in zip(tables[places[-1]][1], columns, strict=True):
                column.extend(values)
    order += [places[number] for number in more]
    return json.dumps([order, tables], separators=(",", ":")).encode()


def unpack(journal: Journal, name: str | None = None, field: str | None = None) -> Iterator[Observed]:
    """What was packed, in order; raises StoreError when it cannot be read.

    ``name`` and ``field``: only what is of this class and tells this field, which is much quicker to find than to read.
    """

    def is_wanted(shape: Sequence[str]) -> bool:
        return shape[0] in _CLASSES and name in (None, shape[0]) and (field is None or field in shape[1:])

    try:
        read = _of_tables if journal.packed[:1] in (_IN_TABLES, _IN_LZMA) else _of_lines
        for at, by_tick, (kind, *names), values in read(_expanded(journal.packed, journal.pbx), is_wanted):
            text = json.dumps({"at": at, "pbx": journal.pbx, **dict(zip(names, values, strict=True))})
            yield Observed(at, loads(_CLASSES[kind], text), bool(by_tick))
    except _DAMAGE as exc:
        raise StoreError(f"stored observations of {journal.pbx}: damaged") from exc


def _expanded(packed: bytes, pbx: str) -> bytes:
    kind, stream = packed[:1], packed[1:]
    if kind != _IN_LZMA:
        return zlib.decompress(stream if kind == _IN_TABLES else packed)
    if lzma is None:
        raise StoreError(f"stored observations of {pbx}: written with LZMA, which this Python was built without")
    try:
        return lzma.decompress(stream, lzma.FORMAT_RAW, filters=_filters())
    except lzma.LZMAError as exc:
        raise ValueError(str(exc)) from exc


def _of_tables(text: bytes, is_wanted: Callable[[Sequence[str]], bool]) -> Iterator[_Line]:
    order, tables = json.loads(text)
    rows = [zip(*columns, strict=True) if is_wanted(shape) else None for shape, columns in tables]
    for number in order:
        if (of_shape := rows[number]) is not None:
            told = next(of_shape, None)
            if told is None:
                raise ValueError("not as many values as there were observations")
            at, by_tick, *values = told
            yield at, by_tick, tables[number][0], values


def _of_lines(text: bytes, is_wanted: Callable[[Sequence[str]], bool]) -> Iterator[_Line]:
    for line in text.decode().splitlines():
        at, by_tick, kind, values = json.loads(line)
        if is_wanted((kind, *values)):
            yield at, by_tick, (kind, *values), values.values()
