"""``qualitywatch reload``: have the running daemon read its configuration and rules again, and say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from qualitywatch.commands.silence import SERVICE_DIRECTORY, Place, sockets_and_zone
from qualitywatch.config import read_config_and_rules
from qualitywatch.control.client import NoDaemonError, ask
from qualitywatch.control.protocol import SOCKET, Reload, Reloaded
from qualitywatch.errors import ConfigError
from qualitywatch.notify.legible import legible

PATIENCE_S: Final = 60.0  # messages that are under way are finished first
EXIT_REFUSED: Final = 2
_STAYS: Final = "Nothing was changed: the old configuration and rules stay in force."


def reload(place: Place, out: TextIO) -> int:
    """Ask for it and print what is different now, or everything that is wrong; returns the exit code.

    Raises ConfigError for a configuration that cannot be read here already, and ControlError when there is no daemon.
    """
    if place.config is not None:
        try:
            read_config_and_rules(place.config)
        except ConfigError as exc:
            raise ConfigError([*exc.problems, _STAYS]) from exc
    sockets: Sequence[Path] = (place.socket,) if place.socket is not None else sockets_and_zone(place)[0]
    found = _asked(sockets)
    if not found.applied:
        for problem in found.problems:
            print(legible(problem), file=out)
        print(_STAYS, file=out)
        return EXIT_REFUSED
    for change in found.changes:
        print(legible(change), file=out)
    if not found.changes:
        print("Nothing is different: configuration and rules are as they were.", file=out)
    return 0


def _asked(sockets: Sequence[Path]) -> Reloaded:
    for path in sockets:
        try:
            return ask(path, Reload(), Reloaded, PATIENCE_S)
        except NoDaemonError:
            continue
    places = " or ".join(map(str, sockets)) or str(SERVICE_DIRECTORY / SOCKET)
    raise NoDaemonError(f"no running daemon found at {places}: is qualitywatch running with this configuration?")
