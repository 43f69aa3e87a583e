"""The command line's end of the control socket: one request, one answer, or an error that says what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final, TypeVar

from qualitywatch.control.protocol import ControlError, Request, decode_answer, encode_request

PATIENCE_S: Final = 15.0
_MAX_ANSWER: Final = 16 * 1024 * 1024

T = TypeVar("T")


class NoDaemonError(ControlError):
    """Nobody listens on the socket."""


def ask(path: Path, request: Request, kind: type[T], patience_s: float = PATIENCE_S) -> T:
    """Send a request to the daemon and return its answer of type ``kind``; raises ControlError."""
    line = encode_request(request)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(patience_s)
            connection.connect(os.fspath(path))
            connection.sendall(line)
            with connection.makefile("rb") as lines:
                answer = lines.readline(_MAX_ANSWER)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as exc:
        raise NoDaemonError(f"no running daemon found at {path}: is qualitywatch running with this configuration?") from exc
    except PermissionError as exc:
        raise ControlError(f"{path}: permission denied: run this as root or as a user of the group qualitywatch") from exc
    except TimeoutError as exc:
        raise ControlError(f"the daemon at {path} did not answer within {patience_s:g} s: look into its log") from exc
    except OSError as exc:
        raise ControlError(f"{path}: {exc.strerror or exc}") from exc
    if not answer.endswith(b"\n"):
        raise ControlError(f"the daemon at {path} hung up without an answer: look into its log")
    return decode_answer(kind, answer)
