"""Libraries without the parts of other libraries that they load, where these are installed, for features nobody here uses.

Strategy: an entry of None in ``sys.modules`` makes an import fail as if the package were not there (Python's language
reference, 5.3.1), and these libraries are made to do without.  It is taken out again at once: others may want the package.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

# httpx has a command for a shell, which takes rich, click and pygments (4 MB); telegram reads passports (7 MB); influxdb_client
# takes tables of pandas and numbers of numpy (13 MB), which comes with the charts.
_UNUSED: Final = {"httpx": ("httpx._main",), "telegram": ("cryptography",), "influxdb_client": ("numpy", "pandas")}
_MADE_OF: Final = {"httpx": ("httpx",), "telegram": ("httpx", "telegram"), "influxdb_client": ("influxdb_client",)}


def load(name: str) -> None:
    """Load one of these libraries, before anybody imports it in the ordinary way; does nothing when it is there already."""
    for part in _MADE_OF[name]:
        hidden = [each for each in _UNUSED[part] if each not in sys.modules]
        for each in hidden:
            sys.modules[each] = None  # type: ignore[assignment]
        try:
            import_module(part)
        finally:
            for each in hidden:
                del sys.modules[each]
