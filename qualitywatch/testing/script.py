"""The events of a test file as what the PBX says: manager messages as they stand, and shorthands for tedious ones.

Strategy: an item names its time (``at``, or ``every``, ``from``, ``until``) and one thing; a name with a capital is an event of
the manager interface, its headers as they stand; the shorthands begin with a small letter: one function each, in one table.
Items may stand in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from qualitywatch.ami.codec import Message
from qualitywatch.document import Section
from qualitywatch.model import Connected, Direction, Disconnected
from qualitywatch.quality.codecs import CODECS
from qualitywatch.testing import calls, dials
from qualitywatch.testing.calls import Call, event
from qualitywatch.testing.cases import Said
from qualitywatch.testing.figures import read_ms

_WHEN: Final = ("at", "every", "from", "until")
_MAX_TIMES: Final = 10_000
_MAX_S: Final = 7 * 86_400.0

Thing: TypeAlias = Callable[[float, int], Iterator[tuple[float, Said]]]
"""What is said when an item's time has come: an instant and the number of items before it give messages with their instants."""


def read_script(sections: list[Section], start_at: float) -> tuple[tuple[float, Said], ...]:
    """Read the items of ``events``; problems go to their document."""
    story: list[tuple[float, Said]] = []
    number = 0
    for section in sections:
        instants = list(_instants(section))
        thing = _thing(section)
        section.close()
        if thing is None:
            continue
        for instant in instants:
            number += 1
            story.extend(thing(start_at + instant, number))
    return tuple(sorted(story, key=lambda item: item[0]))


def _instants(section: Section) -> Iterator[float]:
    every_s = section.duration_s("every", None, minimum=0.1)
    if every_s is None:
        yield section.duration_s("at", 0.0, maximum=_MAX_S)
        return
    if section.duration_s("at", None) is not None:
        section.problem("at", "an item has either at, or every with from and until")
    from_s = section.duration_s("from", 0.0, maximum=_MAX_S)
    until_s = section.duration_s("until", maximum=_MAX_S)
    if (until_s - from_s) / every_s > _MAX_TIMES:
        section.problem("every", f"more than {_MAX_TIMES} times")
        return
    count = 0
    while (instant := from_s + count * every_s) <= until_s:
        yield instant
        count += 1


def _thing(section: Section) -> Thing | None:
    names = [name for name in section if name not in _WHEN]
    if len(names) != 1:
        known = ", ".join(_SHORTHANDS)
        found = f"not {' and '.join(names)}" if names else "there is none"
        section.problem("", f"an item says one thing, an AMI event such as Registry or one of {known}: {found}")
        return None
    name = names[0]
    if name not in _SHORTHANDS and not name[:1].isupper():
        for known in _SHORTHANDS:
            section.section(known)  # asked for, so that close() can tell what was probably meant
        return None
    part = section.section(name, required=True)
    if part is None:
        return None
    thing = _SHORTHANDS[name](part) if name in _SHORTHANDS else _raw(name, part)
    if name in _SHORTHANDS:
        part.close()
    return thing


def _raw(name: str, section: Section) -> Thing:
    """An event of the manager interface with its headers as they stand; a list is a header that is repeated."""
    headers = section.written_lists()
    if any(header.lower() == "timestamp" for header in headers):
        section.problem("Timestamp", "is written by the test itself, from at")

    def said(at: float, number: int) -> Iterator[tuple[float, Said]]:
        lines = "".join(f"{header}: {value}\r\n" for header, values in headers.items() for value in values)
        yield at, Message(f"Event: {name}\r\nTimestamp: {at:.6f}\r\n{lines}\r\n".encode())

    return said


def _call(section: Section) -> Thing:
    """``call``: a call of a peer with the reports of both ends."""
    from_s = section.duration_s("from", 0.0, maximum=_MAX_S)
    lasts_s = section.duration_s("lasts", None, minimum=1, maximum=_MAX_S)
    until_s = section.duration_s("until", None, maximum=_MAX_S)
    if (lasts_s is None) is (until_s is None):
        section.problem("until", "a call has either until or lasts, so that it ends")
    lasts_s = lasts_s if lasts_s is not None else (until_s or from_s) - from_s
    first = _line(section, calls.Line())
    lines = [first]
    for part in section.sections("changes"):
        at_s = part.duration_s("at", maximum=_MAX_S)
        lines.append(_line(part, replace(lines[-1], from_s=at_s)))
        part.close()
    reports = section.texts("reports", choices=("ours", "peer"))
    call = Call(
        peer=_technology(section, "peer"),
        lasts_s=lasts_s,
        lines=tuple(sorted(lines, key=lambda line: line.from_s)),
        codec=_codec(section),
        every_s=section.duration_s("report_every", 5.0, minimum=0.5, maximum=600),
        reports=frozenset(reports) if "reports" in section else frozenset({"ours", "peer"}),
        cause=section.integer("cause", 16, minimum=0, maximum=127),
        uniqueid=section.written("uniqueid", None),
        linkedid=section.written("linkedid", None),
        address=section.written("address", None),
        counts_sent=section.boolean("counts_sent", True),
    )
    return lambda at, number: calls.messages(call, number, at + from_s)


