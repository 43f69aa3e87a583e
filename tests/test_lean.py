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


# What a server for InfluxDB 2 has loaded of a library that comes with the charts; a chart in the same process still finds it.
SERVER = """
import sys
from qualitywatch.sinks.registry import ServerOptions, SERVERS
server = SERVERS["influxdb"](ServerOptions(url="http://127.0.0.1:1", org="office", bucket="calls"))
print("numpy" in sys.modules)
import numpy
print(sys.modules["numpy"].__name__)
"""


def test_a_database_is_written_to_without_the_tables_its_client_could_take() -> None:
    run = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["False", "numpy"]
