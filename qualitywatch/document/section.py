"""A mapping of a configuration file, read key by key, that never stops at the first mistake.

Every getter takes the key and a default; without a default the key is required.  A wrong value adds one problem and the
default (or, where there is none, a placeholder of the right type) is returned, so that reading goes on and all problems
are found.  The caller must not use what was read before ``Problems.raise_if_any``.  ``close`` reports what nobody asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias, TypeVar, overload

import yaml

from qualitywatch.document import values
from qualitywatch.document.problems import Problems
from qualitywatch.document.selector import Selector, compile_selector
from qualitywatch.document.values import Bounds, WrongValueError, quoted

_NOT_THERE: Final = "missing"
_EMPTY: Final = "is empty; fill it in or remove it"
_PLAIN_KEY: Final = re.compile(r"[\w-]+")


class _Required(Enum):
    REQUIRED = "required"


_REQUIRED: Final = _Required.REQUIRED
_Absent: TypeAlias = Literal[_Required.REQUIRED]

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)


class Section:
    """One mapping: ``path`` is its dotted key path (empty for the document), ``line`` where it begins (from 1)."""

    def __init__(self, node: yaml.MappingNode, path: str, line: int, source: str, problems: Problems) -> None:
        self.path = path
        self.line = line
        self.source = source
        self._problems = problems
        self._asked: dict[str, None] = {}
        self._children: dict[str, Section] = {}
        self._entries: dict[str, tuple[int, yaml.Node]] = {}
        for key, key_line, value in self._pairs(node):
            if key in self._entries:
                self._add(key, key_line, f"given twice, first in line {self._entries[key][0]}")
            else:
                self._entries[key] = (key_line, value)
        for key, value in node.value:
            if _is_merge(key) and any(not isinstance(mapping, yaml.MappingNode) for mapping in _mappings(value)):
                self._add("<<", key.start_mark.line + 1, "must name a section of keys, or a list of them")
        for merged in _merged(node):
            for key, key_line, value in self._pairs(merged):
                self._entries.setdefault(key, (key_line, value))

    # --- what is there ------------------------------------------------------------------------------------------------

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def node(self, key: str) -> yaml.Node | None:
        """Return what stands at a key as YAML has it, for keys that take several shapes; this does not count as reading it."""
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def line_of(self, key: str) -> int:
        """Return the line of a key, or where the section begins when it is not there."""
        return self._entries[key][0] if key in self._entries else self.line

    def path_of(self, key: str) -> str:
        """Return the dotted path of a key, as problems show it."""
        name = key if _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return ".".join(part for part in (self.path, name) if part) if key else self.path

    def problem(self, key: str, reason: str) -> None:
        """Add a problem of the caller's own with a key of this section; an empty key means the section itself."""
        self._add(key, self.line_of(key), reason)

    def close(self) -> None:
        """Report each key nobody asked for, here and in every section handed out."""
        for key, (_, node) in self._entries.items():
            if key not in self._asked:
                # A secret may follow a forgotten space: "secret:hunter2" is one key to YAML.
                name, colon, _ = key.partition(":")
                self._add(name, self.line_of(key), self._unknown(name, missing_space=bool(colon) and values.is_null(node)))
        for child in self._children.values():
            child.close()

    # --- single values ------------------------------------------------------------------------------------------------

    @overload
    def text(self, key: str, *, choices: Collection[str] | None = None, multiline: bool = False) -> str: ...
    @overload
    def text(self, key: str, default: D, *, choices: Collection[str] | None = None, multiline: bool = False) -> str | D: ...
    def text(
        self, key: str, default: D | _Absent = _REQUIRED, *, choices: Collection[str] | None = None, multiline: bool = False
    ) -> str | D:
        """Return text (one line unless ``multiline``), one of ``choices`` when given. Empty text is an error."""

        def read(node: yaml.Node) -> str:
            if choices is not None:
                return values.read_choice(node, choices)
            value = values.read_text(node, multiline=multiline)
            if not value.strip():
                raise WrongValueError("is empty")
            return value

        return self._read(key, default, read, "")

    @overload
    def choice(self, key: str, kind: type[E]) -> E: ...
    @overload
    def choice(self, key: str, kind: type[E], default: D) -> E | D: ...
    def choice(self, key: str, kind: type[E], default: D | _Absent = _REQUIRED) -> E | D:
        """Return the member of an enumeration with this value."""
        return self._read(key, default, lambda node: kind(values.read_choice(node, list(kind))), next(iter(kind)))

    @overload
    def boolean(self, key: str) -> bool: ...
    @overload
    def boolean(self, key: str, default: D) -> bool | D: ...
    def boolean(self, key: str, default: D | _Absent = _REQUIRED) -> bool | D:
        """Return true or false."""
        return self._read(key, default, values.read_boolean, False)

    # The four below share their bounds: ``minimum`` and ``maximum`` are allowed values, ``above`` and ``below`` are not.

    @overload
    def number(
        self,
        key: str,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> float: ...
    @overload
    def number(
        self,
        key: str,
        default: D,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> float | D: ...
    def number(
        self,
        key: str,
        default: D | _Absent = _REQUIRED,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> float | D:
        """Return a finite number within the bounds."""
        bounds = Bounds(minimum, maximum, above, below)
        return self._read(key, default, lambda node: values.read_number(node, bounds), bounds.inside)

    @overload
    def integer(self, key: str, *, minimum: int | None = None, maximum: int | None = None) -> int: ...
    @overload
    def integer(self, key: str, default: D, *, minimum: int | None = None, maximum: int | None = None) -> int | D: ...
    def integer(
        self, key: str, default: D | _Absent = _REQUIRED, *, minimum: int | None = None, maximum: int | None = None
    ) -> int | D:
        """Return a whole number from ``minimum`` to ``maximum``."""
        bounds = Bounds(minimum, maximum)
        return self._read(key, default, lambda node: values.read_integer(node, bounds), int(bounds.inside))

    @overload
    def percent(self, key: str, *, minimum: float = 0, maximum: float = 100) -> float: ...
    @overload
    def percent(self, key: str, default: D, *, minimum: float = 0, maximum: float = 100) -> float | D: ...
    def percent(self, key: str, default: D | _Absent = _REQUIRED, *, minimum: float = 0, maximum: float = 100) -> float | D:
        """Return percent: 5 for ``5`` and for ``5%``."""
        bounds = Bounds(minimum, maximum)
        return self._read(key, default, lambda node: values.read_percent(node, bounds), bounds.inside)

    @overload
    def duration_s(self, key: str, *, minimum: float = 0, maximum: float | None = None) -> float: ...
    @overload
    def duration_s(self, key: str, default: D, *, minimum: float = 0, maximum: float | None = None) -> float | D: ...
    def duration_s(
        self, key: str, default: D | _Absent = _REQUIRED, *, minimum: float = 0, maximum: float | None = None
    ) -> float | D:
        """Return seconds of ``30s``, ``2m``, ``1h``, ``1d``, ``1m30s`` or a plain number of seconds."""
        bounds = Bounds(minimum, maximum)
        return self._read(key, default, lambda node: values.read_duration_s(node, bounds), bounds.inside)

    @overload
    def pattern(self, key: str) -> Selector: ...
    @overload
    def pattern(self, key: str, default: D) -> Selector | D: ...
    def pattern(self, key: str, default: D | _Absent = _REQUIRED) -> Selector | D:
        """Return a selector: text with ``*`` and ``?``, or ``/regex/``."""
        return self._read(key, default, _read_selector, compile_selector("*"))

    @overload
    def written(self, key: str) -> str: ...
    @overload
    def written(self, key: str, default: D) -> str | D: ...
    def written(self, key: str, default: D | _Absent = _REQUIRED) -> str | D:
        """Return a value's text as it stands in the file, whatever YAML takes it for; for notations of the caller's own."""
        return self._read(key, default, values.read_written, "")

    # --- many values --------------------------------------------------------------------------------------------------

    def texts(self, key: str, *, required: bool = False, choices: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the texts of a list, or of a single text; empty when the key is not there."""
        return self._list(key, required, lambda node: values.read_choice(node, choices) if choices else values.read_text(node))

    def patterns(self, key: str, *, required: bool = False) -> tuple[Selector, ...]:
        """Return the selectors of a list, or of a single selector; empty when the key is not there."""
        return self._list(key, required, _read_selector)

    def text_map(self, key: str, *, choices: Collection[str] | None = None, multiline: bool = False) -> dict[str, str]:
        """Return a map of texts, whose keys must be ``choices`` when given; empty when the key is not there."""
        section = self.section(key)
        if section is None:
            return {}
        names = [name for name in section._entries if choices is None or name in choices]
        section._asked.update(dict.fromkeys(choices or ()))
        return {name: section.text(name, multiline=multiline) for name in names}

    def written_list(self, key: str) -> tuple[str, ...]:
        """Return the values of a list as they stand in the file, or a single one; empty when the key is not there."""
        return self._list(key, required=False, read=values.read_written)

    def written_lists(self) -> dict[str, tuple[str, ...]]:
        """Return every key of this section with its values as they stand in the file; a single value is a list of one."""
        return {key: self.written_list(key) for key in self._entries}

    def holds_sections(self, key: str) -> bool:
        """Tell whether a key's value is a list of sections rather than of single values; asks for nothing."""
        node = self._entries[key][1] if key in self._entries else None
        return isinstance(node, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in node.value)

    def section(self, key: str, *, required: bool = False) -> Section | None:
        """Return the section under a key; None when it is not there or empty."""
        entry = self._ask(key)
        if entry is None or values.is_null(entry[1]):
            if required:
                self.problem(key, _NOT_THERE if entry is None else _EMPTY)
            return None
        return self._child(self.path_of(key), *entry)

    def sections(self, key: str, *, required: bool = False) -> list[Section]:
        """Return the sections of a list; empty when the key is not there."""
        entry = self._ask(key)
        node = entry[1] if entry else None
        if entry is None or node is None or values.is_null(node) or (isinstance(node, yaml.SequenceNode) and not node.value):
            if required:
                self.problem(key, _NOT_THERE if entry is None else _EMPTY)
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, f'must be a list (each item begins with "- "), not {values.kind_of(node)}')
            return []
        found = [self._child(f"{self.path_of(key)}[{n}]", item.start_mark.line + 1, item) for n, item in enumerate(node.value)]
        return [section for section in found if section is not None]

    def entries(self) -> Iterator[tuple[str, Section]]:
        """Give each key with the section under it; for maps whose keys are names."""
        for key in self._entries:
            section = self.section(key, required=True)
            if section is not None:
                yield key, section

    # --- inside -------------------------------------------------------------------------------------------------------

    def _ask(self, key: str) -> tuple[int, yaml.Node] | None:
        self._asked[key] = None
        return self._entries.get(key)

    def _read(self, key: str, default: D | _Absent, read: Callable[[yaml.Node], T], placeholder: T) -> T | D:
        entry = self._ask(key)
        if entry is None:
            if default is not _REQUIRED:
                return default
            self.problem(key, _NOT_THERE)
            return placeholder
        try:
            return read(entry[1])
        except WrongValueError as exc:
            self.problem(key, str(exc))
        return placeholder if default is _REQUIRED else default

    def _list(self, key: str, required: bool, read: Callable[[yaml.Node], T]) -> tuple[T, ...]:
        entry = self._ask(key)
        if entry is None or values.is_null(entry[1]):
            if required:
                self.problem(key, _NOT_THERE if entry is None else _EMPTY)
            return ()
        line, node = entry
        many = isinstance(node, yaml.SequenceNode)
        found: list[T] = []
        for index, item in enumerate(node.value if many else [node]):
            try:
                found.append(read(item))
            except WrongValueError as exc:
                name = f"{self.path_of(key)}[{index}]" if many else self.path_of(key)
                self._problems.add(self.source, item.start_mark.line + 1 if many else line, name, str(exc))
        if many and required and not node.value:
            self.problem(key, _EMPTY)
        return tuple(found)

    def _child(self, path: str, line: int, node: yaml.Node) -> Section | None:
        if not isinstance(node, yaml.MappingNode):
            self._problems.add(self.source, line, path, f'must be a section of keys ("key: value"), not {values.kind_of(node)}')
            return None
        if path not in self._children:
            self._children[path] = Section(node, path, line, self.source, self._problems)
        return self._children[path]

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, int, yaml.Node]]:
        """Give key, line and value of one mapping as written, without what it merges."""
        for key, value in node.value:
            line = key.start_mark.line + 1
            if _is_merge(key):
                continue
            if not isinstance(key, yaml.ScalarNode) or values.is_null(key) or not key.value:
                self._add("", line, f"a key must be plain text, not {values.kind_of(key)}")
            else:
                yield key.value, line, value

    def _add(self, key: str, line: int, reason: str) -> None:
        self._problems.add(self.source, line, self.path_of(key), reason)

    def _unknown(self, name: str, *, missing_space: bool) -> str:
        if missing_space and name in self._asked:
            return "a space is missing after the colon"
        near = get_close_matches(name, self._asked, n=1)
        if near:
            return f"unknown key, did you mean {quoted(near[0])}?"
        mistake = "a space is missing after the colon" if missing_space else "unknown key"
        return f"{mistake}; known here: {', '.join(self._asked)}" if self._asked else mistake


def _read_selector(node: yaml.Node) -> Selector:
    try:
        return compile_selector(values.read_text(node))
    except ValueError as exc:
        raise WrongValueError(str(exc)) from exc


def _is_merge(key: yaml.Node) -> bool:
    return key.tag == "tag:yaml.org,2002:merge"


def _mappings(value: yaml.Node) -> list[yaml.Node]:
    return value.value if isinstance(value, yaml.SequenceNode) else [value]


def _merged(node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
    """Give the mappings merged into this one by ``<<``, nearest first; what was given before wins."""
    for key, value in node.value:
        for mapping in _mappings(value) if _is_merge(key) else ():
            if isinstance(mapping, yaml.MappingNode):
                yield mapping
                yield from _merged(mapping)
