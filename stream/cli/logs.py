"""Where log records go: standard error, one line each, as text or JSON."""

import json
import logging
import math
import sys
import time
from types import TracebackType
from typing import Any

from stream.settings import Settings

__all__ = ["Repeats", "configure_logging", "one_line"]

#: Libraries that tell at INFO what is of interest at DEBUG only.
_TALKATIVE = ("aiokafka", "alembic", "faust", "mode")
#: Loggers that say the same thing many times a second while a broker is away.
_REPETITIVE = ("aiokafka", "librdkafka")
_ONCE_IN_S = 10.0


class Repeats(logging.Filter):
    """Lets one record of a kind through every ``once_in_s`` seconds; the next one says how many were left out.

    A kind is a logger and a message before its arguments are filled in; only `_REPETITIVE` loggers are held back.
    """

    def __init__(self, once_in_s: float = _ONCE_IN_S) -> None:
        super().__init__()
        self._once_in_s = once_in_s
        self._shown_at: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_REPETITIVE):
            return True
        kind = (record.name, str(record.msg) if record.args else str(record.msg)[:40])
        shown_at = self._shown_at.get(kind)
        if shown_at is not None and record.created - shown_at < self._once_in_s:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._shown_at[kind] = record.created
        if left_out := self._left_out.pop(kind, 0):
            record.msg = f"{record.getMessage()} ({left_out} more like it since)"
            record.args = ()
        return True


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII; the fields of ``extra=`` are added to it."""

    _KNOWN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _utc(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **{name: _finite(value) for name, value in vars(record).items() if name not in self._KNOWN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # orjson would refuse a lone surrogate, and the record would be lost
        return json.dumps(line, default=repr).replace("\x7f", "\\u007f")


class _TextFormatter(logging.Formatter):
    """One line a record; lines of a traceback follow behind a bar, so that none can pass for a record."""

    def format(self, record: logging.LogRecord) -> str:
        message = one_line(record.getMessage())
        lines = [f"{_utc(record)} {record.levelname:<7} {record.process} {record.name}: {message}"]
        if record.exc_info:
            lines += [f"  | {one_line(line)}" for line in self.formatException(record.exc_info).split("\n")]
        return "\n".join(lines)


def one_line(text: str) -> str:
    r"""Return ``text`` with everything escaped that ends a line, moves a cursor or turns the direction of writing.

    >>> one_line("a\nb\x1b[2J\u202ec")
    'a\\nb\\x1b[2J\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _finite(value: object) -> object:
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _utc(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def configure_logging(settings: Settings) -> None:
    """Send log records from ``log_level`` up to standard error in ``log_format``.

    Of Faust and its libraries only warnings and errors are shown, unless ``log_level`` is DEBUG. An error that nothing
    catches is a record as well. No record can look like two: what would end its line is escaped.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if settings.log_format == "json" else _TextFormatter())
    handler.addFilter(Repeats())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _report
    for name in _TALKATIVE:
        quieter = logging.NOTSET if settings.log_level in {"DEBUG", "ERROR"} else logging.WARNING
        logging.getLogger(name).setLevel(quieter)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("stream").critical("an unexpected error ends the process", exc_info=(kind, error, trace))
