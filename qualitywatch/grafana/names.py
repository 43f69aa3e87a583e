"""Under which names dashboards are found: what links of messages and of panels rely on."""

from __future__ import annotations

from typing import Final

OVERVIEW: Final = "qualitywatch-overview"
PEER: Final = "qualitywatch-peer"
TRUNK: Final = "qualitywatch-trunk"
SITE: Final = "qualitywatch-site"
DAEMON: Final = "qualitywatch-daemon"
