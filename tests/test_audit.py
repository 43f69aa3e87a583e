"""``.ci/audit`` with the real pip-audit against an advisory database of ours: what is weak fails, what is not known is said."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from aiohttp import web

from tests.fakes.ports import free_port

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "build-requirements.lock"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("pip_audit") is None, reason="pip-audit is not installed: pip install pip-audit"),
]


def weakness(package: str) -> dict[str, object]:
    """An advisory in the manner of osv.dev."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]
    affected = [{"package": {"name": package, "ecosystem": "PyPI"}, "ranges": ranges}]
    return {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-0001"], "summary": "made up", "affected": affected}


@asynccontextmanager
async def advisories(weak: str = "", status: int = 200, *, is_page: bool = False) -> AsyncIterator[tuple[str, set[str]]]:
    """A database in the manner of osv.dev that knows of one weak package; yields its address and whom it was asked about."""
    heard: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        if is_page:  # of a proxy, or of a hotel
            return web.Response(text="<html>Please log in</html>", content_type="text/html")
        name = (await request.json())["package"]["name"]
        heard.add(name)
        return web.json_response({"vulns": [weakness(name)]} if name == weak else {}, status=status)

    application = web.Application()
    application.router.add_post("/v1/query", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/query", heard
    finally:
        await runner.cleanup()


async def audited(url: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / ".ci" / "audit"), "-s", "osv", "--osv-url", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize(("weak", "where"), [("httpx", "requirements.lock"), ("hatchling", "build-requirements.lock")])
async def test_a_known_weakness_fails_and_is_named(weak: str, where: str) -> None:
    async with advisories(weak) as (url, _):
        code, said = await audited(url)
    assert code == 1, said
    assert "PYSEC-2026-1, CVE-2026-0001, mended in 99.0" in said
    assert [line.partition(":")[0] for line in said.splitlines() if ": 1 known weaknesses" in line] == [where]


@pytest.mark.parametrize("lock", LOCKS)
async def test_everything_that_is_locked_is_asked_about(lock: str) -> None:
    async with advisories() as (url, heard):
        code, said = await audited(url)
    assert code == 0, said
    assert any(line.startswith(f"{lock}: no known weaknesses") for line in said.splitlines()), said
    text = (ROOT / "systemd" / lock).read_text(encoding="utf-8")
    locked = {line.partition("==")[0] for line in text.splitlines() if "==" in line and not line.startswith(("#", " "))}
    assert locked - heard == {"colorama", "pywin32", "win32-setctime"} & locked, "all but what is for another system"


@pytest.mark.parametrize("trouble", ["nobody", "busy", "page"])
async def test_what_cannot_be_asked_is_said_and_is_no_all_clear(trouble: str) -> None:
    if trouble == "nobody":
        code, said = await audited(f"http://127.0.0.1:{free_port()}/v1/query")
    else:
        async with advisories(status=503 if trouble == "busy" else 200, is_page=trouble == "page") as (url, _):
            code, said = await audited(url)
    assert code == 0, said
    assert said.count("could not be found out") == len(LOCKS)
    assert "no known weaknesses" not in said
