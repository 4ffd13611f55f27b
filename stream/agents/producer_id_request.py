"""The request for a producer's id, also in a later version: some brokers refuse the first, all that aiokafka has."""

from __future__ import annotations

from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response  # type: ignore[import-untyped]
from aiokafka.protocol.transaction import InitProducerIdRequest_v0  # type: ignore[import-untyped]
from aiokafka.protocol.types import (  # type: ignore[import-untyped]
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

__all__ = ["ProducerIdRequest"]

#: Of no transaction.
_TIMEOUT_MS = 60_000
_NONE_BEFORE = -1


class _Response_v3(Response):  # type: ignore[misc]  # noqa: N801 - untyped; named as those of aiokafka
    API_KEY = 22
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _Request_v3(RequestStruct):  # type: ignore[misc]  # noqa: N801 - untyped; named as those of aiokafka
    API_KEY = 22
    API_VERSION = 3
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Response_v3
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class ProducerIdRequest(Request[InitProducerIdRequest_v0 | _Request_v3]):  # type: ignore[misc]  # untyped
    """An id for a producer that has none, and begins no transactions."""

    API_KEY = 22

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is _Request_v3:
            return _Request_v3(None, _TIMEOUT_MS, _NONE_BEFORE, _NONE_BEFORE, {})
        return InitProducerIdRequest_v0(None, _TIMEOUT_MS)
