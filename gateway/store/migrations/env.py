"""What Alembic runs: the migrations on the connection, and in the transaction, that ``gateway.store.schema`` opened."""

from alembic import context

from gateway.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
