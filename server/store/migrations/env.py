"""How Alembic runs our migrations: on the connection that server.store.migrate hands over, in its transaction."""

from alembic import context

from server.store.tables.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
