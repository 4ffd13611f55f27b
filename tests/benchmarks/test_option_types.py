"""A mistake in an option of a benchmark ends it at once, with a line that says what was expected."""

import doctest
from collections.abc import Callable

import pytest

from benchmarks import memory, option_types, scale, throughput


def test_examples_are_true() -> None:
    found = doctest.testmod(option_types)
    assert (found.attempted, found.failed) == (4, 0)


@pytest.mark.parametrize(
    ("main", "arguments", "expected"),
    [
        (throughput.main, ["--engines", "stream,quicks"], "'quicks': expected names among stream, faust, quix"),
        (throughput.main, ["--engines", "streams"], "streams: needs --broker kafka"),
        (throughput.main, ["--laws", "uniform,zip"], "'zip': expected names among uniform, zipf, each"),
        (throughput.main, ["--set", "cachemb=100"], "there is no setting 'cachemb'; did you mean cache_mb?"),
        (memory.main, ["--set", "cache_mb=much"], "--cache-mb=much: expected a whole number"),
        (memory.main, ["--environment", "MALLOC_ARENA_MAX"], "expected NAME=TEXT"),
        (scale.main, ["--customers", "1e6"], "expected whole numbers, separated by commas"),
    ],
)
def test_a_mistake_is_told_at_once(
    main: Callable[[], None],
    arguments: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err
