"""The AsyncAPI 3.0 document of all topics: ``python -m stream.cli.asyncapi docs/contracts/asyncapi.yaml``.

Payloads are the JSON Schemas beside it (`stream.cli.contracts`).
"""

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from stream.alerts.alert_records import SegmentChange, cloud_event_headers
from stream.catalogue.events import EVENT_TYPES
from stream.catalogue.outputs import CUSTOMER_VERSION
from stream.catalogue.topics import TOPICS
from stream.cli.contracts import CONTRACTS
from stream.events.dead_letters import HEADER_PREFIX
from stream.settings import Settings

__all__ = ["asyncapi", "text"]

BINDING_VERSION: Final = "0.5.0"
#: Of the contracts. A major version may take something away, a minor one only adds.
_VERSION: Final = "1.0.0"
_HEAD: Final = "# Written by: python -m stream.cli.asyncapi docs/contracts/asyncapi.yaml\n"


class _Channel(NamedTuple):
    """One topic as others see it. ``message``: a contract's file name, or a message of `_messages`."""

    name: str
    message: str
    actions: tuple[str, ...]
    what: str


def _channels(settings: Settings) -> tuple[_Channel, ...]:
    events = (
        _Channel(settings.topic_of(event_type), f"{event_type}-event", ("receive",), declared.description)
        for event_type, declared in EVENT_TYPES.items()
    )
    others = (
        _Channel(f"{settings.topic_prefix}{topic.name}", topic.message, topic.actions, topic.description)
        for topic in TOPICS.values()
    )
    return (*events, *others)


_EXAMPLE: Final = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": "2026-01-02T03:04:05Z"}
_EXAMPLES: Final[dict[str, dict[str, object]]] = {
    **{f"{event_type}-event": {**_EXAMPLE, **declared.example} for event_type, declared in EVENT_TYPES.items()},
    "action": {
        "action_id": "a-1",
        "customer_id": "c-1",
        "action": "contacted",
        "occurred_at": "2026-01-02T03:04:05Z",
        "actor": "crm",
    },
}
_TEXT: Final = {"type": "string"}
_CONTENT_TYPE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"content-type": {"type": "string", "const": "application/json"}},
}
_VERSIONED: Final = {
    "type": "object",
    "properties": {**_CONTENT_TYPE["properties"], "schema-version": {"type": "string", "const": str(CUSTOMER_VERSION)}},
}
_DEAD_LETTER_HEADERS: Final = ("topic", "partition", "offset", "reason", "detail", "at")


def _cloud_events() -> dict[str, Any]:
    """Headers of alerts and segment changes: CloudEvents 1.0, Kafka binding, binary mode."""
    some = SegmentChange(
        change_id="",
        customer_id="",
        segment_from=None,
        segment_to="",
        reason="",
        model_version=0,
        occurred_at="",
        emitted_at="",
    )
    names = [name for name, _ in cloud_event_headers(some)]
    return {"type": "object", "properties": dict.fromkeys(names, _TEXT), "required": names}


def _dead_letter(*more: str) -> dict[str, Any]:
    names = [f"{HEADER_PREFIX}{name}" for name in (*_DEAD_LETTER_HEADERS, *more)]
    return {"type": "object", "properties": dict.fromkeys(names, _TEXT), "required": names}


def _messages() -> dict[str, dict[str, Any]]:
    headers = {
        **dict.fromkeys((f"{event_type}-event" for event_type in EVENT_TYPES), _CONTENT_TYPE),
        **dict.fromkeys(("alert", "segment-change"), _cloud_events()),
        "stage-change": _CONTENT_TYPE,
        "customer": _VERSIONED,
    }
    messages: dict[str, dict[str, Any]] = {}
    for name, contract in CONTRACTS.items():
        messages[name] = {
            "title": contract.__name__,
            "summary": cleandoc(contract.__doc__ or "").partition("\n")[0],
            **({"headers": headers[name]} if name in headers else {}),
            "payload": {"$ref": f"./{name}.schema.json#/$defs/{contract.__name__}"},
            **({"examples": [{"payload": _EXAMPLES[name]}]} if name in _EXAMPLES else {}),
        }
    messages["training-example"] = {
        "title": "TrainingExample",
        "summary": "What a landmark sends to the trainer, and the label that follows.",
        "payload": {"$ref": "./training-example.schema.json"},
    }
    messages["arrival-note"] = {
        "title": "ArrivalNote",
        "summary": "Who an id is, or that its events have waited long enough. Events beside it are as in their topics.",
        "payload": {"$ref": "./arrival-note.schema.json"},
    }
    messages["dead-letter"] = {
        "title": "DeadLetter",
        "summary": "The original record, any bytes; key and value may be null.",
        "contentType": "application/octet-stream",
        "headers": _dead_letter(),
        "payload": {},
    }
    messages["undelivered-alert"] = {
        "title": "UndeliveredAlert",
        "summary": "The original alert; headers say why no delivery succeeded.",
        "headers": _dead_letter("channel", "attempts"),
        "payload": messages["alert"]["payload"],
    }
    key = {"kafka": {"key": {**_TEXT, "description": "the customer"}, "bindingVersion": BINDING_VERSION}}
    return {name: {"name": name, **message, "bindings": key} for name, message in messages.items()}


def asyncapi() -> dict[str, Any]:
    """Return the document; topics and partitions are those of the default settings.

    Raises ValueError when a topic names a message that has no contract.
    """
    settings = Settings()
    topics, messages = _channels(settings), _messages()
    for topic in topics:
        if topic.message not in messages:
            raise ValueError(
                f"topic {topic.name} has the message {topic.message}, which has no contract: add one to "
                "stream.cli.contracts.CONTRACTS, or write a message of this name in stream.cli.asyncapi"
            )
    channels = {
        topic.name: {
            "address": topic.name,
            "description": topic.what,
            "messages": {topic.message: {"$ref": f"#/components/messages/{topic.message}"}},
            "bindings": {"kafka": {"partitions": settings.topics[topic.name], "bindingVersion": BINDING_VERSION}},
        }
        for topic in topics
    }
    operations = {
        f"{action}-{topic.name.replace('.', '-')}": {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}
        for topic in topics
        for action in topic.actions
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "customer-stream",
            "version": _VERSION,
            "description": "Customer events in; alerts, segment changes and what became of notifications out. The key"
            " of every record is the customer; records of a customer are in order. Names of topics may have a prefix,"
            " and the number of partitions is a setting.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {"host": "localhost:9092", "protocol": "kafka", "description": "The setting kafka_bootstrap."}
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def text() -> str:
    """Return the document as YAML, without anchors."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    return _HEAD + yaml.dump(asyncapi(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), "utf-8")
