"""The frame of the command line: help, errors, exit status, lazy imports."""

import ast
import errno
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stream import __version__
from stream.cli import COMMANDS, main
from stream.cli.data_files import has_room
from stream.cli.lazy import LazyGroup
from stream.settings import Settings

#: Packages that take most of a second to import each.
SLOW_IMPORTS = {"llvmlite", "matplotlib", "numba", "pandas", "river", "scipy", "sqlalchemy"}
#: They show what is stored: of what they import anywhere, nothing is compiled and nothing learns.
READING = (
    *("actions", "alerts", "consent", "customer", "doctor", "identity", "leads", "models", "points", "projections"),
    *("quarantine", "recommend", "settings", "today", "topics"),
)
#: What River and SciPy import for models that learn: more than a second.
OF_LEARNING = {"river.preprocessing", "scipy.optimize", "scipy.special", "scipy.stats", "sklearn"}
NOT_TO_READ = SLOW_IMPORTS - {"river"} | OF_LEARNING
#: They compute in this very process from their first line on.
OVER_LOGS = {"evaluate", "replay"}


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(f"  {name} " in result.output for name in COMMANDS)


def test_help_imports_no_command(environment: dict[str, str]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from stream.cli import main;"
        "CliRunner().invoke(main, ['--help']);"
        "print(*sorted(m for m in sys.modules if m.split('.')[0] in "
        "{'faust', 'aiokafka', 'numpy', 'numba', 'river', 'redis', 'confluent_kafka', 'prometheus_client'}))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_commands_load_no_compiled_code_and_no_models_before_they_run(environment: dict[str, str]) -> None:
    """What takes seconds to import is not waited for by an error, ``--help``, or a command that begins with servers."""
    modules = sorted({place.partition(":")[0] for name, (place, _) in COMMANDS.items() if name not in OVER_LOGS})
    code = (
        "import sys; from importlib import import_module;"
        f"[import_module(name) for name in {modules}];"
        f"print(*sorted({{m.split('.')[0] for m in sys.modules}} & {SLOW_IMPORTS}))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", READING)
def test_reading_loads_no_compiler_and_nothing_that_learns(name: str, environment: dict[str, str]) -> None:
    """Not even what a command imports late: a shell waits for it."""
    tree = ast.parse(Path(import_module(COMMANDS[name][0].partition(":")[0]).__file__ or "").read_text())
    modules = sorted({node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module})
    code = (
        "import sys; from importlib import import_module;"
        f"[import_module(name) for name in {modules} if name != '__future__'];"
        f"print(*sorted({{*sys.modules}} & {NOT_TO_READ}))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_can_be_loaded_and_says_what_it_does(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"stream, version {__version__}\n"


def test_every_setting_but_secrets_is_an_option_of_the_worker() -> None:
    options = {param.name for param in import_module("stream.cli.worker").worker.params}
    wanted = {declaration.name for declaration in fields(Settings) if not declaration.metadata["secret"]}
    assert wanted <= options
    assert "kafka_sasl_password" not in options


def test_a_wrong_setting_is_one_clear_line_and_status_2() -> None:
    result = CliRunner().invoke(main, ["settings", "--raise-at", "high"], env={"STREAM_RAISE_AT": None})
    assert result.exit_code == 2
    assert result.stderr == "stream: --raise-at=high: expected a number\n"


def test_an_unknown_variable_is_status_2() -> None:
    result = CliRunner().invoke(main, ["settings"], env={"STREAM_RAISEAT": "0.8"})
    assert result.exit_code == 2
    assert "did you mean STREAM_RAISE_AT?" in result.stderr


def test_settings_are_shown_masked() -> None:
    env = {"STREAM_REDIS_URL": "redis://:s3cret@127.0.0.1:6379/0"}
    for arguments in (["settings"], ["settings", "--json"]):
        result = CliRunner().invoke(main, arguments, env=env)
        assert result.exit_code == 0
        assert "redis://:***@127.0.0.1:6379/0" in result.output
        assert "s3cret" not in result.output


def test_an_option_is_shown_in_effect() -> None:
    result = CliRunner().invoke(main, ["settings", "--partitions", "5", "--redis-cluster", "--json"])
    assert '"partitions": 5' in result.output
    assert '"redis_cluster": true' in result.output


def fill_a_table() -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("PRAGMA max_page_count = 3")
        file.execute("CREATE TABLE t (content)")
        file.executemany("INSERT INTO t VALUES (?)", [["x" * 4000]] * 9)


def fill_a_device() -> None:
    with Path("/dev/full").open("wb") as file:
        file.write(b"x")


def break_a_program() -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(("fill", "is_told"), [(fill_a_table, True), (fill_a_device, True), (break_a_program, False)])
def test_a_full_disk_is_one_clear_line_and_another_fault_is_a_defect(fill: Callable[[], None], is_told: bool) -> None:
    group = LazyGroup(commands_by_name={})
    group.command("fill")(fill)
    result = CliRunner().invoke(group, ["fill"])
    assert result.exit_code == 1
    assert (result.stderr.startswith("stream: the disk is full"), "\n" in result.stderr.strip()) == (is_told, False)
    assert isinstance(result.exception, SystemExit) == is_told


def test_room_is_that_of_the_disk(tmp_path: Path) -> None:
    assert (has_room(tmp_path, 0), has_room(tmp_path, 2**62)) == (True, False)
