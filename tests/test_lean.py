"""Libraries are loaded without what nobody here uses, and everybody else finds it as before."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import sys
from qualitywatch import lean
lean.load("telegram")
print([name for name in ("httpx", "telegram", "cryptography", "pygments") if name in sys.modules])
import qualitywatch.notify.botapi
import httpx
print(httpx.Client(), callable(httpx.main))
import {name}
print(sys.modules["{name}"].__name__)
"""


def test_what_is_left_out_can_still_be_imported_by_others() -> None:
    run = subprocess.run([sys.executable, "-c", LOOK.format(name="pygments")], capture_output=True, text=True, check=True)
    loaded, client, other = run.stdout.splitlines()
    assert loaded == "['httpx', 'telegram']"
    assert client.endswith("True")
    assert other == "pygments"
