"""The jars of Apache Kafka, fetched once with Maven and kept in a cache directory."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from stream.errors import LocalServerError

__all__ = ["java", "missing_program", "resolved_jars"]

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


def missing_program() -> str | None:
    """Why real Kafka cannot run on this machine, None when it can."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            return f"real Kafka needs a JDK ({OLDEST_JAVA} or later) and Maven, and there is no {program} on PATH"
    return None


def resolved_jars() -> Path:
    """The directory with Kafka's jars. The first call downloads them (about 50 MB); it needs Maven Central."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jars = cache / "customer-stream" / f"kafka-{digest}"
    if jars.is_dir():
        return jars
    if (reason := missing_program()) is not None:
        raise LocalServerError(reason)
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as scratch:
        fetched = Path(scratch, "jars")
        outcome = subprocess.run(
            [
                *("mvn", "-q", "-B", "-f", str(POM)),
                *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"),
            ],
            capture_output=True,
            text=True,
            timeout=RESOLVE_TIMEOUT_S,
            check=False,
        )
        if outcome.returncode != 0 or not fetched.is_dir():
            raise LocalServerError(
                f"Maven could not fetch Kafka (exit status {outcome.returncode}): "
                f"{(outcome.stdout + outcome.stderr).strip()[-2000:]}"
            )
        try:
            fetched.rename(jars)
        except OSError:
            if not jars.is_dir():  # another process was faster: its jars are the same
                raise
    return jars
