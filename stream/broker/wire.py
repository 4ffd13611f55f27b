"""Requests and answers as bytes. aiokafka, which this program has as a client, declares the structures of both."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any

from aiokafka.protocol import admin, commit, coordination, fetch, group, metadata, offset, produce, transaction  # type: ignore[import-untyped]
from aiokafka.protocol.struct import Struct  # type: ignore[import-untyped]
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String  # type: ignore[import-untyped]

from stream.broker.error_codes import Code

__all__ = ["API_VERSIONS", "MAX_FRAME_BYTES", "Request", "WireError", "frame", "read_request", "versions_answer"]

#: A longer request is none: a client of another protocol, or worse.
MAX_FRAME_BYTES = 128 * 1024 * 1024

#: API, version, correlation id, length of the client's id (-1: none)
_HEADER = struct.Struct(">hhih")


class WireError(ValueError):
    """A request that cannot be read: nothing sensible can follow on the connection."""


def _by_version(module: Any, name: str, first: int, last: int) -> dict[int, tuple[type[Struct], type[Struct]]]:
    """Structures of the versions; one that aiokafka does not list is like the one before (as in Kafka's protocol)."""
    found: dict[int, tuple[type[Struct], type[Struct]]] = {}
    for version in range(first, last + 1):
        request = getattr(module, f"{name}Request_v{version}", None)
        response = getattr(module, f"{name}Response_v{version}", None)
        before = found.get(version - 1)
        if request is None or response is None:
            if before is None:
                raise TypeError(f"aiokafka does not know {name} version {version}")
            request, response = before
        found[version] = (request, response)
    return found


class _AlterRequest(Struct):  # type: ignore[misc]  # aiokafka leaves it untyped
    """IncrementalAlterConfigs, which aiokafka does not have."""

    API_KEY, API_VERSION = 44, 0
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                ("configs", Array(("name", String("utf-8")), ("operation", Int8), ("value", String("utf-8")))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _AlterResponse(Struct):  # type: ignore[misc]
    API_KEY, API_VERSION = 44, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


#: Only versions without tagged fields: every client knows them, and aiokafka declares all their structures.
_STRUCTURES: Mapping[int, dict[int, tuple[type[Struct], type[Struct]]]] = MappingProxyType(
    {
        0: _by_version(produce, "Produce", 3, 7),
        1: _by_version(fetch, "Fetch", 4, 11),
        2: _by_version(offset, "Offset", 1, 3),
        3: _by_version(metadata, "Metadata", 0, 5),
        8: _by_version(commit, "OffsetCommit", 2, 3),
        9: _by_version(commit, "OffsetFetch", 1, 3),
        10: _by_version(coordination, "FindCoordinator", 0, 1),
        11: _by_version(group, "JoinGroup", 0, 5),
        12: _by_version(group, "Heartbeat", 0, 1),
        13: _by_version(group, "LeaveGroup", 0, 1),
        14: _by_version(group, "SyncGroup", 0, 3),
        15: _by_version(admin, "DescribeGroups", 0, 2),
        16: _by_version(admin, "ListGroups", 0, 2),
        18: _by_version(admin, "ApiVersion", 0, 2),
        19: _by_version(admin, "CreateTopics", 0, 3),
        20: _by_version(admin, "DeleteTopics", 0, 3),
        22: _by_version(transaction, "InitProducerId", 0, 0),
        32: _by_version(admin, "DescribeConfigs", 0, 2),
        42: _by_version(admin, "DeleteGroups", 0, 1),
        44: {0: (_AlterRequest, _AlterResponse)},
    }
)
_VERSIONS_KEY = 18

#: (API, first version, last version)
API_VERSIONS = tuple((key, min(versions), max(versions)) for key, versions in sorted(_STRUCTURES.items()))


@dataclass(frozen=True, slots=True)
class Request:
    """``body``: the structure that was sent, None for versions that are not known here."""

    key: int
    version: int
    correlation: int
    client: str
    body: Any

    def answer(self, **values: Any) -> bytes:
        """The frame of an answer: ``values`` by the names of its fields, those that its version does not have left out.

        What is left out of ``values`` is 0 (``throttle_time_ms`` and the like).
        """
        response = _STRUCTURES[self.key][self.version][1]
        names = response.SCHEMA.names
        return frame(self.correlation, response(*(values.get(name, 0) for name in names)).encode())


def frame(correlation: int, body: bytes) -> bytes:
    """Length, correlation id and body of an answer."""
    return struct.pack(">ii", len(body) + 4, correlation) + body


def read_request(raw: bytes) -> Request:
    """The request in a frame without its length. Raises `WireError`."""
    if len(raw) < _HEADER.size:
        raise WireError("it ends within its header")
    key, version, correlation, client_length = _HEADER.unpack_from(raw)
    at = _HEADER.size + max(client_length, 0)
    client = raw[_HEADER.size : at].decode(errors="replace")
    structures = _STRUCTURES.get(key, {})
    if version not in structures:
        if key != _VERSIONS_KEY:
            raise WireError(f"API {key} is not supported in version {version}")
        return Request(key, version, correlation, client, None)
    try:
        body = structures[version][0].decode(BytesIO(raw[at:]))
    except (ValueError, TypeError, struct.error) as error:
        raise WireError(f"it cannot be read: {error}") from error
    return Request(key, version, correlation, client, body)


def versions_answer(request: Request) -> bytes:
    """What is offered. A client that asks in a newer way is answered in the oldest, and then knows (KIP-511)."""
    if request.body is not None:
        return request.answer(error_code=Code.NONE, api_versions=[*API_VERSIONS])
    oldest = _STRUCTURES[_VERSIONS_KEY][0][1]
    return frame(request.correlation, oldest(Code.UNSUPPORTED_VERSION, [*API_VERSIONS]).encode())
