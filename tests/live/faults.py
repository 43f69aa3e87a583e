"""Faults that are not in the media: registrations with any User-Agent, wrong passwords, a provider that changes its mind.

sipp registers one user or a hundred from one file and says by its exit code whether Asterisk answered as expected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests.live import pbx_config
from tests.live.pbx import Pbx
from tests.live.plan import HOST, PHONE_PASSWORD, TRUNK_PASSWORD, Ports


class SippError(RuntimeError):
    """Asterisk did not answer a registration as expected."""


async def register(
    folder: Path,
    registrar_port: int,
    users: Sequence[str],
    user_agent: str,
    *,
    password: str = PHONE_PASSWORD,
    local_port: int = 0,
    expires_s: int = 3600,
    answer: int = 200,
) -> None:
    """Register users with a User-Agent and expect this answer; scratch files go into ``folder``; raises SippError.

    ``local_port`` 0 takes any; the contact stays behind when sipp has ended, so qualify will find nobody there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenario, people = folder / "register.xml", folder / "users.csv"
    scenario.write_text(
        pbx_config.fill("register.xml", {"user_agent": user_agent, "expires": str(expires_s), "answer": str(answer)})
    )
    rows = [f"{user};[authentication username={user} password={password}]" for user in users]
    people.write_text("\n".join(["SEQUENTIAL", *rows, ""]))
    command = ["setpriv", "--pdeathsig", "KILL", "sipp", f"{HOST}:{registrar_port}", "-sf", str(scenario), "-inf", str(people)]
    command += ["-i", HOST, "-m", str(len(users)), "-l", "20", "-r", "50", "-nostdin", "-timeout", "30s", "-timeout_error"]
    command += ["-p", str(local_port)] if local_port else []
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise SippError(f"sipp ended with {process.returncode}:\n{output.decode(errors='replace')[-1500:]}")


async def set_trunk_password(provider: Pbx, ports: Ports, password: str = TRUNK_PASSWORD) -> None:
    """Let the provider expect another password of our trunks; the right one is the default."""
    await provider.reconfigure(lambda folder, home: pbx_config.write_provider(folder, home, ports, password), "res_pjsip.so")
