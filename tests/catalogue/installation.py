"""Installations of the program in which features have another order, with the package of a shop or without."""

import os
import subprocess
import sys
from pathlib import Path

from stream.catalogue.extension import GROUP
from stream.kernel_cache import VARIABLE

__all__ = ["COMPILE_S", "installed_in", "reordered_in", "run"]

#: Kernels are compiled again, on a busy machine.
COMPILE_S = 600.0

#: Python runs this first: it imports the catalogue and moves the columns.
_ANOTHER_ORDER = """
from random import Random
import stream.catalogue.features as catalogue
moved = list(catalogue.FEATURES)
Random(5).shuffle(moved)
catalogue.FEATURES = tuple(moved)
"""


def reordered_in(folder: Path) -> Path:
    """Move every column in programs that have ``folder`` on the path."""
    (folder / "sitecustomize.py").write_text(_ANOTHER_ORDER)
    return folder


def installed_in(folder: Path) -> Path:
    """Lay the shop's package into ``folder``, as `pip install` leaves it.

    Every column is moved there too, so that one compilation of the kernels tests both the additions of a package and
    that nothing depends on the order of features.
    """
    source = (Path(__file__).parent / "shop_catalogue.py").read_text("utf-8")
    # kernels are kept by the text of the extensions
    (folder / "shop_catalogue.py").write_text(f"{source}# Its features are in another order: {_ANOTHER_ORDER!r}\n")
    about = folder / "shop_catalogue-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-catalogue\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nshop = shop_catalogue:EXTENSION\n")
    return reordered_in(folder)


def run(installed: Path, *command: str, stdin: str = "", kernels: Path | None = None) -> str:
    """The output of Python in such an installation. ``kernels``: the cache directory, if not the usual one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
    if kernels is not None:
        environment[VARIABLE] = str(kernels)
    done = subprocess.run(
        [sys.executable, *command],
        env={**environment, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMPILE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
