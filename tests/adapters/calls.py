"""Calls of providers and their events, in a shape that tests can compare."""

import json
from typing import Any

from stream.adapters import Call, Native, Translation, adapters_of
from stream.client.event_contract import Draft, EventContract
from stream.settings import Settings

__all__ = ["NOW_MS", "call", "events", "translate"]

#: Later than every example.
NOW_MS = 1_900_000_000_000


def call(body: object, **headers: str) -> Call:
    """A post of ``body`` as JSON; ``_`` in the names of headers stands for ``-``."""
    return Call({name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode(), NOW_MS)


def translate(adapter: str, made: Call, **settings: Any) -> list[Translation]:
    return adapters_of(Settings(**settings))[adapter].translate(made)


def events(adapter: str, body: object, headers: dict[str, str] | None = None, **settings: Any) -> list[dict[str, Any]]:
    """The native events in a call; all of its events must be ones that the workers accept."""
    made = Call(headers or {}, json.dumps(body).encode(), NOW_MS)
    natives = translate(adapter, made, **settings)
    drafts = [Draft(native.value(), native.event_type) for native in natives if isinstance(native, Native)]
    assert len(drafts) == len(natives), natives
    admitted = EventContract(Settings()).admit(drafts, NOW_MS)
    assert admitted.rejections == []
    return [{"type": str(draft.event_type), **json.loads(draft.value)} for draft in drafts]
