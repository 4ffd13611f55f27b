"""The AsyncAPI document is valid AsyncAPI 3.0, current, and agrees with the program."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from stream.catalogue.declaring import Topic
from stream.catalogue.topics import TOPICS
from stream.cli.asyncapi import asyncapi, text
from stream.cli.contracts import CONTRACTS, UNIONS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.features.registry import FEATURE_NAMES
from stream.online_models.example import Label, Observation, encode_example
from stream.settings import Settings
from tests.cli.test_kafka_commands import ALERT

ROOT = Path(__file__).parents[1]
CONTRACT_FILES = ROOT / "docs" / "contracts"
DOCUMENT: dict[str, Any] = yaml.safe_load((CONTRACT_FILES / "asyncapi.yaml").read_text("utf-8"))
OFFICIAL = json.loads((ROOT / "tests" / "asyncapi" / "asyncapi-3.0.0.schema.json").read_bytes())
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def violations(document: object) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(OFFICIAL).iter_errors(document)]


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for child in node.values() for found in references(child)]
    return [found for child in node for found in references(child)] if isinstance(node, list) else []


def resolve(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    target: Any = json.loads((CONTRACT_FILES / file).read_bytes()) if file else DOCUMENT
    for part in filter(None, pointer.split("/")):
        target = target[part]
    return target


def validator(payload: dict[str, Any]) -> Draft202012Validator:
    """A validator of a message's payload, with the files that it refers to."""
    registry: Registry[Any] = Registry().with_resources(
        (f"./{name}.schema.json", DRAFT202012.create_resource(resolve(f"./{name}.schema.json")))
        for name in (*CONTRACTS, *UNIONS)
    )
    # References into the document are resolved in the schema itself.
    schema = {**payload, "components": DOCUMENT["components"]}
    return Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_committed_document_is_that_of_the_code() -> None:
    committed = (CONTRACT_FILES / "asyncapi.yaml").read_text("utf-8")
    assert committed == text(), "run: python -m stream.cli.asyncapi docs/contracts/asyncapi.yaml"
    assert asyncapi() == DOCUMENT


def test_the_document_is_valid_asyncapi() -> None:
    assert violations(DOCUMENT) == []


@pytest.mark.parametrize(
    "change",
    [
        {"asyncapi": "2.6.0"},
        {"info": {}},
        {"channels": {"x": {"address": 5}}},
        {"operations": {"x": {"action": "publish", "channel": {"$ref": "#/channels/x"}}}},
        {"colour": "red"},
    ],
)
def test_the_official_schema_notices_mistakes(change: dict[str, object]) -> None:
    assert violations({**DOCUMENT, **change})


def test_every_topic_is_a_channel_with_its_partitions() -> None:
    found = {
        channel["address"]: channel["bindings"]["kafka"]["partitions"] for channel in DOCUMENT["channels"].values()
    }
    assert found == Settings().topics
    assert {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()} == {
        f"#/channels/{topic}" for topic in Settings().topics
    }


def test_every_reference_resolves_and_every_contract_is_used() -> None:
    found = references(DOCUMENT)
    for reference in found:
        assert resolve(reference)
    assert {f"./{name}.schema.json#/$defs/{contract.__name__}" for name, contract in CONTRACTS.items()} <= {*found}


def test_a_topic_without_a_contract_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = Topic("visits", "visit-count", ("send",), "How often customers came.")
    monkeypatch.setattr("stream.cli.asyncapi.TOPICS", {**TOPICS, visits.name: visits})
    monkeypatch.setattr(Settings, "topics", {**Settings().topics, visits.name: 1})
    with pytest.raises(ValueError, match="topic visits has the message visit-count, which has no contract"):
        asyncapi()


@pytest.mark.parametrize("event_type", list(EventType))
def test_the_examples_of_events_are_accepted_by_schema_and_decoder(event_type: EventType) -> None:
    message = MESSAGES[f"{event_type}-event"]
    for example in message["examples"]:
        validator(message["payload"]).validate(example["payload"])
        record = _ExampleRecord(example["payload"])
        assert Decoder().decode(event_type, [record]).rejections == []
    assert not validator(message["payload"]).is_valid({"event_id": "e-1"})


class _ExampleRecord:
    timestamp = 1_900_000_000_000
    offset = 0
    headers = ()

    def __init__(self, payload: dict[str, Any]) -> None:
        self.key = payload["customer_id"].encode()
        self.value = json.dumps(payload).encode()


def test_other_examples_and_real_records_fit_their_messages() -> None:
    for message in MESSAGES.values():
        for example in message.get("examples", []):
            validator(message["payload"]).validate(example["payload"])
    for name in ("alert", "undelivered-alert"):
        validator(MESSAGES[name]["payload"]).validate(json.loads(msgspec.json.encode(ALERT)))
    training = validator(MESSAGES["training-example"]["payload"])
    observation = Observation(example_id="c@1", customer_id="c", at_ms=1, x=[1] * len(FEATURE_NAMES))
    label = Label(
        example_id="c@1:label",
        customer_id="c",
        at_ms=1,
        matured_at_ms=2,
        x=[1] * len(FEATURE_NAMES),
        risk=None,
        model_version=0,
        churned=True,
        purchases=0,
        spend=0.0,
    )
    for example in (observation, label):
        training.validate(json.loads(encode_example(example)))
    assert not training.is_valid({"kind": "observation"})
