"""Campaigns, and what followed them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _count(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "directory_mailings",
        *(sa.Column(name, _ID, nullable=False) for name in ("customer_id", "campaign")),
        _count("at_ms"),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("opened", "clicked")),
        *(_count("orders"), _count("revenue")),
        sa.PrimaryKeyConstraint("customer_id", "campaign"),
    )
    op.create_table(
        "directory_campaigns",
        sa.Column("campaign", _ID, primary_key=True),
        *(_count("first_ms"), _count("last_ms", nullable=True)),
        *(_count(name) for name in ("customers", "opened", "clicked", "buyers", "orders", "revenue")),
    )
