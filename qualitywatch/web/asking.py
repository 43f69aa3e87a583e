"""What routes ask for: the sources behind the application, and who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from qualitywatch.web.decisions import Visitor
from qualitywatch.web.gate import VISITOR
from qualitywatch.web.sources import Sources


def _sources(request: Request) -> Sources:
    found = request.app.state.sources
    assert isinstance(found, Sources)  # noqa: S101 the factory put it there
    return found


def _by(request: Request) -> str:
    visitor = request.scope.get(VISITOR)
    return f"{visitor.name} (web)" if isinstance(visitor, Visitor) else "nobody (web)"


def _is_known(request: Request) -> bool:
    return isinstance(request.scope.get(VISITOR), Visitor)


Seen = Annotated[Sources, Depends(_sources)]
By = Annotated[str, Depends(_by)]
Known = Annotated[bool, Depends(_is_known)]
