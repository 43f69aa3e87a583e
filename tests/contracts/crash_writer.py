"""Started by the crash tests: commits numbered steps until killed, and prints each number once its commit has returned."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from qualitywatch.model import AlertState, Told
from qualitywatch.ports import StateChange
from qualitywatch.store.registry import STATE_STORES
from tests.store.model_values import NOW, a_post, an_alert, an_audit_row, an_incident


async def write_until_killed(backend: str, directory: Path) -> None:
    """Each step adds one alert, its incident, a post and an audit row, and withdraws the alert of ten steps ago."""
    store = await STATE_STORES[backend].open(directory, now=NOW)
    step = int((await store.load()).meta.get("step", "0"))
    while True:
        step += 1
        await store.commit(
            StateChange(
                alerts=(an_alert(f"SIP/{step}"), an_alert(f"SIP/{step - 10}", state=AlertState.INACTIVE)),
                incidents=(an_incident(step),),
                posts=(a_post(step, Told(step, 1, 1)),),
                audit=(an_audit_row(str(step)),),
                meta={"step": str(step)},
            )
        )
        print(step, flush=True)


if __name__ == "__main__":
    asyncio.run(write_until_killed(sys.argv[1], Path(sys.argv[2])))
