"""What Alembic runs: migrations on the connection, and in the transaction, of `stream.directory.migrating`."""

from alembic import context

from stream.directory.migrating import VERSION_TABLE
from stream.directory.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # of both databases, as `stream.directory.database` begins transactions itself
    transactional_ddl=True,
)
context.run_migrations()
