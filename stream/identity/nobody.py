"""Values that programs write where they know nobody. Joining by them would make one customer of all visitors."""

from typing import Final

__all__ = ["is_nobody"]

_NOBODY: Final = frozenset(
    (
        *("null", "nil", "none", "undefined", "nan", "n/a", "na", "empty", "unknown", "missing", "not set", "-1"),
        *("guest", "anonymous", "anon", "visitor", "default", "test", "testing", "not_authenticated"),
        *("true", "false", "id", "user", "userid", "user_id", "customer", "customer_id", "email", "phone"),
        *("distinct_id", "distinctid", "anonymous_id", "anonymousid", "object object", "noreply", "no-reply"),
    )
)
_WRAPPING: Final = " \t\"'()[]{}<>"


def is_nobody(text: str) -> bool:
    """Whether a value is a placeholder: empty, a word such as ``null`` or ``guest``, or nothing but zeros.

    >>> [is_nobody(text) for text in ("undefined", "[object Object]", "00000000-0000-0000-0000-000000000000", "c-10")]
    [True, True, True, False]
    """
    return text.strip(_WRAPPING).casefold() in _NOBODY or not any(char.isalnum() and char != "0" for char in text)
