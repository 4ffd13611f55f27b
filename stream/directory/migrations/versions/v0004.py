"""Which ids are one person."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "directory_persons",
        sa.Column("customer_id", _ID, primary_key=True),
        sa.Column("person", _ID, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=True),
    )
    op.create_index("directory_persons_person", "directory_persons", ["person", "customer_id"])
