"""The package with its native modules, in a folder of its own from which benchmarks can be run as from the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

from tests.fakes.sources import REPOSITORY, another


def can_compile() -> bool:
    """Whether there is a C compiler, and the headers of this Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(compiler) is not None and Path(sysconfig.get_path("include"), "Python.h").exists()


def build(folder: Path) -> Path | None:
    """Compile a copy of the source; returns where it can be run, or None with a line that says why not."""
    if not can_compile():
        print("compiled: skipped, there is no C compiler or no headers of Python (apt-get install gcc python3-dev)")
        return None
    print("compiled: being built, some minutes", flush=True)
    source, wheels, place = another(folder / "source", "0.1.0"), folder / "wheels", folder / "place"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(wheels), str(source)],
        env={**os.environ, "HATCH_BUILD_HOOKS_ENABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"compiled: skipped, it cannot be built: {done.stderr.strip().splitlines()[-1:]}")
        return None
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(place)
    (place / "tests").symlink_to(REPOSITORY / "tests")
    return place
