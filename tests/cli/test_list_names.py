"""What customers are called in lists on a terminal."""

from typing import NamedTuple

import pytest

from stream.cli.list_names import called_in_list


class Somebody(NamedTuple):
    customer_id: str
    name: str


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Ann Ode", "Ann Ode"),
        ("", f"email:{'0' * 64}"),
        ("x" * 60, "x" * 60),
        ("x" * 10_000, f"{'x' * 57}..."),
        ("Ann\x1b[2J\nOde\u202e", "Ann?[2J?Ode?"),
    ],
)
def test_a_name_takes_a_bounded_width_and_commands_no_terminal(name: str, called: str) -> None:
    assert called_in_list(Somebody(f"email:{'0' * 64}", name)) == called
