"""The API against its own document: schemathesis asks whatever the document allows, and what it does not."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.web.house import BEARER, house


async def test_the_document_describes_every_field(tmp_path: Path) -> None:
    async with house(tmp_path, is_played=False) as here:
        document = (await here.client.get("/api/v1/openapi.json")).json()
    assert document["info"]["title"] == "qualitywatch"
    assert {"token", "login", "session"} == document["components"]["securitySchemes"].keys()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
    for name, schema in document["components"]["schemas"].items():
        for field, what in schema.get("properties", {}).items():
            if field.endswith(("_percent", "_ms")) and name in {"Heard", "Leg", "LegSide", "Peer"}:
                assert what.get("description"), (name, field)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qualitywatch.web.throttle.MAX_FAILURES", 100_000)  # it tries wrong tokens, often
    async with house(tmp_path) as here:
        command = (
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{here.url}/api/v1/openapi.json"),
            *("--header", f"Authorization: {BEARER['Authorization']}"),
            *("--checks", "all", "--max-examples", "15", "--seed", "6", "--no-color", "--request-timeout", "10"),
            *("--exclude-path", "/api/v1/stream"),  # it has no end
            *("--workers", "1", "--max-failures", "20"),
        )
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-8000:]
    assert b"Rate limited" not in output, "what was refused was not tested"
