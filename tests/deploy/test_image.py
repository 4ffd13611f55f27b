"""The image is linted, and its parts that need no container engine are run."""

import os
import re
import shutil
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest

from stream.metrics import serve
from tests.field import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
ENTRYPOINT = ROOT / "deploy" / "entrypoint.sh"
BIN = Path(sys.executable).parent

KERNEL = """\
import numba

@numba.njit(cache=True)
def doubled(x):
    return 2 * x

assert doubled(21) == 42
(_, hits), = doubled.stats.cache_hits.items() or [(None, 0)]
print("hits", hits)
"""


def test_the_dockerfile_has_no_findings() -> None:
    outcome = subprocess.run(
        [BIN / "hadolint", "deploy/Dockerfile"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (outcome.returncode, outcome.stdout) == (0, "")


def test_the_context_has_exactly_the_copied_files() -> None:
    ignored, *allowed = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "**"))
    ]
    assert ignored == "*"
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+)$", DOCKERFILE, re.MULTILINE):
        copied |= {*line.split()[:-1]}
    assert {f"!{name}" for name in copied} == {*allowed}
    assert all((ROOT / name).exists() for name in copied)


def test_only_wheels_whose_hashes_are_locked_are_installed_by_an_unprivileged_user_in_the_end() -> None:
    assert "--require-hashes --only-binary :all:" in DOCKERFILE
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^[\w.\[\]-]+==\S+", lock, re.MULTILINE)
    assert len(pinned) > 20
    assert lock.count("--hash=sha256:") >= len(pinned)
    *_, last_user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert last_user == "10001:10001"


def test_kernels_compiled_beforehand_into_a_place_that_is_read_only_are_not_compiled_again(tmp_path: Path) -> None:
    """As in the image: compiled once into a read-only directory, then copied, never compiled again."""
    module, shipped, writable = tmp_path / "kernel.py", tmp_path / "shipped", tmp_path / "tmp" / "numba"
    module.write_text(KERNEL, encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    stream = tools / "stream"
    stream.write_text(f'#!/bin/sh\necho "asked for $@"\nexec {sys.executable} {module}\n', encoding="utf-8")
    stream.chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "NUMBA_CPU_NAME": "generic"}

    def run(command: list[str], **more: str) -> str:
        outcome = subprocess.run(command, env=env | more, capture_output=True, text=True, timeout=110, check=False)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    assert run([sys.executable, str(module)], NUMBA_CACHE_DIR=str(shipped)).endswith("hits 0\n")
    before = contents(shipped)
    assert len(before) == 2
    for path in [shipped, *shipped.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        shell = shutil.which("sh") or "/bin/sh"
        said = run(
            [shell, str(ENTRYPOINT), "worker", "-n", "2"], NUMBA_CACHE_DIR=str(writable), SHIPPED_KERNELS=str(shipped)
        )
        assert said == "asked for worker -n 2\nhits 1\n"
        assert contents(writable) == contents(shipped) == before
    finally:
        for path in [shipped, *shipped.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_the_health_check_of_the_image_asks_a_page_that_is_served() -> None:
    (code,) = re.findall(r'CMD \["python", "-c", "(import urllib[^"]+)"\]', DOCKERFILE)
    assert ":9100/" in code
    port = serve("127.0.0.1", 0)
    exec(code.replace("9100", str(port)), {})  # noqa: S102 - it is ours
    with pytest.raises(urllib.error.URLError):
        exec(code.replace("9100", "1"), {})  # noqa: S102
