"""What an option may be is what help, errors and documentation call it."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stream.cli import main
from tests.imports.shop import rows, table


def choices(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """Each value of each choice of a command and of those below it, with its place."""
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice):
            yield from ((f"{path} {parameter.name}", value) for value in parameter.type.choices)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from choices(found, f"{path} {name}")


def test_choices_are_plain_texts() -> None:
    found = [*choices(main, "stream")]
    assert len(found) > 30
    # click takes the members of an enumeration by their names in Python, such as DAY_FIRST
    assert [place for place, value in found if type(value) is not str] == []


@pytest.mark.parametrize(
    ("lines", "question", "answers"),
    [
        (["2026-03-01,c-1,purchase,order,o-1,20.00"] * 3, "--line-items", ("sum", "first")),
        (["05/06/2026,c-1,purchase,order,o-1,20.00"], "--dates", ("dmy", "mdy")),
        (['2026-03-01,c-1,purchase,order,o-1,"1,299"'], "--decimal", ("point", "comma")),
    ],
)
def test_a_log_that_leaves_a_question_open_is_read_with_each_answer_that_the_question_names(
    tmp_path: Path, lines: list[str], question: str, answers: tuple[str, ...]
) -> None:
    log = table(tmp_path / "log.csv", rows("ts,customer_id,type,subtype,ref_id,amount", lines))
    asked = CliRunner().invoke(main, ["replay", str(log)])
    assert asked.exit_code == 1
    for answer in answers:
        assert f"{question} {answer}" in asked.stderr
        answered = CliRunner().invoke(main, ["replay", str(log), question, answer])
        assert answered.exit_code == 0, answered.output
