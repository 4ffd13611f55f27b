"""Lists of customers that people have named."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "desk_filters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("fields", sa.LargeBinary, nullable=False),
        sa.Column("saved_by", sa.Text, nullable=False),
        sa.Column("saved_ms", sa.BigInteger, nullable=False),
    )
