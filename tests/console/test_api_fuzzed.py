"""Schemathesis sends the HTTP API what its document allows, and what it does not, and finds nothing."""

import asyncio
import os
import sys
from pathlib import Path

from aiohttp.test_utils import TestServer

from stream.console.api import API, OPERATIONS
from stream.directory.desk.api_tokens import Scope
from tests.console.conftest import Office

#: Requests of each operation in a phase; all phases take half a minute.
EXAMPLES = 15
SEED = 17


async def fuzzed(address: str, token: str, directory: Path) -> tuple[int, str]:
    """Exit status and output of Schemathesis."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}{API}/openapi.json"),
        *("--url", address, "--header", f"Authorization: Bearer {token}", "--checks", "all", "--mode", "all"),
        *("--seed", str(SEED), "--max-examples", str(EXAMPLES), "--workers", "1", "--continue-on-failure"),
        *("--suppress-health-check", "too_slow", "--generation-database", "none", "--no-color"),
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


def test_schemathesis_finds_nothing(office: Office, tmp_path: Path) -> None:
    token = office.tokens.add("fuzzer", {*Scope}, office.now_ms)

    async def run() -> tuple[int, str]:
        async with TestServer(office.application()) as server:
            return await fuzzed(f"http://127.0.0.1:{server.port}", token, tmp_path)

    status, told = asyncio.run(run())
    assert status == 0, told
    # it was let in, to every operation that does not need the id of somebody who is there
    traced = {one.what for one in office.trail.newest(10_000)}
    assert {one.trace for one in OPERATIONS} - traced <= {"read a customer", "read recommendations", "read points"}
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in told
