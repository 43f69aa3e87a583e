"""Whether endpoints of PJSIP are configured yet: no list that least rights may read names them, but each can be asked for.

Strategy: only what is certain.  An endpoint is unknown when neither it nor an AOR of its name has a setting that every one has;
one question that is refused or not answered voids the round.  An empty value is also what an Asterisk without these functions
says, and one whose database is away: whoever judges the round has to have asked for some that are there.

Standard: ``funcs/func_pjsip_endpoint.c`` and ``func_pjsip_aor.c`` (Asterisk 13 to 23), by ``Getvar`` with ``write=reporting``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from qualitywatch.ami.resync import Asker

_PREFIX: Final = "PJSIP/"
_NAME: Final = re.compile(r"[\w.+@:-]+")  # anything else could end the function's argument


async def ask_endpoints(asker: Asker, peers: Iterable[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return who of the peers (``PJSIP/701``) is configured and who is unknown; None when that could not be found out.

    Raises AmiConnectError when the connection is lost.
    """
    configured, unknown = set(), set()
    for peer in peers:
        name = peer.removeprefix(_PREFIX)
        if name == peer or not _NAME.fullmatch(name):
            continue
        for question in (f"PJSIP_ENDPOINT({name},direct_media)", f"PJSIP_AOR({name},max_contacts)"):
            answer = await asker.request("Getvar", (("Variable", question),))
            if not answer.ok or answer.response is None or answer.response.get("Variable") != question:
                return None
            if (answer.response.get("Value") or "").strip():
                configured.add(peer)
                break
        else:
            unknown.add(peer)
    return frozenset(configured), frozenset(unknown)
