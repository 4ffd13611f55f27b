"""Which fields of records identify or describe a person.

Every field of every contract is here once, by the name of the contract (`stream.cli.contracts`); a test asks for it.
Declared fields of event types say it in their declaration, and outputs of the document describe a person unless it is
said otherwise here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import fields

from stream.catalogue.customer_record import CustomerRecord
from stream.catalogue.declaring import Personal
from stream.catalogue.events import EVENT_TYPES

__all__ = ["PERSONAL"]


def _fields(*, identifies: str = "", describes: str = "", not_personal: str = "") -> Mapping[str, Personal]:
    said = {
        Personal.IDENTIFIES: identifies,
        Personal.DESCRIBES: describes,
        Personal.NOT_PERSONAL: not_personal,
    }
    return MappingProxyType({field: personal for personal, names in said.items() for field in names.split()})


def _event(*, identifies: str = "", describes: str, not_personal: str = "") -> Mapping[str, Personal]:
    """An event: what all have in common, and its own fields. Shops may make ids of anything, so ids identify."""
    return _fields(
        identifies=f"customer_id identifiers event_id {identifies}",
        describes=f"occurred_at channel name {describes}",
        not_personal=not_personal,
    )


_DECLARED: Final = {
    f"{declared.name}-event": MappingProxyType(
        {**_event(describes=""), **{field.name: field.personal for field in declared.fields}}
    )
    for declared in EVENT_TYPES.values()
    if declared.fields
}
_OUTPUTS: Final = dict.fromkeys((field.encode_name for field in fields(CustomerRecord)), Personal.DESCRIBES)

#: Contract -> field -> what it says of a person.
PERSONAL: Final[Mapping[str, Mapping[str, Personal]]] = MappingProxyType(
    {
        "click-event": _event(identifies="session_id url", describes="product_id category"),
        "email-event": _event(identifies="message_id", describes="campaign_id machine_open text"),
        "purchase-event": _event(identifies="order_id", describes="amount currency items coupon"),
        "feedback-event": _event(
            identifies="order_id ticket_id text",
            describes="scale value language product_id survey_id category",
        ),
        "interaction-event": _event(identifies="referred_id text", describes="place product_id language"),
        "consent-event": _event(describes="purpose contact_channel source", not_personal="version text"),
        "alert": _fields(
            identifies="alert_id customer_id",
            describes="kind severity sentence days_since_order usual_gap_days risk risk_from risk_sure previous_risk "
            "cause cleared_by segment value_at_risk reasons logit rest calm remedy heard occurred_at emitted_at",
            not_personal="threshold baseline model_version",
        ),
        "segment-change": _fields(
            identifies="change_id customer_id",
            describes="segment_from segment_to reason occurred_at emitted_at",
            not_personal="model_version",
        ),
        "stage-change": _fields(
            identifies="change_id customer_id",
            describes="from to cause why since days_since_order usual_gap_days occurred_at emitted_at",
        ),
        "customer": MappingProxyType(
            {**_OUTPUTS, **_fields(identifies="customer_id merged_into", not_personal="model_version")}
        ),
        "identity-link": _fields(identifies="link_id one other by", describes="name occurred_at"),
        "privacy-request": _fields(
            identifies="ids pseudonyms receipt", not_personal="request_id asked_at opened_at found"
        ),
        "assignment": _fields(identifies="id steps"),
        "feedback-text": _fields(
            identifies="text_id customer_id text",
            describes="occurred_at name language product_id channel mood category",
        ),
        "action": _fields(
            identifies="action_id customer_id alert_id actor note event_id",
            describes="action occurred_at category",
        ),
        "notification": _fields(
            identifies="alert_id customer_id",
            describes="outcome reason arm kind cause segment risk value_at_risk occurred_at at",
            not_personal="channel rule attempts digest",
        ),
        "offer-decision": _fields(
            identifies="decision_id customer_id",
            describes="offer channel drawn held_out propensities context order_value expected_gain why decided_at",
            not_personal="margin cost discount window_days",
        ),
        "points-movement": _fields(identifies="movement_id customer_id note", describes="name points occurred_at"),
        "customer-recommendations": _fields(identifies="customer_id", describes="as_of again also goes_with"),
        "training-example": _fields(
            identifies="example_id customer_id",
            describes="at_ms matured_at_ms x risk logit churned purchases spend weight others",
            not_personal="model_version",
        ),
        "arrival-note": _fields(identifies="id customer_id", describes="up_to_ms", not_personal="version edition"),
        **_DECLARED,
    }
)
