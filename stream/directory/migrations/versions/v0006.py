"""Indexes of a stage in every order of a list, and of customers who are in three groups at once."""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLE = "directory_customers"


def upgrade() -> None:
    op.drop_index(f"{_TABLE}_stage", _TABLE)
    op.drop_index(f"{_TABLE}_stage_tier", _TABLE)
    for name in ("spend", "last_order_ms", "risk", "value_at_risk"):
        op.create_index(f"{_TABLE}_stage_{name}", _TABLE, ["stage", name, "customer_id"])
    op.create_index(f"{_TABLE}_stage_tier_segment", _TABLE, ["stage", "tier", "segment", "customer_id"])
