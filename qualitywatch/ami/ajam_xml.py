"""Answers of ``/mxml`` back to the frames they were made of.

Standard: ``xml_translate`` in ``main/manager.c``: an element a frame, an attribute a header, names in lower case, repeated ones
numbered (``chanvariable``, ``chanvariable-2``), lines without a colon joined in ``opaque-data``.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from qualitywatch.errors import AmiProtocolError

_NUMBERED: Final = re.compile(r"(.+)-\d+")
_FIRST: Final = {"event": "Event", "response": "Response"}
_DECLARES: Final = b"<!"  # Asterisk writes neither declarations nor comments, and entities of one's own are a trap


def frames_of_xml(body: bytes) -> bytes:
    """Return the frames of an answer, one after the other; raises AmiProtocolError when it is not Asterisk's XML."""
    if _DECLARES in body:
        raise AmiProtocolError("answered with XML that Asterisk does not write: something else listens at this address")
    try:
        root = ET.fromstring(body)  # noqa: S314 without declarations there is nothing to expand
    except (LookupError, ValueError) as exc:
        raise AmiProtocolError(f"answered with XML in an encoding that Asterisk does not use ({exc})") from exc
    except ET.ParseError as exc:
        raise AmiProtocolError(f"answered with broken XML ({exc}): use rawman instead of mxml") from exc
    if root.tag != "ajax-response":
        raise AmiProtocolError(f"answered with <{root.tag[:40]}> instead of <ajax-response>: this is not /mxml of Asterisk")
    return b"".join(_frame(dict(generic.attrib)) for generic in root.iter("generic") if generic.attrib)


def _frame(headers: dict[str, str]) -> bytes:
    lines = []
    for name, value in headers.items():
        numbered = _NUMBERED.fullmatch(name)
        plain = numbered[1] if numbered is not None and numbered[1] in headers else name
        lines.append(f"{_FIRST.get(plain, plain)}: {' '.join(value.split(chr(10)))}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
