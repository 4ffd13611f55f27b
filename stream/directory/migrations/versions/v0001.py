"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, _ID, nullable=False)


def _count(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "directory_run",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        _text("zone"),
        sa.Column("generation", sa.Integer, nullable=False),
        _text("token"),
        _count("folded"),
        _count("skipped"),
    )
    op.create_table(
        "directory_offsets",
        _text("topic"),
        sa.Column("partition", sa.Integer, nullable=False),
        _count("next_offset"),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    op.create_table(
        "directory_timeline",
        *(_id("customer_id"), _id("source"), _count("id"), _count("at_ms"), _text("name")),
        *(_text("channel", nullable=True), _text("order_id", nullable=True), _count("amount", nullable=True)),
        sa.Column("detail", sa.JSON),
        sa.PrimaryKeyConstraint("customer_id", "source", "id"),
    )
    op.create_index("directory_timeline_at", "directory_timeline", ["customer_id", "at_ms", "source", "id"])
    _create_customers()
    op.create_table(
        "directory_channels",
        *(_id("customer_id"), _id("channel"), _count("events")),
        sa.PrimaryKeyConstraint("customer_id", "channel"),
    )
    op.create_index("directory_channels_channel", "directory_channels", ["channel", "customer_id"])
    op.create_table(
        "directory_orders",
        *(_id("customer_id"), _id("order_id"), _count("completed_ms", nullable=True), _count("amount", nullable=True)),
        *(_count("refunded"), sa.Column("cancelled", sa.Boolean, nullable=False), sa.Column("items", sa.JSON)),
        sa.PrimaryKeyConstraint("customer_id", "order_id"),
    )
    op.create_table(
        "directory_totals",
        *(_text("grain"), _text("metric"), _text("begin"), _text("key"), _count("value")),
        sa.PrimaryKeyConstraint("grain", "metric", "begin", "key"),
    )


def _create_customers() -> None:
    op.create_table(
        "directory_customers",
        sa.Column("customer_id", _ID, primary_key=True),
        *(_count("events"), _count("first_ms", nullable=True), _count("last_ms", nullable=True)),
        *(_count("orders"), _count("spend")),
        *(_count("first_order_ms", nullable=True), _count("last_order_ms", nullable=True)),
        *(_count("as_of_ms", nullable=True), _count("document_events", nullable=True)),
        *(_text("stage", nullable=True), _count("stage_since_ms", nullable=True), _text("stage_why", nullable=True)),
        *(_text("tier", nullable=True), _text("segment", nullable=True), sa.Column("risk", sa.Float)),
        *(_count(name, nullable=True) for name in ("value_at_risk", "expected_spend", "lifetime_value")),
        sa.Column("usual_gap_days", sa.Float),
        *(_count(name, nullable=True) for name in ("next_order_ms", "next_order_from_ms", "next_order_until_ms")),
        *(_count("unsubscribed_ms", nullable=True), sa.Column("alert", sa.Boolean), sa.Column("reasons", sa.JSON)),
    )
    for name in ("spend", "last_order_ms", "risk", "value_at_risk", "tier", "segment"):
        op.create_index(f"directory_customers_{name}", "directory_customers", [name, "customer_id"])
    op.create_index("directory_customers_stage", "directory_customers", ["stage", "value_at_risk", "customer_id"])
