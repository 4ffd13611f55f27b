"""From what went wrong with one record to a bounded reason. Runs for bad records only."""

import re

import msgspec

from stream.events.rejections import Defect, printable
from stream.events.screen import BadRecordError

__all__ = ["diagnose"]

_NOT_A_NUMBER = re.compile(rb'"amount"\s*:\s*[-+]?(?:NaN|Infinity|inf)', re.IGNORECASE)

# How msgspec words a violation, and where: the first pattern found decides.
_REASONS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"at `\$\.identifiers(\.\w+)?`$", Defect.BAD_IDENTIFIER),
        (r"^Object missing required field", Defect.MISSING_FIELD),
        (r"^Invalid enum value .* at `\$\.name`$", Defect.UNKNOWN_NAME),
        (r"of length [<>]=", Defect.WRONG_LENGTH),
        (r"^(Expected `float` [<>]=|Number out of range) .*at `\$\.amount`$", Defect.BAD_AMOUNT),
        (r"^Number out of range .*at `\$\.occurred_at`$", Defect.TIMESTAMP_OUT_OF_RANGE),
        (r"^(Invalid RFC3339|Expected `datetime` with a timezone)", Defect.BAD_TIMESTAMP),
    )
)


def diagnose(error: Exception, value: bytes | None) -> tuple[Defect, str]:
    """Return the reason and the detail for `error`, raised while the record with `value` was decoded.

    Whatever is not a known way to be bad is `Defect.PROCESSING_FAILED`: a defect of ours, to be logged.
    """
    match error:
        case BadRecordError():
            reason, detail = error.reason, error.detail
        case msgspec.ValidationError():
            detail = str(error)
            reason = next((why for pattern, why in _REASONS if pattern.search(detail)), Defect.WRONG_TYPE)
        case msgspec.DecodeError():
            reason, detail = Defect.MALFORMED_JSON, str(error)
            if _NOT_A_NUMBER.search(value or b""):
                reason = Defect.BAD_AMOUNT
        case UnicodeDecodeError():
            reason = Defect.BAD_UTF8
            detail = f"byte {error.object[error.start]:#04x} at {error.start:,}: {error.reason}"
        case _:
            reason, detail = Defect.PROCESSING_FAILED, f"{type(error).__name__}: {error}"
    return reason, printable(detail)
