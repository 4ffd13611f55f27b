"""The tables of the desk. A change here needs a migration in ``stream/directory/migrations/desk_versions``.

Times are ms since the epoch, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

__all__ = ["METADATA", "actions", "notes"]

METADATA: Final = MetaData()

#: What people recorded. ``record``: the action as the topic has it, published from ``publish_ms`` on;
#: ``claimed_ms``: since when it can no longer be undone; ``published_ms``: when Kafka confirmed it.
actions: Final = Table(
    "desk_actions",
    METADATA,
    Column("action_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("publish_ms", BigInteger, nullable=False),
    Column("claimed_ms", BigInteger),
    Column("published_ms", BigInteger),
)
Index("desk_actions_customer", actions.c.customer_id, actions.c.recorded_ms)
Index("desk_actions_publish", actions.c.published_ms, actions.c.publish_ms)

#: Who looks after a customer, and until when nobody wants to be reminded of them.
notes: Final = Table(
    "desk_notes",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("assigned_to", Text),
    Column("snoozed_until_ms", BigInteger),
)
