"""Log records as lines of text and of JSON."""

import json
import logging
from collections.abc import Iterator

import pytest

from stream.cli.logs import Repeats, configure_logging
from stream.settings import Settings


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_json_line_has_the_message_the_extra_fields_and_the_exception(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(Settings(log_format="json"))
    try:
        int("boom")
    except ValueError:
        logging.getLogger("stream.test").exception("step %d failed", 7, extra={"partition": 3})
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["message"] == "step 7 failed"
    assert record["level"] == "ERROR"
    assert record["logger"] == "stream.test"
    assert record["partition"] == 3
    assert "ValueError: invalid literal" in record["exception"]
    assert record["at"].endswith("Z")


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_libraries_tell_their_steps_only_when_debugging(
    level: str, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_level=level))
    logging.getLogger("faust.app").info("starting")
    logging.getLogger("faust.app").error("failed")
    lines = capsys.readouterr().err.splitlines()
    assert any("starting" in line for line in lines) is shown
    assert "failed" in lines[-1]


def test_records_below_the_level_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="WARNING"))
    logging.getLogger("stream.test").info("quiet")
    logging.getLogger("stream.test").warning("loud")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("stream.test: loud")
    assert "WARNING" in line


def test_repeated_records_of_a_library_are_counted_and_shown_now_and_then() -> None:
    repeats = Repeats(once_in_s=10.0)

    def record(at_s: float, node: int) -> logging.LogRecord:
        made = logging.LogRecord("aiokafka", logging.ERROR, "", 0, "no connection to node %s", (node,), None)
        made.created = at_s
        return made

    shown = [made for at_s in (0.0, 1.0, 2.0, 11.0, 12.0) if repeats.filter(made := record(at_s, 1))]
    assert [made.getMessage() for made in shown] == [
        "no connection to node 1",
        "no connection to node 1 (2 more like it since)",
    ]


def test_records_of_the_program_itself_are_never_left_out() -> None:
    repeats = Repeats(once_in_s=10.0)
    ours = logging.LogRecord("stream.agents.worker", logging.ERROR, "", 0, "again", (), None)
    assert all(repeats.filter(ours) for _ in range(3))
