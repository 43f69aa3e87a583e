"""What makes no progress, or nothing: systemd and whoever asks are only told that we live when all of us do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qualitywatch.app.watcher import Watcher
from qualitywatch.notify.dispatcher import Dispatcher

CLIENT_HANGS_S: Final = 120.0
STEP_HANGS_S: Final = 150.0


def what_hangs(watchers: Iterable[Watcher], dispatcher: Dispatcher, monotonic: float) -> str | None:
    """Return what hangs, None when all goes on."""
    for watcher in watchers:
        if watcher.client.idle_s > CLIENT_HANGS_S:
            return f"client {watcher.name}"
        if monotonic - watcher.progress_at > CLIENT_HANGS_S:
            return f"processing {watcher.name}"
    if monotonic - dispatcher.progress_at > STEP_HANGS_S:
        return "dispatcher"
    return None
