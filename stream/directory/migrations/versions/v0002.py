"""Indexes of customers who are in two groups at once."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for one, other in (("stage", "tier"), ("stage", "segment"), ("tier", "segment")):
        op.create_index(f"directory_customers_{one}_{other}", "directory_customers", [one, other, "customer_id"])
