"""Configuration documents: YAML whose every value knows its line, read strictly, with all mistakes told at once.

``read_document`` (or ``load_document``, of a text) gives a ``Section``; its typed getters collect ``Problems``;
``Problems.raise_if_any`` ends the reading.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from qualitywatch.document.duration import format_duration, parse_duration_s
from qualitywatch.document.files import read_text_file
from qualitywatch.document.hours import WEEKDAYS, Hours, find_timezone, read_hours, read_time
from qualitywatch.document.nodes import compose
from qualitywatch.document.problems import Problems
from qualitywatch.document.section import Section
from qualitywatch.document.selector import Selector, compile_bounded, compile_selector
from qualitywatch.document.values import kind_of

__all__ = [
    "WEEKDAYS",
    "Hours",
    "Problems",
    "Section",
    "Selector",
    "compile_bounded",
    "compile_selector",
    "find_timezone",
    "format_duration",
    "load_document",
    "parse_duration_s",
    "read_document",
    "read_hours",
    "read_time",
]


def load_document(text: str, source: str, problems: Problems) -> Section | None:
    """Return the keys of a YAML text, or None (with one problem added) when it is not a YAML mapping.

    ``source`` is the file's name as problems shall print it.  An empty text is a section without keys.
    """
    node = compose(text, source, problems)
    if isinstance(node, yaml.MappingNode):
        return Section(node, "", 1, source, problems)
    if node is not None:
        problems.add(source, node.start_mark.line + 1, "", f'must be "key: value" lines, not {kind_of(node)}')
    return None


def read_document(path: Path, problems: Problems, hint: str = "") -> Section | None:
    """Return the keys of a YAML file, or None (with one problem added); ``hint`` says what to do when it is missing."""
    text = read_text_file(path, problems, hint)
    return None if text is None else load_document(text, str(path), problems)
