"""A process of projections beside a test, and commands against the servers that it uses."""

from pathlib import Path

import orjson
from click.testing import CliRunner

from stream.cli import main
from stream.settings import Settings
from tests.stream_process import StreamProcess

__all__ = ["folded", "projecting", "run"]


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Exit status and output of ``stream`` with these arguments."""
    result = CliRunner().invoke(main, [*arguments], env={**settings.to_env()})
    return result.exit_code, result.output


def folded(settings: Settings) -> dict[str, int]:
    """How many records each projection has folded."""
    status, output = run(settings, "projections", "list", "--json")
    assert status == 0, output
    return {one["name"]: int(one["folded"]) for one in orjson.loads(output)}


def projecting(settings: Settings, log: Path, role: str = "projections") -> StreamProcess:
    """Run the projections of ``settings`` in a process; its output is appended to the file ``log``.

    ``role``: of the worker; with ``events`` the core runs beside them.
    """
    return StreamProcess(settings, log, "worker", "--role", role)
