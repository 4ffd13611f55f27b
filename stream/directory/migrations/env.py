"""What Alembic runs: migrations on the connection, and in the transaction, of `stream.directory.migrating`."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=attributes["tables"].version_table,
    # of both databases, as `stream.directory.database` begins transactions itself
    transactional_ddl=True,
)
context.run_migrations()
