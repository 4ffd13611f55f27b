"""Where compiled kernels are kept: in a directory for each state of their sources.

Numba looks whether the file of a function has changed, not whether that of a function which it calls has. After an
update of some files it would go on with a mixture of old and new code, and features would be wrong without a sign.
"""

import hashlib
import os
import shutil
from pathlib import Path

__all__ = ["VARIABLE", "directory_of", "use_directory"]

#: Numba's own variable: whoever sets it decides, as the image does.
VARIABLE = "NUMBA_CACHE_DIR"

#: What has code, constants or compiler options of the kernels.
_SOURCES = ("compiling.py", "events/*.py", "features/*.py", "online_models/*.py", "processing/*.py")


def directory_of(package: Path) -> Path:
    """The directory for the present state of the sources of ``package``."""
    state = hashlib.sha256()
    for pattern in _SOURCES:
        for source in sorted(package.glob(pattern)):
            status = source.stat()
            state.update(f"{source.relative_to(package)} {status.st_mtime_ns} {status.st_size}\n".encode())
    return package / "__pycache__" / f"kernels-{state.hexdigest()[:16]}"


def use_directory(package: Path) -> None:
    """Let Numba, which must not be imported yet, keep its kernels there; those of other states are removed.

    Where nothing may be written, an installation that was written whole, the place that Numba finds is as good.
    """
    if VARIABLE in os.environ:
        return
    directory = directory_of(package)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    for other in directory.parent.glob("kernels-*"):
        if other != directory:
            shutil.rmtree(other, ignore_errors=True)  # another process may be removing it as well
    os.environ[VARIABLE] = str(directory)
