"""The tables of the directory. A change here needs a migration in ``stream/directory/migrations/versions``.

Times are ms since the epoch, UTC; money is in 1/MONEY_SCALE of the base currency. Days are those of the shop, ISO 8601.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

__all__ = [
    "CHOSEN",
    "METADATA",
    "campaigns",
    "channels",
    "customers",
    "mailings",
    "offsets",
    "orders",
    "persons",
    "run",
    "timeline",
    "totals",
]

METADATA: Final = MetaData()

#: Compared by bytes, so that pages come in the same order from every database.
_Id: Final = Text().with_variant(Text(collation="C"), "postgresql")

#: One row: what the rows were folded by, and who may write. ``token`` is of the last claim.
run: Final = Table(
    "directory_run",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("folded", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
)

#: The next record of each partition.
offsets: Final = Table(
    "directory_offsets",
    METADATA,
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition"),
)

#: Everything that happened to a customer, each thing once; ``source``: type of the event, ``alert``, ``action``,
#: ``stage``. ``id``: a 48-bit hash of the id that makes it known again.
timeline: Final = Table(
    "directory_timeline",
    METADATA,
    Column("customer_id", _Id, nullable=False),
    Column("source", _Id, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("channel", Text),
    Column("order_id", Text),
    Column("amount", BigInteger),
    Column("detail", JSON(none_as_null=True)),
    PrimaryKeyConstraint("customer_id", "source", "id"),
)
Index("directory_timeline_at", timeline.c.customer_id, timeline.c.at_ms, timeline.c.source, timeline.c.id)

#: Every id of which a link tells: to whom it belongs (``person``; itself, if it is a customer of its own), and what it
#: remembers (``node``, JSON of `stream.identity.links.Node`). An id of another customer has no rows but this one and
#: those of the timeline: what came under it is in the rows of that customer. ``document``: the columns of the newest
#: document of such an id, for when it becomes a customer of its own again.
persons: Final = Table(
    "directory_persons",
    METADATA,
    Column("customer_id", _Id, primary_key=True),
    Column("person", _Id, nullable=False),
    Column("node", Text, nullable=False),
    Column("document", JSON(none_as_null=True)),
)
Index("directory_persons_person", persons.c.person, persons.c.customer_id)

#: What is known of a customer: from the events of all ids of the person, and from the customer's newest document (null
#: before there is one).
customers: Final = Table(
    "directory_customers",
    METADATA,
    Column("customer_id", _Id, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("first_ms", BigInteger),
    Column("last_ms", BigInteger),
    Column("orders", BigInteger, nullable=False),
    Column("spend", BigInteger, nullable=False),
    Column("first_order_ms", BigInteger),
    Column("last_order_ms", BigInteger),
    Column("as_of_ms", BigInteger),
    Column("document_events", BigInteger),
    Column("stage", Text),
    Column("stage_since_ms", BigInteger),
    Column("stage_why", Text),
    Column("tier", Text),
    Column("segment", Text),
    Column("risk", Float),
    Column("value_at_risk", BigInteger),
    Column("expected_spend", BigInteger),
    Column("lifetime_value", BigInteger),
    Column("usual_gap_days", Float),
    Column("next_order_ms", BigInteger),
    Column("next_order_from_ms", BigInteger),
    Column("next_order_until_ms", BigInteger),
    Column("unsubscribed_ms", BigInteger),
    Column("alert", Boolean),
    Column("reasons", JSON(none_as_null=True)),
)
# Every order of a list has an index with all that lists are chosen by: to find the first that meet rare conditions, a
# database then goes through the index alone, and not through a million rows.
#: By what lists are chosen and ordered.
CHOSEN: Final = ("customer_id", "stage", "tier", "segment", "risk", "value_at_risk", "spend", "last_order_ms")
for _name in ("customer_id", "spend", "last_order_ms", "risk", "value_at_risk"):
    _columns = dict.fromkeys((_name, *CHOSEN))
    Index(f"directory_customers_by_{_name}", *(customers.c[_column] for _column in _columns))
# whom to contact: those of a stage, who stand together in no other order
for _name in ("spend", "last_order_ms", "risk", "value_at_risk"):
    Index(f"directory_customers_stage_{_name}", customers.c.stage, customers.c[_name], customers.c.customer_id)
# how many are in several groups at once; each group begins one of them
for _groups in (("stage", "tier", "segment"), ("tier", "segment"), ("segment", "stage")):
    Index(f"directory_customers_{'_'.join(_groups)}", *(customers.c[_name] for _name in (*_groups, "customer_id")))

#: How often a customer came by a channel that the events name.
channels: Final = Table(
    "directory_channels",
    METADATA,
    Column("customer_id", _Id, nullable=False),
    Column("channel", _Id, nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("customer_id", "channel"),
)
Index("directory_channels_channel", channels.c.channel, channels.c.customer_id)

#: Orders as all that was told of them leaves them. ``amount``: before refunds, null where none is told.
#: ``completed_ms``: null for a refund or a cancellation of an order that nobody told of.
orders: Final = Table(
    "directory_orders",
    METADATA,
    Column("customer_id", _Id, nullable=False),
    Column("order_id", _Id, nullable=False),
    Column("completed_ms", BigInteger),
    Column("amount", BigInteger),
    Column("refunded", BigInteger, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("items", JSON(none_as_null=True)),
    PrimaryKeyConstraint("customer_id", "order_id"),
)

#: The campaigns of which a customer got mail, and what followed: see `stream.directory.mailings.Mailing`.
mailings: Final = Table(
    "directory_mailings",
    METADATA,
    Column("customer_id", _Id, nullable=False),
    Column("campaign", _Id, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("clicked", Boolean, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("revenue", BigInteger, nullable=False),
    PrimaryKeyConstraint("customer_id", "campaign"),
)

#: Sums of all customers by campaign: see `stream.directory.mailings.Campaign`.
campaigns: Final = Table(
    "directory_campaigns",
    METADATA,
    Column("campaign", _Id, primary_key=True),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("customers", "opened", "clicked", "buyers", "orders", "revenue")
    ),
)

#: Sums of all customers by month and week, see `stream.directory.purchases.Metric`.
totals: Final = Table(
    "directory_totals",
    METADATA,
    Column("grain", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("begin", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("grain", "metric", "begin", "key"),
)
