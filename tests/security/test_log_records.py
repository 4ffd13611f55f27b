"""Log records: one can never look like two, and none names a customer."""

import ast
import asyncio
import contextlib
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stream
from stream.agents.input_protocols import Inputs
from stream.agents.models import CurrentModel
from stream.agents.trainer import Trainer
from stream.agents.training_queue import TrainingQueue
from stream.cli.logs import configure_logging
from stream.clock import FixedClock
from stream.consent.consented import Consented
from stream.errors import StorageError
from stream.events.columns import EVENT
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.online_models.example import decode_example
from stream.online_models.learner import LearnerSettings
from stream.processing.align import Taken
from stream.processing.isolation import isolate
from stream.settings import Settings
from stream.storage.model_store import ModelStore

#: Ends a line in every possible way, moves the cursor, reverses the writing direction, and forges a record.
FORGED = "2026-01-01T00:00:00.000Z ERROR   1 stream.agents.worker: all data was deleted"
HOSTILE = f"mallory\r\n{FORGED}\n\u2028{FORGED}\u2029\x85{FORGED}\x0b\x0c\x1b[2J\x1b]0;owned\x07\u202e\ud800\x00\x7f"
FORMATS = ("text", "json")
LOG = logging.getLogger("stream.test")
Logged = Callable[[Callable[[], object]], list[str]]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook = hook
    logging.captureWarnings(capture=False)
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(params=FORMATS)
def logged(request: pytest.FixtureRequest) -> Logged:
    """The messages that an action logs; fails when a line belongs to no record."""

    def messages(action: Callable[[], object]) -> list[str]:
        return messages_of(written(request.param, action), request.param)

    return messages


def written(log_format: str, action: Callable[[], object]) -> str:
    """An action's output on standard error, with the program's logging."""
    with contextlib.redirect_stderr(io.StringIO()) as out:
        configure_logging(Settings(log_format=log_format))
        action()
    return out.getvalue()


def messages_of(text: str, log_format: str) -> list[str]:
    assert text.endswith("\n")
    assert text.isascii() or log_format == "text"
    lines = text[:-1].split("\n")
    for line in lines:
        assert line.isprintable(), line
    if log_format == "json":
        return [json.loads(line)["message"] for line in lines]
    messages: list[str] = []
    for line in lines:
        if line.startswith("  | "):
            assert messages, "a traceback without a record"
            messages[-1] += "\n" + line
        else:
            head = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +\d+ [\w.]+: (.*)", line)
            assert head is not None, line
            messages.append(head[1])
    return messages


def fail() -> None:
    raise ValueError(HOSTILE)


def test_a_hostile_argument_stays_in_its_record(logged: Logged) -> None:
    (message,) = logged(lambda: LOG.warning("said: %s", HOSTILE))
    assert message.startswith("said: mallory")


def test_a_hostile_exception_stays_in_its_record(logged: Logged) -> None:
    def action() -> None:
        try:
            fail()
        except ValueError:
            LOG.exception("it failed")

    assert len(logged(action)) == 1


def test_an_error_that_nothing_catches_is_one_record(logged: Logged) -> None:
    def action() -> None:
        try:
            fail()
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)

    (message,) = logged(action)
    assert message.startswith("an unexpected error ends the process")


def test_a_number_that_json_does_not_know_is_text() -> None:
    def no_constant(name: str) -> float:
        raise AssertionError(name)

    line = written("json", lambda: LOG.warning("odd", extra={"ratio": float("nan")}))
    assert json.loads(line, parse_constant=no_constant)["ratio"] == "nan"


@given(st.text(), st.sampled_from(FORMATS))
def test_any_text_makes_one_line_that_ends_nowhere_else(text: str, log_format: str) -> None:
    line = written(log_format, lambda: LOG.warning("%s", text))
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    if log_format == "json":
        assert json.loads(line)["message"] == text


# The calls of the program that are about data


