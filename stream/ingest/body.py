"""The body of a request: within its limits, unpacked, and cut into events."""

import asyncio
import zlib
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from stream.ingest.budget import Lease
from stream.ingest.refusal import Refusal

__all__ = ["encoding_of", "is_form", "read_body", "values_of"]

_NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_UNDERSTOOD: Final = "gzip, deflate"
#: Arguments of zlib: the format of gzip; that of zlib, which HTTP calls deflate; deflate without a wrapper.
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
#: The low half of the first byte of zlib's format.
_ZLIB_METHOD: Final = 8


def encoding_of(request: web.Request) -> str:
    """How the body is packed: ``gzip``, ``deflate`` or empty. Raises `Refusal` for anything else."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if encoding in {"", "identity"}:
        return ""
    if encoding in _GZIP:
        return "gzip"
    if encoding == "deflate":
        return encoding
    raise Refusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported_encoding",
        f"the body is packed in a way that is not understood: send it as it is, or as {_UNDERSTOOD}",
        unread=True,
        headers={"Accept-Encoding": _UNDERSTOOD},
    )


async def read_body(request: web.Request, lease: Lease, *, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body, unpacked; what it takes is counted in ``lease``.

    Raises `Refusal` if it is too large, takes too long, is cut short or finds no room.
    """
    encoding = encoding_of(request)
    too_large = Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {max_bytes:,} bytes are accepted", unread=True
    )
    if (request.content_length or 0) > max_bytes:
        raise too_large
    await _invite(request)
    received = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while chunk := await request.content.readany():
                if len(received) + len(chunk) > max_bytes:
                    raise too_large
                lease.take(len(chunk))
                received += chunk
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT, "timeout", f"the body had not arrived after {timeout_s:g} s", unread=True
        ) from None
    except web.RequestPayloadError as error:
        # the text of the error repeats what was sent
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "malformed", "the body is cut short or is not HTTP", unread=True
        ) from error
    if not encoding:
        return bytes(received)
    body = _unpacked(bytes(received), encoding, max_bytes, too_large)
    lease.take(len(body))
    return body


async def _invite(request: web.Request) -> None:
    """Tell a client that waits for it (``Expect: 100-continue``) to send the body."""
    if request.version == HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # what is written so far is no part of the answer
        request.writer.output_size = 0


def _unpacked(packed: bytes, encoding: str, max_bytes: int, too_large: Refusal) -> bytes:
    """All members of ``packed``; at most ``max_bytes`` are ever unpacked."""
    bits = _GZIP_BITS
    if encoding == "deflate":
        bits = _ZLIB_BITS if packed[:1] and packed[0] & 0x0F == _ZLIB_METHOD else _RAW_BITS
    body = bytearray()
    rest = packed
    try:
        while rest:
            member = zlib.decompressobj(bits)
            body += member.decompress(rest, max_bytes - len(body) + 1)
            if len(body) > max_bytes:
                raise too_large
            if not member.eof:
                raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", f"the {encoding} body is cut short")
            rest = member.unused_data
    except zlib.error as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", f"the body is no {encoding}") from error
    return bytes(body)


def is_form(body: bytes, content_type: str) -> bool:
    """Whether a body is a web form. JSON that is only called one, as curl does without being told, is none."""
    return content_type in _FORMS and body.lstrip()[:1] not in {b"{", b"["}


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
            raise Refusal(HTTPStatus.BAD_REQUEST, "malformed", f"the body is not JSON array: {error}") from error
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
