"""What a time series database must be able to do for us, and the one way in which it fails."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from qualitywatch.errors import QualitywatchError


class Refusal(StrEnum):
    """What is to become of a batch that was not taken."""

    LATER = "later"  # the server is down, slow or busy: keep it and try again
    FIX = "fix"  # wrong token, bucket or version: keep it, somebody has to do something
    NEVER = "never"  # the server read it and will not have it: trying again cannot help


class SinkError(QualitywatchError):
    """A batch was not taken; the message says what to do about it and holds no secret.

    ``retry_after_s``: the server asked for this pause.
    """

    def __init__(self, message: str, refusal: Refusal, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.retry_after_s = retry_after_s


class Server(Protocol):
    """A database that takes line protocol.  Its methods block, and run in a thread of the sink's own."""

    def write(self, text: bytes) -> None:
        """Write line protocol in microseconds; raises SinkError."""
        ...

    def setup(self, keep_s: float | None) -> str:
        """Create what is missing, so that data is kept for so long (None: as it is, or by default); say what was done.

        Raises SinkError.
        """
        ...

    def check(self) -> str:
        """Say what is there and whether it can be written to; raises SinkError."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
