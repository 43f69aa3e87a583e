"""The outcome of tests as JUnit XML, which every build server reads.

There is no standard; the elements are those that Jenkins and GitLab agree on: ``testsuites`` of ``testsuite`` of
``testcase``, with a ``failure`` in one that failed.  XML 1.0 cannot hold most control characters, so these are shown as U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one test of a file; ``report`` is empty for a good one."""

    file: str
    name: str
    report: tuple[str, ...] = ()
    took_s: float = 0.0


def junit(verdicts: Sequence[Verdict]) -> bytes:
    """Return the XML document; tests of a file stand together, files as they came."""
    files = list(dict.fromkeys(verdict.file for verdict in verdicts))
    root = ElementTree.Element("testsuites", _totals("qualitywatch rules test", verdicts))
    for file in files:
        mine = [verdict for verdict in verdicts if verdict.file == file]
        suite = ElementTree.SubElement(root, "testsuite", _totals(file, mine))
        for verdict in mine:
            about = {
                "classname": _text(file),
                "name": _text(verdict.name),
                "file": _text(file),
                "time": f"{verdict.took_s:.3f}",
            }
            case = ElementTree.SubElement(suite, "testcase", about)
            if verdict.report:
                failure = ElementTree.SubElement(case, "failure", {"message": _text(verdict.report[0])})
                failure.text = _text("\n".join(verdict.report))
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _totals(name: str, verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {
        "name": _text(name),
        "tests": str(len(verdicts)),
        "failures": str(sum(bool(verdict.report) for verdict in verdicts)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(verdict.took_s for verdict in verdicts):.3f}",
    }


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