def test_an_event_that_cannot_be_processed_is_told_of_without_its_data(logged: Logged) -> None:
    taken = Taken(np.zeros(1, EVENT), [HOSTILE], np.zeros(1, np.int64), [None], [], {}, [])

    def step(part: Taken) -> None:
        for customer in part.customer_ids:
            raise KeyError(customer)

    rejected: list[tuple[int, object, Rejection]] = []
    (message,) = logged(lambda: rejected.extend(isolate(taken, step).rejections))
    assert [rejection.reason for _, _, rejection in rejected] == [Defect.PROCESSING_FAILED]
    assert "mallory" not in message


def test_a_record_that_cannot_be_decoded_is_told_of_without_its_data(logged: Logged) -> None:
    class Broken:
        key = b"k"

        @property
        def value(self) -> bytes:
            raise RuntimeError(HOSTILE)

    rejected: list[Rejection] = []
    batch = cast("list[Record]", [Broken()])
    (message,) = logged(lambda: rejected.extend(Decoder().decode(EventType.CLICK, batch).rejections))
    assert [rejection.reason for rejection in rejected] == [Defect.PROCESSING_FAILED]
    assert "mallory" not in message


def test_a_training_example_that_is_refused_is_told_of_without_its_data(logged: Logged) -> None:
    async def unlearned(_ids: object) -> set[str]:
        return set()

    async def agreed(_ids: object) -> Consented:
        return Consented({}, "opt-out")

    store = cast("ModelStore", SimpleNamespace(unlearned=unlearned))
    queue = TrainingQueue(cast("Inputs", None), "")
    trainer = Trainer(store, LearnerSettings(), queue, FixedClock(0), snapshot_s=1.0, consents=agreed)
    example = decode_example(json.dumps({"kind": HOSTILE, "customer_id": HOSTILE}).encode())
    (message,) = logged(lambda: asyncio.run(trainer._fresh([example])))
    assert "mallory" not in message


def test_an_answer_of_redis_stays_in_its_record(logged: Logged) -> None:
    async def present() -> tuple[bytes, int]:
        raise StorageError(HOSTILE)

    model = CurrentModel(cast("ModelStore", SimpleNamespace(present=present)), 1.0)
    assert len(logged(lambda: asyncio.run(model.refresh()))) == 1


# All calls of the program

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
#: Names of variables that hold data of a customer or contain some.
ABOUT_CUSTOMERS = re.compile(
    r"customers?|customer_ids?|event_id|order_id|records?|events|value|key|payload|document|example|alert|body|text"
)


def log_calls() -> Iterator[tuple[Path, ast.Call]]:
    package = Path(stream.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                owner = ast.unparse(node.func.value)
                if owner.split(".")[-1].lower().strip("_") in {"log", "logger"}:
                    yield path, node


def test_the_audit_finds_the_calls() -> None:
    assert len([*log_calls()]) > 25


def test_no_log_call_gets_a_customer_or_a_value_that_contains_one() -> None:
    told = [
        f"{path.name}:{call.lineno}: {ast.unparse(argument)}"
        for path, call in log_calls()
        for argument in [*call.args[1:], *(keyword.value for keyword in call.keywords)]
        if not _is_bounded(argument) and any(map(_is_about_customers, ast.walk(argument)))
    ]
    assert told == []


def _is_bounded(argument: ast.expr) -> bool:
    """A count, or a member of an enumeration."""
    return ast.unparse(argument).startswith("len(") or ast.unparse(argument).endswith(".value")


def _is_about_customers(part: ast.AST) -> bool:
    name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
    return ABOUT_CUSTOMERS.fullmatch(name) is not None


def test_a_log_call_formats_nothing_itself() -> None:
    """Text formatted into the message escapes the audit, and splits one kind of record into many."""
    formatted = [
        f"{path.name}:{call.lineno}"
        for path, call in log_calls()
        if any(isinstance(part, ast.JoinedStr | ast.BinOp) for argument in call.args[:1] for part in ast.walk(argument))
    ]
    assert formatted == []
