"""Telegram's HTML mode, as strict as the server: what a client is shown of a text, or the server's complaint.

A tokenizer rather than ``html.parser``, because the server is less forgiving: every ``<`` must open a known tag, tags must
nest, and only four named entities exist; an unknown entity stays as it is written.
"""

from __future__ import annotations

import re
from typing import Final

TAGS: Final = frozenset(
    {
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "a",
        "code",
        "pre",
        "tg-spoiler",
        "span",
        "blockquote",
        "tg-emoji",
    }
)
_ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN: Final = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>[^<>]*)>"
    r"|&(?:(?P<name>[a-z]+)|#(?P<decimal>[0-9]{1,7})|#x(?P<hex>[0-9a-fA-F]{1,6}));"
    r"|(?P<text>[^<])",
    re.DOTALL,
)


def visible_text(text: str) -> str:
    """Return what is shown of an HTML text; raises ValueError with the server's words when it would refuse it."""
    shown: list[str] = []
    open_tags: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f'Unsupported start tag "" at byte offset {_offset(text, position)}')
        if token["tag"] is not None:
            _take_tag(token, open_tags, _offset(text, position))
        else:
            shown.append(_character(token))
        position = token.end()
    if open_tags:
        raise ValueError(f'Can\'t find end tag corresponding to start tag "{open_tags[-1]}"')
    return "".join(shown)


def _take_tag(token: re.Match[str], open_tags: list[str], offset: int) -> None:
    tag = token["tag"].lower()
    if token["close"]:
        if not open_tags or open_tags.pop() != tag:
            raise ValueError(f'Unexpected end tag "{tag}" at byte offset {offset}')
    elif tag not in TAGS:
        raise ValueError(f'Unsupported start tag "{tag}" at byte offset {offset}')
    else:
        open_tags.append(tag)


def _character(token: re.Match[str]) -> str:
    if token["text"] is not None:
        return token["text"]
    if token["name"] is not None:
        return _ENTITIES.get(token["name"], token[0])
    code = int(token["decimal"]) if token["decimal"] is not None else int(token["hex"], 16)
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else token[0]


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "replace"))
