"""``qualitywatch doctor`` as people and monitoring systems meet it: lines, colours, JSON and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.doctor.finding import Level, from_text, worst
from tests.doctor.clinic import SECRET, write_config
from tests.fakes.doctor_pbx import Call, DoctorPbx
from tests.fakes.scripted_manager import Reply

REPOSITORY = Path(__file__).parents[2]
REFUSED = "Response: Error\nActionID: {id}\nMessage: Authentication failed\n\n"


async def run(tmp_path: Path, pbx: DoctorPbx, *arguments: str, **answers: Reply) -> tuple[int, str, str]:
    """Run the command against a PBX; return exit code, output and errors."""
    async with pbx.manager(**answers).listening() as manager:
        config = write_config(tmp_path, manager.port)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qualitywatch", "doctor", "--config", str(config), *arguments),
            cwd=REPOSITORY,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_lines(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, DoctorPbx(calls=[Call(received=False)]), "--seconds", "0.5")
    assert (code, err) == (Level.WARNING.exit_code, "")
    assert "ok       office, login: logged in as qualitywatch by MD5 challenge at Asterisk 20.20.1\n" in out
    at = out.index("warning  office, rtcp: PJSIP/101 sent no reports of their own: what they hear cannot be seen\n")
    assert out[at:].splitlines()[1].startswith("         fix: switch RTCP on in these phones")
    assert re.fullmatch(r"\d+ findings: 1 warning, (?:1 unknown, )?\d+ ok", out.splitlines()[-1])
    assert "\x1b" not in out


async def test_json_and_the_exit_code_of_the_worst(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, DoctorPbx(), "--seconds", "0.5", "--json", login=REFUSED)
    told = json.loads(out)
    assert (code, told["exit_code"], told["worst"], err) == (2, 2, "error", "")
    (login,) = [finding for finding in told["findings"] if finding["check"] == "login"]
    assert login == {
        "level": "error",
        "check": "login",
        "subject": "office",
        "what": "refused the login of qualitywatch (Authentication failed)",
        "fix": "wrong user name or secret, or this machine's address is not permitted: see secret, deny and permit in section "
        "[qualitywatch] of manager.conf",
    }
    assert SECRET not in out


async def test_what_cannot_be_found_out_is_not_taken_for_good(tmp_path: Path) -> None:
    code, _, _ = await run(tmp_path, DoctorPbx(calls=[]), "--seconds", "0.2")
    assert code == Level.UNKNOWN.exit_code == 3


@pytest.mark.parametrize("seconds", ["-1", "100000", "nan"])
async def test_a_time_that_is_none(seconds: str, tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, DoctorPbx(), f"--seconds={seconds}")
    assert (code, "must be from 0 to 3600" in err) == (2, True)


async def test_a_terminal_sees_colours_and_how_far_it_is(tmp_path: Path) -> None:
    main, end = pty.openpty()
    async with DoctorPbx().manager().listening() as manager:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qualitywatch", "doctor", "--config", str(write_config(tmp_path, manager.port))),
            *("--seconds", "1.5"),
            cwd=REPOSITORY,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
            stdout=end,
        )
        os.close(end)
        seen = await asyncio.to_thread(_read_all, main)
        await process.wait()
    assert "\x1b[32mok" in seen
    assert re.search(r"listening, \d s left: 1 channels up, RTCP of 1 peers", seen)


def _read_all(descriptor: int) -> str:
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # the other end of a pseudo-terminal is closed
        pass
    os.close(descriptor)
    return b"".join(parts).decode()


def test_the_worst_is_what_counts() -> None:
    assert [worst(levels) for levels in ([], [Level.OK], [Level.OK, Level.UNKNOWN], [Level.UNKNOWN, Level.WARNING])] == [
        *(Level.OK, Level.OK, Level.UNKNOWN, Level.WARNING)
    ]
    assert worst(list(Level)) is Level.ERROR
    assert {level: level.exit_code for level in Level} == {"ok": 0, "warning": 1, "error": 2, "unknown": 3}


@given(st.text(), st.text(min_size=1))
def test_taking_a_text_apart_loses_nothing(text: str, otherwise: str) -> None:
    finding = from_text(Level.ERROR, text, otherwise)
    assert finding.what == text or text.startswith(finding.what + ":")
    assert finding.fix == otherwise or text.endswith(finding.fix)


def test_a_colon_in_brackets_belongs_to_somebody_else() -> None:
    finding = from_text(Level.ERROR, "it refuses the token (401: no access): check it", "nothing")
    assert (finding.what, finding.fix) == ("it refuses the token (401: no access)", "check it")
    finding = from_text(Level.ERROR, "InfluxDB at http://h:1: no bucket (404: x): create it", "nothing", at_last=True)
    assert (finding.what, finding.fix) == ("InfluxDB at http://h:1: no bucket (404: x)", "create it")
