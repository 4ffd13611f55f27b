"""The body of a request: within its limits, and cut into events."""

import asyncio
from http import HTTPStatus

import msgspec
from aiohttp import web

from stream.ingest.refusal import Refusal

__all__ = ["read_body", "values_of"]

_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


async def read_body(request: web.Request, *, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body, decompressed. Raises `Refusal` if it is too large or takes too long."""
    too_large = Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {max_bytes:,} bytes are accepted", unread=True
    )
    if (request.content_length or 0) > max_bytes:
        raise too_large
    try:
        async with asyncio.timeout(timeout_s):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT, "timeout", f"the body had not arrived after {timeout_s:g} s", unread=True
        ) from None
    except web.RequestPayloadError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", f"the body cannot be read: {error}", unread=True) from error


def values_of(body: bytes, content_type: str, max_events: int) -> list[bytes]:
    """The events of a body: a JSON object, an array of them, or with its media type a line each (NDJSON).

    Raises `Refusal` if it is none of these, has no event, or more than ``max_events``.
    """
    if content_type in _NDJSON:
        values = [line for line in body.splitlines() if line.strip()]
    elif body.lstrip()[:1] == b"[":
        try:
            values = [bytes(value) for value in _ARRAY.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", f"the body is no JSON array: {error}") from error
    else:
        values = [body] if body.strip() else []
    if not values:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "malformed", "expected a JSON object, an array of them or NDJSON; got none"
        )
    if len(values) > max_events:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_many_events",
            f"{len(values):,} events; at most {max_events:,} are accepted in a request",
        )
    return values
