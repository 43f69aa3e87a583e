"""YAML text to a tree of nodes that know their lines, bounded against bombs, with errors an administrator understands.

Strategy: PyYAML's composer, never its constructors, so nothing in a file can build an object.  Depth is limited while
composing; aliases are shared nodes, so their *expanded* size is counted afterwards (each node once) and loops are refused.
Messages never quote the file's values: ``secret: *hunter2`` is an undefined alias to YAML and a password to its owner.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from qualitywatch.document.problems import Problems

MAX_CHARACTERS: Final = 1_000_000  # ten thousand named peers; PyYAML needs seconds for this much
MAX_DEPTH: Final = 40  # our own files need 6; Python's stack allows some hundreds
MAX_NODES: Final = 100_000  # with aliases expanded


class _Refused(yaml.MarkedYAMLError):
    """A limit of ours; its text needs no translation."""


# PyYAML's wording: ours, and whether the mistake begins where its context began rather than where it was noticed.
_EXPLANATIONS: Final[tuple[tuple[str, str, bool], ...]] = (
    ("found character '\\t'", "a tab stands where only spaces may: indent with spaces", False),
    ("that cannot start any token", "text that begins with {found} must stand in quotes", False),
    ("mapping values are not allowed", 'a ": " is not expected here: check the indentation, or put the text in quotes', False),
    ("could not find expected ':'", 'a key without ": " after it, or a line that is not indented like its neighbours', True),
    ("found unexpected end of stream", "a quote is opened here and never closed", True),
    ("found unexpected document separator", "a quote is opened here and never closed", True),
    ("expected <block end>", "the indentation does not fit the lines above", False),
    ("expected ',' or", "the { or [ opened here is not closed, or a comma is missing in it", True),
    ("undefined alias", "text that begins with * must stand in quotes (to YAML it is an undefined alias)", False),
    ("undefined tag handle", "text that begins with ! must stand in quotes (to YAML it is an unknown tag)", False),
    ("found unknown escape character", "an unknown \\ escape within \"...\": use '...' or write \\\\", False),
    ("expected escape sequence", "a wrong \\ escape within \"...\": use '...' or write \\\\", False),
    ("second occurrence", "the same &anchor is used twice", False),
    ("but found another document", "only one document per file: remove the second ---", False),
    ("expected '<document start>'", "this does not belong to what stands above: check the indentation", False),
)


class _BoundedLoader(yaml.SafeLoader):
    """SafeLoader that gives up on absurd nesting before Python's stack does."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused(None, None, f"nested more than {MAX_DEPTH} levels deep", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def compose(text: str, source: str, problems: Problems) -> yaml.Node | None:
    """Return the document's root node (an empty mapping for an empty text), or add one problem and return None."""
    if len(text) > MAX_CHARACTERS:
        problems.add(source, None, "", f"too large: {len(text)} characters, at most {MAX_CHARACTERS} are read")
        return None
    loader: _BoundedLoader | None = None
    try:
        loader = _BoundedLoader(text)
        root = loader.get_single_node()
        if root is not None:
            _weigh(root, {})
    except yaml.reader.ReaderError as exc:
        problems.add(
            source,
            text.count("\n", 0, exc.position) + 1,
            "",
            "a control character or broken Unicode; save the file as plain UTF-8 text",
        )
    except yaml.MarkedYAMLError as exc:
        line, reason = _explain(exc)
        problems.add(source, line, "", reason)
    except (ValueError, ArithmeticError, LookupError):
        # PyYAML lets int() and chr() complain for themselves about absurd escapes and directives.
        problems.add(source, loader.line + 1 if loader else None, "", "not valid YAML: an escape or directive makes no sense")
    else:
        return root if root is not None else yaml.MappingNode("tag:yaml.org,2002:map", [])
    return None


def _explain(exc: yaml.MarkedYAMLError) -> tuple[int | None, str]:
    """Return the line (from 1) and the reason of a YAML error."""
    problem = exc.problem or ""
    explanation, at_context = "not valid YAML: " + re.sub(r"'[^'<]{2,}'", "some text", problem), False
    if isinstance(exc, _Refused):
        explanation = problem
    else:
        for wording, ours, early in _EXPLANATIONS:
            if wording in problem:
                explanation, at_context = ours, early
                break
    if "{found}" in explanation:
        found = re.search(r"'(.)'", problem)
        explanation = explanation.replace("{found}", found[1] if found else "this character")
    mark = (exc.context_mark if at_context else None) or exc.problem_mark or exc.context_mark
    return (mark.line + 1 if mark else None), explanation


def _weigh(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return the number of nodes with aliases expanded; raise _Refused for loops and bombs.

    An alias's target stands earlier in the file and is already in ``sizes``, so the recursion is as deep as the file.
    """
    known = sizes.get(id(node))
    if known == 0:
        raise _Refused(None, None, "an alias (*name) contains itself", node.start_mark)
    if known is not None:
        return known
    sizes[id(node)] = 0
    size = 1
    if isinstance(node, yaml.MappingNode):
        size += sum(_weigh(key, sizes) + _weigh(value, sizes) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_weigh(item, sizes) for item in node.value)
    if size > MAX_NODES:
        raise _Refused(
            None, None, f"too much content: more than {MAX_NODES} values once aliases are filled in", node.start_mark
        )
    sizes[id(node)] = size
    return size
