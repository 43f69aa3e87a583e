"""Everything the API documents is closed to whoever has no token: read from the document, so a new path is looked at too."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.web.house import house

OPEN = {"/healthz", "/readyz"}
METHODS = {"get", "post", "put", "patch", "delete"}


async def test_every_documented_operation_asks_who_it_is(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here, httpx.AsyncClient(base_url=here.url) as stranger:
        document = (await here.client.get("/api/v1/openapi.json")).json()
        operations = [
            (method, path.replace("{", "").replace("}", ""))
            for path, described in document["paths"].items()
            for method in described
            if method in METHODS and path not in OPEN
        ]
        assert len(operations) > 12
        for method, path in operations:
            for headers in ({}, {"Cookie": "qualitywatch=9999999999.forged"}):
                answer = await stranger.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, headers, answer.status_code)
                assert answer.json()["error"]["code"] == "unauthorized"
