"""Every table and which of its columns are of people: those of the directory, of the console, and of imports.

A test goes over the tables of the programs, so a new table or column says here whose data it has.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stream.catalogue.declaring import Personal, Retention
from stream.catalogue.register import MACHINE, OWNER, Store

__all__ = ["COLUMNS", "TABLE_STORES"]

_ADMIN: Final = "admins of the console; who may run `stream` or read the database"
_WHO_ACTED: Final = "to show who saw data of customers, and who did what"


def _columns(*, identifies: str = "", describes: str = "", not_personal: str = "") -> Mapping[str, Personal]:
    said = {Personal.IDENTIFIES: identifies, Personal.DESCRIBES: describes, Personal.NOT_PERSONAL: not_personal}
    return MappingProxyType({name: personal for personal, names in said.items() for name in names.split()})


#: Table -> column -> what it says of a person: a customer, or whoever uses the console.
COLUMNS: Final[Mapping[str, Mapping[str, Personal]]] = MappingProxyType(
    {
        "directory_run": _columns(not_personal="id version zone generation token folded skipped"),
        "directory_offsets": _columns(not_personal="topic partition next_offset"),
        "directory_totals": _columns(not_personal="grain metric begin key value"),
        "directory_customers": _columns(
            identifies="customer_id",
            describes="events first_ms last_ms orders spend first_order_ms last_order_ms as_of_ms document_events "
            "stage stage_since_ms stage_why tier segment risk value_at_risk expected_spend lifetime_value "
            "usual_gap_days next_order_ms next_order_from_ms next_order_until_ms unsubscribed_ms alert reasons",
        ),
        "directory_timeline": _columns(
            identifies="customer_id id order_id", describes="source at_ms name channel amount detail"
        ),
        "directory_orders": _columns(
            identifies="customer_id order_id", describes="completed_ms amount refunded cancelled items"
        ),
        "directory_channels": _columns(identifies="customer_id", describes="channel events"),
        "directory_mailings": _columns(
            identifies="customer_id", describes="campaign at_ms opened clicked orders revenue"
        ),
        "directory_persons": _columns(identifies="customer_id person node", describes="document"),
        "directory_campaigns": _columns(
            not_personal="campaign first_ms last_ms customers opened clicked buyers orders revenue"
        ),
        "desk_actions": _columns(
            identifies="action_id customer_id record recorded_by",
            describes="kind recorded_ms",
            not_personal="publish_ms claimed_ms published_ms",
        ),
        "desk_notes": _columns(identifies="customer_id assigned_to", describes="snoozed_until_ms"),
        "desk_users": _columns(identifies="name subject", describes="role made_ms password_hash"),
        "desk_sessions": _columns(identifies="name secret_hash", describes="began_ms seen_ms"),
        "desk_audit": _columns(identifies="who customer_id", describes="at_ms what detail", not_personal="number"),
        "desk_tokens": _columns(not_personal="name token_hash scopes made_ms"),
        "desk_filters": _columns(identifies="saved_by", describes="saved_ms", not_personal="name fields"),
        "contact": _columns(identifies="customer_id name email phone address", describes="marketing seen_ms"),
        "booked": _columns(identifies="order_key body", not_personal="shop"),
        "newest": _columns(identifies="customer_id", describes="at_ms", not_personal="shop"),
        "alias": _columns(identifies="customer customer_id", not_personal="shop"),
        "witness": _columns(identifies="customer_id", not_personal="shop topic partition offset_"),
    }
)

#: By table, of those that have data of people.
TABLE_STORES: Final = MappingProxyType(
    {
        "directory_customers": Store(
            "directory, table directory_customers",
            "what is known of each customer",
            "to look customers up",
            OWNER,
            Retention.NEWEST,
        ),
        "directory_timeline": Store(
            "directory, table directory_timeline",
            "what happened to each customer: events, alerts, actions, stages",
            "to look customers up",
            OWNER,
            Retention.ERASED,
        ),
        "directory_orders": Store(
            "directory, table directory_orders",
            "orders of each customer",
            "to look customers up",
            OWNER,
            Retention.ERASED,
        ),
        "directory_channels": Store(
            "directory, table directory_channels",
            "by what channels each customer comes",
            "to look customers up",
            OWNER,
            Retention.NEWEST,
        ),
        "directory_mailings": Store(
            "directory, table directory_mailings",
            "of what campaigns each customer got mail, and how much they ordered then",
            "to show what followed a campaign",
            OWNER,
            Retention.ERASED,
        ),
        "directory_persons": Store(
            "directory, table directory_persons",
            "which ids are one person",
            "to count and show each person once",
            OWNER,
            Retention.ERASED,
        ),
        "desk_actions": Store(
            "console, table desk_actions",
            "what people recorded of customers, with their notes, and who it was",
            "to know what was done for a customer, and not to do it twice",
            OWNER,
            Retention.RECORDED,
        ),
        "desk_notes": Store(
            "console, table desk_notes",
            "who looks after a customer, and until when nobody is reminded",
            "to have one person look after a customer",
            OWNER,
            Retention.NEWEST,
        ),
        "desk_users": Store(
            "console, table desk_users",
            "staff: names, which are e-mail addresses where a provider tells them, roles, hashes of passwords",
            "to let in who may use the console",
            _ADMIN,
            Retention.ACCOUNTS,
        ),
        "desk_sessions": Store(
            "console, table desk_sessions",
            "staff: which browsers are logged in, since when, and when they were seen",
            "to let in who may use the console",
            _ADMIN,
            Retention.SESSIONS,
        ),
        "desk_audit": Store(
            "console, table desk_audit",
            "the audit trail: which of the staff saw or did what, and of which customer",
            _WHO_ACTED,
            _ADMIN,
            Retention.AUDIT,
        ),
        "desk_filters": Store(
            "console, table desk_filters",
            "lists of customers under a name, and who of the staff saved them",
            "to look at a list again",
            OWNER,
            Retention.REMOVED,
        ),
        "contact": Store(
            "contacts.sqlite in the data directory, table contact",
            "names, addresses and phone numbers of imported customers",
            "to call customers by their names",
            MACHINE,
            Retention.NEWEST,
        ),
        **{
            table: Store(
                f"imports.sqlite in the data directory, table {table}",
                what,
                "to count an order that is imported again once",
                MACHINE,
                Retention.NEWEST,
            )
            for table, what in {
                "booked": "imported orders: customer, time, amount",
                "newest": "when each imported customer ordered last",
                "alias": "customer numbers of the export, and the ids that they became",
                "witness": "the last imported event of a shop, with its customer",
            }.items()
        },
    }
)
