"""Values of the model as JSON text and back, for the state store.

The strategy is structural: fields and types are taken from the dataclasses themselves, so a field added to the model is
stored from that moment on, and cannot be forgotten here.  Reading is tolerant in one direction: a field this version does
not know (written by a newer one) is passed over, a missing field takes its default.  Text is RFC 8259 JSON in pure ASCII,
so that any string survives, half a surrogate pair from a badly encoded caller name included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from qualitywatch.errors import StoreError

T = TypeVar("T")

_SCALARS: Final = frozenset({str, float, int, bool, NoneType})  # nine values of ten; an Enum of them is none


def dumps(value: object) -> str:
    """Return a model value (dataclass, enum, mapping, sequence or plain scalar) as one line of ASCII JSON."""
    return json.dumps(plain(value), separators=(",", ":"))


def loads(kind: type[T], text: str) -> T:
    """Return the value of type ``kind`` that ``dumps`` wrote; raises StoreError naming the field that cannot be read."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise StoreError(f"stored {kind.__name__}: not JSON") from exc
    value: T = _typed(kind, data, kind.__name__)
    return value


def printable(text: str) -> str:
    """Return text that SQLite and UTF-8 accept: half surrogate pairs become ``\\udcXX``, everything else stays."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: object) -> object:
    """Return a model value as what JSON has: objects, lists, texts, numbers, booleans, null."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(plain, value), key=repr)  # the same set is the same text
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def _typed(kind: Any, data: object, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):  # only "X | None" occurs in the model
        return None if data is None else _typed(next(arg for arg in get_args(kind) if arg is not NoneType), data, where)
    if origin is not None and issubclass(origin, Mapping):
        key_kind, item_kind = get_args(kind)
        pairs = _expect(dict, data, where).items()
        return {_typed(key_kind, key, where): _typed(item_kind, item, f"{where}.{key}") for key, item in pairs}
    if origin in (tuple, frozenset):  # of one type, as in tuple[str, ...]
        return origin(_typed(get_args(kind)[0], item, where) for item in _expect(list, data, where))
    if is_dataclass(kind):
        return _instance(kind, _expect(dict, data, where), where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError as exc:
            raise StoreError(f"stored {where}: unknown value {data!r}") from exc
    if kind is float:
        try:
            return float(_expect((int, float), data, where))
        except OverflowError as exc:
            raise StoreError(f"stored {where}: number out of range") from exc
    return _expect(kind, data, where)


def _instance(kind: Any, data: Mapping[str, object], where: str) -> Any:
    known = {}
    for name, hint, is_needed in _fields(kind):
        if name in data:
            known[name] = _typed(hint, data[name], f"{where}.{name}")
        elif is_needed:
            raise StoreError(f"stored {where}: field {name} is missing")
    return kind(**known)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type, and whether there is no default, of each field."""
    hints, made_with = get_type_hints(kind), signature(kind).parameters
    return tuple(
        (field.name, _plain_type(hints[field.name]), made_with[field.name].default is Parameter.empty) for field in fields(kind)
    )


def _plain_type(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Final else hint


def _expect(kind: type | tuple[type, ...], data: object, where: str) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise StoreError(f"stored {where}: unexpected {type(data).__name__}")
    return data
