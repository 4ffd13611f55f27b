"""What Maven fetches or builds for tests and benchmarks, made once and kept in a cache directory."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from stream.errors import LocalServerError

__all__ = ["java", "java_version", "made_by_maven", "missing_program", "resolved_jars"]

POM = Path(__file__).with_name("pom.xml")
RESOLVE_TIMEOUT_S = 600.0
OLDEST_JAVA = 17


def java() -> str:
    """Path of the Java virtual machine; `LocalServerError` when there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if found is None:
        raise LocalServerError(f"no java found: install a JDK of version {OLDEST_JAVA} or later")
    return found


def java_version(said: str) -> int:
    """The feature release in what ``java -version`` says, 0 if it says none.

    >>> java_version('openjdk version "17.0.15" 2025-04-15'), java_version('java version "1.8.0_402"')
    (17, 8)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


@cache
def missing_program() -> str | None:
    """Why real Kafka cannot run on this machine, None when it can."""
    needs = f"real Kafka needs a JDK ({OLDEST_JAVA} or later) and Maven"
    try:
        program = java()
    except LocalServerError as error:
        return f"{needs}: {error}"
    if shutil.which("mvn") is None:
        return f"{needs}, and there is no mvn on PATH"
    outcome = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    if java_version(said := outcome.stderr + outcome.stdout) < OLDEST_JAVA:
        return f"{needs}, and {program} says {said.strip()}"
    return None


def resolved_jars() -> Path:
    """The directory with Kafka's jars. The first call downloads them (about 50 MB); it needs Maven Central."""
    return made_by_maven("kafka", POM, lambda to: ("dependency:copy-dependencies", f"-DoutputDirectory={to}"))


def made_by_maven(name: str, pom: Path, goals: Callable[[Path], Sequence[str]], sources: Sequence[Path] = ()) -> Path:
    """A directory that Maven has filled, made once for each content of ``pom`` and ``sources``.

    ``goals``: the goals and properties that fill the directory they are called with. Raises `LocalServerError` when
    there is no Maven or it fails.
    """
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (pom, *sources))).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made = cache / "customer-stream" / f"{name}-{digest}"
    if made.is_dir():
        return made
    if (reason := missing_program()) is not None:
        raise LocalServerError(reason)
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        filled = Path(scratch, "filled")
        outcome = subprocess.run(
            [*("mvn", "-q", "-B", "-f", str(pom)), *goals(filled), "-DincludeScope=runtime"],
            capture_output=True,
            text=True,
            timeout=RESOLVE_TIMEOUT_S,
            check=False,
        )
        if outcome.returncode != 0 or not filled.is_dir():
            raise LocalServerError(
                f"Maven could not make {name} (exit status {outcome.returncode}): "
                f"{(outcome.stdout + outcome.stderr).strip()[-2000:]}"
            )
        try:
            filled.rename(made)
        except OSError:
            if not made.is_dir():  # another process was faster: what it has made is the same
                raise
    return made
