"""Indexes of every order of a list, with all that lists are chosen by."""

from alembic import op

revision = "0005"
down_revision = "0004"

_TABLE = "directory_customers"
_CHOSEN = ("stage", "tier", "segment", "risk", "value_at_risk", "spend", "last_order_ms")


def upgrade() -> None:
    for name in ("spend", "last_order_ms", "risk", "value_at_risk", "tier", "segment", "stage_segment"):
        op.drop_index(f"{_TABLE}_{name}", _TABLE)
    for name in ("customer_id", "spend", "last_order_ms", "risk", "value_at_risk"):
        op.create_index(f"{_TABLE}_by_{name}", _TABLE, [*dict.fromkeys((name, "customer_id", *_CHOSEN))])
    op.create_index(f"{_TABLE}_segment_stage", _TABLE, ["segment", "stage", "customer_id"])
