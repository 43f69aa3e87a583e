"""What was judged beside the reports' samples, as text: states, changes, counts and figures of calls, gaps in what was seen.

Strategy: whole batches in one zlib stream, because one call looks like another; fields by name, those at their default and
the PBX left out, so that fields may be added.  A value of a class this version does not know is passed over when read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, get_args

from qualitywatch.errors import StoreError
from qualitywatch.model.observations import Belonging, Gap, Observation, Observed, Whereabouts
from qualitywatch.store.codec import dumps, loads

_CLASSES: Final[dict[str, type[Any]]] = {cls.__name__: cls for cls in (*get_args(Observation), Gap, Belonging, Whereabouts)}


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
    text = "\n".join(map(_line, batch))
    return Journal(min(instants), max(instants), pbx, zlib.compress(text.encode()))


def _line(observed: Observed) -> str:
    what = observed.what
    values = json.loads(dumps(what))
    for each in fields(what):
        is_default = each.default is not MISSING and getattr(what, each.name) == each.default
        if each.name == "pbx" or is_default or (each.name == "at" and what.at == observed.at):
            del values[each.name]
    return json.dumps([observed.at, int(observed.by_tick), type(what).__name__, values], separators=(",", ":"))


def unpack(journal: Journal, holding: Sequence[str] = ()) -> Iterator[Observed]:
    """What was packed, in order; raises StoreError when it cannot be read.

    ``holding``: only that whose text holds all of these, which is ten times quicker to find than to read.
    """
    try:
        lines = zlib.decompress(journal.packed).decode().splitlines()
    except (zlib.error, UnicodeDecodeError) as exc:
        raise StoreError(f"stored observations of {journal.pbx}: damaged") from exc
    for line in lines:
        if not all(text in line for text in holding):
            continue
        at, by_tick, name, values = json.loads(line)
        cls = _CLASSES.get(name)
        if cls is not None:
            text = json.dumps({"at": at, "pbx": journal.pbx, **values})
            yield Observed(at, loads(cls, text), bool(by_tick))
