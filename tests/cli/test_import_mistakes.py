"""What an owner who mistypes an option, or whose import stops in the middle, is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.cli.import_run import ImportRun
from stream.errors import DeliveryError, ImportFileError, PublishError
from stream.imports.import_ledger import ImportLedger
from stream.imports.import_summary import Summary
from stream.imports.source import Options
from stream.imports.staging import Staging
from stream.settings import Settings
from tests.cli.test_main import fill_a_table
from tests.imports.shop import rows, table


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("import", "a.csv", "--currency", "EURO"), "'EURO' is not a currency; expected a code such as EUR"),
        (("import", "a.csv", "--delimiter", ";;"), "';;' is not one character; expected one such as ;"),
        (("import", "a.csv", "--timezone", "Berlin"), "expected a name such as Europe/London"),
        (("today", "--as-of", "yesterday"), "'yesterday' is not a day; expected one such as 2026-01-31"),
        (("directory", "customers", "--ordered-from", "31.1.2026"), "is not a day; expected one such as 2026-01-31"),
    ],
)
def test_an_option_that_is_mistyped_is_answered_with_an_example(options: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(main, options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_an_import_of_which_nothing_is_left_does_not_say_that_the_others_are_used(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "Order,Date,Email,Total\n1,2062-01-01,a@b.example,5.00\n")
    result = CliRunner().invoke(main, ["import", "--dry-run", str(path)])
    assert result.exit_code == 1
    assert "100% of the rows were refused" in result.stdout
    assert "others" not in result.stdout


def test_columns_that_are_not_read_are_named_and_one_day_is_one_day(tmp_path: Path) -> None:
    lines = ("1,2024-03-01,a@b.example,€5.00,yes", "2,2024-03-01,b@b.example,€1.00,no,x")
    path = table(tmp_path / "a.csv", rows("Order,Date,Email,Total,Gift wrap", lines))
    result = CliRunner().invoke(main, ["import", "--dry-run", "--max-rejected", "100", str(path)])
    assert result.exit_code == 0
    assert "Not read: Gift wrap." in result.stdout
    assert "1 order of 1 customer on 1 March 2024: €5.00." in result.stdout
    assert "is a separator missing its quotes." in " ".join(result.stdout.split())


def test_an_import_that_kafka_does_not_confirm_says_to_run_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise DeliveryError("3 events have no answer after 60 s; ids: a, b, c. Publish them again", event_ids=("a",))

    monkeypatch.setattr("stream.cli.import_run.publish", refused)
    run = ImportRun(Options(), report=None, max_rejected=10.0, wait=False)
    with (
        Staging() as staging,
        ImportLedger(tmp_path / "imports.sqlite", "shop") as ledger,
        pytest.raises(PublishError, match=r"3 events have no answer.* run the same import again") as told,
    ):
        run._send(Settings(kafka_bootstrap="127.0.0.1:9"), staging, ledger, Summary())
    assert "ids" not in str(told.value)


def _full_of(explained: Callable[[], None]) -> None:
    try:
        explained()
    except Exception as error:
        raise ImportFileError("imports.sqlite: the import cannot be recorded") from error


def test_a_disk_that_is_full_behind_an_error_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.cli.import_run.ImportRun.look_at", lambda *_: _full_of(fill_a_table))
    result = CliRunner().invoke(main, ["import", "a.csv"])
    assert result.exit_code == 1
    assert result.stderr.startswith("stream: imports.sqlite: the import cannot be recorded. Make room on the disk")


@pytest.mark.parametrize(("count", "told"), [(0, ""), (7, "7 events of an earlier import wait to be processed.\n")])
def test_what_an_earlier_import_left_is_said(
    count: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stream.cli.import_run.waiting", lambda _: count)
    run = ImportRun(Options(), report=None, max_rejected=10.0, wait=True)
    assert run._is_behind(Settings()) is (count > 0)
    assert capsys.readouterr().out == told
