"""From what went wrong with one record to a bounded reason. Runs for bad records only."""

import re

import msgspec

from stream.events.rejections import Reason, printable
from stream.events.screen import BadRecordError

__all__ = ["diagnose"]

_NOT_A_NUMBER = re.compile(rb'"amount"\s*:\s*[-+]?(?:NaN|Infinity|inf)', re.IGNORECASE)

# How msgspec words a violation, and where: the first pattern found decides.
_REASONS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"at `\$\.identifiers(\.\w+)?`$", Reason.BAD_IDENTIFIER),
        (r"^Object missing required field", Reason.MISSING_FIELD),
        (r"^Invalid enum value .* at `\$\.name`$", Reason.UNKNOWN_NAME),
        (r"of length [<>]=", Reason.WRONG_LENGTH),
        (r"^(Expected `float` [<>]=|Number out of range) .*at `\$\.amount`$", Reason.BAD_AMOUNT),
        (r"^Number out of range .*at `\$\.occurred_at`$", Reason.TIMESTAMP_OUT_OF_RANGE),
        (r"^(Invalid RFC3339|Expected `datetime` with a timezone)", Reason.BAD_TIMESTAMP),
    )
)


def diagnose(error: Exception, value: bytes | None) -> tuple[Reason, str]:
    """Return the reason and the detail for `error`, raised while the record with `value` was decoded.

    Whatever is not a known way to be bad is `Reason.PROCESSING_FAILED`: a defect of ours, to be logged.
    """
    match error:
        case BadRecordError():
            reason, detail = error.reason, error.detail
        case msgspec.ValidationError():
            detail = str(error)
            reason = next((why for pattern, why in _REASONS if pattern.search(detail)), Reason.WRONG_TYPE)
        case msgspec.DecodeError():
            reason, detail = Reason.MALFORMED_JSON, str(error)
            if _NOT_A_NUMBER.search(value or b""):
                reason = Reason.BAD_AMOUNT
        case UnicodeDecodeError():
            reason = Reason.BAD_UTF8
            detail = f"byte {error.object[error.start]:#04x} at {error.start:,}: {error.reason}"
        case _:
            reason, detail = Reason.PROCESSING_FAILED, f"{type(error).__name__}: {error}"
    return reason, printable(detail)
