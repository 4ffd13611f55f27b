"""JSON Schemas of what the program reads and publishes, for producers and consumers in any language.

``python -m stream.cli.contracts docs/contracts`` writes them again after a change of the contract.
"""

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from stream.alerts.action_records import Action
from stream.alerts.alert_records import Alert, SegmentChange, StageChange
from stream.catalogue.customer_record import CustomerRecord
from stream.catalogue.events import SCALES
from stream.catalogue.outputs import CUSTOMER_VERSION
from stream.events.model import CONTRACT_OF, FeedbackEvent, InteractionEvent, PurchaseEvent
from stream.features.registry import FEATURES
from stream.identity.arrival_notes import ArrivalNote
from stream.identity.assignments import Assignment
from stream.identity.records import IdentityLink
from stream.notifications.notification_records import Notification
from stream.offering.offer_records import OfferDecision
from stream.online_models.example import Label, Observation, Overdue
from stream.points.point_records import PointsMovement
from stream.privacy.request_records import PrivacyRequest
from stream.recommending.published_lists import CustomerRecommendations
from stream.texts.text_records import FeedbackText

__all__ = ["CONTRACTS", "UNIONS", "export", "schema_of", "schema_of_union"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

#: File name (without ``.schema.json``) and type of each contract.
CONTRACTS: Final[dict[str, type[msgspec.Struct]]] = {
    **{f"{event_type}-event": contract for event_type, contract in CONTRACT_OF.items()},
    "alert": Alert,
    "segment-change": SegmentChange,
    "stage-change": StageChange,
    "customer": CustomerRecord,
    "identity-link": IdentityLink,
    "assignment": Assignment,
    "feedback-text": FeedbackText,
    "privacy-request": PrivacyRequest,
    "action": Action,
    "notification": Notification,
    "offer-decision": OfferDecision,
    "points-movement": PointsMovement,
    "customer-recommendations": CustomerRecommendations,
}

#: Contracts whose records are one of several objects.
UNIONS: Final[dict[str, Any]] = {
    "training-example": Observation | Label | Overdue,
    "arrival-note": ArrivalNote,
}

#: An amount has a currency; that of a cancelled order is not counted.
_PURCHASE_RULE: Final = {
    "if": {
        "properties": {"name": {"enum": ["completed", "refunded"]}, "amount": {"type": "number"}},
        "required": ["amount"],
    },
    "then": {"required": ["currency"], "properties": {"currency": {"type": "string"}}},
}

_SCORED: Final[dict[str, Any]] = {
    "required": ["scale", "value"],
    "properties": {"scale": {"type": "string"}, "value": {"type": "number"}},
}
#: A score is on its scale, and only `rated` needs one.
_FEEDBACK_RULES: Final = [
    {"if": {"properties": {"name": {"const": "rated"}}}, "then": _SCORED},
    {"if": {"properties": {"scale": {"type": "string"}}, "required": ["scale"]}, "then": _SCORED},
    {"if": {"properties": {"value": {"type": "number"}}, "required": ["value"]}, "then": _SCORED},
    *(
        {
            "if": {"properties": {"scale": {"const": name}}, "required": ["scale"]},
            "then": {"properties": {"value": {"minimum": scale.low, "maximum": scale.high}}},
        }
        for name, scale in SCALES.items()
    ),
]
_LABEL_RULE: Final = {
    "if": {"properties": {"action": {"const": "labelled"}}, "required": ["action"]},
    "then": {
        "required": ["event_id", "category"],
        "properties": {"event_id": {"type": "string"}, "category": {"type": "string"}},
    },
}
_REFERRAL_RULE: Final = {
    "if": {"properties": {"name": {"const": "referred"}}},
    "then": {"required": ["referred_id"], "properties": {"referred_id": {"type": "string"}}},
}


def schema_of_union(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one of `UNIONS`."""
    schema: dict[str, Any] = {"$schema": DIALECT, **msgspec.json.schema(UNIONS[name])}
    for part in schema["$defs"].values():
        part["description"] = cleandoc(part["description"])
    return schema


def schema_of(contract: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a contract."""
    schema: dict[str, Any] = {"$schema": DIALECT, **msgspec.json.schema(contract)}
    if contract is PurchaseEvent:
        schema["$defs"][contract.__name__] |= _PURCHASE_RULE
    if contract is FeedbackEvent:
        schema["$defs"][contract.__name__]["allOf"] = _FEEDBACK_RULES
    if contract is InteractionEvent:
        schema["$defs"][contract.__name__] |= _REFERRAL_RULE
    if contract is Action:
        schema["$defs"][contract.__name__] |= _LABEL_RULE
    if contract is Alert:
        # what is written has every field; the defaults are for reading what earlier versions wrote
        body = schema["$defs"][contract.__name__]
        body["required"] = list(body["properties"])
        for field in body["properties"].values():
            field.pop("default", None)
    if contract is CustomerRecord:
        schema["title"] = f"Customer document, version {CUSTOMER_VERSION}"
        schema["$defs"][contract.__name__]["properties"]["features"]["properties"] = {
            feature.name: {"type": "number", "description": f"{feature.description} ({feature.unit})"}
            for feature in FEATURES
        }
    for part in schema["$defs"].values():
        if "description" in part:
            part["description"] = cleandoc(part["description"])
    return schema


def export(directory: Path) -> list[Path]:
    """Write the schema of every contract to `directory`, which is created, and return the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    schemas = {name: schema_of(contract) for name, contract in CONTRACTS.items()}
    for name, schema in {**schemas, **{name: schema_of_union(name) for name in UNIONS}}.items():
        path = directory / f"{name}.schema.json"
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        path.write_bytes(orjson.dumps(schema, option=options))
        written.append(path)
    return written


if __name__ == "__main__":
    for file in export(Path(sys.argv[1])):
        sys.stdout.write(f"{file}\n")
