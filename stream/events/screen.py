"""Guards on the raw bytes of a record, run before the JSON parser sees them.

msgspec skips over fields it does not know without checking that their bytes are UTF-8, and its limit on
nesting is what is left of the interpreter's stack: the same record could pass in one call and fail in
another. A replay must decide alike, so these guards decide first.
"""

import re
from typing import Final

from stream.events.rejections import Defect

__all__ = ["MAX_DEPTH", "BadRecordError", "screen"]

#: Deepest nesting of arrays and objects; the contract itself needs three.
MAX_DEPTH: Final = 32

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)
_ESCAPED_BACKSLASH_OR_PAIR = re.compile(rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class BadRecordError(Exception):
    """Carries a rejection out of the checks of one record; never leaves `stream.events`."""

    def __init__(self, reason: Defect, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def screen(value: bytes, max_bytes: int) -> None:
    """Refuse a value that is too large, not UTF-8, too deep or that escapes half a surrogate pair.

    Raises `BadRecordError`, or `UnicodeDecodeError`, which names the position.
    """
    if len(value) > max_bytes:
        raise BadRecordError(Defect.TOO_LARGE, f"{len(value):,} bytes; at most {max_bytes:,} are accepted")
    if not value.isascii():
        value.decode()
    if _is_too_deep(value):
        raise BadRecordError(Defect.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
    if b"\\ud" in value or b"\\uD" in value:
        lone = _SURROGATE.search(_ESCAPED_BACKSLASH_OR_PAIR.sub(b" ", value))
        if lone:
            raise BadRecordError(Defect.LONE_SURROGATE, f"{lone.group().decode()} is half of a surrogate pair")


def _is_too_deep(value: bytes) -> bool:
    openings = value.count(b"{") + value.count(b"[")
    if openings <= MAX_DEPTH:
        return False
    # An opening bracket right behind a closing one of its kind does not deepen. (Inside a string it opens
    # nothing, so not counting it is right there as well.) This clears orders of many items without a walk.
    if openings - value.count(b"},{") - value.count(b"}, {") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(value):
        if token.lastindex:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return False
