"""Probes: ``/healthz`` says whether the process lives, ``/readyz`` whether it can do its work.  Anybody may ask."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from qualitywatch.web.asking import Known, Seen

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz(sources: Seen) -> JSONResponse:
    """200 while everything makes progress, 503 with what hangs."""
    hangs = sources.inside().hangs
    return JSONResponse(
        {"status": "ok"} if hangs is None else {"status": "hangs", "what": hangs}, 200 if hangs is None else 503
    )


@router.get("/readyz")
async def readyz(sources: Seen, known: Known) -> JSONResponse:
    """200 when stores take what they are given and each PBX is seen, or it was found out why not.

    A PBX that is down does not make us unready: telling so is our work.  Who it is, only those who may come in are told.
    """
    inside = sources.inside()
    waited_for = [
        pbx.name
        for pbx in sources.room.pbxes()
        if not pbx.is_seen and (pbx.name not in inside.pbxes or inside.pbxes[pbx.name].trouble is None)
    ]
    is_ready = inside.store_trouble is None and inside.hangs is None and not waited_for
    body: dict[str, object] = {"status": "ready" if is_ready else "not_ready"}
    if known:
        body["stores"] = inside.store_trouble or "ok"
        body["pbxes"] = {
            pbx.name: "seen" if pbx.is_seen else (_trouble(inside.pbxes.get(pbx.name)) or "connecting")
            for pbx in sources.room.pbxes()
        }
    return JSONResponse(body, 200 if is_ready else 503)


def _trouble(figures: object) -> str | None:
    return getattr(figures, "trouble", None)