def _line(section: Section, before: calls.Line) -> calls.Line:
    silent = section.texts("silent", choices=tuple(Direction))
    return replace(
        before,
        loss_to=section.percent("loss_to", before.loss_to),
        loss_from=section.percent("loss_from", before.loss_from),
        jitter_ms=read_ms(section, "jitter", before.jitter_ms),
        rtt_ms=read_ms(section, "rtt", before.rtt_ms),
        silent=frozenset(silent) if "silent" in section else before.silent,
    )


def _codec(section: Section) -> str | None:
    codec = section.text("codec", "ulaw", choices=(*CODECS, "unknown"))
    return None if codec == "unknown" else codec


def _dial(section: Section) -> Thing:
    """``dial``: a peer calls a number that leaves by a trunk."""
    dial = dials.Dial(
        peer=_technology(section, "peer"),
        number=section.written("number"),
        trunk=_technology(section, "trunk"),
        lasts_s=section.duration_s("lasts", 10.0, maximum=_MAX_S),
        answered_s=section.duration_s("answered_after", None, maximum=_MAX_S),
        cause=section.integer("cause", 16, minimum=0, maximum=127),
    )
    return lambda at, number: dials.messages(dial, number, at)


def _registry(section: Section) -> Thing:
    """``registry``: what becomes of one of our registrations."""
    trunk = _technology(section, "trunk")
    technology, _, rest = trunk.partition("/")
    user, at_sign, host = rest.rpartition("@")
    if technology and rest and not (at_sign and user):
        section.problem("trunk", "must be named as alerts name it, such as SIP/user@host")
    statuses = (
        "Registered",
        "Request Sent",
        "Auth. Sent",
        "Timeout",
        "Rejected",
        "No Authentication",
        "Failed",
        "Unregistered",
    )
    headers = {
        "ChannelType": technology,
        "Username": f"sip:{user}@{host}" if technology == "PJSIP" else user,
        "Domain": f"sip:{host}" if technology == "PJSIP" else host,
        "Status": section.text("status", choices=statuses),
    }
    cause = section.text("cause", None)
    return _events("Registry", headers if cause is None else headers | {"Cause": cause})


def _peer(section: Section) -> Thing:
    """``peer``: a phone comes, goes, answers or does not."""
    peer = _technology(section, "peer")
    headers = {"ChannelType": peer.partition("/")[0], "Peer": peer}
    headers["PeerStatus"] = section.text("status", choices=("Registered", "Unregistered", "Reachable", "Lagged", "Unreachable"))
    address = section.written("address", None)
    return _events("PeerStatus", headers if address is None else headers | {"Address": address})


def _agent(section: Section) -> Thing:
    """``agent``: the PBX answers which User-Agent a peer uses."""
    peer, agent = _technology(section, "peer"), section.text("user_agent")
    technology, _, name = peer.partition("/")
    host, _, port = (section.written("address", None) or "192.0.2.2:5060").rpartition(":")
    if technology == "PJSIP":
        headers = {"Variable": f"PJSIP_CONTACT({name};@0,user_agent)", "Value": agent}
    else:
        headers = {"Channeltype": "SIP", "ObjectName": name, "SIP-Useragent": agent, "Address-IP": host, "Address-Port": port}

    def said(at: float, number: int) -> Iterator[tuple[float, Said]]:
        lines = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
        yield at, Message(f"Response: Success\r\nTimestamp: {at:.6f}\r\n{lines}\r\n".encode())

    return said


def _queues(section: Section) -> Thing:
    """``queues``: all queues of the PBX with their callers and agents, as one answer to QueueSummary."""
    items = []
    for name, part in section.entries():
        figures = {
            "LoggedIn": part.integer("logged_in", 0, minimum=0),
            "Available": part.integer("available", 0, minimum=0),
            "Callers": part.integer("callers", 0, minimum=0),
            "LongestHoldTime": int(part.duration_s("longest", 0.0, maximum=_MAX_S)),
        }
        items.append({"Queue": name, **{header: str(figure) for header, figure in figures.items()}})

    def said(at: float, number: int) -> Iterator[tuple[float, Said]]:
        for headers in items:
            yield at, event("QueueSummary", at, headers)
        yield at, event("QueueSummaryComplete", at, {"EventList": "Complete", "ListItems": str(len(items))})

    return said


def _manager(section: Section) -> Thing:
    """``manager``: our own connection to the PBX is lost, or back."""
    state = section.text("state", choices=("lost", "back"))
    reason = section.text("reason", "the connection was lost")

    def said(at: float, number: int) -> Iterator[tuple[float, Said]]:
        yield at, Disconnected(at, reason) if state == "lost" else Connected(at)

    return said


def _events(name: str, headers: dict[str, str]) -> Thing:
    def said(at: float, number: int) -> Iterator[tuple[float, Said]]:
        yield at, event(name, at, headers)

    return said


def _technology(section: Section, key: str) -> str:
    name = section.text(key)
    technology, slash, rest = name.partition("/")
    if name and not (technology and slash and rest):
        section.problem(key, "must begin with its technology, such as SIP/6117 or PJSIP/701")
    return name


_SHORTHANDS: Final[Mapping[str, Callable[[Section], Thing]]] = {
    "call": _call,
    "dial": _dial,
    "registry": _registry,
    "peer": _peer,
    "agent": _agent,
    "queues": _queues,
    "manager": _manager,
}
