"""Where log records go: standard error, one line each, as text or JSON."""

import logging
import sys
import time
from typing import Any

import orjson

from stream.settings import Settings

__all__ = ["Repeats", "configure_logging"]

#: Libraries that tell at INFO what is of interest at DEBUG only.
_TALKATIVE = ("aiokafka", "faust", "mode")
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
    """One JSON object a line; the fields of ``extra=`` are added to it."""

    _KNOWN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _utc(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **{name: value for name, value in vars(record).items() if name not in self._KNOWN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=repr).decode()


class _TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - inherited
        del datefmt
        return _utc(record)


def _utc(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def configure_logging(settings: Settings) -> None:
    """Send log records from ``log_level`` up to standard error in ``log_format``.

    Of Faust and its libraries only warnings and errors are shown, unless ``log_level`` is DEBUG.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if settings.log_format == "json" else _TextFormatter())
    handler.addFilter(Repeats())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        quieter = logging.NOTSET if settings.log_level in {"DEBUG", "ERROR"} else logging.WARNING
        logging.getLogger(name).setLevel(quieter)
