"""Where log records go: standard error, one line each, as text or JSON."""

import logging
import sys
import time
from typing import Any

import orjson

from stream.settings import Settings

__all__ = ["configure_logging"]

#: Libraries that tell at INFO what is of interest at DEBUG only.
_TALKATIVE = ("aiokafka", "faust", "mode")


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
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        quieter = logging.NOTSET if settings.log_level in {"DEBUG", "ERROR"} else logging.WARNING
        logging.getLogger(name).setLevel(quieter)
