"""How Alembic reaches the records: the same engine that the controller uses."""

from alembic import context

from controller.records import cluster, exchange  # noqa: F401 - their tables join the metadata
from controller.records.session import open_records
from controller.records.tables import Base

engine = open_records(context.config.attributes["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
