"""Web forms, which some providers send in place of JSON."""

from typing import Final
from urllib.parse import parse_qsl

from stream.adapters.adapter import Call
from stream.adapters.json_fields import MalformedError

__all__ = ["FORM", "fields_of", "form"]

FORM: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 1000


def fields_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, in its order. Raises `MalformedError` for what is none.

    >>> fields_of(b"type=cleaned&data%5Bemail%5D=ann%40example.com")
    [('type', 'cleaned'), ('data[email]', 'ann@example.com')]
    """
    try:
        text = body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedError(f"the body is not a web form: {error}") from error


def form(call: Call) -> dict[str, str]:
    """The fields of a call that is a form. Raises `MalformedError` for what is none."""
    return dict(fields_of(call.body))
