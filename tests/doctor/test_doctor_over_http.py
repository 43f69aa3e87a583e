"""``doctor`` where only HTTP is open: the same questions and the same judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.doctor.finding import Level
from tests.doctor.clinic import SECRET, examined, write_config
from tests.fakes.ajam_server import AjamServer
from tests.fakes.doctor_pbx import DoctorPbx

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.mark.parametrize(
    ("path", "login"), [("/rawman", "MD5 challenge"), ("/mxml", "MD5 challenge"), ("/arawman", "HTTP digest")]
)
async def test_a_good_one(path: str, login: str, tmp_path: Path) -> None:
    async with AjamServer(secret=SECRET, answers=DoctorPbx().answers()).listening() as server:
        found = await examined(write_config(tmp_path, server.port, {"transport": "ajam", "path": path}), 1.0)
    found.one("login", Level.OK, f"by {login} at Asterisk 20.20.1, over HTTP")
    found.one("rtcp", Level.OK, "reports came of PJSIP/101")
    found.one("rtcpinterval", Level.OK, "every 5.0 s")
    found.one("clock", Level.OK)


async def test_a_wrong_secret(tmp_path: Path) -> None:
    async with AjamServer(secret="another", answers=DoctorPbx().answers()).listening() as server:
        found = await examined(write_config(tmp_path, server.port, {"transport": "ajam", "path": "/arawman"}), 0.0)
    assert any(finding.level is Level.ERROR for finding in (*found.of("login"), *found.of("reachability"))), found
    assert SECRET not in str(found)
